//! The outputs of processes: all bytes, unchanged.

use std::time::Duration;

use scenario::io::inbox::Input;
use scenario_core::scenario::model::{CommandPreset, ScenarioText};
use scenario_log::event::{OutputStream, Source, SpawnExit};
use scenario_log::secrets::Secrets;

use crate::processes::bench::{Story, open, sh, with, with_secrets};

#[test]
fn output_before_the_exit_is_read_however_late() {
    // The inbox is full, and nothing is taken out of it for longer than the drain lasts.
    with(&[sh("head -c 60000 /dev/zero; sleep 600 & exit 0")], async |bench| {
        let source = Source::Spawn(1);
        let chunk = vec![0; 8 << 20];
        bench.inbox.push(Input::SpawnLines {
            source,
            stream: OutputStream::Stderr,
            chunk,
            said: None,
            partial: false,
        });
        bench.start(0);
        tokio::time::sleep(Duration::from_millis(700)).await;
        let mut full = Vec::new();
        bench.inbox.take_all(&mut full);
        bench.stories.insert(source, Story { pid: Some(1), ..Story::default() });
        bench.until_all_ended().await;
        assert_eq!(bench.story(source).stdout.len(), 60_000);
        assert_eq!(bench.story(source).exit, Some(SpawnExit::Code(0)));
        bench.processes.kill_remaining().await;
    });
}

#[test]
fn an_endless_line_comes_in_parts() {
    const SIZE: usize = 256 << 20;
    with(&[sh(&format!("head -c {SIZE} /dev/zero"))], async |bench| {
        bench.start(0);
        let part = vec![0; 64 << 10];
        let (mut zeros, mut parts, mut exit) = (0, 0, None);
        let mut taken = Vec::new();
        // Not kept in a story, which would be as long as the line.
        while exit.is_none() {
            bench.inbox.wait_for_input().await;
            bench.inbox.take_all(&mut taken);
            for seen in taken.drain(..) {
                match &seen {
                    Input::SpawnLines { chunk, partial, .. } => {
                        assert!(chunk == &part);
                        zeros += chunk.len();
                        parts += usize::from(*partial);
                    }
                    Input::SpawnExited { exit: how, .. } => exit = Some(*how),
                    _ => {}
                }
                bench.inbox.recycle(seen);
            }
        }
        assert_eq!((exit, zeros, parts), (Some(SpawnExit::Code(0)), SIZE, SIZE / (64 << 10) - 1));
    });
}

#[test]
fn every_byte_arrives_unchanged() {
    let bytes = r"printf 'a\0b\r\n\033[31mred\033[0m\n\377\376\n\303'; sleep 0.02; printf '\251\nlast'";
    with(&[sh(bytes), sh(&format!("({bytes}) >&2"))], async |bench| {
        let wanted = b"a\0b\r\n\x1b[31mred\x1b[0m\n\xff\xfe\n\xc3\xa9\nlast";
        assert_eq!(bench.story_of(0).await.stdout, wanted);
        assert_eq!(bench.story_of(1).await.stderr, wanted);
    });
}

#[test]
fn closed_outputs_are_not_taken_for_the_exit() {
    with(&[open("echo one; exec >&- 2>&-; read line; exit 5")], async |bench| {
        let source = bench.start(0);
        bench.until_output(source, "one").await;
        // Time enough for the closed pipes to be taken for the end.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        bench.until(|_| true).await;
        assert_eq!(bench.story(source).exit, None);
        bench.processes.send(source, b"go\n".to_vec());
        bench.until_all_ended().await;
        assert_eq!(bench.story(source).exit, Some(SpawnExit::Code(5)));
    });
}

#[test]
fn a_flood_on_one_output_does_not_drown_the_other() {
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
            bench.until_all_ended().await;
            assert_eq!(bench.story(source).exit, Some(SpawnExit::Code(0)));
        }
    });
}

#[test]
fn no_secret_is_reported() {
    let mut tells = sh("echo \"key $KEY and $KEY\"");
    tells.env.insert("KEY".to_owned(), ScenarioText::secret("hunter2hunter2", "[redacted]"));
    let missing = CommandPreset {
        argv: vec![ScenarioText::secret("/no/hunter2hunter2", "/no/[redacted]")],
        ..tells.clone()
    };
    with_secrets(&[tells, missing], Secrets::new(["hunter2hunter2"]), async |bench| {
        assert_eq!(bench.story_of(0).await.text(), "key [redacted] and [redacted]\n");
        let failure = bench.story_of(1).await.failure.as_deref();
        assert_eq!(failure, Some("there is no program `/no/[redacted]`"));
    });
}

#[test]
fn a_secret_over_the_edge_of_two_parts_of_a_line_is_in_neither() {
    let mut long = sh("printf '12345678 hunter2hunter2 x\\nab hunter2hunt'");
    long.max_line = 16;
    with_secrets(&[long], Secrets::new(["hunter2hunter2"]), async |bench| {
        assert_eq!(bench.story_of(0).await.text(), "12345678 [redacted] x\nab hunter2hunt");
    });
}
