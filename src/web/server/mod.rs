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
use crate::web::server::access::Gate;
use feed::Feed;
use guests::Guests;
use scenario_log::event::Direction;

use token::Token;

/// How many acts may wait for the driver.
const QUEUE: usize = 256;

/// How nice the server's thread is to the others.
const BEHIND: i32 = 10;

/// How long pages have to take the end.
const LAST: Duration = Duration::from_millis(700);

/// What is served that never changes.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The page.
    pub html: &'static str,
    /// Its style, at `/page.css`.
    pub style: &'static str,
    /// Its script, at `/page.js`.
    pub script: &'static str,
}

/// Something that was done on a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
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
    Playback(Playback),
}

/// What can be asked of a playback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Playback {
    /// To stand still.
    Pause,
    /// To go on.
    Go,
    /// To go so many times as fast as the run.
    Speed(f64),
    /// To go on from this moment, in seconds of the run.
    To(f64),
}

/// What can be done on the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What can be typed in a run.
    Run,
    /// What can be asked of a playback.
    Playback,
}

/// An address that is listened at, before anybody is let in.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    gate: Gate,
    token: Token,
}

impl Listening {
    /// Listens at an address, `HOST:PORT`. `hosts` are names by which others than this machine ask for
    /// the page.
    ///
    /// # Errors
    /// In words: it is no address, it cannot be had, or others could ask at it and no name is given.
    pub fn at(address: &str, hosts: &[String], token: Token) -> Result<Listening, String> {
        let (listener, address) = address::listen(address, !hosts.is_empty())?;
        Ok(Listening { gate: Gate::new(address, hosts, &token), listener, address, token })
    }

    /// What to open to see the page and to take part. The token is in it.
    #[must_use]
    pub fn link(&self) -> String {
        let host = self.gate.host(self.address);
        format!("http://{host}/#{}", self.token.text())
    }

    /// Lets people in.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be had.
    pub fn start(self, site: Site, kind: Kind) -> io::Result<Server> {
        let (done, acts) = mpsc::channel(QUEUE);
        let (ends, ended) = watch::channel(false);
        let feed = Feed::new();
        // Whoever attends to somebody keeps one of these; when the last has gone, nobody is left.
        let (attends, all_gone) = mpsc::channel(1);
        let place = Arc::new(Place {
            site,
            kind,
            feed: feed.clone(),
            acts: done,
            gate: self.gate,
            guests: Guests::default(),
            ended: ended.clone(),
            attends: attends.downgrade(),
        });
        let runtime = runtime::new()?;
        let listener = self.listener;
        let thread = std::thread::Builder::new().name("pages".to_owned()).spawn(move || {
            // On Linux of this thread alone (setpriority(2)): where a core is short, the run goes first.
            let _ = rustix::process::setpriority_process(None, BEHIND);
            runtime.block_on(accept::serve(listener, router(place), ended, (attends, all_gone)));
            runtime.shutdown_background();
        })?;
        Ok(Server { feed, acts, ends, thread })
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    /// What pages are shown.
    pub feed: Feed,
    /// What is done on them.
    pub acts: mpsc::Receiver<Act>,
    ends: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Tells all pages that it is over, and why (`ended`), gives them a moment to take what they have not
    /// taken yet, and lets nobody in any more.
    pub fn end(self, why: &str) {
        let Server { feed, acts, ends, thread } = self;
        drop(acts);
        feed.end(why);
        // It listens as long as the thread lives, and a thread that has gone needs no word.
        let _ = ends.send(true);
        let _ = thread.join();
    }
}

/// What those who answer need to know.
struct Place {
    site: Site,
    kind: Kind,
    feed: Feed,
    acts: mpsc::Sender<Act>,
    gate: Gate,
    guests: Guests,
    ended: watch::Receiver<bool>,
    attends: mpsc::WeakSender<()>,
}

type Shared = axum::extract::State<Arc<Place>>;

fn router(place: Arc<Place>) -> Router {
    let fixed = |kind: &'static str, text: fn(&Site) -> &'static str| {
        get(async move |place: Shared| ([(header::CONTENT_TYPE, kind)], text(&place.site)).into_response())
    };
    let router = Router::new()
        .route("/", fixed("text/html; charset=utf-8", |site| site.html))
        .route("/page.css", fixed("text/css; charset=utf-8", |site| site.style))
        .route("/page.js", fixed("text/javascript; charset=utf-8", |site| site.script))
        .route("/events", get(events::events));
    let router = match place.kind {
        Kind::Run => router
            .route("/input", post(crate::web::server::actions::input))
            .route("/moves", post(guests::moves))
            .route("/play", get(guests::play)),
        Kind::Playback => router.route("/playback", post(crate::web::server::actions::playback)),
    };
    router
        .fallback(async || {
            crate::web::server::access::refusal(
                axum::http::StatusCode::NOT_FOUND,
                "there is nothing of this name",
            )
        })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&place), crate::web::server::access::pass))
        .with_state(place)
}
