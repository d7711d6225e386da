//! A resolved scenario reads back as itself, whatever stands in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use scenario_core::diagnostic::Place;
use scenario_core::scenario::interval::Interval;
use scenario_core::scenario::model::expect::Rule;
use scenario_core::scenario::model::steps::{Act, Step as PlayerStep};
use scenario_core::scenario::model::{
    Action, After, Arrivals, Auth, Body, Capture, CaptureFrom, Check, ClientCert, Command, Edges, Entry,
    Exits, FetchJob, FetchMode, Http2, Isolation, Load, Pace, Part, PlayerGroup, Players, Preset, PresetKind,
    Ready, ReadyBy, Repeat, Scenario, StatusRule, Stdin, Stop, Text, Var, World,
};
use scenario_core::scenario::rate::{Point, Ramp, Rate};
use scenario_core::scenario::write::draft::{Addition, Draft, Step};
use scenario_core::scenario::write::resolved::{to_json, to_toml};
use scenario_log::event::Direction;
use scenario_log::name::NamePattern;
use scenario_log::sanitize::acts;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

use crate::check::common::{load_text, said_of};
use crate::check::expected::expectations;

/// Any text, and often what is special in TOML, JSON or a template.
fn words() -> impl Strategy<Value = String> {
    let special = select(vec![
        "", "${", "$${x}", "$$", "}", "\"", "\\", "\n", "\r\n", "'''", "\u{7f}", "\u{1b}", "é日", "#",
    ]);
    vec(prop_oneof![special.prop_map(str::to_owned), ".{0,4}"], 0..4).prop_map(|parts| parts.concat())
}

/// A text that a program can be given.
fn argument() -> impl Strategy<Value = Text> {
    words().prop_map(|text| Text::plain(text.replace('\0', "")))
}

fn text() -> impl Strategy<Value = Text> {
    words().prop_map(Text::plain)
}

/// A text in which a value may stand that the first fetch captures.
fn late() -> impl Strategy<Value = Text> {
    (text(), any::<bool>(), text()).prop_map(|(mut before, gap, behind)| {
        if gap {
            before.push(&Text::captured("captured-1"));
        }
        before.push(&behind);
        before
    })
}

fn capture() -> impl Strategy<Value = Capture> {
    let from = prop_oneof![
        select(vec!["", "/a~1b/${x}"]).prop_map(|place| CaptureFrom::Json(place.to_owned())),
        select(vec!["(a)", r"\$\{(\d)"]).prop_map(|regex| CaptureFrom::Text(regex.to_owned())),
        Just(CaptureFrom::Header("x-odd".to_owned())),
    ];
    (from, any::<bool>()).prop_map(|(from, secret)| Capture { name: "captured-1".to_owned(), from, secret })
}

fn path() -> impl Strategy<Value = PathBuf> {
    argument().prop_map(|text| PathBuf::from(format!("x{}", text.reveal())))
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        Just(Span::ZERO),
        (0..1_000_000_u64).prop_map(Span),
        (0..86_400_000_u64).prop_map(Span::from_millis)
    ]
}

fn some_span() -> impl Strategy<Value = Span> {
    span().prop_map(|span| Span(span.0 + 1))
}

fn interval() -> impl Strategy<Value = Interval> {
    prop_oneof![
        span().prop_map(Interval::Constant),
        (span(), some_span()).prop_map(|(from, more)| Interval::Uniform { from, to: Span(from.0 + more.0) }),
        some_span().prop_map(|mean| Interval::Exponential { mean }),
        (span(), span()).prop_map(|(mean, sd)| Interval::Normal { mean, sd }),
        vec(span(), 1..4).prop_map(Interval::Choice),
    ]
}

fn group() -> impl Strategy<Value = (bool, u32, u32, Interval, Vec<Direction>)> {
    (any::<bool>(), 1..200_u32, 0..10_000_u32, interval(), vec(select(Direction::ALL.to_vec()), 1..6))
}

/// Steps on the one cell and the one lock of [`scenario`].
fn steps() -> impl Strategy<Value = Part> {
    let step = prop_oneof![
        Just(("load c".to_owned(), Act::Load(0))),
        Just(("store c".to_owned(), Act::Store(0))),
        any::<i64>().prop_map(|number| (format!("add {number}"), Act::Add(number))),
        any::<i64>().prop_map(|number| (format!("mul  {number}"), Act::Mul(number))),
        some_span().prop_map(|span| (format!("pause {}ns", span.0), Act::Pause(Interval::Constant(span)))),
        some_span().prop_map(|mean| {
            let text = format!("pause {{ exponential = \"{}ns\" }}", mean.0);
            (text, Act::Pause(Interval::Exponential { mean }))
        }),
        Just(("move".to_owned(), Act::Move)),
        "[ -~]{0,20}[!-~]".prop_map(|words| (format!("say {}", words.trim_start()), Act::Say)),
    ];
    let locked = |steps: Vec<(String, Act)>| {
        let (lock, unlock) = (("lock l".to_owned(), Act::Lock(0)), ("unlock l".to_owned(), Act::Unlock(0)));
        let steps = [lock].into_iter().chain(steps).chain([unlock]);
        Part::Steps(steps.map(|(text, act)| PlayerStep { text, act }).collect())
    };
    vec(step, 0..6).prop_map(locked)
}

fn players() -> impl Strategy<Value = PresetKind> {
    let isolation = select(vec![Isolation::Task, Isolation::Process]);
    (vec(group(), 1..4), isolation, of(steps())).prop_map(|(rows, isolation, steps)| {
        let rows = rows.into_iter().enumerate();
        let groups = rows.map(|(index, (inside, count, moves, every, directions))| {
            let letter = char::from(b'a' + u8::try_from(index).unwrap_or(0));
            let name = if inside { format!("{letter}{{n}}x") } else { letter.to_string() };
            let steps = steps.clone().filter(|_| isolation == Isolation::Task && index == 0);
            let part = steps.unwrap_or(Part::Moves { moves, every });
            PlayerGroup { name: NamePattern::new(&name, count), count, part, directions }
        });
        PresetKind::Players(Players { groups: groups.collect(), isolation })
    })
}

fn stdin() -> impl Strategy<Value = Stdin> {
    prop_oneof![
        Just(Stdin::Null),
        Just(Stdin::Open),
        Just(Stdin::World),
        text().prop_map(Stdin::Text),
        path().prop_map(Stdin::File),
    ]
}

fn ready() -> impl Strategy<Value = Ready> {
    let by = prop_oneof![
        select(vec!["", "^a|b$", r"\$\{x\}", "[\"']"]).prop_map(|regex| ReadyBy::Line(regex.to_owned())),
        select(vec!["h:1", "[::1]:65535"]).prop_map(|address| ReadyBy::Tcp(Text::plain(address))),
        select(vec!["http://h", "https://[::1]:1/?q=${x}&y=$"])
            .prop_map(|url| ReadyBy::Http(Text::plain(url))),
    ];
    (by, some_span(), some_span()).prop_map(|(by, timeout, poll)| Ready { by, timeout, poll })
}

fn exits() -> impl Strategy<Value = Exits> {
    prop_oneof![
        vec(any::<u8>(), 1..4).prop_map(Exits::Codes),
        Just(Exits::Any),
        (1..=64_i32).prop_filter_map("a signal", Signal::from_number).prop_map(Exits::Signal),
    ]
}

fn command() -> impl Strategy<Value = PresetKind> {
    let argv = (path(), vec(argument(), 0..3));
    let env = btree_map("[A-Z$ {}.\"]{1,5}", argument(), 0..3);
    (
        argv,
        of(path()),
        env,
        any::<bool>(),
        (stdin(), of(ready()), any::<bool>()),
        exits(),
        any::<bool>(),
        span(),
        1_u64..=8 << 20,
    )
        .prop_map(
            |(
                (program, rest),
                dir,
                env,
                clear_env,
                (stdin, ready, pty),
                exits,
                background,
                grace,
                max_line,
            )| {
                let program = Text::plain(program.to_string_lossy());
                PresetKind::Command(Box::new(Command {
                    argv: std::iter::once(program).chain(rest).collect(),
                    dir,
                    env,
                    clear_env,
                    stdin,
                    ready,
                    pty,
                    exits,
                    background,
                    stop: Stop { signal: Signal::INT, grace },
                    max_line,
                }))
            },
        )
}

fn body() -> impl Strategy<Value = Body> {
    let json = [
        "{\"z\":[1,-2.5,\"${\",true],\"a\":{\"k.k\":\"$${\"}}",
        "1e300",
        "\"\"",
        "[]",
        "{}",
        "9223372036854775807",
        "{\"$${k}\":[\"${captured-1}\",\"a$${b}${captured-1}\"]}",
    ];
    prop_oneof![
        late().prop_map(Body::Text),
        path().prop_map(Body::File),
        btree_map(words(), vec(late(), 1..3), 0..3).prop_map(|fields| {
            let all = fields
                .into_iter()
                .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)));
            Body::Form(all.collect())
        }),
        select(json.to_vec()).prop_map(|json| Body::Json(json_text(json))),
    ]
}

/// A JSON text; the last of them is a template.
fn json_text(json: &str) -> Text {
    let Some(gaps) = json.contains("${captured-1}").then(|| json.split("${captured-1}")) else {
        return Text::plain(json);
    };
    let mut text = Text::default();
    for (n, part) in gaps.enumerate() {
        if n > 0 {
            text.push(&Text::captured("captured-1"));
        }
        text.push(&Text::plain(part.replace("$${", "${")));
    }
    text
}

fn auth() -> impl Strategy<Value = Auth> {
    prop_oneof![
        "[ -9;-~é]{0,8}".prop_map(|user| Auth::Basic { user: Text::plain(user), password: redacted() }),
        Just(Auth::Bearer(redacted())),
    ]
}

/// What a secret is in a file that was read back.
fn redacted() -> Text {
    Text::secret("[redacted]", "[redacted]")
}

fn client() -> impl Strategy<Value = ClientCert> {
    (path(), path()).prop_map(|(cert, key)| ClientCert { cert, key })
}

fn check() -> impl Strategy<Value = Check> {
    let value = select(vec!["1", "-2.5", "\"${x}\"", "[true,{\"a\":[]}]", "{}"]).prop_map(Text::plain);
    let json =
        btree_map("(/[a-z${}]{0,3}|/~0|/~1)*", value, 0..3).prop_map(|json| json.into_iter().collect());
    let text = select(vec!["", "^a|b$", r"\$\{x\}", "[\"']"]).prop_map(str::to_owned);
    (of(text), of(json), of(any::<[u8; 32]>()))
        .prop_map(|(text, json, sha256)| Check { text, json, sha256 })
        .prop_filter("it looks at something", |check| {
            check.text.is_some() || check.json.is_some() || check.sha256.is_some()
        })
}

fn status() -> impl Strategy<Value = StatusRule> {
    prop_oneof![
        (1..=9_u8).prop_map(StatusRule::Class),
        vec(100..=999_u16, 1..4).prop_map(StatusRule::Codes),
        Just(StatusRule::Any),
    ]
}

/// A load that can be kept: of few requests, and of a rate that does not end in nothing.
fn load() -> impl Strategy<Value = Load> {
    let closed = (1..=50_000_u32).prop_map(|connections| Pace::Closed { connections });
    let rate = prop_oneof![
        (1..=Rate::HIGHEST.0).prop_map(|rate| Ramp::constant(Rate(rate))),
        vec((0..3_600_000_000_000_u64, 1_000_000..=Rate::HIGHEST.0), 1..4).prop_map(|mut points| {
            points.sort_unstable();
            Ramp::new(points.into_iter().map(|(at, to)| Point { at: Span(at), to: Rate(to) }).collect())
        }),
    ];
    let arrivals = select(vec![Arrivals::Constant, Arrivals::Poisson]);
    let open = (rate, arrivals, 1..=50_000_u32);
    let open = open.prop_map(|(rate, arrivals, most)| Pace::Open { rate, arrivals, most });
    (prop_oneof![closed, open], of(some_span())).prop_map(|(pace, within)| Load {
        pace,
        requests: Some(1),
        within,
    })
}

fn fetch() -> impl Strategy<Value = FetchJob> {
    let urls = vec(select(vec!["http://h", "https://[::1]:1/?q=${x}&y=$", "http://u@h/%20"]), 1..3);
    let request = (
        select(vec!["GET", "POST", "x-odd"]),
        btree_map("[A-Za-z-]{1,6}", "[ -~é\t]{0,8}", 0..3),
        of(body()),
        of(auth()),
    );
    let numbers = (some_span(), any::<u32>(), any::<u32>(), 0..=i64::MAX as u64);
    let flags =
        (any::<bool>(), any::<bool>(), any::<bool>(), select(vec![Http2::Auto, Http2::Always, Http2::Never]));
    (
        urls,
        request,
        numbers,
        flags,
        status(),
        (of(path()), of(select(vec!["http://p:3128", "http://u@[::1]/"])), of(client()), of(check())),
        of(load()),
    )
        .prop_map(|(urls, request, numbers, flags, status, (ca, proxy, client, check), load)| {
            let sensitive = ["authorization", "cookie"];
            FetchJob {
                name: String::new(),
                urls: urls.iter().copied().map(Text::plain).collect(),
                mode: if flags.0 || load.is_some() { FetchMode::Concurrent } else { FetchMode::Sequential },
                lines: flags.1 && load.is_none(),
                method: request.0.to_owned(),
                headers: request
                    .1
                    .into_iter()
                    .filter(|(name, _)| !sensitive.contains(&name.to_lowercase().as_str()))
                    .map(|(name, value)| (name, Text::plain(value)))
                    .collect(),
                // A URL's user excludes it.
                auth: request.3.filter(|_| !urls.iter().any(|url| url.contains('@'))),
                body: request.2,
                timeout: numbers.0,
                redirects: numbers.1,
                retries: numbers.2,
                status,
                max_body: numbers.3,
                decode: flags.0,
                ca,
                insecure: flags.2,
                proxy: proxy.filter(|_| flags.3 != Http2::Always).map(Text::plain),
                client,
                http2: flags.3,
                load,
                check,
                capture: Vec::new(),
                place: Place::default(),
            }
        })
}

fn repeat() -> impl Strategy<Value = Repeat> {
    (interval(), 1..1_000_u64, of(some_span())).prop_map(|(every, times, within)| Repeat {
        every,
        times: Some(times),
        within,
    })
}

/// An entry that may refer to the first one, which spawns a program.
fn entry() -> impl Strategy<Value = Entry> {
    let after =
        prop_oneof![
            Just(After::Started(0)),
            Just(After::Ready(0)),
            Just(After::Finished(0)),
            (select(vec!["a+", "\\d \"x\" (^|$){1}", "[é]"]), span())
                .prop_map(|(regex, timeout)| After::Line { regex: regex.to_owned(), of: 0, timeout }),
        ];
    let action = prop_oneof![
        Just(Action::Spawn(0)),
        Just(Action::Fetch(0)),
        Just(Action::Stop(0)),
        late().prop_map(|text| Action::Send { to: 0, text }),
        late().prop_map(Action::Mark),
    ];
    (span(), of(after), action, 1..=1_000_000u32, of(repeat())).prop_map(
        |(at, after, action, count, repeat)| Entry {
            id: None,
            at,
            after,
            action,
            count,
            repeat,
            place: Place::default(),
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let sides = [1..=10_000_u32, 1..=10_000_u32];
    (sides, select(vec![Edges::Wrap, Edges::Stop]), of(some_span()))
        .prop_map(|(size, edges, broadcast)| World { size, edges, broadcast })
}

prop_compose! {
    fn scenario()(
        name in words(), description in of(words()), seed in of(0..=i64::MAX as u64), tick in of(some_span()),
        time_limit in of(some_span()), first in command(), presets in vec(prop_oneof![players(), command()], 0..3),
        fetches in vec(fetch(), 1..3), capture in capture(), entries in vec(entry(), 0..5),
        vars in btree_map("[A-Za-z0-9_.-]{1,8}", prop_oneof![
            text().prop_map(Var::Text), any::<i64>().prop_map(Var::Integer), any::<bool>().prop_map(Var::Boolean)
        ], 0..3),
        expect in expectations(), world in of(world()),
    ) -> Scenario {
        let PresetKind::Command(mut first) = first else { panic!("it is a command") };
        first.stdin = Stdin::Open;
        let kinds = std::iter::once(PresetKind::Command(first)).chain(presets).enumerate();
        let takes_locks = |preset: &Preset| matches!(&preset.kind, PresetKind::Players(players) if players.take_locks());
        let presets = kinds.map(|(n, kind)| Preset { name: format!("p{n}"), kind, place: Place::default() });
        let mut presets: Vec<Preset> = presets.collect();
        for preset in &mut presets {
            // Only where there is one, and through a pipe.
            if let PresetKind::Command(command) = &mut preset.kind && command.stdin == Stdin::World {
                match world {
                    Some(_) => command.pty = false,
                    None => command.stdin = Stdin::Null,
                }
            }
        }
        let locks = presets.iter().any(takes_locks).then(|| "l".to_owned());
        let fetches = fetches.into_iter().enumerate();
        let fetches = fetches.map(|(n, job)| FetchJob { name: format!("f-{n}"), capture: vec![capture.clone()], ..job });
        let spawn = Entry {
            id: Some("the.first".to_owned()), at: Span::ZERO, after: None, action: Action::Spawn(0), count: 1,
            repeat: None, place: Place::default(),
        };
        Scenario {
            name, description, seed, tick, time_limit, vars, presets, fetches: fetches.collect(),
            timeline: std::iter::once(spawn).chain(entries).collect(), expect,
            shared: vec![("c".to_owned(), -3)], locks: locks.into_iter().collect(), world,
        }
    }
}

/// The same without places.
fn placeless(mut scenario: Scenario) -> Scenario {
    scenario.presets.iter_mut().for_each(|preset| preset.place = Place::default());
    scenario.fetches.iter_mut().for_each(|fetch| fetch.place = Place::default());
    scenario.timeline.iter_mut().for_each(|entry| entry.place = Place::default());
    scenario.expect.iter_mut().for_each(|one| one.place = Place::default());
    scenario
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn a_resolved_scenario_reads_back_as_itself(scenario in scenario()) {
        let toml = to_toml(&scenario);
        let loaded = load_text(&toml);
        let said = said_of(&loaded);
        prop_assert!(loaded.is_ok(), "{toml}\n{said}");
        let json: serde_json::Value = serde_json::from_str(&to_json(&scenario)).expect("it is JSON");
        prop_assert!(json.is_object());
        if let Ok(loaded) = loaded {
            prop_assert_eq!(placeless(loaded.scenario), scenario, "{}", toml);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// Whatever is left out holds without being said, and no comment becomes more than one.
    #[test]
    fn a_draft_reads_back_as_its_scenario(scenario in scenario(), said in words(), at in span(), limit in some_span()) {
        let mut draft = Draft::read(&to_json(&scenario)).expect("a resolved scenario can be run");
        draft.set_seed(7);
        draft.limit(limit, vec![said.clone()]);
        let addition = |id, step| Addition::entry(said.clone(), id, at, step);
        let before = [Addition::comment(said.clone()), addition("before", Step::Mark(&said))];
        let behind = [addition("behind", Step::Spawn("p0", 3)), addition("last", Step::Send { to: "the.first", text: &said })];
        let toml = draft.to_toml(std::slice::from_ref(&said), &before, &behind);
        prop_assert!(!toml.contains(|c| c != '\n' && acts(c)), "{toml}");
        let loaded = load_text(&toml);
        // But for what may be doubted of an expectation, nothing is said.
        let doubts = ["`abort` ends nothing", "this scenario never gives"];
        let doubted = said_of(&loaded);
        let mut heads = doubted.lines().filter(|line| line.starts_with("error") || line.starts_with("warning"));
        prop_assert!(heads.all(|head| doubts.iter().any(|doubt| head.contains(doubt))), "{toml}\n{doubted}");
        let Ok(loaded) = loaded else { return Ok(()) };
        let mut drafted = placeless(loaded.scenario);
        let (last, behind) = (drafted.timeline.pop(), drafted.timeline.pop());
        let before = drafted.timeline.remove(0);
        prop_assert_eq!(last.map(|last| (last.at, last.action)), Some((at, Action::Send { to: 1, text: Text::plain(&*said) })));
        prop_assert_eq!(behind.map(|behind| (behind.at, behind.action, behind.count)), Some((at, Action::Spawn(0), 3)));
        prop_assert_eq!((before.at, before.action), (at, Action::Mark(Text::plain(&*said))));
        // One entry stands before those that are referred to.
        for entry in &mut drafted.timeline {
            match &mut entry.action {
                Action::Stop(to) | Action::Send { to, .. } => *to -= 1,
                _ => {}
            }
            match &mut entry.after {
                Some(After::Started(of) | After::Ready(of) | After::Finished(of) | After::Line { of, .. }) => *of -= 1,
                None => {}
            }
        }
        for one in &mut drafted.expect {
            let follows = match &mut one.rule {
                Rule::Order(order) => order.follows.within.as_mut(),
                Rule::Figure(_) => None,
            };
            let entries = one.of.within.iter_mut().chain(follows).filter_map(|within| within.entry.as_mut());
            entries.for_each(|entry| *entry -= 1);
        }
        let time_limit = Some(scenario.time_limit.map_or(limit, |own| own.min(limit)));
        let wanted = Scenario { seed: Some(7), time_limit, vars: BTreeMap::new(), ..scenario };
        prop_assert_eq!(drafted, wanted, "{}", toml);
    }
}

#[test]
fn a_draft_says_no_defaults() {
    let text = "name = \"short\"\n\n[presets.back]\ncommand = [\"sleep\", \"1\"]\nexits = 0\nbackground = true\n\n\
        [presets.players]\nplayers = [\n  { name = \"a\", moves = 1, every = \"1s\" },\n  { name = \"b\", moves = 2, every = \"1s\" },\n]\n\n\
        [presets.run]\ncommand = [\"sleep\", \"1\"]\nstop = { grace = \"1s\" }\n\n\
        [fetches.get]\nurls = [\"http://h/\"]\nbody = { json = {} }\n\n\
        [[timeline]]\nid = \"run\"\nspawn = \"run\"\n\n\
        [[timeline]]\nafter = { line = \"x\", of = \"run\" }\nspawn = \"players\"\n";
    let loaded = load_text(text).unwrap_or_else(|failure| panic!("{failure:?}"));
    let draft = Draft::read(&to_json(&loaded.scenario)).expect("a resolved scenario can be run");
    assert_eq!(draft.to_toml(&[], &[], &[]), format!("\n{text}"));
}

#[test]
fn vars_are_kept_for_the_record() {
    let loaded =
        load_text("[vars]\na = \"${env:TOKEN}\"\nb = 1\n").unwrap_or_else(|failure| panic!("{failure:?}"));
    let vars = BTreeMap::from([
        ("a".to_owned(), Var::Text(Text::secret("s3cr3t-t0ken", "[redacted]"))),
        ("b".to_owned(), Var::Integer(1)),
    ]);
    assert_eq!(loaded.scenario.vars, vars);
}
