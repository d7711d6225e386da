//! How late moments come: the real time minus the planned time of events at random moments, 1,000 and
//! 10,000 a second, through the clock, the engine and the log, as `scenario run --quiet` uses them.
//! Compared with the limit: a thread that waits for each moment with one timerfd and does nothing else.
//! Measured also while a thousand live pages are connected and read nothing that is sent to them.
//!
//! Prints its own table: the percentiles of one run count, not the mean of many. A lateness between half
//! a millisecond and some milliseconds comes from the machine, not from the program.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has no result")]

mod common;

use std::cell::RefCell;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};

use common::Scratch;
use scenario::assets::{LIVE_HTML, LIVE_HUB, LIVE_SCRIPT, LIVE_STYLE};
use scenario::io::RunContext;
use scenario::io::log_file::kept_files::KeptFiles;
use scenario::io::log_file::writer;
use scenario::io::log_file::writer::{LogWriter, OutputDestination};
use scenario::run::recorder::RunRecorder;
use scenario::run::{DrivenRun, live};
use scenario::web::page::LivePage;
use scenario::web::server::token::AccessToken;
use scenario::web::server::{BoundServer, PageServer, ServerMode, SiteAssets};
use scenario_core::engine::RunStart;
use scenario_log::event::ClockKind;
use scenario_log::secrets::Secrets;

const SECOND: u64 = 1_000_000_000;
/// The length of each run, in seconds.
const LENGTH: u64 = 3;
/// Runs of each kind; the median is shown.
const RUNS: usize = 3;

/// The number of connected pages.
const PAGES: u64 = 1_000;

/// The result of one run: lateness in microseconds, and the percentage of a core.
struct Figures {
    p50: f64,
    p99: f64,
    core: f64,
}

/// Measures one kind at a rate (moments a second), with a seed.
type Measure = fn(u64, u64) -> Figures;

fn main() {
    println!("moments/s          p50 µs  p99 µs  % of a core");
    for rate in [1_000, 10_000] {
        let rows: [(&str, Measure); 4] = [
            ("limit", limit),
            ("ours", |rate, seed| ours(rate, seed, false, None)),
            ("ours, --precise", |rate, seed| ours(rate, seed, true, None)),
            ("ours, slow pages", slow_pages),
        ];
        let runs: Vec<Vec<Figures>> =
            (0..RUNS).map(|seed| rows.iter().map(|(_, run)| run(rate, seed as u64)).collect()).collect();
        for (at, (name, _)) in rows.iter().enumerate() {
            let figure =
                |of: fn(&Figures) -> f64| common::median(runs.iter().map(|run| of(&run[at])).collect());
            let (p50, p99, core) = (figure(|f| f.p50), figure(|f| f.p99), figure(|f| f.core));
            println!("{rate:>6} {name:<16} {p50:>6.1}  {p99:>6.1}  {core:>11.1}");
        }
    }
}

/// Runs `run`, and returns its result with the percentage of a core that it took.
fn core<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let (start, before) = (Instant::now(), common::processor());
    let result = run();
    (result, 100.0 * (common::processor() - before).as_secs_f64() / start.elapsed().as_secs_f64())
}

/// The same with [`PAGES`] pages that are connected and read nothing.
fn slow_pages(rate: u64, seed: u64) -> Figures {
    // Both ends of every connection are in this process.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let token = AccessToken::parse("the-token-of-a-bench").unwrap();
    let listening = BoundServer::bind("127.0.0.1:0", &[], token).unwrap();
    let link = listening.page_url();
    let address = link.strip_prefix("http://").and_then(|link| link.split('/').next()).unwrap();
    let site = SiteAssets { html: LIVE_HTML, style: LIVE_STYLE, script: &LIVE_SCRIPT, hub: LIVE_HUB };
    let server = listening.start(site, ServerMode::Run).unwrap();
    let connect = |_| {
        let mut page = TcpStream::connect(address).unwrap();
        page.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        page
    };
    let pages: Vec<TcpStream> = (0..PAGES).map(connect).collect();
    let feed = server.feed.clone();
    while feed.reader_counts().0 < PAGES {
        std::thread::yield_now();
    }
    let figures = ours(rate, seed, false, Some(server));
    drop(pages);
    figures
}

fn ours(rate: u64, seed: u64, precise: bool, server: Option<PageServer>) -> Figures {
    let scenario = Rc::new(common::scenario(&format!(
        "tick = \"0s\"\n[[timeline]]\nmark = \"now\"\nevery = {{ exponential = \"{}us\" }}\nfor = \"{LENGTH}s\"\n",
        1_000_000 / rate
    )));
    let file = Scratch::new("late.jsonl");
    let opened = writer::open_log_output(
        &OutputDestination::File(file.path().to_owned()),
        false,
        &KeptFiles::default(),
    )
    .unwrap();
    let mut recorder = RunRecorder::new(Some(LogWriter::start(opened, Box::new(|_| {})).unwrap()), None);
    let page = server.as_ref().map(|_| Rc::new(RefCell::new(LivePage::for_run(1.0, None))));
    if let Some(page) = &page {
        recorder.add_sink(Rc::clone(page));
    }
    let context = RunContext {
        scenario: Rc::clone(&scenario),
        folder: PathBuf::from("."),
        secrets: Secrets::default(),
        seed,
        speed: 1.0,
    };
    let live = live::LiveSetup {
        links: Default::default(),
        context,
        speed: 1.0,
        precise,
        input: None,
        lifeline: None,
        clock_started: Default::default(),
        latest_progress: None,
        server,
        after_end: live::AfterEnd::Close,
    };
    let (_, core) = core(|| {
        let ended = live::drive(
            live,
            || Ok((recorder, page)),
            |started_at, recorder| {
                let clock = ClockKind::Real;
                let start = RunStart {
                    seed,
                    clock,
                    started_at: Some(started_at),
                    schedule: &[],
                    scenario_json: "{}",
                };
                DrivenRun::start(&scenario, &start, recorder)
            },
            |_, verdict| verdict,
        );
        ended.unwrap().unwrap()
    });
    let last: serde_json::Value = serde_json::from_str(&file.lines().last().unwrap()).unwrap();
    let late = |key: &str| last["lateness"][key].as_f64().unwrap() * 1e6;
    Figures { p50: late("p50"), p99: late("p99"), core }
}

fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * SECOND + now.tv_nsec as u64
}

fn limit(rate: u64, seed: u64) -> Figures {
    let mut state = seed + 42;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(state) * u128::from(LENGTH * SECOND)) >> 64) as u64
    };
    let mut moments: Vec<u64> = (0..rate * LENGTH).map(|_| random()).collect();
    moments.sort_unstable();
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).unwrap();
    let (mut late, core) = core(|| {
        let start = now();
        let wait = |moment: &u64| {
            let due = start + moment;
            if now() < due {
                let never = Timespec { tv_sec: 0, tv_nsec: 0 };
                let at = Timespec { tv_sec: (due / SECOND) as i64, tv_nsec: (due % SECOND) as i64 };
                let timer_at = Itimerspec { it_interval: never, it_value: at };
                timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &timer_at).unwrap();
                rustix::io::read(&timer, &mut [0; 8]).unwrap();
            }
            now() - due
        };
        moments.iter().map(wait).collect::<Vec<u64>>()
    });
    late.sort_unstable();
    let micros = |part| common::quantile(&late, part) as f64 / 1e3;
    Figures { p50: micros(0.5), p99: micros(0.99), core }
}
