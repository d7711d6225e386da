//! The server of the live page, on a thread and a runtime of its own, so that page readers never
//! delay the run.
//!
//! # How it works
//!
//! Two things connect it with the driver. The [`PageFeed`] has the events for the pages, made once
//! for all of them. A page that does not take them fast enough is dropped and counted, and never
//! waited for. The actions on the pages come back as [`PageAction`]s through a bounded queue. The
//! driver decides what the pages look like and what the feed contains; here these are bytes.
//!
//! [`access`] decides who may send requests, before anything else.

mod accept;
mod access;
mod actions;
mod address;
mod events;
pub mod feed;
mod guests;
pub mod host_name;
mod stream_event;
pub mod token;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::sync::{mpsc, watch};

use crate::io::runtime;
use crate::web::server::access::AccessPolicy;
use feed::PageFeed;
use guests::Guests;
use host_name::HostName;
use scenario_log::event::Direction;

use token::AccessToken;

pub use address::BindError;

/// How many actions may wait for the driver.
const MAX_QUEUED_ACTIONS: usize = 256;

/// The niceness of the server's thread.
const THREAD_NICENESS: i32 = 10;

/// How long pages have to take the last event.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(700);

/// The contents that never change.
#[derive(Clone, Copy, Debug)]
pub struct SiteAssets {
    /// The page.
    pub html: &'static str,
    /// Its style, at `/page.css`.
    pub style: &'static str,
    /// Its script, at `/page.js`.
    pub script: &'static str,
    /// The script of the worker that the pages of a browser share, at `/hub.js`.
    pub hub: &'static str,
}

/// An action on a page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageAction {
    /// A line was typed.
    Typed(String),
    /// A guest joins as a player. Guests are numbered from 1 in the order in which they come.
    Joined {
        /// The guest's number.
        guest: u32,
        /// The player's name, which is a valid one.
        player: String,
    },
    /// A guest moves.
    Moved {
        /// The guest's number.
        guest: u32,
        /// The direction of the move.
        direction: Direction,
    },
    /// A guest leaves.
    Left {
        /// The guest's number.
        guest: u32,
    },
    /// The playback is controlled.
    Playback(PlaybackAction),
}

/// A way to control a playback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlaybackAction {
    /// Stand still.
    Pause,
    /// Go on.
    Resume,
    /// Go this many times as fast as the run did.
    SetSpeed(f64),
    /// Go on from this moment, in seconds of the run.
    Seek(f64),
}

/// The actions that the pages allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerMode {
    /// Commands of a run, and guests.
    Run,
    /// The controls of a playback.
    Playback,
}

/// A server that listens at an address, and accepts nobody yet.
#[derive(Debug)]
pub struct BoundServer {
    listener: TcpListener,
    address: SocketAddr,
    access: AccessPolicy,
    token: AccessToken,
}

impl BoundServer {
    /// Listens at an address, `HOST:PORT`. `hosts` are the names that other machines use for the
    /// page.
    ///
    /// # Errors
    /// When it is not an address, cannot be had, or other machines could reach it and no name is
    /// given.
    pub fn bind(address: &str, hosts: &[HostName], token: AccessToken) -> Result<BoundServer, BindError> {
        let (listener, address) = address::bind_address(address, !hosts.is_empty())?;
        Ok(BoundServer { access: AccessPolicy::new(address, hosts, &token), listener, address, token })
    }

    /// The URL to see the page and to take part. It contains the token.
    #[must_use]
    pub fn page_url(&self) -> String {
        let host = self.access.advertised_host(self.address);
        format!("http://{host}/#{}", self.token.reveal())
    }

    /// Stops to listen; gives the address and the token, for another server.
    #[must_use]
    pub fn release(self) -> (SocketAddr, AccessToken) {
        (self.address, self.token)
    }

    /// Starts to accept connections.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be had.
    pub fn start(self, site: SiteAssets, mode: ServerMode) -> io::Result<PageServer> {
        let (done, actions) = mpsc::channel(MAX_QUEUED_ACTIONS);
        let (ends, ended) = watch::channel(false);
        let feed = PageFeed::new();
        // Every task that serves a client holds one of these; when the last is dropped, no client is
        // left.
        let (open_connections, all_closed) = mpsc::channel(1);
        let state = Arc::new(ServerState {
            site,
            mode,
            feed: feed.clone(),
            actions: done,
            access: self.access,
            guests: Guests::default(),
            ended: ended.clone(),
            open_connections: open_connections.downgrade(),
        });
        let runtime = runtime::build()?;
        let listener = self.listener;
        let thread = std::thread::Builder::new().name("pages".to_owned()).spawn(move || {
            // On Linux this concerns this thread alone (setpriority(2)): if processor time is short,
            // the run goes first.
            let _ = rustix::process::setpriority_process(None, THREAD_NICENESS);
            runtime.block_on(accept::accept_connections(
                listener,
                router(state),
                ended,
                (open_connections, all_closed),
            ));
            runtime.shutdown_background();
        })?;
        Ok(PageServer { feed, actions, ended: ends, thread })
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct PageServer {
    /// The feed that the pages read.
    pub feed: PageFeed,
    /// The actions on the pages.
    pub actions: mpsc::Receiver<PageAction>,
    ended: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl PageServer {
    /// Takes no action on a page any more: the run is over, and the pages stay.
    pub fn refuse_actions(&mut self) {
        self.actions.close();
    }

    /// Sends all pages the end and its reason, gives them a moment to take what they have not taken
    /// yet, and accepts no connection any more.
    pub fn shut_down(self, why: &str) {
        let PageServer { feed, actions, ended: ends, thread } = self;
        drop(actions);
        feed.end(why);
        // The thread listens as long as it lives; one that has ended needs no message.
        let _ = ends.send(true);
        let _ = thread.join();
    }
}

/// The state that all handlers share.
struct ServerState {
    site: SiteAssets,
    mode: ServerMode,
    feed: PageFeed,
    actions: mpsc::Sender<PageAction>,
    access: AccessPolicy,
    guests: Guests,
    ended: watch::Receiver<bool>,
    open_connections: mpsc::WeakSender<()>,
}

type SharedServerState = axum::extract::State<Arc<ServerState>>;

fn router(state: Arc<ServerState>) -> Router {
    let fixed = |content_type: &'static str, text: fn(&SiteAssets) -> &'static str| {
        get(async move |state: SharedServerState| {
            ([(header::CONTENT_TYPE, content_type)], text(&state.site)).into_response()
        })
    };
    let router = Router::new()
        .route("/", fixed("text/html; charset=utf-8", |site| site.html))
        .route("/page.css", fixed("text/css; charset=utf-8", |site| site.style))
        .route("/page.js", fixed("text/javascript; charset=utf-8", |site| site.script))
        .route("/hub.js", fixed("text/javascript; charset=utf-8", |site| site.hub))
        .route("/events", get(events::get_events));
    let router = match state.mode {
        ServerMode::Run => router
            .route("/input", post(crate::web::server::actions::post_input))
            .route("/moves", post(guests::post_moves))
            .route("/play", get(guests::get_play)),
        ServerMode::Playback => router.route("/playback", post(crate::web::server::actions::post_playback)),
    };
    router
        .fallback(async || {
            crate::web::server::access::error_response(
                axum::http::StatusCode::NOT_FOUND,
                "there is no such path",
            )
        })
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&state),
            crate::web::server::access::check_access,
        ))
        .with_state(state)
}
