//! Runs a fetcher as the live driver does, and servers for it. Asserts nothing about answers.

use std::borrow::Cow;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use scenario::io::RunContext;
use scenario::io::http::Fetcher;
use scenario::io::inbox::Inbox;
use scenario_core::engine::effect::RequestingPlayer;
use scenario_core::engine::input::Input;
use scenario_core::scenario::model::{
    FailureBudget, FetchJob, FetchMode, Http2Mode, Scenario, ScenarioText, StatusRule,
};
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::{FetchErrorKind, FetchedResponse, Source};
use scenario_log::secrets::Secrets;
use scenario_log::time::Span;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Runs a test on a runtime like that of the live driver. A test that hangs fails after a minute.
pub(crate) fn local(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tasks = tokio::task::LocalSet::new();
    let guarded = async { tokio::time::timeout(Duration::from_secs(60), tasks.run_until(test)).await };
    runtime.block_on(guarded).expect("the test hangs");
    runtime.shutdown_background();
}

/// A fetch of one URL, with the defaults for everything else.
pub(crate) fn job(url: &str) -> FetchJob {
    FetchJob {
        name: "job".to_owned(),
        urls: vec![ScenarioText::plain(url)],
        mode: FetchMode::Concurrent,
        log_lines: false,
        lines_until: None,
        method: "GET".to_owned(),
        headers: Vec::new(),
        auth: None,
        body: None,
        timeout: Span::from_secs(30),
        redirects: 10,
        retries: 0,
        status: StatusRule::class(2),
        may_fail: FailureBudget::Requests(0),
        max_body: 1 << 30,
        decode_body: false,
        ca: None,
        insecure: false,
        resolve: Vec::new(),
        server_name: None,
        keep_alive: true,
        streams: 1,
        allow_unclean_close: false,
        proxy: None,
        client_cert: None,
        http2: Http2Mode::Auto,
        load: None,
        data: None,
        check: None,
        captures: Vec::new(),
        place: Default::default(),
    }
}

/// A fetcher, its inbox, and the inputs that were taken from it.
pub(crate) struct Rig {
    pub(crate) fetcher: Fetcher,
    inbox: Rc<Inbox>,
    inputs: Vec<Input>,
}

impl Rig {
    pub(crate) fn new(jobs: Vec<FetchJob>, secrets: &[&str]) -> Rig {
        let scenario = Scenario {
            name: "test".to_owned(),
            description: None,
            seed: None,
            tick: None,
            world: None,
            links: Vec::new(),
            time_limit: None,
            hold: false,
            vars: Default::default(),
            ports: Default::default(),
            presets: Vec::new(),
            fetches: jobs,
            data: Vec::new(),
            timeline: Vec::new(),
            expectations: Vec::new(),
            shared_cells: Vec::new(),
            locks: Vec::new(),
            channels: Vec::new(),
        };
        let context = RunContext {
            scenario: Rc::new(scenario),
            folder: folder(),
            secrets: Secrets::new(secrets.iter().copied()),
            seed: 0,
            speed: 1.0,
        };
        let inbox = Inbox::new();
        Rig { fetcher: Fetcher::new(Rc::new(context), Rc::clone(&inbox)), inbox, inputs: Vec::new() }
    }

    /// Fetches the first URL of the first job as `get#n`.
    pub(crate) fn start(&mut self, n: u32) {
        self.start_with(n, &[]);
    }

    /// Fetches the first URL of this job as `get#n`.
    pub(crate) fn start_job(&mut self, n: u32, job: usize) {
        self.fetcher.start(Source::Request(n), job, 0, Vec::new());
    }

    /// Fetches the first URL of the first job as `get#n`, with these captured values by name.
    pub(crate) fn start_with(&mut self, n: u32, captured: &[(&str, &str)]) {
        self.fetcher.start(Source::Request(n), 0, 0, values(captured));
    }

    /// Fetches the first URL of this job as `get#n` of a player, with these captured values by name.
    pub(crate) fn start_for_player(&mut self, n: u32, job: usize, player: u32, captured: &[(&str, &str)]) {
        let player = RequestingPlayer { id: player, keeps_cookies: true };
        let request = (job, 0, values(captured));
        self.fetcher.start_late(Source::Request(n), request, Some(player), Span::ZERO);
    }

    /// Takes inputs from the inbox until `wanted` requests have ended.
    pub(crate) async fn wait_for_ends(&mut self, wanted: usize) {
        while self.inputs.iter().filter(|input| is_end(input)).count() < wanted {
            self.inbox.wait_for_input().await;
            self.take();
        }
    }

    /// Takes the inputs that are in the inbox now.
    pub(crate) fn take(&mut self) {
        let mut taken = Vec::new();
        self.inbox.take_all(&mut taken);
        self.inputs.append(&mut taken);
    }

    /// The inputs of one request, which must have ended exactly once.
    pub(crate) async fn run(&mut self, n: u32) -> Run {
        // An input that would come too late gets the chance to do so.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.take();
        let of = Source::Request(n);
        let (mine, others) =
            std::mem::take(&mut self.inputs).into_iter().partition(|input| source(input) == of);
        self.inputs = others;
        let run = Run { inputs: mine };
        assert_eq!(run.inputs.iter().filter(|input| is_end(input)).count(), 1, "{run:?}");
        assert!(run.inputs.last().is_some_and(is_end), "the end comes last: {run:?}");
        run
    }
}

fn values(captured: &[(&str, &str)]) -> Vec<CapturedValue> {
    let value = |(name, value): &(&str, &str)| CapturedValue {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
        secret: false,
    };
    captured.iter().map(value).collect()
}

/// The folder for the files of tests.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// Fetches the first URL of a job.
pub(crate) async fn fetch(job: FetchJob) -> Run {
    let mut rig = Rig::new(vec![job], &[]);
    rig.start(1);
    rig.wait_for_ends(1).await;
    rig.run(1).await
}

fn is_end(input: &Input) -> bool {
    matches!(input, Input::FetchFinished { .. } | Input::FetchFailed { .. })
}

fn source(input: &Input) -> Source {
    match input {
        Input::ResponseStarted { source, .. }
        | Input::ResponseLines { source, .. }
        | Input::FetchFinished { source, .. }
        | Input::FetchFailed { source, .. } => *source,
        other => panic!("not of a fetch: {other:?}"),
    }
}

/// All inputs of one request.
#[derive(Debug)]
pub(crate) struct Run {
    inputs: Vec<Input>,
}

impl Run {
    /// The only head: status, version, headers as text.
    pub(crate) fn responded(&self) -> (u16, &'static str, String) {
        let mut heads = self.inputs.iter().filter_map(|input| match input {
            Input::ResponseStarted { status, version: Cow::Borrowed(version), headers, .. } => {
                let lines = headers.iter().map(|header| format!("{}: {}\n", header.name, header.value));
                Some((*status, *version, lines.collect::<String>()))
            }
            _ => None,
        });
        let head = heads.next().unwrap_or_else(|| panic!("no head: {self:?}"));
        assert_eq!(heads.next(), None, "one head");
        head
    }

    pub(crate) fn heads(&self) -> usize {
        self.inputs.iter().filter(|input| matches!(input, Input::ResponseStarted { .. })).count()
    }

    /// The chunks of lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let chunk = |input: &Input| match input {
            Input::ResponseLines { chunk, .. } => Some(String::from_utf8_lossy(chunk).into_owned()),
            _ => None,
        };
        self.inputs.iter().filter_map(chunk).collect()
    }

    pub(crate) fn fetched(&self) -> FetchedResponse {
        match self.inputs.last() {
            Some(Input::FetchFinished { fetched, .. }) => (**fetched).clone(),
            other => panic!("not fetched: {other:?}"),
        }
    }

    /// Whether the answer is whole.
    pub(crate) fn is_fetched(&self) -> bool {
        matches!(self.inputs.last(), Some(Input::FetchFinished { .. }))
    }

    pub(crate) fn failed(&self) -> (FetchErrorKind, String) {
        match self.inputs.last() {
            Some(Input::FetchFailed { kind, error, .. }) => (*kind, error.clone()),
            other => panic!("not failed: {other:?}"),
        }
    }
}

/// A server on this machine.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Rc<RefCell<Vec<String>>>,
    connections: Rc<RefCell<usize>>,
}

impl Server {
    /// Calls `serve` for each connection; the connections are numbered from 1.
    pub(crate) async fn new<F, Done>(serve: F) -> Server
    where
        F: Fn(Guest, usize) -> Done + 'static,
        Done: Future<Output = ()> + 'static,
    {
        Server::on("127.0.0.1:0", serve).await
    }

    pub(crate) async fn on<F, Done>(address: &str, serve: F) -> Server
    where
        F: Fn(Guest, usize) -> Done + 'static,
        Done: Future<Output = ()> + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server { address, requests: Rc::default(), connections: Rc::default() };
        let (requests, connections) = (Rc::clone(&server.requests), Rc::clone(&server.connections));
        tokio::task::spawn_local(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                *connections.borrow_mut() += 1;
                let guest = Guest { tcp, requests: Rc::clone(&requests) };
                tokio::task::spawn_local(serve(guest, *connections.borrow()));
            }
        });
        server
    }

    /// Reads one request from each connection, writes `answer`, and closes it.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Server {
        let answer = answer.into();
        Server::new(move |mut guest, _| {
            let answer = answer.clone();
            async move {
                if guest.request().await.is_some() {
                    guest.say(&answer).await;
                    guest.close().await;
                }
            }
        })
        .await
    }

    /// An address on which nothing listens.
    pub(crate) async fn unused_address() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far: head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.borrow().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.borrow()
    }
}

/// One connection to a server.
pub(crate) struct Guest {
    pub(crate) tcp: TcpStream,
    requests: Rc<RefCell<Vec<String>>>,
}

impl Guest {
    /// Reads a request, and its body if it has a `Content-Length`. `None` if the client has closed.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                if bytes.len() >= end + 4 + length {
                    break;
                }
            }
            if self.tcp.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        let request = String::from_utf8_lossy(&bytes).into_owned();
        self.requests.borrow_mut().push(request.clone());
        Some(request)
    }

    /// Writes; false if the client has closed.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.tcp.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Closes so that everything that was written arrives.
    pub(crate) async fn close(mut self) {
        let _ = self.tcp.shutdown().await;
        let mut rest = Vec::new();
        let _ = self.tcp.read_to_end(&mut rest).await;
    }

    /// Closes with a reset.
    pub(crate) fn reset(self) {
        self.tcp.set_zero_linger().unwrap();
    }

    /// Keeps the connection open, without writing, until the client closes it.
    pub(crate) async fn wait(mut self) {
        let mut rest = Vec::new();
        let _ = self.tcp.read_to_end(&mut rest).await;
    }
}
