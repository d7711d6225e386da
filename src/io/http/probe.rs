//! Probes of programs that are to get ready: one try after the other, until a port takes a connection
//! or a URL answers with 2xx or 3xx. Decides on no time limit: who has had his time, the engine says.
//!
//! A probe asks by the plain means of a fetch: every address of a name is tried, proxies are not
//! used. It follows no redirect, and takes any certificate, since it hands nothing over but the
//! question whether anybody is there.

use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{sleep, timeout};

use super::request::{self, RequestForm};
use crate::io::http::conn::connection::SendOutcome;
use crate::io::http::conn::pool::{ConnPool, Endpoint};
use crate::io::http::error::FetchError;
use crate::io::http::timing::AttemptProgress;
use crate::io::inbox::{Inbox, Input};
use scenario_core::diagnostic::FilePlace;
use scenario_core::scenario::host_port::parse_host_port;
use scenario_core::scenario::model::{
    FetchJob, FetchMode, Http2Mode, ReadinessRule, ReadinessTest, ScenarioText, StatusRule,
};
use scenario_log::event::Source;

/// The longest try: a server that takes a connection and says nothing may do better at the next.
const MAX_ATTEMPT: Duration = Duration::from_secs(2);

/// How many tries there are at a time, of all programs: each takes a descriptor.
const MAX_CONCURRENT_PROBES: usize = 256;

/// The probes of a run.
pub struct ReadinessProber {
    pool: ConnPool,
    permits: Semaphore,
    inbox: Rc<Inbox>,
}

/// A probing that goes on until it has found what it asks for, or this is dropped.
#[derive(Debug)]
pub struct ProbeHandle(AbortHandle);

impl Drop for ProbeHandle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is asked, again and again.
enum ProbeTarget {
    /// Does this host take connections on this port?
    Tcp(String, u16),
    /// What does this URL answer?
    Http(Box<FetchJob>, ScenarioText),
}

impl ReadinessProber {
    /// Nothing is probed yet; sockets are relative to `folder`.
    #[must_use]
    pub fn new(folder: PathBuf, inbox: Rc<Inbox>) -> Rc<ReadinessProber> {
        Rc::new(ReadinessProber {
            pool: ConnPool::new(folder),
            permits: Semaphore::new(MAX_CONCURRENT_PROBES),
            inbox,
        })
    }

    /// Probes until the program is ready, and leaves that in the inbox. `None` if there is nothing to
    /// probe, because its own words are waited for.
    ///
    /// # Panics
    ///
    /// If no `LocalSet` is around.
    #[must_use]
    pub fn start_probing(self: &Rc<Self>, source: Source, ready: &ReadinessRule) -> Option<ProbeHandle> {
        let question = match &ready.test {
            ReadinessTest::Line(_) => return None,
            ReadinessTest::Tcp(address) => {
                // What is no address is a `[redacted]` of a log, which nobody runs.
                let (host, port) = parse_host_port(address.reveal()).ok()?;
                ProbeTarget::Tcp(host.to_owned(), port)
            }
            ReadinessTest::Http(url) => ProbeTarget::Http(Box::new(probe_job(ready)), url.clone()),
        };
        let (probes, poll) = (Rc::clone(self), ready.poll.to_std());
        let longest = MAX_ATTEMPT.min(ready.timeout.to_std());
        let task = spawn_local(async move {
            while !matches!(timeout(longest, probes.probe_once(&question)).await, Ok(Ok(true))) {
                sleep(poll).await;
            }
            probes.inbox.push(Input::SpawnReady { source });
        });
        Some(ProbeHandle(task.abort_handle()))
    }

    /// One try.
    async fn probe_once(&self, question: &ProbeTarget) -> Result<bool, FetchError> {
        // It is never closed, so there is always a turn.
        let _turn = self.permits.acquire().await;
        let progress = AttemptProgress::default();
        match question {
            ProbeTarget::Tcp(host, port) => {
                let (tcp, peer) = self.pool.dial(host, *port, &progress).await?;
                // Where nobody listens on a port out of those that connections are made from, a
                // connection can come to be its own other end.
                Ok(tcp.local_addr().is_ok_and(|own| own != peer))
            }
            ProbeTarget::Http(job, url) => {
                let hop = request::first_hop(job, url)?;
                let mut link = self.pool.open(&Endpoint::new(&hop.url, job), &progress).await?;
                let request =
                    request::build_request(&hop, job, &PathBuf::new(), RequestForm::Http1Origin).await?;
                match link.send(request).await {
                    SendOutcome::Response(answer) => Ok(matches!(answer.status().as_u16(), 200..=399)),
                    SendOutcome::NotProcessed(fault) | SendOutcome::Failed(fault) => Err(fault),
                }
            }
        }
    }
}

/// The request of a probe, as a fetch would have it.
fn probe_job(ready: &ReadinessRule) -> FetchJob {
    FetchJob {
        name: String::new(),
        urls: Vec::new(),
        mode: FetchMode::Concurrent,
        log_lines: false,
        method: "GET".to_owned(),
        headers: Vec::new(),
        auth: None,
        body: None,
        timeout: ready.timeout,
        redirects: 0,
        retries: 0,
        status: StatusRule::Any,
        max_body: 0,
        decode_body: false,
        ca: None,
        insecure: true,
        proxy: None,
        client_cert: None,
        http2: Http2Mode::Never,
        load: None,
        check: None,
        captures: Vec::new(),
        place: FilePlace::default(),
    }
}

impl fmt::Debug for ReadinessProber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probes").field("pool", &self.pool).finish_non_exhaustive()
    }
}
