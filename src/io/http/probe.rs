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

use super::request::{self, To};
use crate::io::http::conn::connection::Sent;
use crate::io::http::conn::pool::{Endpoint, Pool};
use crate::io::http::error::Fault;
use crate::io::http::timing::Progress;
use crate::io::inbox::{Inbox, Seen};
use scenario_core::diagnostic::Place;
use scenario_core::scenario::endpoint::host_and_port;
use scenario_core::scenario::model::{FetchJob, FetchMode, Http2, Ready, ReadyBy, StatusRule, Text};
use scenario_log::event::Source;

/// The longest try: a server that takes a connection and says nothing may do better at the next.
const LONGEST_TRY: Duration = Duration::from_secs(2);

/// How many tries there are at a time, of all programs: each takes a descriptor.
const AT_ONCE: usize = 256;

/// The probes of a run.
pub struct Probes {
    pool: Pool,
    turns: Semaphore,
    inbox: Rc<Inbox>,
}

/// A probing that goes on until it has found what it asks for, or this is dropped.
#[derive(Debug)]
pub struct Probing(AbortHandle);

impl Drop for Probing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is asked, again and again.
enum Question {
    /// Does this host take connections on this port?
    Tcp(String, u16),
    /// What does this URL answer?
    Http(Box<FetchJob>, Text),
}

impl Probes {
    /// Nothing is probed yet; sockets are relative to `folder`.
    #[must_use]
    pub fn new(folder: PathBuf, inbox: Rc<Inbox>) -> Rc<Probes> {
        Rc::new(Probes { pool: Pool::new(folder), turns: Semaphore::new(AT_ONCE), inbox })
    }

    /// Probes until the program is ready, and leaves that in the inbox. `None` if there is nothing to
    /// probe, because its own words are waited for.
    ///
    /// # Panics
    ///
    /// If no `LocalSet` is around.
    #[must_use]
    pub fn watch(self: &Rc<Self>, source: Source, ready: &Ready) -> Option<Probing> {
        let question = match &ready.by {
            ReadyBy::Line(_) => return None,
            ReadyBy::Tcp(address) => {
                // What is no address is a `[redacted]` of a log, which nobody runs.
                let (host, port) = host_and_port(address.reveal()).ok()?;
                Question::Tcp(host.to_owned(), port)
            }
            ReadyBy::Http(url) => Question::Http(Box::new(job(ready)), url.clone()),
        };
        let (probes, poll) = (Rc::clone(self), ready.poll.to_std());
        let longest = LONGEST_TRY.min(ready.timeout.to_std());
        let task = spawn_local(async move {
            while !matches!(timeout(longest, probes.is_ready(&question)).await, Ok(Ok(true))) {
                sleep(poll).await;
            }
            probes.inbox.put(Seen::Ready { source });
        });
        Some(Probing(task.abort_handle()))
    }

    /// One try.
    async fn is_ready(&self, question: &Question) -> Result<bool, Fault> {
        // It is never closed, so there is always a turn.
        let _turn = self.turns.acquire().await;
        let progress = Progress::default();
        match question {
            Question::Tcp(host, port) => {
                let (tcp, peer) = self.pool.dial(host, *port, &progress).await?;
                // Where nobody listens on a port out of those that connections are made from, a
                // connection can come to be its own other end.
                Ok(tcp.local_addr().is_ok_and(|own| own != peer))
            }
            Question::Http(job, url) => {
                let hop = request::first(job, url)?;
                let mut link = self.pool.open(&Endpoint::new(&hop.url, job), &progress).await?;
                let request = request::build(&hop, job, &PathBuf::new(), To::Server).await?;
                match link.send(request).await {
                    Sent::Answered(answer) => Ok(matches!(answer.status().as_u16(), 200..=399)),
                    Sent::Unseen(fault) | Sent::Failed(fault) => Err(fault),
                }
            }
        }
    }
}

/// The request of a probe, as a fetch would have it.
fn job(ready: &Ready) -> FetchJob {
    FetchJob {
        name: String::new(),
        urls: Vec::new(),
        mode: FetchMode::Concurrent,
        lines: false,
        method: "GET".to_owned(),
        headers: Vec::new(),
        auth: None,
        body: None,
        timeout: ready.timeout,
        redirects: 0,
        retries: 0,
        status: StatusRule::Any,
        max_body: 0,
        decode: false,
        ca: None,
        insecure: true,
        proxy: None,
        client: None,
        http2: Http2::Never,
        load: None,
        check: None,
        capture: Vec::new(),
        place: Place::default(),
    }
}

impl fmt::Debug for Probes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probes").field("pool", &self.pool).finish_non_exhaustive()
    }
}
