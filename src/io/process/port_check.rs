//! Looks before the start of a program that is ready by a port or a URL whether another program takes connections there
//! already: the program could not listen there, and would count as ready because of the other one.
//!
//! Only a connection that succeeds counts, so that an address of another machine and the file of a socket on which
//! nobody listens are free. While a program of the same preset runs, nothing is looked at: that one may share its port.
//! Processes that end just now, such as the children of a program that is started again, have a moment to let go of
//! the port.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::io::http::probe::{ProbePeer, ProbeTarget};
use crate::io::process::registry::ProcessRegistry;
use crate::io::process::{SpawnNumber, port_holder};
use scenario_core::scenario::model::{HttpProbe, ProbeTest, ScenarioText};
use scenario_log::event::Source;

/// How long a connection may take. An address that answers later counts as free.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// The pauses after which a port that is taken is looked at again.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(10),
    Duration::from_millis(40),
    Duration::from_millis(100),
    Duration::from_millis(150),
    Duration::from_millis(200),
];

impl ProcessRegistry {
    /// Begins to check whether the port of a program is free; false if there is nothing to check. A program that
    /// waits for its check is started when the port is free, and has failed when it is not.
    pub(super) fn begin_port_check(
        self: &Rc<Self>,
        source: Source,
        preset: usize,
        number: SpawnNumber,
    ) -> bool {
        let Some(program) = self.cared_program(preset, number) else { return false };
        let Some(test) = program.ready.as_ref().and_then(|ready| ready.probe()) else { return false };
        let Some(target) = ProbeTarget::new(test).filter(|_| !self.runs_preset(preset)) else { return false };
        let (registry, test) = (Rc::clone(self), test.clone());
        spawn_local(async move {
            match registry.find_taken(preset, &target).await {
                Some(peer) => registry.fail_start(source, &test, &peer),
                None => {
                    if let Some(start) = registry.pending.borrow_mut().get_mut(&source) {
                        start.checks_port = false;
                    }
                    registry.start_pending();
                }
            }
        });
        true
    }

    /// Whether a program of this preset, or of a variant of it, runs.
    fn runs_preset(&self, preset: usize) -> bool {
        let scenario = &self.context.scenario;
        let name = scenario.first_of_name(preset);
        self.running.borrow().values().any(|process| scenario.first_of_name(process.preset) == name)
    }

    /// The other end, if something takes connections in the place of a program of this preset, and goes on to do so.
    async fn find_taken(&self, preset: usize, target: &ProbeTarget) -> Option<ProbePeer> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let peer = timeout(CONNECT_TIMEOUT, self.prober.connect(target)).await.ok().flatten();
            // One that was started meanwhile may have answered.
            let peer = peer.filter(|_| !self.runs_preset(preset))?;
            match pauses.next() {
                Some(pause) => sleep(pause).await,
                None => return Some(peer),
            }
        }
    }

    /// Reports that a program cannot start, since its port is taken.
    fn fail_start(&self, source: Source, test: &ProbeTest, peer: &ProbePeer) {
        let Some(start) = self.pending.borrow_mut().remove(&source) else { return };
        let Some(shown) = address_of(test) else { return };
        let peer_address = match peer {
            ProbePeer::Tcp(address, _) if !shown.is_secret() && shown.reveal() != address.to_string() => {
                format!(" ({address})")
            }
            ProbePeer::Tcp(..) | ProbePeer::Unix(_) => String::new(),
        };
        let shown = shown.display_text();
        let holder = match peer {
            ProbePeer::Tcp(address, true) => port_holder::of_port(*address),
            ProbePeer::Tcp(_, false) => None,
            ProbePeer::Unix(path) => {
                let path = std::path::absolute(self.context.folder.join(path));
                path.ok().and_then(|path| port_holder::of_socket(&path))
            }
        };
        let holder = holder.map(|holder| {
            let of = self.spawn_of(holder.pid).map(|spawn| format!(" of {spawn}")).unwrap_or_default();
            format!(": {holder}{of} listens there")
        });
        let error = format!(
            "its `ready` is met before it has started, since {shown}{peer_address} takes connections already{}",
            holder.unwrap_or_default()
        );
        self.report_start_error(source, &start, &error);
    }

    /// The spawn whose group a process is in.
    fn spawn_of(&self, pid: rustix::process::Pid) -> Option<Source> {
        let group = rustix::process::getpgid(Some(pid)).ok()?;
        self.running
            .borrow()
            .iter()
            .find(|(_, process)| process.group.has_id(group))
            .map(|(source, _)| *source)
    }
}

/// The address that a probe looks at.
fn address_of(test: &ProbeTest) -> Option<&ScenarioText> {
    match test {
        ProbeTest::Tcp(address) => Some(address),
        ProbeTest::Http(HttpProbe { url, .. }) => Some(url),
        ProbeTest::Command(_) => None,
    }
}
