//! Probes programs that are not ready yet: one attempt after the other, until a port accepts a connection
//! or a URL answers with 2xx or 3xx. The engine decides how long that may take.
//!
//! A probe works like a fetch: it tries every address of a name. It uses no proxy, follows no redirect, and
//! accepts any certificate, because it sends nothing that must be kept secret.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{sleep, timeout};

use super::conn::connection::SendOutcome;
use super::conn::connector::HttpConnector;
use super::conn::endpoint::Endpoint;
use super::error::FetchError;
use super::request;
use super::request::hop::RequestHop;
use super::timing::{AttemptPhase, AttemptProgress};
use crate::io::RunContext;
use crate::io::inbox::Inbox;
use scenario_core::diagnostic::FilePlace;
use scenario_core::engine::input::Input;
use scenario_core::scenario::host_port::parse_host_port;
use scenario_core::scenario::model::{
    FailureBudget, FetchJob, FetchMode, Http2Mode, ReadinessRule, ReadinessTest, ScenarioText, StatusRule,
};
use scenario_log::event::Source;
use scenario_log::time::Span;

/// The longest attempt. A server that accepts a connection and does not answer may answer the next one.
const MAX_ATTEMPT: Duration = Duration::from_secs(2);

/// The pauses after the first attempts: many programs are ready within milliseconds.
const FIRST_PAUSES: [Duration; 4] = [
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
];

/// How many attempts run at a time, for all programs: each needs a file descriptor.
const MAX_CONCURRENT_PROBES: usize = 256;

/// Probes the programs of a run.
pub struct ReadinessProber {
    context: Rc<RunContext>,
    connector: HttpConnector,
    permits: Semaphore,
    inbox: Rc<Inbox>,
}

/// A program that is being probed. Dropping this ends the probing.
#[derive(Debug)]
pub struct ProbeHandle(AbortHandle);

impl Drop for ProbeHandle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The target of the probes.
enum ProbeTarget {
    /// A port of a host.
    Tcp(String, u16),
    /// A URL.
    Http(Box<FetchJob>, ScenarioText),
}

impl ReadinessProber {
    /// A prober without programs.
    #[must_use]
    pub fn new(context: Rc<RunContext>, inbox: Rc<Inbox>) -> Rc<ReadinessProber> {
        Rc::new(ReadinessProber {
            connector: HttpConnector::new(context.folder.clone()),
            context,
            permits: Semaphore::new(MAX_CONCURRENT_PROBES),
            inbox,
        })
    }

    /// Probes a program until it is ready, and then leaves `SpawnReady` in the inbox. `None` if there is
    /// nothing to probe, because the program is ready when it prints a line.
    ///
    /// # Panics
    ///
    /// If there is no `LocalSet` around.
    #[must_use]
    pub fn start_probing(self: &Rc<Self>, source: Source, ready: &ReadinessRule) -> Option<ProbeHandle> {
        let target = match &ready.test {
            ReadinessTest::Line(_) => return None,
            ReadinessTest::Tcp(address) => {
                // An invalid address can only be a `[redacted]` from a log, and no run uses that.
                let (host, port) = parse_host_port(address.reveal()).ok()?;
                ProbeTarget::Tcp(host.to_owned(), port)
            }
            ReadinessTest::Http(url) => ProbeTarget::Http(Box::new(probe_job(ready)), url.clone()),
        };
        let (prober, poll) = (Rc::clone(self), ready.poll.to_std());
        let longest = MAX_ATTEMPT.min(ready.timeout.to_std());
        let task = spawn_local(async move {
            let mut first_pauses = FIRST_PAUSES.into_iter();
            let report = ProbeReport { prober: &prober, source, last: RefCell::default() };
            while let Err(result) = prober.probe_in_time(&target, longest, &report).await {
                report.tell(result);
                sleep(first_pauses.next().map_or(poll, |pause| pause.min(poll))).await;
            }
            prober.inbox.push(Input::SpawnReady { source });
        });
        Some(ProbeHandle(task.abort_handle()))
    }

    /// Whether the target is ready, as one attempt finds that takes no longer than this; the error is what
    /// the attempt came to.
    async fn probe_in_time(
        &self,
        target: &ProbeTarget,
        longest: Duration,
        report: &ProbeReport<'_>,
    ) -> Result<(), String> {
        let progress = AttemptProgress::default();
        let mut attempt = pin!(self.probe_once(target, &progress));
        // The time of the program may be over at the same moment as that of the attempt.
        let early = longest * 3 / 4;
        let too_slow = || progress.timeout_error(Span::from_std(early)).message;
        let mut ended = timeout(early, &mut attempt).await;
        if ended.is_err() {
            report.tell(too_slow());
            ended = timeout(longest - early, attempt).await;
        }
        match ended {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(result))) => Err(result),
            Ok(Err(error)) => Err(error.message),
            Err(_) => Err(too_slow()),
        }
    }

    /// The reason why the target is not ready now; `None` if it is.
    async fn probe_once(
        &self,
        target: &ProbeTarget,
        progress: &AttemptProgress,
    ) -> Result<Option<String>, FetchError> {
        // The semaphore is never closed, so this cannot fail.
        let _permit = self.permits.acquire().await;
        match target {
            ProbeTarget::Tcp(host, port) => {
                let (tcp, peer) = self.connector.dial(host, *port, progress).await?;
                // If nobody listens on a port of the range that outgoing connections use, a connection can
                // get that port as its own, and connect to itself.
                let is_other = tcp.local_addr().is_ok_and(|own| own != peer);
                Ok((!is_other).then(|| format!("nobody listens on {peer}")))
            }
            ProbeTarget::Http(job, url) => {
                let hop = RequestHop::first(job, url)?;
                let endpoint = Endpoint::new(&hop.url, job);
                let mut conn = self.connector.open(&endpoint, progress).await?;
                let form = endpoint.request_form(&conn);
                let request = request::build_request(&hop, job, &PathBuf::new(), form).await?;
                progress.enter(AttemptPhase::Head(conn.peer(), conn.receive_counter()));
                match conn.send(request).await {
                    SendOutcome::Response(answer) => match answer.status().as_u16() {
                        200..=399 => Ok(None),
                        status => Ok(Some(format!("status {status}"))),
                    },
                    SendOutcome::Unanswered(_, error) | SendOutcome::Failed(error) => Err(error),
                }
            }
        }
    }
}

/// Tells the engine what the attempts for one program come to.
struct ProbeReport<'a> {
    prober: &'a ReadinessProber,
    source: Source,
    /// The last message.
    last: RefCell<String>,
}

impl ProbeReport<'_> {
    /// Tells what an attempt came to, if that is new.
    fn tell(&self, result: String) {
        if *self.last.borrow() == result {
            return;
        }
        let shown = self.prober.context.secrets.redact(&result);
        self.prober.inbox.push(Input::ProbeFailed { source: self.source, result: shown });
        *self.last.borrow_mut() = result;
    }
}

/// A probe as the job of a fetch.
fn probe_job(ready: &ReadinessRule) -> FetchJob {
    FetchJob {
        name: String::new(),
        urls: Vec::new(),
        mode: FetchMode::Concurrent,
        log_lines: false,
        lines_until: None,
        method: "GET".to_owned(),
        headers: Vec::new(),
        auth: None,
        body: None,
        timeout: ready.timeout,
        redirects: 0,
        retries: 0,
        status: StatusRule::Any,
        may_fail: FailureBudget::Requests(0),
        max_body: 0,
        decode_body: false,
        ca: None,
        resolve: Vec::new(),
        server_name: None,
        keep_alive: true,
        streams: 1,
        insecure: true,
        allow_unclean_close: true,
        proxy: None,
        client_cert: None,
        http2: Http2Mode::Never,
        load: None,
        data: None,
        check: None,
        captures: Vec::new(),
        place: FilePlace::default(),
    }
}

impl fmt::Debug for ReadinessProber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadinessProber").finish_non_exhaustive()
    }
}
