//! Links: TCP proxies of the runner between two programs, with faults that the engine decides. Decides nothing.
//!
//! # How it works
//!
//! All links of a run live on one thread of their own, so that bytes on their way make no entry late, and an
//! engine with much to do makes no byte late. A [`listener`] accepts; a [`connection`] has a pump for each
//! direction, and each pump passes bytes on without a delay ([`carrier`]) or, as long as something is wrong with the
//! link, piece by piece ([`shaper`]). The faults come to the thread through a slot for each link that has only
//! the latest ones; the connections that come and go are told through a bounded queue.

mod address;
mod carrier;
mod connection;
mod listener;
mod passed;
mod pump;
mod shaper;
mod state;
mod stream;
mod way;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

use crate::io::inbox::Inbox;
use crate::io::link::address::BoundListener;
use crate::io::link::state::{LinkNotice, LinkOrder, LinkState};
use crate::io::runtime;
use scenario_core::engine::input::{Input, LinkConnection};
use scenario_core::scenario::model::{Link, LinkFaults, Scenario};

/// The most notices of connections that wait for the driver. A link with more of them accepts nobody.
const MAX_NOTICES: usize = 1024;

/// Links that listen, and accept nobody yet.
#[derive(Debug, Default)]
pub struct BoundLinks {
    listeners: Vec<(Link, BoundListener)>,
    folder: std::path::PathBuf,
    seed: u64,
}

impl BoundLinks {
    /// Listens on the addresses of all links. `folder` is the folder of the scenario.
    ///
    /// # Errors
    /// When an address cannot be had; the message names its link.
    pub fn bind(scenario: &Scenario, folder: &Path, seed: u64) -> Result<BoundLinks, String> {
        let bind = |link: &Link| {
            let listener = BoundListener::bind(&link.listen, folder).map_err(|error| {
                format!("the link `{}` cannot listen on {}: {error}", link.name, link.listen)
            })?;
            Ok((link.clone(), listener))
        };
        let listeners = scenario.links.iter().map(bind).collect::<Result<_, String>>()?;
        Ok(BoundLinks { listeners, folder: folder.to_owned(), seed })
    }

    /// Accepts connections from now on. What comes of them goes into the inbox. To be called on the thread of the
    /// inbox.
    ///
    /// # Errors
    /// When there is no thread or no runtime.
    pub fn start(self, inbox: &Rc<Inbox>) -> Result<Links, String> {
        if self.listeners.is_empty() {
            return Ok(Links { orders: Vec::new(), thread: None });
        }
        let (notices, mut received) = mpsc::channel(MAX_NOTICES);
        let names: Vec<Rc<str>> = self.listeners.iter().map(|(link, _)| Rc::from(&*link.name)).collect();
        let (orders, followed): (Vec<_>, Vec<_>) =
            self.listeners.iter().map(|_| watch::channel(LinkOrder::default())).unzip();
        let runtime = runtime::build().map_err(|error| format!("the links cannot start: {error}"))?;
        let serve = move || {
            let local = LocalSet::new();
            for (index, ((link, listener), orders)) in self.listeners.into_iter().zip(followed).enumerate() {
                let state = LinkState::new(index, link, &self.folder, self.seed, notices.clone());
                local.spawn_local(listener::serve(Rc::new(state), listener, orders));
            }
            drop(notices);
            runtime.block_on(local);
            // A name look-up that hangs must not delay the end.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("links".to_owned()).spawn(serve);
        let thread = thread.map_err(|error| format!("the links cannot start: {error}"))?;
        let inbox = Rc::clone(inbox);
        tokio::task::spawn_local(async move {
            while let Some(LinkNotice { link, connection, closing }) = received.recv().await {
                let at = LinkConnection { link: Rc::clone(&names[link]), connection };
                inbox.push(match closing {
                    Some(closing) => Input::LinkClosed { at, closing },
                    None => Input::LinkOpened(at),
                });
            }
        });
        Ok(Links { orders, thread: Some(thread) })
    }
}

/// The links of a run. When it is dropped, nothing listens any more.
#[derive(Debug)]
pub struct Links {
    orders: Vec<watch::Sender<LinkOrder>>,
    thread: Option<JoinHandle<()>>,
}

impl Links {
    /// Puts these faults on a link, in the place of those before.
    pub fn change(&self, link: usize, faults: Arc<LinkFaults>, reset: bool) {
        if let Some(order) = self.orders.get(link) {
            order.send_modify(|order| {
                order.faults = faults;
                order.resets += u64::from(reset);
            });
        }
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.orders.clear();
        if let Some(thread) = self.thread.take() {
            // Its panic, if it had one, has been told by the hook.
            let _ = thread.join();
        }
    }
}
