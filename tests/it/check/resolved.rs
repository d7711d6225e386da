//! A resolved scenario reads back as itself, whatever its content.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use scenario_core::diagnostic::FilePlace;
use scenario_core::scenario::interval::Interval;
use scenario_core::scenario::model::expect_parts::RunPoint;
use scenario_core::scenario::model::resources::{ProgramLimits, ProgramResources};
use scenario_core::scenario::model::step_program::StepProgram;
use scenario_core::scenario::model::steps::{
    Chance, Channel, ChannelOrder, Comparison, ConditionOperand, ConditionTest, FetchStep, PlayerStep,
    RoundCount, StepAction, StepBlock, StepCondition, WeightedSteps,
};
use scenario_core::scenario::model::{
    ActionTarget, ArrivalProcess, CaptureSelector, ClientCert, CommandPreset, DataRows, DataSource,
    DataTable, EntryAction, EntryPace, EntryRepeat, EntryTrigger, EntryUntil, ExitRule, FailureBudget,
    FetchAuth, FetchBody, FetchCapture, FetchCheck, FetchJob, FetchMode, Http2Mode, HttpProbe, Isolation,
    JsonCondition, JsonTests, LifeRules, Link, LinkAction, LinkAddress, LinkCut, LinkFaults, LivenessRule,
    LoadModel, LoadProfile, MultipartPart, OnExit, OnFailure, PartContent, PlayerBehavior, PlayerGroup,
    PlayersPreset, Preset, PresetKind, ProbeTest, ReadinessRule, ReadinessTest, RestartCause, RestartPolicy,
    RowOrder, RowSource, Scenario, ScenarioText, SendAction, SignalAction, StatusRange, StatusRule,
    StdinMode, StopPolicy, TimelineEntry, VarValue, WorldEdges, WorldRules,
};
use scenario_core::scenario::rate::{Ramp, RampPoint, RequestRate};
use scenario_core::scenario::share::Share;
use scenario_core::scenario::write::draft::{DraftAction, DraftAddition, ScenarioDraft};
use scenario_core::scenario::write::resolved::{to_json, to_toml};
use scenario_log::event::{Direction, Source};
use scenario_log::name::NamePattern;
use scenario_log::sanitize::is_unsafe_char;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

use crate::check::common::{load_text, said_of};
use crate::check::expected::expectations;

/// Any text, often with characters that are special in TOML, JSON or a template.
fn words() -> impl Strategy<Value = String> {
    let special = select(vec![
        "", "${", "$${x}", "$$", "}", "\"", "\\", "\n", "\r\n", "'''", "\u{7f}", "\u{1b}", "é日", "#",
    ]);
    vec(prop_oneof![special.prop_map(str::to_owned), ".{0,4}"], 0..4).prop_map(|parts| parts.concat())
}

/// A text that a program can receive.
fn argument() -> impl Strategy<Value = ScenarioText> {
    words().prop_map(|text| ScenarioText::plain(text.replace('\0', "")))
}

fn text() -> impl Strategy<Value = ScenarioText> {
    words().prop_map(ScenarioText::plain)
}

/// A text that may contain a value that the first fetch captures.
fn late() -> impl Strategy<Value = ScenarioText> {
    (text(), any::<bool>(), text()).prop_map(|(mut before, gap, behind)| {
        if gap {
            before.push(&ScenarioText::capture_gap("captured-1"));
        }
        before.push(&behind);
        before
    })
}

/// A text of a request, which may also contain a value of its row, its number or a draw.
fn of_request() -> impl Strategy<Value = ScenarioText> {
    let gap =
        select(vec!["captured-1", "row.user", "row.a \"b\" é", "n", "draw:1..6", "draw:uuid", "draw:text:3"]);
    (late(), of(gap), text()).prop_map(|(mut before, gap, behind)| {
        gap.iter().for_each(|name| before.push(&ScenarioText::capture_gap(name)));
        before.push(&behind);
        before
    })
}

fn capture() -> impl Strategy<Value = FetchCapture> {
    let from = prop_oneof![
        select(vec!["", "/a~1b/${x}"]).prop_map(|place| CaptureSelector::Json(place.to_owned())),
        select(vec!["(a)", r"\$\{(\d)"]).prop_map(|regex| CaptureSelector::Text(regex.to_owned())),
        Just(CaptureSelector::Header("x-odd".to_owned())),
        Just(CaptureSelector::HeaderText { header: "x-odd".to_owned(), regex: "(a)".to_owned() }),
    ];
    (from, any::<bool>(), any::<bool>()).prop_map(|(from, secret, may_be_empty)| FetchCapture {
        name: "captured-1".to_owned(),
        selector: from,
        secret,
        may_be_empty,
    })
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

fn group() -> impl Strategy<Value = (bool, u32, u32, Interval, Vec<String>)> {
    (any::<bool>(), 1..200_u32, 0..10_000_u32, interval(), vec(direction(), 1..6))
}

/// A direction of any world, or of none.
fn direction() -> impl Strategy<Value = String> {
    let letters = Direction::ALL.map(|direction| direction.letter().to_owned());
    prop_oneof![select(letters.to_vec()), "[!-~č↑]{1,9}"]
}

/// Steps on the only cell and the only lock of [`scenario`].
fn steps() -> impl Strategy<Value = PlayerBehavior> {
    let step = prop_oneof![
        Just(("load c".to_owned(), StepAction::Load(0))),
        Just(("store c".to_owned(), StepAction::Store(0))),
        any::<i64>().prop_map(|number| (format!("add {number}"), StepAction::Add(number))),
        any::<i64>().prop_map(|number| (format!("mul  {number}"), StepAction::Mul(number))),
        some_span()
            .prop_map(|span| (format!("pause {}ns", span.0), StepAction::Pause(Interval::Constant(span)))),
        some_span().prop_map(|mean| {
            let text = format!("pause {{ exponential = \"{}ns\" }}", mean.0);
            (text, StepAction::Pause(Interval::Exponential { mean }))
        }),
        Just(("move".to_owned(), StepAction::Move)),
        "[ -~]{0,20}[!-~]".prop_map(|words| (format!("say {}", words.trim_start()), StepAction::Say)),
    ];
    let step = step.prop_map(|(text, action)| StepBlock::Step(PlayerStep { text, action }));
    let block = step.prop_recursive(3, 12, 3, |inner| {
        let list = || vec(inner.clone(), 1..3);
        let rounds = prop_oneof![
            (0..9_u32, 0..9_u32).prop_map(|(from, more)| RoundCount::Between(from, from + more)),
            Just(RoundCount::Forever),
        ];
        let fetches = vec(Just("f-0".to_owned()), 1..3);
        prop_oneof![
            (rounds, list()).prop_map(|(rounds, mut body)| {
                // A loop lets time pass.
                let pause = StepAction::Pause(Interval::Constant(Span(1)));
                body.push(StepBlock::Step(PlayerStep { text: "pause 1ns".to_owned(), action: pause }));
                StepBlock::Repeat { rounds, body }
            }),
            (condition(), list()).prop_map(|(condition, body)| StepBlock::While { condition, body }),
            (condition(), list(), prop_oneof![Just(Vec::new()), list()])
                .prop_map(|(condition, then, otherwise)| StepBlock::If { condition, then, otherwise }),
            (0..=Chance::ALWAYS, list(), prop_oneof![Just(Vec::new()), list()]).prop_map(
                |(chance, then, otherwise)| StepBlock::Chance { chance: Chance(chance), then, otherwise }
            ),
            vec((1..1_000_000_u32, list()), 1..3).prop_map(|choices| {
                let one = |(weight, body)| WeightedSteps { weight, body };
                StepBlock::Choose(choices.into_iter().map(one).collect())
            }),
            (fetches, "[a-z ]{1,9}").prop_map(|(names, label)| {
                let texts: Vec<String> = names.iter().map(|name| format!("fetch {name}")).collect();
                let one = |name: String| FetchStep {
                    fetch: 0,
                    label: if label.starts_with('x') { label.clone() } else { name.clone() },
                    name,
                };
                let action = StepAction::Fetch(names.into_iter().map(one).collect());
                StepBlock::Step(PlayerStep { text: texts.join(", "), action })
            }),
        ]
    });
    let locked = |blocks: Vec<StepBlock>| {
        let step = |text: &str, action| StepBlock::Step(PlayerStep { text: text.to_owned(), action });
        let lock = step("lock l", StepAction::Lock(0));
        let unlock = step("unlock l", StepAction::Unlock(0));
        PlayerBehavior::Steps(StepProgram::new([lock].into_iter().chain(blocks).chain([unlock]).collect()))
    };
    vec(block, 0..6).prop_map(locked)
}

/// A condition on the only cell.
fn condition() -> impl Strategy<Value = StepCondition> {
    let compare = |how, number| {
        ConditionTest::Compare(ConditionOperand::Cell(0), how, ConditionOperand::Number(number))
    };
    prop_oneof![
        any::<i64>().prop_map(move |number| (format!("c == {number}"), compare(Comparison::Equal, number))),
        any::<i64>().prop_map(move |number| (
            format!("not (c <{number})"),
            ConditionTest::Not(Box::new(compare(Comparison::Less, number)))
        )),
        Just((
            "passed or failed".to_owned(),
            ConditionTest::Any(vec![ConditionTest::Passed, ConditionTest::Failed])
        )),
    ]
    .prop_map(|(text, test)| StepCondition { text, test })
}

fn players() -> impl Strategy<Value = PresetKind> {
    let isolation = select(vec![Isolation::Task, Isolation::Process]);
    (vec(group(), 1..4), isolation, of(steps())).prop_map(|(rows, isolation, steps)| {
        let rows = rows.into_iter().enumerate();
        let groups = rows.map(|(index, (inside, count, moves, every, directions))| {
            let letter = char::from(b'a' + u8::try_from(index).unwrap_or(0));
            let name = if inside { format!("{letter} \"Č\"${{n}}\\ ${{x") } else { letter.to_string() };
            let steps = steps.clone().filter(|_| isolation == Isolation::Task && index == 0);
            let part = steps.unwrap_or(PlayerBehavior::Moves { moves, every });
            let acts = matches!(part, PlayerBehavior::Steps(_)) && count % 2 == 0;
            PlayerGroup {
                name: NamePattern::new(&name, count),
                count,
                behavior: part,
                directions,
                data: acts.then(|| RowSource { table: 0, name: "t-0".to_owned() }),
                on_failure: if acts { OnFailure::Again } else { OnFailure::End },
                cookies: !acts,
            }
        });
        PresetKind::Players(PlayersPreset { groups: groups.collect(), isolation })
    })
}

fn stdin() -> impl Strategy<Value = StdinMode> {
    prop_oneof![
        Just(StdinMode::Null),
        Just(StdinMode::Open),
        Just(StdinMode::World),
        text().prop_map(StdinMode::Text),
        path().prop_map(StdinMode::File),
    ]
}

/// A text with the number of a spawn between these parts.
fn with_instance(before: &str, after: &str) -> ScenarioText {
    let mut text = ScenarioText::plain(before);
    text.push(&ScenarioText::capture_gap("instance"));
    text.push(&ScenarioText::plain(after));
    text
}

/// A text of a program.
fn of_program() -> impl Strategy<Value = ScenarioText> {
    prop_oneof![
        3 => argument(),
        1 => (argument(), argument()).prop_map(|(before, after)| with_instance(before.reveal(), after.reveal())),
    ]
}

/// A program with its arguments.
fn short_command() -> impl Strategy<Value = Vec<ScenarioText>> {
    (path(), vec(argument(), 0..3)).prop_map(|(program, rest)| {
        std::iter::once(ScenarioText::plain(program.to_string_lossy())).chain(rest).collect()
    })
}

fn probe() -> impl Strategy<Value = ProbeTest> {
    let headers = btree_map("[a-z]{1,3}-x", "[ -~]{0,4}".prop_map(ScenarioText::plain), 0..3);
    let urls = select(vec!["http://h", "https://[::1]:1/?q=${x}&y=$"]);
    let http = (urls, status(), headers).prop_map(|(url, status, headers)| {
        let url = ScenarioText::plain(url);
        ProbeTest::Http(HttpProbe { url, status, headers: headers.into_iter().collect() })
    });
    prop_oneof![
        select(vec!["h:1", "[::1]:65535"]).prop_map(|address| ProbeTest::Tcp(ScenarioText::plain(address))),
        Just(ProbeTest::Tcp(with_instance("h:900", ""))),
        http,
        short_command().prop_map(ProbeTest::Command),
    ]
}

fn ready() -> impl Strategy<Value = ReadinessRule> {
    let line = (
        prop_oneof![regex().prop_map(ScenarioText::plain), Just(with_instance("^up ", r" \$\{x\}"))],
        1..9_u32,
    )
        .prop_map(|(regex, times)| ReadinessTest::Line { regex, times });
    let by = prop_oneof![line, probe().prop_map(ReadinessTest::Probe)];
    (by, some_span(), some_span(), some_span()).prop_map(|(test, timeout, poll, limit)| {
        // A line is not tried.
        let is_line = matches!(test, ReadinessTest::Line { .. });
        let try_timeout = if is_line { Span::from_secs(2) } else { limit };
        ReadinessRule { test, timeout, poll, try_timeout }
    })
}

fn alive() -> impl Strategy<Value = LivenessRule> {
    (probe(), some_span(), 1..9_u32, some_span())
        .prop_map(|(test, every, failures, try_timeout)| LivenessRule { test, every, failures, try_timeout })
}

fn exits() -> impl Strategy<Value = ExitRule> {
    prop_oneof![
        vec(any::<u8>(), 1..4).prop_map(ExitRule::Codes),
        Just(ExitRule::Any),
        signal().prop_map(ExitRule::Signal),
        (vec(any::<u8>(), 0..3), vec(signal(), 1..3))
            .prop_map(|(codes, signals)| ExitRule::Listed(codes, signals)),
    ]
}

fn signal() -> impl Strategy<Value = Signal> {
    (1..=64_i32).prop_filter_map("a signal", Signal::from_number)
}

fn life() -> impl Strategy<Value = LifeRules> {
    let on = prop_oneof![Just(RestartCause::Failure), Just(RestartCause::Always)];
    let restart = (on, 1..=9_u64, interval(), of(some_span()))
        .prop_map(|(on, times, wait, within)| RestartPolicy { on, times, wait, within });
    (any::<bool>(), any::<bool>(), some_span(), of(restart)).prop_map(|(stops, is_bounded, span, restart)| {
        let may_stop = restart.as_ref().is_none_or(|restart| restart.on == RestartCause::Failure);
        LifeRules {
            on_exit: if stops && may_stop { OnExit::Stop } else { OnExit::GoOn },
            lives: (!is_bounded).then_some(span),
            timeout: is_bounded.then_some(span),
            restart,
        }
    })
}

fn resources() -> impl Strategy<Value = ProgramResources> {
    let size = || of(1_u64..1 << 50);
    let number = || of(1_u32..=i32::MAX as u32);
    let limits = (size(), number(), number(), size(), of((1_u64..1_000_000).prop_map(Span::from_secs)));
    let limits = limits.prop_map(|(memory, files, processes, file_size, cpu)| ProgramLimits {
        memory,
        files,
        processes,
        file_size,
        cpu,
    });
    let period = (10_u64..100_000).prop_map(Span::from_millis);
    let user = select(vec!["nobody", "1000:1000", "web:www-data"]).prop_map(str::to_owned);
    (of(period), limits, of(user), of(path())).prop_map(|(sample, limits, user, output)| ProgramResources {
        sample,
        limits,
        user,
        output,
    })
}

fn command() -> impl Strategy<Value = PresetKind> {
    let argv = (path(), vec(of_program().boxed(), 0..3)).boxed();
    let env = btree_map("[A-Z$ {}.\"]{1,5}", of_program().boxed(), 0..3).boxed();
    let dir = path().prop_map(|dir| ScenarioText::plain(dir.to_string_lossy()));
    let dir = prop_oneof![3 => dir, 1 => Just(with_instance("data-", "/x"))];
    (
        argv,
        of(dir.boxed()),
        env,
        any::<bool>(),
        (stdin().boxed(), of(ready().boxed()).boxed(), of(alive().boxed()).boxed(), any::<bool>()),
        exits(),
        any::<bool>(),
        (span(), prop_oneof![Just(Vec::new()), short_command()].boxed()),
        (1_u64..=8 << 20, life().boxed(), resources().boxed()),
    )
        .prop_map(
            |(
                (program, rest),
                dir,
                env,
                clear_env,
                (stdin, ready, alive, pty),
                exits,
                background,
                (grace, command),
                (max_line, life, resources),
            )| {
                let program = ScenarioText::plain(program.to_string_lossy());
                PresetKind::Command(Box::new(CommandPreset {
                    argv: std::iter::once(program).chain(rest).collect(),
                    dir,
                    env,
                    clear_env,
                    stdin,
                    ready,
                    alive,
                    pty,
                    exits,
                    background,
                    stop: StopPolicy { signal: Signal::INT, grace, command },
                    max_line,
                    life,
                    resources,
                }))
            },
        )
}

fn body() -> impl Strategy<Value = FetchBody> {
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
        of_request().prop_map(FetchBody::Text),
        path().prop_map(FetchBody::File),
        btree_map(words(), vec(of_request(), 1..3), 0..3).prop_map(|fields| {
            let all = fields
                .into_iter()
                .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)));
            FetchBody::Form(all.collect())
        }),
        select(json.to_vec()).prop_map(|json| FetchBody::Json(json_text(json))),
        vec(part(), 1..4).prop_map(FetchBody::Multipart),
    ]
}

/// A JSON text; the last one is a template.
fn json_text(json: &str) -> ScenarioText {
    let Some(gaps) = json.contains("${captured-1}").then(|| json.split("${captured-1}")) else {
        return ScenarioText::plain(json);
    };
    let mut text = ScenarioText::default();
    for (n, part) in gaps.enumerate() {
        if n > 0 {
            text.push(&ScenarioText::capture_gap("captured-1"));
        }
        text.push(&ScenarioText::plain(part.replace("$${", "${")));
    }
    text
}

fn auth() -> impl Strategy<Value = FetchAuth> {
    prop_oneof![
        "[ -9;-~é]{0,8}"
            .prop_map(|user| FetchAuth::Basic { user: ScenarioText::plain(user), password: redacted() }),
        Just(FetchAuth::Bearer(redacted())),
    ]
}

/// The form of a secret in a file that was read back.
fn redacted() -> ScenarioText {
    ScenarioText::secret("[redacted]", "[redacted]")
}

fn client() -> impl Strategy<Value = ClientCert> {
    (path(), path()).prop_map(|(cert, key)| ClientCert { cert, key })
}

fn json_value() -> impl Strategy<Value = ScenarioText> {
    select(vec!["1", "-2.5", "\"${x}\"", "[true,{\"a\":[]}]", "{}", "{\"a\":1,\"exists\":true}"])
        .prop_map(ScenarioText::plain)
}

fn regex() -> impl Strategy<Value = String> {
    select(vec!["", "^a|b$", r"\$\{x\}", "[\"']"]).prop_map(str::to_owned)
}

fn json_condition() -> impl Strategy<Value = JsonCondition> {
    let number = || of(select(vec!["1", "-2.5", "1e300", "9223372036854775807"]).prop_map(str::to_owned));
    let tests = (of(json_value()), of(regex()), number(), number(), of(0..=i64::MAX as u64));
    let tests = (any::<bool>(), tests).prop_map(|(exists, (equals, matches, at_least, at_most, length))| {
        JsonTests { exists: exists.then_some(true), equals, matches, at_least, at_most, length }
    });
    prop_oneof![
        json_value().prop_map(JsonCondition::Equals),
        tests
            .prop_filter("it tests something", |tests| *tests != JsonTests::default())
            .prop_map(JsonCondition::Tests),
        Just(JsonCondition::Tests(JsonTests { exists: Some(false), ..JsonTests::default() })),
    ]
}

fn check() -> impl Strategy<Value = FetchCheck> {
    let json = btree_map("(/[a-z${}]{0,3}|/~0|/~1)*", json_condition(), 0..3);
    let headers = btree_map("[a-z-]{1,6}", regex(), 0..3);
    (of(regex()), of(regex()), of(json), of(headers), of(some_span()), of(any::<[u8; 32]>()))
        .prop_map(|(text, absent, json, headers, took, sha256)| FetchCheck {
            text,
            absent,
            json: json.map(|json| json.into_iter().collect()),
            headers: headers.map(|headers| headers.into_iter().collect()),
            took,
            sha256,
        })
        .prop_filter("it looks at something", |check| *check != FetchCheck::NOTHING)
}

fn status() -> impl Strategy<Value = StatusRule> {
    let range = prop_oneof![
        (1..=9_u8).prop_map(StatusRange::class),
        (100..=999_u16).prop_map(StatusRange::code),
        (100..=999_u16, 100..=999_u16)
            .prop_map(|(one, other)| StatusRange { first: one.min(other), last: one.max(other) }),
    ];
    prop_oneof![vec(range, 1..4).prop_map(StatusRule::OneOf), Just(StatusRule::Any)]
}

fn may_fail() -> impl Strategy<Value = FailureBudget> {
    prop_oneof![
        (0..=1_000_000_000_u64).prop_map(FailureBudget::Requests),
        (0..=1_000_000_000_u32)
            .prop_filter_map("a share", Share::from_billionths)
            .prop_map(FailureBudget::Share),
    ]
}

/// A valid load: it has few requests, and its rate does not end at 0.
fn load() -> impl Strategy<Value = LoadProfile> {
    let closed =
        prop_oneof![1..=50_u32, 1..=50_000_u32].prop_map(|connections| LoadModel::Closed { connections });
    let rate = prop_oneof![
        (1..=RequestRate::MAX.0).prop_map(|rate| Ramp::constant(RequestRate(rate))),
        vec((0..3_600_000_000_000_u64, 1_000_000..=RequestRate::MAX.0), 1..4).prop_map(|mut points| {
            points.sort_unstable();
            Ramp::new(
                points
                    .into_iter()
                    .map(|(at, to)| RampPoint { at: Span(at), rate: RequestRate(to) })
                    .collect(),
            )
        }),
    ];
    let arrivals = select(vec![ArrivalProcess::Constant, ArrivalProcess::Poisson]);
    let open = (rate, arrivals, 1..=50_000_u32);
    let open =
        open.prop_map(|(rate, arrivals, most)| LoadModel::Open { rate, arrivals, max_connections: most });
    (prop_oneof![closed, open], of(some_span())).prop_map(|(pace, within)| LoadProfile {
        model: pace,
        max_requests: Some(1),
        duration: within,
    })
}

fn part() -> impl Strategy<Value = MultipartPart> {
    let content = prop_oneof![late().prop_map(PartContent::Text), path().prop_map(PartContent::File)];
    let media_type = of(select(vec!["image/png", "text/plain; charset=\"${\""]).prop_map(str::to_owned));
    (words(), content, of(words()), media_type).prop_map(|(name, content, file_name, media_type)| {
        MultipartPart { name, content, file_name, media_type }
    })
}

/// The keys of connections: resolved addresses, a name, and whether connections are kept.
fn connection_keys() -> impl Strategy<Value = (Vec<(String, String)>, Option<String>, bool)> {
    let addresses = || select(vec!["[::1]:443", "a.test:1", "xn--bcher-kva.test:80"]).prop_map(str::to_owned);
    let name = select(vec!["shop.test", "[::1]"]).prop_map(str::to_owned);
    (btree_map(addresses(), addresses(), 0..3), of(name), any::<bool>())
        .prop_map(|(resolve, name, keep_alive)| (resolve.into_iter().collect(), name, keep_alive))
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
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        select(vec![Http2Mode::Auto, Http2Mode::Always, Http2Mode::Never]),
        (connection_keys(), of(regex())),
    );
    (
        urls,
        request,
        numbers,
        flags,
        (status(), may_fail()),
        (of(path()), of(select(vec!["http://p:3128", "http://u@[::1]/"])), of(client()), of(check())),
        of(load()),
    )
        .prop_map(
            |(urls, request, numbers, flags, (status, may_fail), (ca, proxy, client, check), load)| {
                let ((resolve, server_name, keep_alive), lines_until) = flags.4;
                let log_lines = flags.1 && load.is_none();
                let is_multipart = matches!(request.2, Some(FetchBody::Multipart(_)));
                let mut sensitive = vec!["authorization", "cookie"];
                sensitive.extend(is_multipart.then_some("content-type"));
                FetchJob {
                    name: String::new(),
                    urls: urls.iter().copied().map(ScenarioText::plain).collect(),
                    mode: if flags.0 || load.is_some() {
                        FetchMode::Concurrent
                    } else {
                        FetchMode::Sequential
                    },
                    log_lines,
                    lines_until: lines_until.filter(|_| log_lines),
                    method: request.0.to_owned(),
                    headers: request
                        .1
                        .into_iter()
                        .filter(|(name, _)| !sensitive.contains(&name.to_lowercase().as_str()))
                        .map(|(name, value)| (name, ScenarioText::plain(value)))
                        .collect(),
                    // It cannot be used together with a user in a URL.
                    auth: request.3.filter(|_| !urls.iter().any(|url| url.contains('@'))),
                    body: request.2,
                    timeout: numbers.0,
                    redirects: numbers.1,
                    retries: numbers.2,
                    status,
                    may_fail,
                    max_body: numbers.3,
                    decode_body: flags.0,
                    ca,
                    insecure: flags.2,
                    allow_unclean_close: false,
                    data: None,
                    proxy: proxy
                        .filter(|_| flags.3 != Http2Mode::Always && resolve.is_empty())
                        .map(ScenarioText::plain),
                    resolve,
                    server_name,
                    keep_alive,
                    streams: match &load {
                        Some(LoadProfile { model: LoadModel::Closed { connections: 1..=50 }, .. })
                            if flags.3 == Http2Mode::Always =>
                        {
                            1_000
                        }
                        _ => 1,
                    },
                    client_cert: client,
                    http2: flags.3,
                    load,
                    check,
                    captures: Vec::new(),
                    place: FilePlace::default(),
                }
            },
        )
}

fn repeat() -> impl Strategy<Value = EntryRepeat> {
    (interval(), 1..1_000_u64, of(some_span())).prop_map(|(every, times, within)| EntryRepeat {
        pace: EntryPace::Every(every),
        times: Some(times),
        duration: within,
    })
}

/// A spawn of the first preset at a rate.
fn arrivals() -> impl Strategy<Value = TimelineEntry> {
    let kinds = select(vec![ArrivalProcess::Constant, ArrivalProcess::Poisson]);
    (span(), 1..1_000_000_u64, kinds, 1..1_000_u64).prop_map(|(at, rate, arrivals, times)| TimelineEntry {
        id: None,
        at,
        trigger: None,
        action: EntryAction::Spawn(0),
        count: 1,
        repeat: Some(EntryRepeat {
            pace: EntryPace::Arrivals { rate: Ramp::constant(RequestRate(rate * 3_600_000_000)), arrivals },
            times: Some(times),
            duration: None,
        }),
        until: None,
        always: false,
        place: FilePlace::default(),
    })
}

/// Lets a condition name the entry before its own.
fn renumber(condition: &mut EntryTrigger) {
    match condition {
        EntryTrigger::Started(of)
        | EntryTrigger::Ready(of)
        | EntryTrigger::Finished(of)
        | EntryTrigger::Passed(of)
        | EntryTrigger::Failed(of)
        | EntryTrigger::Exit { of, .. }
        | EntryTrigger::Line { of, .. }
        | EntryTrigger::Quiet { of, .. } => *of -= 1,
        EntryTrigger::All(_) | EntryTrigger::Any(_) => {}
    }
}

/// The first entry as the target of an action.
fn first_target() -> ActionTarget {
    ActionTarget { name: "the.first".to_owned(), entry: Some(0), ..ActionTarget::default() }
}

/// One source as the target of an action.
fn source_target() -> ActionTarget {
    ActionTarget { name: "ps#3".to_owned(), source: Some(Source::Spawn(3)), ..ActionTarget::default() }
}

/// A change of the only link.
fn link_action() -> impl Strategy<Value = LinkAction> {
    let cut = select(vec![LinkCut::Both, LinkCut::To, LinkCut::From]);
    let faults = (
        of(interval()),
        of(1..=i64::MAX as u64),
        of(cut),
        any::<bool>(),
        of(0..=i64::MAX as u64),
        of(1..=i64::MAX as u64),
    );
    let faults = faults.prop_map(|(latency, bandwidth, cut, refuse, limit, slice)| LinkFaults {
        latency,
        bandwidth,
        cut,
        refuse,
        limit,
        slice,
    });
    (faults, any::<bool>(), of(some_span())).prop_map(|(faults, reset, duration)| {
        let is_none = faults.is_none();
        let duration = duration.filter(|_| !is_none);
        LinkAction { link: 0, faults, reset, heal: is_none, duration }
    })
}

/// An entry that may refer to the first one, which spawns a program.
fn entry() -> impl Strategy<Value = TimelineEntry> {
    let condition = prop_oneof![
        Just(EntryTrigger::Passed(0)),
        Just(EntryTrigger::Failed(0)),
        exits().prop_map(|exits| EntryTrigger::Exit { exits, of: 0 }),
        (1..1_000_000_000u64).prop_map(|quiet| EntryTrigger::Quiet { duration: Span(quiet), of: 0 }),
        Just(EntryTrigger::Started(0)),
        Just(EntryTrigger::Ready(0)),
        Just(EntryTrigger::Finished(0)),
        (select(vec!["a+", "\\d \"x\" (^|$){1}", "[é]"]), span())
            .prop_map(|(regex, timeout)| EntryTrigger::Line { regex: regex.to_owned(), of: 0, timeout }),
    ];
    let after = condition.prop_recursive(2, 6, 3, |part| {
        let parts = vec(part, 1..3);
        prop_oneof![parts.clone().prop_map(EntryTrigger::All), parts.prop_map(EntryTrigger::Any)]
    });
    let action = prop_oneof![
        Just(EntryAction::Spawn(0)),
        Just(EntryAction::Fetch(0)),
        Just(EntryAction::Stop(first_target())),
        (of(late()), any::<bool>()).prop_map(|(text, enter)| {
            let (close, enter) = (text.is_none() || !enter, enter || text.is_none());
            EntryAction::Send(SendAction { to: first_target(), text, enter, close })
        }),
        Just(EntryAction::Kill(source_target())),
        Just(EntryAction::Restart(first_target())),
        of(some_span()).prop_map(|pause| EntryAction::Signal(SignalAction {
            to: first_target(),
            signal: if pause.is_some() { Signal::STOP } else { Signal::HUP },
            pause
        })),
        late().prop_map(EntryAction::Mark),
        link_action().prop_map(EntryAction::Link),
    ]
    .boxed();
    (span(), of(after), action, 1..=1_000_000u32, of(repeat()), any::<bool>())
        .prop_map(|(at, after, action, count, repeat, always)| {
            let is_start =
                matches!(action, EntryAction::Spawn(_) | EntryAction::Fetch(_) | EntryAction::Link(_));
            let always =
                always && !is_start && repeat.is_none() && after.is_none() && at <= Span(30_000_000_000);
            TimelineEntry {
                id: None,
                at,
                trigger: after,
                action,
                count,
                repeat,
                until: None,
                always,
                place: FilePlace::default(),
            }
        })
        .boxed()
}

/// A table whose rows stand in the scenario.
fn table() -> impl Strategy<Value = DataTable> {
    let columns = vec!["user".to_owned(), "a \"b\" é".to_owned()];
    let order = select(vec![RowOrder::InOrder, RowOrder::ByChance, RowOrder::Once]);
    (vec((words(), words()), 1..4), order).prop_map(move |(values, take)| {
        let mut rows = DataRows::new(columns.len(), 0);
        values.iter().for_each(|(a, b)| assert!(rows.push(a) && rows.push(b)));
        DataTable {
            name: String::new(),
            source: DataSource::Inline,
            take,
            columns: columns.clone(),
            row_count: values.len() as u32,
            rows: Some(rows.into()),
            place: FilePlace::default(),
        }
    })
}

fn world() -> impl Strategy<Value = WorldRules> {
    let sides = [1..=10_000_u32, 1..=10_000_u32];
    (sides, select(vec![WorldEdges::Wrap, WorldEdges::Stop]), of(some_span()))
        .prop_map(|(size, edges, broadcast)| WorldRules { size, edges, broadcast })
}

/// A channel of any kind.
fn channel() -> impl Strategy<Value = Channel> {
    let order = select(vec![ChannelOrder::Fifo, ChannelOrder::Any]);
    (1..9_u32, order, any::<bool>()).prop_map(|(capacity, order, lossy)| Channel {
        name: format!("ch{capacity}"),
        capacity,
        order,
        lossy,
    })
}

prop_compose! {
    fn scenario()(
        name in words(), description in of(words()), seed in of(0..=i64::MAX as u64), tick in of(some_span()),
        time_limit in of(some_span()), hold in any::<bool>(), first in command().boxed(), presets in vec(prop_oneof![players().boxed(), command().boxed()].boxed(), 0..3).boxed(),
        fetches in vec(fetch().boxed(), 1..3).boxed(), capture in capture().boxed(),
        entries in vec(prop_oneof![5 => entry().boxed(), 1 => arrivals().boxed()].boxed(), 0..5).boxed(),
        // A variable named like a value of a request takes its place in a file.
        vars in btree_map("[A-Za-z0-9_.-]{1,8}".prop_filter("not a value of a request", |name| name != "n"), prop_oneof![
            text().prop_map(VarValue::Text), any::<i64>().prop_map(VarValue::Integer), any::<bool>().prop_map(VarValue::Boolean)
        ], 0..3).boxed(),
        expect in expectations().boxed(), world in of(world()).boxed(),
        (data, channels) in (vec(table().boxed(), 1..3), vec(channel().boxed(), 0..2)).boxed(),
        until in of((interval(), some_span()).prop_map(|(every, timeout)| EntryUntil { every, timeout })).boxed(),
    ) -> Scenario {
        let PresetKind::Command(mut first) = first else { panic!("it is a command") };
        first.stdin = StdinMode::Open;
        let kinds = std::iter::once(PresetKind::Command(first)).chain(presets).enumerate();
        let takes_locks = |preset: &Preset| matches!(&preset.kind, PresetKind::Players(players) if players.programs().next().is_some());
        let presets = kinds.map(|(n, kind)| Preset { name: format!("p{n}"), kind, args: BTreeMap::from([("n".to_owned(), VarValue::Integer(3))]), variant: None, place: FilePlace::default() });
        let mut presets: Vec<Preset> = presets.collect();
        for preset in &mut presets {
            // In a world there are four directions.
            if let PresetKind::Players(players) = &mut preset.kind && world.is_some() {
                for group in &mut players.groups {
                    group.directions.retain(|word| Direction::from_letter(word).is_some());
                    group.directions.push("N".to_owned());
                }
            }
            // A world must exist, and it is read through a pipe.
            if let PresetKind::Command(command) = &mut preset.kind && command.stdin == StdinMode::World {
                match world {
                    Some(_) => command.pty = false,
                    None => command.stdin = StdinMode::Null,
                }
            }
        }
        let data = data.into_iter().enumerate();
        let data = data.map(|(n, table)| DataTable { name: format!("t-{n}"), ..table }).collect();
        let locks = presets.iter().any(takes_locks).then(|| "l".to_owned());
        let mut fetches: Vec<FetchJob> = fetches;
        let programs = presets.iter().filter_map(Preset::players).flat_map(PlayersPreset::programs);
        if programs.flat_map(StepProgram::steps).any(|step| matches!(step.action, StepAction::Fetch(_))) {
            // Players make no loads.
            fetches[0].load = None;
            fetches[0].streams = 1;
        }
        let fetches = fetches.into_iter().enumerate();
        let fetches = fetches.map(|(n, job)| FetchJob { name: format!("f-{n}"), captures: vec![capture.clone()], data: Some(RowSource { table: 0, name: "t-0".to_owned() }), ..job });
        let fetches: Vec<FetchJob> = fetches.collect();
        let mut channels: Vec<Channel> = channels;
        channels.sort_by(|a, b| a.name.cmp(&b.name));
        channels.dedup_by(|a, b| a.name == b.name);
        let spawn = TimelineEntry {
            id: Some("the.first".to_owned()), at: Span::ZERO, trigger: None, action: EntryAction::Spawn(0), count: 1,
            repeat: None, until: None, always: false, place: FilePlace::default(),
        };
        // What is tried again ends by itself.
        let tried = match fetches[0].load {
            None => TimelineEntry { id: Some("tried".to_owned()), action: EntryAction::Fetch(0), until, ..spawn.clone() },
            Some(_) => TimelineEntry { id: Some("tried".to_owned()), ..spawn.clone() },
        };
        Scenario {
            name, description, seed, tick, time_limit, hold, vars, ports: BTreeMap::from([("db".to_owned(), 5432)]), presets, fetches, data,
            timeline: [spawn, tried].into_iter().chain(entries).collect(), expectations: expect,
            shared_cells: vec![("c".to_owned(), -3)], locks: locks.into_iter().collect(), channels, world,
            links: vec![Link {
                name: "db".to_owned(), listen: LinkAddress::Tcp("[::1]".to_owned(), 7), to: LinkAddress::Unix("run/db ${x}".into()),
                place: FilePlace::default(),
            }],
        }
    }
}

/// The scenario without places.
fn placeless(mut scenario: Scenario) -> Scenario {
    scenario.presets.iter_mut().for_each(|preset| preset.place = FilePlace::default());
    scenario.data.iter_mut().for_each(|table| table.place = FilePlace::default());
    scenario.fetches.iter_mut().for_each(|fetch| fetch.place = FilePlace::default());
    scenario.timeline.iter_mut().for_each(|entry| entry.place = FilePlace::default());
    scenario.links.iter_mut().for_each(|link| link.place = FilePlace::default());
    scenario.expectations.iter_mut().for_each(|one| one.place = FilePlace::default());
    scenario
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(250) })]

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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(160) })]

    /// Everything that is left out is a default, and no text ends its comment.
    #[test]
    fn a_draft_reads_back_as_its_scenario(scenario in scenario(), said in words(), at in span(), limit in some_span()) {
        let mut draft = ScenarioDraft::from_json(&to_json(&scenario)).expect("a resolved scenario can be run");
        draft.set_seed(7);
        draft.set_time_limit(limit, vec![said.clone()]);
        let addition = |id, step| DraftAddition::entry(said.clone(), id, at, step);
        let before = [DraftAddition::comment(said.clone()), addition("before", DraftAction::Mark(&said))];
        let behind = [addition("behind", DraftAction::Spawn("p0", 3)), addition("last", DraftAction::Send { to: "the.first", text: &said })];
        let toml = draft.to_toml(std::slice::from_ref(&said), &before, &behind);
        prop_assert!(!toml.contains(|c| c != '\n' && is_unsafe_char(c)), "{toml}");
        let loaded = load_text(&toml);
        // There are no diagnostics but warnings: of expectations, of the time limit, and of what chance makes of a
        // scenario.
        let doubts = [
            "`abort` has no effect",
            "never comes in this scenario",
            "the timeline makes ",
            "and `time_limit` is",
            "is 0 until something has started",
            "a window has ",
            "in the background, so",
            "spaces in its name",
            "this step is never taken",
            "this loop lets no time pass",
            "is never released",
            "and the last answer gives its value",
        ];
        let doubted = said_of(&loaded);
        let mut heads = doubted.lines().filter(|line| line.starts_with("error") || line.starts_with("warning"));
        prop_assert!(heads.all(|head| doubts.iter().any(|doubt| head.contains(doubt))), "{toml}\n{doubted}");
        let Ok(loaded) = loaded else { return Ok(()) };
        let mut drafted = placeless(loaded.scenario);
        let (last, behind) = (drafted.timeline.pop(), drafted.timeline.pop());
        let before = drafted.timeline.remove(0);
        prop_assert_eq!(last.map(|last| (last.at, last.action)), Some((at, EntryAction::Send(SendAction { to: ActionTarget { entry: Some(1), ..first_target() }, text: Some(ScenarioText::plain(&*said)), enter: true, close: false }))));
        prop_assert_eq!(behind.map(|behind| (behind.at, behind.action, behind.count)), Some((at, EntryAction::Spawn(0), 3)));
        prop_assert_eq!((before.at, before.action), (at, EntryAction::Mark(ScenarioText::plain(&*said))));
        // One entry is added before those that others refer to.
        for entry in &mut drafted.timeline {
            match &mut entry.action {
                EntryAction::Stop(to) | EntryAction::Send(SendAction { to, .. }) | EntryAction::Restart(to) | EntryAction::Signal(SignalAction { to, .. }) => {
                    to.entry = to.entry.map(|entry| entry - 1);
                }
                _ => {}
            }
            if let Some(trigger) = &mut entry.trigger {
                trigger.for_each_condition_mut(&mut renumber);
            }
        }
        for one in &mut drafted.expectations {
            for point in [&mut one.part.since, &mut one.part.until].into_iter().flatten() {
                if let RunPoint::Entry { entry, .. } = point {
                    *entry -= 1;
                }
            }
            let follows = one.rule.other_target_mut().and_then(|other| other.scope.as_mut());
            let entries = one.target.scope.iter_mut().chain(follows).filter_map(|within| within.entry.as_mut());
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
    let draft = ScenarioDraft::from_json(&to_json(&loaded.scenario)).expect("a resolved scenario can be run");
    assert_eq!(draft.to_toml(&[], &[], &[]), format!("\n{text}"));
}

#[test]
fn vars_are_kept_for_the_record() {
    let loaded =
        load_text("[vars]\na = \"${env:TOKEN}\"\nb = 1\n").unwrap_or_else(|failure| panic!("{failure:?}"));
    let vars = BTreeMap::from([
        ("a".to_owned(), VarValue::Text(ScenarioText::secret("s3cr3t-t0ken", "[redacted]"))),
        ("b".to_owned(), VarValue::Integer(1)),
    ]);
    assert_eq!(loaded.scenario.vars, vars);
}
