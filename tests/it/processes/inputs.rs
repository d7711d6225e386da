//! The standard input of processes.

use scenario_core::scenario::model::{CommandPreset, ScenarioText, StdinMode};
use scenario_log::event::{Source, SpawnExit};

use crate::processes::bench::{command, folder, open, sh, with, write_file};

#[test]
fn standard_input_arrives_whole() {
    let text = "x".repeat(300_000) + "\nend";
    write_file("input.txt", "from a file\n", 0o644);
    let commands = [
        sh("cat; echo eof"),
        CommandPreset { stdin: StdinMode::Text(ScenarioText::plain(&text)), ..sh("cat") },
        CommandPreset { stdin: StdinMode::Text(ScenarioText::plain(&text)), ..sh("exit 4") },
        CommandPreset { stdin: StdinMode::File("input.txt".into()), ..sh("cat") },
    ];
    with(&commands, async |bench| {
        assert_eq!(bench.story_of(0).await.text(), "eof\n");
        assert!(bench.story_of(1).await.text() == text);
        let careless = bench.story_of(2).await;
        assert_eq!((careless.exit, careless.unsent.len()), (Some(SpawnExit::Code(4)), 0));
        assert_eq!(bench.story_of(3).await.text(), "from a file\n");
    });
}

#[test]
fn a_process_that_never_reads_does_not_block_the_run() {
    let reads = open("while read line; do echo \"got $line\"; done");
    let deaf = open("echo deaf; exec sleep 600");
    let closed = open("exec <&-; echo closed; exec sleep 600");
    with(&[reads, deaf, closed, sh("echo null; exec sleep 600")], async |bench| {
        let [reads, deaf, closed, null] = [0, 1, 2, 3].map(|n| bench.start(n));
        for (source, words) in [(deaf, "deaf"), (closed, "closed"), (null, "null")] {
            bench.until_output(source, words).await;
        }
        for _ in 0..3 {
            bench.processes.send(deaf, vec![b'x'; 600_000]);
        }
        bench.processes.send(closed, b"hello\n".to_vec());
        bench.processes.send(null, b"hello\n".to_vec());
        bench.processes.send(reads, b"one\n".to_vec());
        bench.processes.send(reads, b"two\n".to_vec());
        bench.until_output(reads, "got two").await;
        bench.until(|all| [deaf, closed, null].iter().all(|source| !all[source].unsent.is_empty())).await;
        for source in [reads, deaf, closed, null] {
            bench.processes.kill(source);
        }
        bench.until_all_ended().await;
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
fn input_sent_before_the_start_arrives_after_it() {
    with(&[open("read line; echo \"got $line\""), command(&["no-such-program"])], async |bench| {
        // More than start in one turn.
        let sources: Vec<Source> = (0..50).map(|_| bench.start(0)).collect();
        for source in &sources {
            bench.processes.send(*source, b"it\n".to_vec());
        }
        bench.until_all_ended().await;
        assert!(sources.iter().all(|source| bench.story(*source).text() == "got it\n"));
    });
}

#[test]
fn a_fifo_without_a_writer_does_not_block_the_start() {
    let fifo = folder().join("fifo");
    let _ = std::fs::remove_file(&fifo);
    std::process::Command::new("mkfifo").arg(&fifo).status().expect("made");
    with(&[CommandPreset { stdin: StdinMode::File("fifo".into()), ..sh("cat; echo end") }], async |bench| {
        assert_eq!(bench.story_of(0).await.text(), "end\n");
    });
}
