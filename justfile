# Short names for what is done often. `just --list` shows them.

# All checks that need no test: formatting, lints, and the scenarios of the project
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo run --locked --quiet -- check scenarios/*.toml

# All tests, or those with NAME in their name: just test three_waves
test NAME="":
    cargo test --locked {{NAME}}

# Write the golden files anew: the schemas, the pages, the errors of files, the reports
update:
    cargo run --locked --quiet -- schema scenario > target/scenario.schema.json
    cp target/scenario.schema.json schema/scenario.schema.json
    cargo run --locked --quiet -- schema event > target/event.schema.json
    cp target/event.schema.json schema/event.schema.json
    UPDATE=1 cargo test --locked --no-fail-fast

# Run the program: just run run scenarios/three_waves.toml
run *ARGUMENTS:
    cargo run --locked --release -- {{ARGUMENTS}}

# All benches, or one of them: just bench log
bench *NAME:
    cargo bench --locked {{ if NAME == "" { "" } else { "--bench " + NAME } }}

# Build the book of docs/ (needs mdbook)
book:
    mdbook build docs

# Everything that must hold before a change lands
ci:
    .ci/run
