//! Processes as the driver meets them: real ones, started and stopped through the hands, on a
//! current-thread runtime. The tests are named after the rows of the faults they show.
//!
//! The children are `sh` and coreutils, which are wherever the tests run and start in a millisecond;
//! a fixture binary would have to be built and found.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use scenario::hands::Context;
use scenario::hands::inbox::{Inbox, Seen};
use scenario::hands::process::Processes;
use scenario::scenario::interval::Interval;
use scenario::scenario::model::{
    Command, Exits, Isolation, PlayerGroup, Players, Preset, PresetKind, Scenario, Stdin, Stop, Text,
};
use scenario::words::diagnostic::Place;
use scenario::words::event::{Direction, Exit, Source, Stream};
use scenario::words::name::NamePattern;
use scenario::words::secrets::Secrets;
use scenario::words::signal::Signal;
use scenario::words::time::Span;

/// A program with the contract's defaults, but for a grace that no test waits for.
fn command(argv: &[&str]) -> Command {
    Command {
        argv: argv.iter().map(|word| Text::plain(*word)).collect(),
        dir: None,
        env: BTreeMap::new(),
        clear_env: false,
        stdin: Stdin::Null,
        ready: None,
        pty: false,
        exits: Exits::Any,
        background: false,
        stop: Stop { signal: Signal::TERM, grace: Span::from_secs(60) },
        max_line: 64 << 10,
    }
}

fn sh(script: &str) -> Command {
    command(&["sh", "-c", script])
}

fn open(script: &str) -> Command {
    Command { stdin: Stdin::Open, ..sh(script) }
}

/// What is told of one process, in order.
#[derive(Debug, Default)]
struct Story {
    pid: Option<u32>,
    failure: Option<String>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    unsent: Vec<String>,
    exit: Option<Exit>,
}

impl Story {
    /// Takes what is told next, and sees to the order.
    fn goes_on(&mut self, seen: &Seen) {
        assert!(self.exit.is_none() && self.failure.is_none(), "after its end: {seen:?}");
        assert!(self.pid.is_some() || matches!(seen, Seen::Started { .. } | Seen::CouldNotStart { .. }));
        match seen {
            Seen::Started { pid, .. } => assert_eq!(self.pid.replace(*pid), None, "started once"),
            Seen::CouldNotStart { error, .. } => self.failure = Some(error.clone()),
            Seen::Exited { exit, .. } => self.exit = Some(*exit),
            Seen::NotSent { error, .. } => self.unsent.push(error.clone()),
            Seen::Lines { stream: Stream::Stdout, chunk, .. } => self.stdout.extend_from_slice(chunk),
            Seen::Lines { stream: Stream::Stderr, chunk, .. } => self.stderr.extend_from_slice(chunk),
            other => panic!("not from a process: {other:?}"),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    fn is_over(&self) -> bool {
        self.exit.is_some() || self.failure.is_some()
    }
}

/// A driver without an engine.
struct Bench {
    inbox: Rc<Inbox>,
    processes: Processes,
    stories: BTreeMap<Source, Story>,
    started: u32,
}

impl Bench {
    /// Starts the `preset`th command.
    fn start(&mut self, preset: usize) -> Source {
        self.started += 1;
        let source = Source::Spawn(self.started);
        self.processes.start(source, preset, 0);
        source
    }

    fn story(&self, source: Source) -> &Story {
        &self.stories[&source]
    }

    /// Takes what is told until `enough`.
    async fn until(&mut self, mut enough: impl FnMut(&BTreeMap<Source, Story>) -> bool) {
        let mut taken = Vec::new();
        while !enough(&self.stories) {
            self.inbox.filled().await;
            self.inbox.take(&mut taken);
            for seen in taken.drain(..) {
                let (Seen::Started { source, .. }
                | Seen::CouldNotStart { source, .. }
                | Seen::Lines { source, .. }
                | Seen::Exited { source, .. }
                | Seen::NotSent { source, .. }) = &seen
                else {
                    panic!("not from a process: {seen:?}")
                };
                self.stories.entry(*source).or_default().goes_on(&seen);
                self.inbox.recycle(seen);
            }
        }
    }

    /// Takes what is told until all that were started are over.
    async fn until_over(&mut self) {
        let started = self.started as usize;
        self.until(|all| all.len() == started && all.values().all(Story::is_over)).await;
    }

    /// Takes what is told until a process has written `text` to its standard output.
    async fn until_says(&mut self, source: Source, text: &str) {
        self.until(|all| all.get(&source).is_some_and(|story| story.text().contains(text))).await;
    }

    /// Starts a command and gives its story when it is over.
    async fn story_of(&mut self, preset: usize) -> &Story {
        let source = self.start(preset);
        self.until_over().await;
        self.story(source)
    }
}

/// The folder of the tests' scenario.
fn folder() -> PathBuf {
    std::fs::canonicalize(env!("CARGO_TARGET_TMPDIR")).expect("cargo makes it")
}

/// Presets `p0`, `p1` … of these commands, and one of players behind them.
fn scenario(commands: &[Command]) -> Scenario {
    let preset = |(n, command): (usize, &Command)| Preset {
        name: format!("p{n}"),
        kind: PresetKind::Command(Box::new(command.clone())),
        place: Place::default(),
    };
    let john = PlayerGroup {
        name: NamePattern::new("john", 1),
        count: 1,
        moves: 1,
        every: Interval::Constant(Span::ZERO),
        directions: Direction::ALL.to_vec(),
    };
    let players = Preset {
        name: "players".to_owned(),
        kind: PresetKind::Players(Players { groups: vec![john], isolation: Isolation::Process }),
        place: Place::default(),
    };
    Scenario {
        name: "test".to_owned(),
        description: None,
        seed: None,
        tick: None,
        time_limit: None,
        vars: BTreeMap::new(),
        presets: commands.iter().enumerate().map(preset).chain([players]).collect(),
        fetches: Vec::new(),
        timeline: Vec::new(),
        expect: Vec::new(),
    }
}

fn with_secrets(commands: &[Command], secrets: Secrets, test: impl AsyncFnOnce(&mut Bench)) {
    let scenario = Rc::new(scenario(commands));
    let context = Context { scenario, folder: folder(), secrets, seed: 1, speed: 1.0 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let run = async {
        let inbox = Inbox::new();
        let processes = Processes::new(Rc::new(context), Rc::clone(&inbox), |_, _| String::new());
        let mut bench = Bench { inbox, processes, stories: BTreeMap::new(), started: 0 };
        // Not a bound on anything: it only ends a test that would never end.
        tokio::time::timeout(Duration::from_secs(120), test(&mut bench)).await.expect("an end");
    };
    runtime.expect("a runtime").block_on(tokio::task::LocalSet::new().run_until(run));
}

fn with(commands: &[Command], test: impl AsyncFnOnce(&mut Bench)) {
    with_secrets(commands, Secrets::default(), test);
}

/// The third field on of a process's `stat`; nothing if it is gone or a zombie.
fn stat(pid: &str) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).ok()?;
    let fields: Vec<String> = stat.rsplit(") ").next()?.split(' ').map(str::to_owned).collect();
    (fields[0] != "Z").then_some(fields)
}

/// Waits until a process is gone.
async fn gone(pid: &str) {
    while stat(pid).is_some() {
        tokio::task::yield_now().await;
    }
}

fn write_file(name: &str, content: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let path = folder().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(&path, content).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
}

fn path(path: &str) -> BTreeMap<String, Text> {
    BTreeMap::from([("PATH".to_owned(), Text::plain(path))])
}

#[test]
fn b01_what_cannot_be_started_is_told_apart() {
    write_file("no_line.sh", "echo hello\n", 0o755);
    write_file("not_executable.sh", "#!/bin/sh\n", 0o644);
    write_file("lost.sh", "#!/no/such/interpreter -x\n", 0o755);
    write_file("windows.sh", "#!/bin/sh\r\necho hello\r\n", 0o755);
    write_file("a_file", "", 0o644);
    let in_dir = |dir: &str| Command { dir: Some(dir.into()), ..sh("exit 0") };
    let reads = |file: &str| Command { stdin: Stdin::File(file.into()), ..sh("exit 0") };
    let home = folder().display().to_string();
    let rows = [
        (command(&["no-such-program"]), "there is no program `no-such-program` in any folder of PATH"),
        (command(&["./no_such"]), "there is no program `./no_such`"),
        (in_dir("no/such"), "/no/such` does not exist"),
        (in_dir("a_file"), "/a_file` is not a folder"),
        (command(&["./no_line.sh"]), "neither a program for this machine nor a script with an interpreter"),
        (command(&["./not_executable.sh"]), "`./not_executable.sh` is not executable"),
        (command(&["./lost.sh"]), "the interpreter `/no/such/interpreter` of `./lost.sh` does not exist"),
        (command(&["./windows.sh"]), "carriage return"),
        (command(&["./"]), "`./` is a folder, not a program"),
        (command(&["/dev/null"]), "`/dev/null` is not a file"),
        (command(&["sh", "-c", &"x".repeat(200_000)]), "arguments and environment of `sh` are too long"),
        (command(&["sh", "a\0b"]), "NUL"),
        (command(&[""]), "there is no program ``"),
        (reads("no_such_file"), "its standard input `no_such_file` cannot be read: No such file"),
        (reads("."), "its standard input `.` cannot be read: Is a directory"),
        (Command { env: path("/no/such:/etc"), ..command(&["a_file"]) }, "no program `a_file` in any"),
        (Command { env: path(&home), ..command(&["a_file"]) }, "a_file` is not executable"),
    ];
    let commands: Vec<Command> = rows.iter().map(|(command, _)| command.clone()).collect();
    with(&commands, async |bench| {
        for (n, (_, words)) in rows.iter().enumerate() {
            let story = bench.story_of(n).await;
            let failure = story.failure.as_deref().unwrap_or_default();
            assert!(failure.contains(words), "{n}: wanted `{words}`, got {story:?}");
        }
    });
}

#[test]
fn b01_a_program_is_found_where_the_contract_says() {
    write_file("bin/hello", "#!/bin/sh\necho \"hello from $PWD\"\n", 0o755);
    let commands = [
        // Relative to the scenario's folder, wherever it then works.
        Command { dir: Some("bin".into()), ..command(&["bin/hello"]) },
        Command { env: path("bin"), ..command(&["hello"]) },
        Command { clear_env: true, ..command(&["env"]) },
        Command { clear_env: true, env: path("/usr/bin:/bin"), ..command(&["env"]) },
        sh("cut -d' ' -f 1,5 /proc/$$/stat"),
    ];
    with(&commands, async |bench| {
        let home = folder().display().to_string();
        assert_eq!(bench.story_of(0).await.text(), format!("hello from {home}/bin\n"));
        assert_eq!(bench.story_of(1).await.text(), format!("hello from {home}\n"));
        assert_eq!(bench.story_of(2).await.text(), "");
        assert_eq!(bench.story_of(3).await.text(), "PATH=/usr/bin:/bin\n");
        let story = bench.story_of(4).await;
        let pid = story.pid.expect("it started");
        assert_eq!(story.text(), format!("{pid} {pid}\n"), "it leads its own group");
    });
}

#[test]
fn b02_every_exit_code_and_deadly_signal_is_told_as_it_was() {
    let deadly = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 64];
    let codes = (0..=255).map(|code| sh(&format!("exit {code}")));
    let signals = deadly.iter().map(|signal| sh(&format!("ulimit -c 0; kill -{signal} $$")));
    let commands: Vec<Command> = codes.chain(signals).collect();
    with(&commands, async |bench| {
        let sources: Vec<Source> = (0..commands.len()).map(|n| bench.start(n)).collect();
        bench.until_over().await;
        let exits: Vec<_> = sources.iter().filter_map(|source| bench.story(*source).exit).collect();
        let signal = |number: &i32| Exit::Signal(Signal::from_number(*number).expect("a signal"));
        let wanted: Vec<_> = (0..=255).map(Exit::Code).chain(deadly.iter().map(signal)).collect();
        assert_eq!(exits, wanted);
    });
}

#[test]
fn b03_who_ignores_term_is_killed_after_the_grace() {
    let stop = Stop { signal: Signal::TERM, grace: Span::from_millis(50) };
    let stubborn = sh("trap '' TERM; echo ready; while :; do sleep 60; done");
    let polite = sh("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 60 & wait; done");
    with(&[Command { stop, ..stubborn }, polite], async |bench| {
        let [stubborn, polite] = [bench.start(0), bench.start(1)];
        bench.until_says(stubborn, "ready").await;
        bench.until_says(polite, "ready").await;
        for source in [stubborn, polite, stubborn, polite] {
            bench.processes.stop(source);
        }
        bench.until_over().await;
        assert_eq!(bench.story(stubborn).exit, Some(Exit::Signal(Signal::KILL)));
        assert_eq!(bench.story(polite).exit, Some(Exit::Code(7)));
        assert_eq!(bench.story(polite).text(), "ready\nbye\n");
        // Over is over.
        bench.processes.stop(polite);
        bench.processes.kill(polite);
        bench.processes.clear().await;
        let mut more = Vec::new();
        bench.inbox.take(&mut more);
        assert!(more.is_empty(), "{more:?}");
    });
}

#[test]
fn b04_a_member_that_outlives_its_leader_is_killed_after_the_grace() {
    let stop = Stop { signal: Signal::TERM, grace: Span::from_millis(100) };
    let leader = sh("(trap '' TERM; echo here; while :; do sleep 600; done) & echo $!; wait");
    with(&[Command { stop, ..leader }], async |bench| {
        let source = bench.start(0);
        bench.until(|all| all.get(&source).is_some_and(|story| story.text().lines().count() == 2)).await;
        let text = bench.story(source).text();
        let member = text.lines().find(|line| *line != "here").expect("its number");
        bench.processes.stop(source);
        bench.until_over().await;
        assert_eq!(bench.story(source).exit, Some(Exit::Signal(Signal::TERM)));
        gone(member).await;
    });
}

#[test]
fn b05_grandchild_holds_the_pipe() {
    with(&[sh("echo before; sleep 600 & echo $!; exit 3")], async |bench| {
        let began = std::time::Instant::now();
        let source = bench.start(0);
        bench.until_over().await;
        assert!(began.elapsed() >= Duration::from_millis(500), "it is read on for half a second");
        assert_eq!(bench.story(source).exit, Some(Exit::Code(3)));
        let text = bench.story(source).text();
        let grandchild = text.strip_prefix("before\n").expect("what was written is there");
        assert!(stat(grandchild).is_some(), "it goes on until the end of the run");
        bench.processes.clear().await;
        assert!(stat(grandchild).is_none());
    });
}

#[test]
fn b05_what_was_written_before_the_exit_is_read_however_late() {
    // The inbox is full, and nobody takes anything out of it for longer than the drain lasts.
    with(&[sh("head -c 60000 /dev/zero; sleep 600 & exit 0")], async |bench| {
        let source = Source::Spawn(1);
        let chunk = vec![0; 8 << 20];
        bench.inbox.put(Seen::Lines { source, stream: Stream::Stderr, chunk, partial: false });
        bench.start(0);
        tokio::time::sleep(Duration::from_millis(700)).await;
        let mut full = Vec::new();
        bench.inbox.take(&mut full);
        bench.stories.insert(source, Story { pid: Some(1), ..Story::default() });
        bench.until_over().await;
        assert_eq!(bench.story(source).stdout.len(), 60_000);
        assert_eq!(bench.story(source).exit, Some(Exit::Code(0)));
        bench.processes.clear().await;
    });
}

#[test]
fn b06_a_daemon_is_found_and_ended_with_the_run() {
    if !is_prepared("b06_a_daemon_is_found_and_ended_with_the_run", "exec") {
        return;
    }
    // Two forks and a session of its own, and it lets go of the pipes.
    let daemon = "echo $$ >daemon.pid; exec sleep 600 <&- >&- 2>&-";
    let script = format!("(setsid sh -c '{daemon}; :' &) ; while ! test -s daemon.pid; do sleep 0.01; done");
    let _ = std::fs::remove_file(folder().join("daemon.pid"));
    with(&[sh(&script)], async |bench| {
        bench.processes.adopt();
        let story = bench.story_of(0).await;
        assert_eq!(story.exit, Some(Exit::Code(0)));
        let daemon = std::fs::read_to_string(folder().join("daemon.pid")).expect("it wrote its number");
        assert!(stat(&daemon).is_some(), "it goes on until the end of the run");
        bench.processes.clear().await;
        assert!(stat(&daemon).is_none());
        assert!(!std::path::Path::new("/proc").join(daemon.trim()).exists(), "nor is it a zombie");
    });
}

#[test]
fn b07_clear_leaves_nobody_of_a_family_that_goes_on_forking() {
    // It forks for longer than the test lasts, but not for ever: a test that is cut short must not
    // fill the machine.
    let branch = "for n in $(seq 100); do sh -c 'sleep 60 & sleep 60 & wait' & sleep 0.01; done";
    let family = sh(&format!("({branch}) & ({branch}) & ({branch}) & echo $$; exit 0"));
    with(&[family], async |bench| {
        let source = bench.start(0);
        bench.until_over().await;
        bench.processes.clear().await;
        let group = bench.story(source).text().trim().to_owned();
        let all = std::fs::read_dir("/proc").expect("listed").flatten();
        let members = all.filter_map(|process| stat(&process.file_name().to_string_lossy()));
        assert_eq!(members.filter(|fields| fields[2] == group).count(), 0);
    });
}

#[test]
fn b08_a_line_without_end_comes_in_parts() {
    const SIZE: usize = 256 << 20;
    with(&[sh(&format!("head -c {SIZE} /dev/zero"))], async |bench| {
        bench.start(0);
        let part = vec![0; 64 << 10];
        let (mut zeros, mut parts, mut exit) = (0, 0, None);
        let mut taken = Vec::new();
        // Not kept in a story: that would be as long as the line.
        while exit.is_none() {
            bench.inbox.filled().await;
            bench.inbox.take(&mut taken);
            for seen in taken.drain(..) {
                match &seen {
                    Seen::Lines { chunk, partial, .. } => {
                        assert!(chunk == &part);
                        zeros += chunk.len();
                        parts += usize::from(*partial);
                    }
                    Seen::Exited { exit: how, .. } => exit = Some(*how),
                    _ => {}
                }
                bench.inbox.recycle(seen);
            }
        }
        assert_eq!((exit, zeros, parts), (Some(Exit::Code(0)), SIZE, SIZE / (64 << 10) - 1));
    });
}

#[test]
fn b09_every_byte_comes_as_it_was() {
    let bytes = r"printf 'a\0b\r\n\033[31mred\033[0m\n\377\376\n\303'; sleep 0.02; printf '\251\nlast'";
    with(&[sh(bytes), sh(&format!("({bytes}) >&2"))], async |bench| {
        let wanted = b"a\0b\r\n\x1b[31mred\x1b[0m\n\xff\xfe\n\xc3\xa9\nlast";
        assert_eq!(bench.story_of(0).await.stdout, wanted);
        assert_eq!(bench.story_of(1).await.stderr, wanted);
    });
}

#[test]
fn b10_closed_outputs_are_no_exit() {
    with(&[open("echo one; exec >&- 2>&-; read line; exit 5")], async |bench| {
        let source = bench.start(0);
        bench.until_says(source, "one").await;
        // Time enough to take the closed pipes for the end.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        bench.until(|_| true).await;
        assert_eq!(bench.story(source).exit, None);
        bench.processes.send(source, b"go\n".to_vec());
        bench.until_over().await;
        assert_eq!(bench.story(source).exit, Some(Exit::Code(5)));
    });
}

#[test]
fn b11_a_flood_on_one_output_does_not_drown_the_other() {
    let flood = |to: &str, quiet: &str| {
        open(&format!("yes flood {to} & flood=$!; echo here {quiet}; read line; kill $flood; exit 0"))
    };
    with(&[flood(">&2", ""), flood("", ">&2")], async |bench| {
        for n in 0..2 {
            let source = bench.start(n);
            let both = |story: &Story| {
                let (flood, quiet) = match n {
                    0 => (&story.stderr, &story.stdout),
                    _ => (&story.stdout, &story.stderr),
                };
                flood.len() > 1 << 20 && quiet == b"here\n"
            };
            bench.until(|all| all.get(&source).is_some_and(both)).await;
            bench.processes.send(source, b"enough\n".to_vec());
            bench.until_over().await;
            assert_eq!(bench.story(source).exit, Some(Exit::Code(0)));
        }
    });
}

#[test]
fn b12_what_a_program_is_given_to_read_arrives() {
    let text = "x".repeat(300_000) + "\nend";
    write_file("input.txt", "from a file\n", 0o644);
    let commands = [
        sh("cat; echo eof"),
        Command { stdin: Stdin::Text(Text::plain(&text)), ..sh("cat") },
        Command { stdin: Stdin::Text(Text::plain(&text)), ..sh("exit 4") },
        Command { stdin: Stdin::File("input.txt".into()), ..sh("cat") },
    ];
    with(&commands, async |bench| {
        assert_eq!(bench.story_of(0).await.text(), "eof\n");
        assert!(bench.story_of(1).await.text() == text);
        let careless = bench.story_of(2).await;
        assert_eq!((careless.exit, careless.unsent.len()), (Some(Exit::Code(4)), 0));
        assert_eq!(bench.story_of(3).await.text(), "from a file\n");
    });
}

#[test]
fn b12_who_never_reads_what_it_is_sent_does_not_block_the_run() {
    let reads = open("while read line; do echo \"got $line\"; done");
    let deaf = open("echo deaf; exec sleep 600");
    let closed = open("exec <&-; echo closed; exec sleep 600");
    with(&[reads, deaf, closed, sh("echo null; exec sleep 600")], async |bench| {
        let [reads, deaf, closed, null] = [0, 1, 2, 3].map(|n| bench.start(n));
        for (source, words) in [(deaf, "deaf"), (closed, "closed"), (null, "null")] {
            bench.until_says(source, words).await;
        }
        for _ in 0..3 {
            bench.processes.send(deaf, vec![b'x'; 600_000]);
        }
        bench.processes.send(closed, b"hello\n".to_vec());
        bench.processes.send(null, b"hello\n".to_vec());
        bench.processes.send(reads, b"one\n".to_vec());
        bench.processes.send(reads, b"two\n".to_vec());
        bench.until_says(reads, "got two").await;
        bench.until(|all| [deaf, closed, null].iter().all(|source| !all[source].unsent.is_empty())).await;
        for source in [reads, deaf, closed, null] {
            bench.processes.kill(source);
        }
        bench.until_over().await;
        assert_eq!(bench.story(reads).unsent, [""; 0]);
        let [first, second, third] = &bench.story(deaf).unsent[..] else { panic!("three were not sent") };
        assert!(first.contains("600000 bytes are waiting"), "{first}");
        assert!(second.contains("600000 bytes are waiting"), "{second}");
        assert_eq!(third, "it reads its standard input no more");
        assert_eq!(bench.story(closed).unsent, ["it reads its standard input no more"]);
        assert_eq!(bench.story(null).unsent, ["its standard input is not open (`stdin = \"open\"`)"]);
    });
}

#[test]
fn b12_what_is_sent_at_once_waits_for_the_start() {
    with(&[open("read line; echo \"got $line\""), command(&["no-such-program"])], async |bench| {
        // More than start in one turn.
        let sources: Vec<Source> = (0..50).map(|_| bench.start(0)).collect();
        for source in &sources {
            bench.processes.send(*source, b"it\n".to_vec());
        }
        bench.until_over().await;
        assert!(sources.iter().all(|source| bench.story(*source).text() == "got it\n"));
    });
}

#[test]
fn b12_a_fifo_that_nobody_writes_to_does_not_block_the_start() {
    let fifo = folder().join("fifo");
    let _ = std::fs::remove_file(&fifo);
    std::process::Command::new("mkfifo").arg(&fifo).status().expect("made");
    with(&[Command { stdin: Stdin::File("fifo".into()), ..sh("cat; echo end") }], async |bench| {
        assert_eq!(bench.story_of(0).await.text(), "end\n");
    });
}

/// Runs a test again, alone in a process of its own that `sh` has prepared; true in that process.
fn is_prepared(test: &str, prepare: &str) -> bool {
    if std::env::var_os("SCENARIO_TEST_PREPARED").is_some() {
        return true;
    }
    let script = format!("{prepare} \"$0\" --exact {test} --nocapture");
    let again = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().expect("its path"))
        .env("SCENARIO_TEST_PREPARED", "1")
        .output()
        .expect("it runs");
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    false
}

#[test]
fn b13_without_descriptors_a_start_waits_for_another_to_end() {
    if !is_prepared("b13_without_descriptors_a_start_waits_for_another_to_end", "ulimit -n 30; exec") {
        return;
    }
    with(&[open("read line"), sh("exit 3")], async |bench| {
        let first: Vec<Source> = (0..40).map(|_| bench.start(0)).collect();
        let last = bench.start(1);
        bench.until(|all| all.len() >= 4).await;
        bench.processes.stop(last);
        bench.until(|all| all.contains_key(&last)).await;
        let failure = bench.story(last).failure.as_deref();
        assert_eq!(failure, Some("it was stopped before it could be started"));
        assert!(bench.stories.len() < 12, "{} at once with 30 descriptors", bench.stories.len());
        for source in first {
            bench.until(|all| all.get(&source).is_some_and(|story| story.pid.is_some())).await;
            bench.processes.send(source, b"go\n".to_vec());
        }
        bench.until_over().await;
        let ended = bench.stories.values().filter(|story| story.exit == Some(Exit::Code(0)));
        assert_eq!(ended.count(), 40);
        // And alone: nobody will make room.
        let held: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        let story = bench.story_of(1).await;
        drop(held);
        let failure = story.failure.as_deref().unwrap_or_default();
        assert!(failure.contains("limit of 30 descriptors"), "{story:?}");
    });
}

#[test]
fn b13_the_runner_takes_the_descriptors_it_may_have_and_passes_on_what_it_was_given() {
    let test = "b13_the_runner_takes_the_descriptors_it_may_have_and_passes_on_what_it_was_given";
    if !is_prepared(test, "ulimit -Hn 200; ulimit -Sn 30; exec") {
        return;
    }
    with(&[open("read line; ulimit -Sn")], async |bench| {
        let sources: Vec<Source> = (0..30).map(|_| bench.start(0)).collect();
        bench.until(|all| all.len() == 30).await;
        for source in &sources {
            bench.processes.send(*source, b"go\n".to_vec());
        }
        bench.until_over().await;
        assert!(sources.iter().all(|source| bench.story(*source).text() == "30\n"));
    });
}

#[test]
fn b14_a_thousand_at_once_are_all_started_and_others_have_their_turn() {
    with(&[open("read line")], async |bench| {
        let (mut turns, started) = (0, 1_000);
        for _ in 0..started {
            bench.start(0);
        }
        bench
            .until(|all| {
                turns += 1;
                all.len() == started
            })
            .await;
        assert!(turns > 100, "the loop turned {turns} times");
        for source in 1..=1_000 {
            bench.processes.send(Source::Spawn(source), b"go\n".to_vec());
        }
        bench.until_over().await;
        assert!(bench.stories.values().all(|story| story.exit == Some(Exit::Code(0))));
    });
}

#[test]
fn b15_who_has_stopped_itself_can_be_stopped_and_killed() {
    with(&[sh("echo $$; kill -STOP $$")], async |bench| {
        for signal in [Signal::TERM, Signal::KILL] {
            let source = bench.start(0);
            bench.until_says(source, "\n").await;
            let pid = bench.story(source).text();
            while stat(&pid).is_some_and(|fields| fields[0] != "T") {
                tokio::task::yield_now().await;
            }
            match signal {
                Signal::TERM => bench.processes.stop(source),
                _ => bench.processes.kill(source),
            }
            bench.until_over().await;
            assert_eq!(bench.story(source).exit, Some(Exit::Signal(signal)));
        }
    });
}

#[test]
fn b16_exits_within_a_millisecond_are_each_seen_once() {
    with(&[command(&["true"])], async |bench| {
        for _ in 0..20 {
            for _ in 0..100 {
                bench.start(0);
            }
            bench.until_over().await;
        }
        assert_eq!(bench.stories.len(), 2_000);
        assert!(bench.stories.values().all(|story| story.exit == Some(Exit::Code(0))));
    });
}

#[test]
fn b16_exits_are_seen_where_the_runner_was_told_to_ignore_them() {
    let test = "b16_exits_are_seen_where_the_runner_was_told_to_ignore_them";
    if is_prepared(test, "exec env --ignore-signal=CHLD") {
        let ignored = std::fs::read_to_string("/proc/self/status").expect("read");
        let ignored = ignored.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).expect("a line");
        assert_ne!(u64::from_str_radix(ignored, 16).expect("hexadecimal") & 1 << 16, 0, "it is prepared");
        with(&[sh("exit 9")], async |bench| {
            assert_eq!(bench.story_of(0).await.exit, Some(Exit::Code(9)));
        });
    }
}

#[test]
fn players_are_a_process_of_the_runner_itself() {
    // The runner is the test here, which does not know the words that it is called with, and says so.
    with(&[], async |bench| {
        let story = bench.story_of(0).await;
        let complaint = String::from_utf8_lossy(&story.stderr);
        assert!(complaint.contains("Unrecognized option: 'seed'"), "{complaint}");
        assert_eq!(story.exit, Some(Exit::Code(101)));
    });
}

#[test]
fn f05_no_secret_is_told() {
    let mut tells = sh("echo \"key $KEY and $KEY\"");
    tells.env.insert("KEY".to_owned(), Text::secret("hunter2hunter2", "[redacted]"));
    let missing =
        Command { argv: vec![Text::secret("/no/hunter2hunter2", "/no/[redacted]")], ..tells.clone() };
    with_secrets(&[tells, missing], Secrets::new(["hunter2hunter2"]), async |bench| {
        assert_eq!(bench.story_of(0).await.text(), "key [redacted] and [redacted]\n");
        let failure = bench.story_of(1).await.failure.as_deref();
        assert_eq!(failure, Some("there is no program `/no/[redacted]`"));
    });
}

#[test]
fn nobody_is_left_when_the_processes_are_dropped() {
    let mut pids = String::new();
    with(&[sh("sleep 600 & echo $! $$; wait")], async |bench| {
        let source = bench.start(0);
        bench.until_says(source, "\n").await;
        pids = bench.story(source).text();
    });
    assert_eq!(pids.split_whitespace().count(), 2);
    for pid in pids.split_whitespace() {
        while stat(pid).is_some() {
            std::thread::yield_now();
        }
    }
}
