//! The server of the live page: on a thread and a runtime of its own, so that nobody who looks makes
//! the run late.
//!
//! # How it works
//!
//! Two things go between it and the driver. The [`Feed`] has what pages are shown, made once for all of
//! them: a page that does not take it fast enough is dropped and counted, and never waited for. What
//! people do on pages comes as [`Act`]s through a queue with a bound. What the pages look like and what
//! the feed says is the driver's to know; here it is bytes.
//!
//! Who may ask is decided in [`gate`], before anything else.

mod accept;
mod access;
mod actions;
mod address;
mod events;
pub mod feed;
mod guests;
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
use scenario_log::event::Direction;

use token::AccessToken;

pub use address::BindError;

/// How many acts may wait for the driver.
const MAX_QUEUED_ACTIONS: usize = 256;

/// How nice the server's thread is to the others.
const THREAD_NICENESS: i32 = 10;

/// How long pages have to take the end.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(700);

/// What is served that never changes.
#[derive(Clone, Copy, Debug)]
pub struct SiteAssets {
    /// The page.
    pub html: &'static str,
    /// Its style, at `/page.css`.
    pub style: &'static str,
    /// Its script, at `/page.js`.
    pub script: &'static str,
}

/// Something that was done on a page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageAction {
    /// A line was typed.
    Typed(String),
    /// Somebody joins as a player. Guests are numbered from 1 as they come.
    Joined {
        /// Which guest.
        guest: u32,
        /// The player's name; it can be one.
        player: String,
    },
    /// A guest moves.
    Moved {
        /// Which guest.
        guest: u32,
        /// Where to.
        direction: Direction,
    },
    /// A guest leaves.
    Left {
        /// Which guest.
        guest: u32,
    },
    /// The playback is to be another.
    Playback(PlaybackAction),
}

/// What can be asked of a playback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlaybackAction {
    /// To stand still.
    Pause,
    /// To go on.
    Resume,
    /// To go so many times as fast as the run.
    SetSpeed(f64),
    /// To go on from this moment, in seconds of the run.
    Seek(f64),
}

/// What can be done on the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerMode {
    /// What can be typed in a run.
    Run,
    /// What can be asked of a playback.
    Playback,
}

/// An address that is listened at, before anybody is let in.
#[derive(Debug)]
pub struct BoundServer {
    listener: TcpListener,
    address: SocketAddr,
    access: AccessPolicy,
    token: AccessToken,
}

impl BoundServer {
    /// Listens at an address, `HOST:PORT`. `hosts` are names by which others than this machine ask for
    /// the page.
    ///
    /// # Errors
    /// When it is not an address, cannot be had, or other machines could ask there and no name is given.
    pub fn bind(address: &str, hosts: &[String], token: AccessToken) -> Result<BoundServer, BindError> {
        let (listener, address) = address::bind_address(address, !hosts.is_empty())?;
        Ok(BoundServer { access: AccessPolicy::new(address, hosts, &token), listener, address, token })
    }

    /// What to open to see the page and to take part. The token is in it.
    #[must_use]
    pub fn page_url(&self) -> String {
        let host = self.access.advertised_host(self.address);
        format!("http://{host}/#{}", self.token.reveal())
    }

    /// Lets people in.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be had.
    pub fn start(self, site: SiteAssets, kind: ServerMode) -> io::Result<PageServer> {
        let (done, acts) = mpsc::channel(MAX_QUEUED_ACTIONS);
        let (ends, ended) = watch::channel(false);
        let feed = PageFeed::new();
        // Whoever attends to somebody keeps one of these; when the last has gone, nobody is left.
        let (attends, all_gone) = mpsc::channel(1);
        let place = Arc::new(ServerState {
            site,
            mode: kind,
            feed: feed.clone(),
            actions: done,
            access: self.access,
            guests: Guests::default(),
            ended: ended.clone(),
            open_connections: attends.downgrade(),
        });
        let runtime = runtime::build()?;
        let listener = self.listener;
        let thread = std::thread::Builder::new().name("pages".to_owned()).spawn(move || {
            // On Linux of this thread alone (setpriority(2)): where a core is short, the run goes first.
            let _ = rustix::process::setpriority_process(None, THREAD_NICENESS);
            runtime.block_on(accept::accept_connections(listener, router(place), ended, (attends, all_gone)));
            runtime.shutdown_background();
        })?;
        Ok(PageServer { feed, actions: acts, ended: ends, thread })
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct PageServer {
    /// What pages are shown.
    pub feed: PageFeed,
    /// What is done on them.
    pub actions: mpsc::Receiver<PageAction>,
    ended: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl PageServer {
    /// Tells all pages that it is over, and why (`ended`), gives them a moment to take what they have not
    /// taken yet, and lets nobody in any more.
    pub fn shut_down(self, why: &str) {
        let PageServer { feed, actions: acts, ended: ends, thread } = self;
        drop(acts);
        feed.end(why);
        // It listens as long as the thread lives, and a thread that has gone needs no word.
        let _ = ends.send(true);
        let _ = thread.join();
    }
}

/// What those who answer need to know.
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

fn router(place: Arc<ServerState>) -> Router {
    let fixed = |kind: &'static str, text: fn(&SiteAssets) -> &'static str| {
        get(async move |place: SharedServerState| {
            ([(header::CONTENT_TYPE, kind)], text(&place.site)).into_response()
        })
    };
    let router = Router::new()
        .route("/", fixed("text/html; charset=utf-8", |site| site.html))
        .route("/page.css", fixed("text/css; charset=utf-8", |site| site.style))
        .route("/page.js", fixed("text/javascript; charset=utf-8", |site| site.script))
        .route("/events", get(events::get_events));
    let router = match place.mode {
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
                "there is nothing of this name",
            )
        })
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&place),
            crate::web::server::access::check_access,
        ))
        .with_state(place)
}
