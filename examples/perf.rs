use scenario::engine::{Engine, Sink, Start};
use scenario::paper::journal::Journal;
use scenario::paper::log::writer::{self, Destination, Writer};
use scenario::scenario::interval::Interval;
use scenario::scenario::model::*;
use scenario::words::event::*;
use scenario::words::name::NamePattern;
use scenario::words::order::Order;
use scenario::words::time::*;
use std::rc::Rc;
use std::time::Instant;
struct Count(u64);
impl Sink for Count {
    fn event(&mut self, _: Moment, _: &Event<'_>) {
        self.0 += 1;
    }
    fn order(&mut self, _: Order) {}
}
fn main() {
    let m: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let log = std::env::args().nth(2);
    let group = PlayerGroup {
        name: NamePattern::new("p", m),
        count: m,
        moves: 10,
        every: Interval::Uniform { from: Span(0), to: Span::from_secs(1) },
        directions: Direction::ALL.to_vec(),
    };
    let preset = Preset {
        name: "crowd".into(),
        kind: PresetKind::Players(Players { groups: vec![group], isolation: Isolation::Task }),
        place: Default::default(),
    };
    let entry = Entry {
        id: None,
        at: Span(0),
        after: None,
        action: Action::Spawn(0),
        count: 1,
        repeat: None,
        place: Default::default(),
    };
    let scenario = Rc::new(Scenario {
        name: "x".into(),
        description: None,
        seed: None,
        tick: None,
        time_limit: None,
        vars: Default::default(),
        presets: vec![preset],
        fetches: vec![],
        timeline: vec![entry],
    });
    let start = Start { seed: 1, clock: ClockKind::Virtual, started_at: None, resolved: "{}" };
    let t = Instant::now();
    let n;
    if let Some(path) = log {
        let opened = writer::open(&Destination::File(path.into()), true).ok().unwrap();
        let journal = Journal::new(Some(Writer::start(opened, Box::new(|_| {}))), None);
        let mut run = scenario::drive::Run::start(&scenario, &start, journal);
        scenario::drive::virtual_time::drive(&mut run, &[]).unwrap();
        n = run.journal.count();
    } else {
        let mut e = Engine::new(scenario.clone(), 1);
        let mut c = Count(0);
        e.start(&start, &mut c);
        while let Some(now) = e.next_due() {
            e.advance(now, &mut c);
        }
        n = c.0;
    }
    let s = t.elapsed().as_secs_f64();
    let hwm = std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .find(|l| l.starts_with("VmHWM"))
        .unwrap()
        .to_owned();
    println!("{n} events {s:.3}s {:.2} M/s {:.0} ns {hwm}", n as f64 / s / 1e6, s / n as f64 * 1e9);
}
