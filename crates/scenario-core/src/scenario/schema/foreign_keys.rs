//! Keys of other tools that people try here, with what a scenario has in their place. Only for the help of
//! an unknown key.

/// The keys of one kind of table: keys of other tools, and what to write here.
struct ForeignKeys {
    /// The kind of table, as in messages.
    table: &'static str,
    rows: &'static [(&'static [&'static str], &'static str)],
}

const SCENARIO: ForeignKeys = ForeignKeys {
    table: "a scenario",
    rows: &[
        (
            &["services", "processes", "programs", "jobs", "tasks", "procs", "commands"],
            "programs are presets: `[presets.NAME]` with a `command`, and an entry `[[timeline]]` with `spawn = \"NAME\"` that starts it",
        ),
        (
            &["steps", "stages", "entries", "events", "schedule", "actions"],
            "what happens when is a list of entries: `[[timeline]]`",
        ),
        (
            &["requests", "urls", "http", "endpoints"],
            "requests are fetches: `[fetches.NAME]` with `urls`, and an entry `[[timeline]]` with `fetch = \"NAME\"`",
        ),
        (
            &["csv", "datasets", "dataset", "feeder", "feeders", "fixtures"],
            "rows of a file are `[data.NAME]` with `file = \"people.csv\"`, and a fetch takes them with `data = \"NAME\"`",
        ),
        (
            &["users", "vus"],
            "a load is a fetch with `connections` or a `rate`; people that move are `players` of a preset",
        ),
        (
            &["env", "environment", "variables", "parameters", "dotenv"],
            "variables of the scenario are in `[vars]`, those of a program in the `env` of its preset",
        ),
        (&["timeout", "max_duration", "duration"], "the longest time of a run is `time_limit = \"1m\"`"),
        (&["includes", "import", "imports"], "other files are read with `include = [\"presets.toml\"]`"),
        (
            &["thresholds", "assertions", "checks", "asserts", "tests"],
            "what must hold of a run is a list: `[[expect]]`",
        ),
        (&["version"], "a scenario has no version: remove it"),
        (
            &["networks", "volumes", "configs"],
            "programs run on this machine as they are, without containers: remove it",
        ),
    ],
};

const PRESET: ForeignKeys = ForeignKeys {
    table: "a preset",
    rows: &[
        (
            &["depends_on", "depends", "requires", "needs", "wait_for", "after"],
            "a preset waits for nothing; the entry that spawns it does: `after = \"db.ready\"` in its `[[timeline]]`",
        ),
        (
            &[
                "autorestart",
                "auto_restart",
                "restart_policy",
                "availability",
                "respawn",
                "restart_on_failure",
                "keep_alive",
                "keepalive",
            ],
            "a program is started again after a failure with `restart = \"failure\"`, after each end with `restart = \"always\"`, and with limits by `restart = { times = 5, wait = \"100ms..1s\", within = \"1m\" }`",
        ),
        (
            &[
                "max_restarts",
                "startretries",
                "start_limit_burst",
                "startlimitburst",
                "max_retries",
                "retries",
                "max_attempts",
            ],
            "how often a program is started again is `restart = { times = 3, within = \"1m\" }`",
        ),
        (
            &[
                "restart_delay",
                "restart_sec",
                "restartsec",
                "backoff",
                "backoff_seconds",
                "exp_backoff_restart_delay",
                "restart_interval",
            ],
            "the wait before a restart is `restart = { wait = \"100ms..1s\" }`",
        ),
        (
            &[
                "exit_on_end",
                "exit_on_failure",
                "exit_on_skipped",
                "abort_on_exit",
                "abort_on_container_exit",
                "kill_others",
                "kill_others_on_fail",
            ],
            "a program whose end ends the run has `on_exit = \"stop\"`; an unexpected exit fails the run in any case",
        ),
        (
            &["startsecs", "min_uptime", "minimum_uptime", "minuptime"],
            "an end that comes too early fails the run with `lives = \"1s\"`",
        ),
        (
            &[
                "healthcheck",
                "health_check",
                "readiness_probe",
                "startup_probe",
                "readiness",
                "health",
                "probe",
                "probes",
                "ready_log_line",
            ],
            "the condition on which it is ready is `ready = { http = \"http://127.0.0.1:8080/health\" }`, `{ tcp = \"127.0.0.1:5432\" }`, `{ command = [\"pg_isready\"] }` or `{ line = \"listening\" }`; what it must answer from then on is `alive = { http = \"…\", every = \"5s\", failures = 3 }`",
        ),
        (
            &["liveness_probe", "liveness", "livenessprobe", "watchdog", "watchdogsec"],
            "what a program must answer while it runs is `alive = { http = \"http://127.0.0.1:8080/health\", every = \"5s\", failures = 3 }`, `{ tcp = \"127.0.0.1:5432\" }` or `{ command = [\"pg_isready\"] }`",
        ),
        (
            &["stop_command", "shutdown_command", "pre_stop", "prestop", "execstop", "stop_cmd", "on_stop"],
            "the command that stops a program is `stop = { command = [\"redis-cli\", \"shutdown\"] }`",
        ),
        (
            &["uid", "group", "gid", "run_as"],
            "a program runs as another user and group with `user = \"NAME:GROUP\"`",
        ),
        (
            &[
                "mem_limit",
                "memory",
                "memory_limit",
                "max_memory_restart",
                "ulimits",
                "rlimits",
                "pids_limit",
                "resources",
                "deploy",
            ],
            "what a program may take is `limits = { memory = \"512MiB\", files = 256, processes = 50, cpu = \"10s\" }`",
        ),
        (
            &["log_file", "logfile", "stdout_logfile", "log_location", "out_file", "output_file"],
            "a file with the output of a program is `output = \"logs/NAME.log\"`",
        ),
        (
            &["environment", "envs", "environ", "environment_variables", "env_vars"],
            "variables of a program are `env = { NAME = \"value\" }`",
        ),
        (
            &["dotenv", "env_files", "environment_file", "environmentfile"],
            "a file of variables is `env_file = \".env\"`",
        ),
        (
            &["working_dir", "workdir", "working_directory", "workingdirectory", "cwd", "directory", "chdir"],
            "the folder in which a program runs is `dir = \"…\"`",
        ),
        (
            &[
                "cmd",
                "entrypoint",
                "run",
                "exec",
                "program",
                "shell",
                "script",
                "exec_start",
                "execstart",
                "interpreter",
            ],
            "the program and its arguments are one list: `command = [\"program\", \"argument\"]`; a shell is `[\"sh\", \"-c\", \"…\"]`",
        ),
        (
            &["image", "build", "ports", "expose", "volumes", "networks", "container_name"],
            "there are no containers: a program runs on this machine as it is. One can be started by its tool: `command = [\"docker\", \"run\", \"--rm\", …]`",
        ),
        (
            &["stop_signal", "stopsignal", "kill_signal", "killsignal", "shutdown"],
            "how a program is stopped is `stop = { signal = \"INT\", grace = \"10s\" }`",
        ),
        (
            &[
                "stop_grace_period",
                "stop_timeout",
                "kill_timeout",
                "grace",
                "grace_period",
                "shutdown_timeout",
                "stopwaitsecs",
                "timeout_stop_sec",
                "timeoutstopsec",
            ],
            "the time that a program has to end is `stop = { grace = \"10s\" }`",
        ),
        (
            &["daemon", "detach", "is_daemon", "service"],
            "a program that the run does not wait for has `background = true`",
        ),
        (&["tty", "is_tty", "interactive", "terminal"], "a terminal for a program is `pty = true`"),
        (
            &["stdin_open", "input"],
            "what a program reads is `stdin`: `\"open\"` for the lines of `send`, or `{ text = \"…\" }` or `{ file = \"…\" }`",
        ),
        (
            &[
                "exit_codes",
                "exitcodes",
                "success_exit_status",
                "successexitstatus",
                "success_exit_codes",
                "allow_failure",
                "ignore_error",
                "ignore_errors",
                "continue_on_error",
            ],
            "the exits that do not fail the run are `exits = [0, 3, { signal = \"TERM\" }]`, or `exits = \"any\"`",
        ),
        (
            &["replicas", "scale", "numprocs", "instances", "process_num", "exec_mode"],
            "how many are started at once is `count` of the entry that spawns it, and `${instance}` in the strings of the preset is the number of each",
        ),
        (
            &["log", "logs", "stderr_logfile", "logging"],
            "the log of the run has all lines of all programs, and a file of its own has `output = \"logs/NAME.log\"`",
        ),
        (
            &["max_duration", "max_runtime", "runtime_max_sec", "runtimemaxsec", "time_limit", "deadline"],
            "the longest time of a program is `timeout = \"10s\"`, and that of the whole run `time_limit` at the top",
        ),
        (
            &["delay", "start_delay", "autostart", "priority"],
            "when a program starts is a matter of the entry that spawns it: `at = \"2s\"`",
        ),
        (
            &["stopasgroup", "killasgroup", "kill_mode", "killmode"],
            "a stop and a kill always reach the whole process group: remove it",
        ),
        (&["redirect_stderr", "merge_logs"], "the log has the lines of both outputs: remove it"),
        (
            &["watch", "watch_files", "autoreload"],
            "`scenario run --watch` starts the whole run anew when a file has changed",
        ),
        (
            &["cron_restart"],
            "a restart at planned times is an entry: `every = \"1h\"`, `times = 24`, `restart = \"ID\"`",
        ),
        (
            &["timeout_start_sec", "timeoutstartsec", "start_timeout", "listen_timeout"],
            "the time that a program has to become ready is `ready = { …, timeout = \"30s\" }`",
        ),
    ],
};

const ENTRY: ForeignKeys = ForeignKeys {
    table: "a timeline entry",
    rows: &[
        (
            &["depends_on", "depends", "requires", "needs", "wait_for", "wait"],
            "an entry waits for another one with `after = \"ID.started\"`, `\"ID.ready\"`, `\"ID.finished\"`, `\"ID.passed\"` or `\"ID.failed\"`, or for a line with `after = { line = \"…\", of = \"ID\" }`",
        ),
        (
            &["delay", "when", "start", "time", "sleep", "offset"],
            "when an entry happens is `at = \"2s\"`, counted from the start of the run or from `after`",
        ),
        (
            &["command", "cmd", "run", "exec", "program", "shell"],
            "an entry spawns a preset: `spawn = \"NAME\"`, and the program stands in `[presets.NAME]` as its `command`",
        ),
        (
            &["repeat", "loop", "interval", "period", "iterations"],
            "an entry is repeated with `every = \"1s\"` and `times = 3` or `for = \"1m\"`",
        ),
        (
            &["arrival_rate", "arrivalrate", "rps", "ramp", "rampto", "ramp_to", "per_second"],
            "how many spawns start in a time is `rate = \"5/s\"`, with `times` or `for`",
        ),
        (
            &["url", "urls", "get", "post", "request", "http"],
            "an entry starts a fetch: `fetch = \"NAME\"`, and its URLs stand in `[fetches.NAME]` as `urls`",
        ),
        (&["log", "message", "echo", "print", "say", "comment"], "a text for the log is `mark = \"…\"`"),
        (&["terminate", "shutdown"], "an entry stops what another one started with `stop = \"ID\"`"),
        (&["respawn", "reload"], "an entry stops what runs and starts it again with `restart = \"ID\"`"),
        (
            &["retry", "retries", "attempts", "poll", "eventually"],
            "an entry is tried until it is as expected with `until = { every = \"500ms\", timeout = \"1m\" }`",
        ),
        (
            &["if", "condition", "on_failure", "on_success", "on_error", "catch", "only_if"],
            "an entry happens only if another one ended so with `after = \"ID.passed\"`, `\"ID.failed\"` or `{ exit = 3, of = \"ID\" }`",
        ),
        (
            &["finally", "cleanup", "teardown", "defer", "at_end"],
            "an entry happens at every end of the run with `always = true`",
        ),
        (&["replicas", "scale", "instances"], "how many are started at once is `count = 3`"),
        (
            &["input", "write", "type"],
            "a line is written to a program with `send = { to = \"ID\", text = \"…\" }`",
        ),
        (
            &[
                "timeout",
                "max_duration",
                "background",
                "exits",
                "ready",
                "env",
                "dir",
                "stdin",
                "pty",
                "on_exit",
                "lives",
                "autorestart",
            ],
            "how a program runs stands in its preset, not in the entry that spawns it",
        ),
    ],
};

const READY: ForeignKeys = ForeignKeys {
    table: "`ready`",
    rows: &[
        (&["cmd", "exec", "test"], "a command that must exit with 0 is `command = [\"pg_isready\"]`"),
        (
            &["interval", "period", "period_seconds", "periodSeconds"],
            "the pause between two tries is `poll = \"100ms\"`",
        ),
        (
            &["url", "http_get", "httpGet", "path"],
            "a URL that must answer is `http = \"http://127.0.0.1:8080/health\"`",
        ),
        (
            &["port", "host", "address", "tcp_socket", "tcpSocket"],
            "an address that must take connections is `tcp = \"127.0.0.1:5432\"`",
        ),
        (
            &["log", "log_line", "regex", "pattern", "match", "output", "stdout"],
            "a line that must come is `line = \"listening on .*\"`, a regular expression",
        ),
        (
            &[
                "retries",
                "failure_threshold",
                "failureThreshold",
                "start_period",
                "initial_delay",
                "initial_delay_seconds",
                "initialDelaySeconds",
            ],
            "it is tried until `timeout = \"30s\"` is over, as often as `poll` says",
        ),
        (
            &["timeout_seconds", "timeoutseconds", "attempt_timeout", "request_timeout", "probe_timeout"],
            "the time of one try is `try_timeout = \"1s\"`, and that of all of them `timeout = \"30s\"`",
        ),
        (
            &["success_threshold", "successthreshold", "count"],
            "the number of matching lines is `times = 2`; of `tcp`, `http` and `command` one success is enough",
        ),
        (
            &["status_code", "expected_status", "code", "num_status"],
            "the statuses that make it ready are `status = [200, 404]`",
        ),
    ],
};

const STOP: ForeignKeys = ForeignKeys {
    table: "`stop`",
    rows: &[
        (
            &["timeout", "timeout_seconds", "period", "delay", "kill_after"],
            "the time that a program has to end is `grace = \"10s\"`",
        ),
        (&["cmd", "exec"], "a program that asks it to end is `command = [\"redis-cli\", \"shutdown\"]`"),
    ],
};

const ALIVE: ForeignKeys = ForeignKeys {
    table: "`alive`",
    rows: &[
        (&["cmd", "exec", "test"], "a command that must exit with 0 is `command = [\"pg_isready\"]`"),
        (
            &["interval", "period", "period_seconds", "periodseconds", "poll"],
            "the time from one probe to the next is `every = \"5s\"`",
        ),
        (
            &["url", "http_get", "httpget", "path"],
            "a URL that must answer is `http = \"http://127.0.0.1:8080/health\"`",
        ),
        (
            &["port", "host", "address", "tcp_socket", "tcpsocket"],
            "an address that must take connections is `tcp = \"127.0.0.1:5432\"`",
        ),
        (
            &["retries", "failure_threshold", "failurethreshold", "times", "max_failures"],
            "how many probes must fail one after the other is `failures = 3`",
        ),
        (
            &["timeout", "timeout_seconds", "timeoutseconds"],
            "the time of one probe is `try_timeout = \"1s\"`",
        ),
        (
            &["start_period", "initial_delay", "initial_delay_seconds", "initialdelayseconds", "grace"],
            "the first probe comes `every` after the program is ready; when that is says its `ready`",
        ),
        (
            &["line", "log", "regex", "pattern", "output"],
            "a line shows only that a program is ready: `ready = { line = \"…\" }`. What it must go on to answer is `http`, `tcp` or `command`",
        ),
    ],
};

const FETCH: ForeignKeys = ForeignKeys {
    table: "a fetch",
    rows: &[
        (&["uri", "target", "endpoint"], "the URLs are a list: `urls = [\"http://…\"]`"),
        (
            &["json", "payload", "form"],
            "what is sent is `body = { text = \"…\" }`, `{ json = … }`, `{ form = … }` or `{ file = \"…\" }`",
        ),
        (
            &["vus", "users", "concurrency", "clients", "threads", "workers"],
            "how many requests are in flight at once is `connections = 10`, with `requests` or `for`",
        ),
        (
            &["csv", "feeder", "feed", "dataset"],
            "rows of a file are `[data.NAME]` with `file = \"people.csv\"`, and a fetch takes them with `data = \"NAME\"`",
        ),
        (&["duration", "time"], "how long a load goes on is `for = \"1m\"`"),
        (
            &["rps", "qps", "requests_per_second", "throughput"],
            "how many requests start in a time is `rate = \"500/s\"`",
        ),
        (&["iterations", "count", "repeat"], "how many requests a load has is `requests = 1000`"),
        (
            &["verify", "tls_verify", "insecure_skip_verify", "skip_verify", "k"],
            "any certificate is taken with `insecure = true`",
        ),
        (
            &["follow_redirects", "max_redirects", "location"],
            "how many redirects are followed is `redirects = 10`; `0` follows none",
        ),
        (
            &["expected_status", "status_code", "code", "expect_status"],
            "the statuses that do not fail the run are `status = [200, 404]`",
        ),
        (&["cookies", "cookie"], "a cookie is a header: `headers = { Cookie = \"…\" }`"),
        (&["params", "query", "query_params"], "a query stands in the URL: `urls = [\"http://…/?a=b\"]`"),
        (&["retry", "max_retries"], "how often a failed request is tried again is `retries = 3`"),
        (&["cacert", "ca_file", "ca_cert"], "the certificates that are trusted are `ca = \"ca.pem\"`"),
        (
            &["extract", "save", "captures"],
            "values are taken out of an answer with `capture = { token = { json = \"/token\" } }`",
        ),
        (
            &["asserts", "assertions", "validate"],
            "what an answer must be like is `check = { … }`, and its `status`",
        ),
    ],
};

const ROWS: ForeignKeys = ForeignKeys {
    table: "a table of rows",
    rows: &[
        (
            &["path", "csv", "source", "filename", "json", "jsonl"],
            "the file of the rows is `file = \"people.csv\"`",
        ),
        (
            &["order", "mode", "strategy", "random", "shuffle", "unique", "recycle", "circular"],
            "how rows are taken is `take = \"in order\"`, `\"by chance\"` or `\"once\"`",
        ),
        (&["columns", "fields", "header", "names"], "the first line of a .csv names the values"),
        (&["delimiter", "separator", "sep"], "the values of a .csv stand between commas"),
    ],
};

const RESTART: ForeignKeys = ForeignKeys {
    table: "`restart`",
    rows: &[
        (
            &["condition", "policy", "restart", "mode"],
            "the ends after which it is started again are `on = \"failure\"` or `on = \"always\"`",
        ),
        (
            &["max_restarts", "max_attempts", "attempts", "retries", "limit", "count", "burst"],
            "how often is `times = 5`",
        ),
        (
            &["delay", "backoff", "backoff_seconds", "every", "interval", "sec"],
            "the wait before a restart is `wait = \"1s\"`, or `wait = \"100ms..1s\"`, drawn from the seed",
        ),
        (
            &["window", "period", "for", "reset"],
            "the time in which restarts are counted is `within = \"1m\"`",
        ),
    ],
};

const ALL: [&ForeignKeys; 9] = [&SCENARIO, &PRESET, &ENTRY, &READY, &STOP, &FETCH, &ALIVE, &ROWS, &RESTART];

/// The text to write here instead of a key of another tool, if it is one that we know; `table` is the kind of
/// table, as in messages.
pub(crate) fn our_words(table: &str, key: &str) -> Option<&'static str> {
    let key = key.to_lowercase().replace('-', "_");
    let rows = ALL.iter().find(|foreign| foreign.table == table)?.rows;
    let is_key = |known: &&str| known.to_lowercase() == key;
    rows.iter().find(|(keys, _)| keys.iter().any(&is_key)).map(|(_, help)| *help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::file::{
        RawAlive, RawFetchJob, RawPreset, RawReady, RawScenario, RawStop, RawTimelineEntry,
    };

    #[test]
    fn no_key_of_ours_is_another_tools_and_each_is_named_once() {
        let ours = [
            RawScenario::KEYS,
            RawPreset::KEYS,
            RawTimelineEntry::KEYS,
            RawReady::KEYS,
            RawStop::KEYS,
            RawFetchJob::KEYS,
            RawAlive::KEYS,
        ];
        for (foreign, ours) in ALL.into_iter().zip(ours) {
            let mut seen = std::collections::HashSet::new();
            for key in foreign.rows.iter().flat_map(|(keys, _)| *keys) {
                assert!(!ours.contains(key) && seen.insert(key), "{key} of {}", foreign.table);
            }
        }
    }

    #[test]
    fn other_spellings_are_known_too() {
        assert!(our_words("a preset", "depends-on").is_some());
        assert!(our_words("`ready`", "periodSeconds").is_some());
        assert_eq!(our_words("a preset", "comand"), None);
        assert_eq!(our_words("a player", "depends_on"), None);
    }
}
