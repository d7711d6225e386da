//! Variables of the environment whose values are no secrets: everybody's shell has them, and their values
//! (a folder, a language, `development`) stand in ordinary text. All other values are redacted.

/// The names. `docs/explanation/security.md` lists them.
pub const EVERYDAY_NAMES: [&str; 44] = [
    "APP_ENV",
    "CI",
    "COLORTERM",
    "COLUMNS",
    "DEBUG",
    "DISPLAY",
    "EDITOR",
    "ENV",
    "ENVIRONMENT",
    "FLASK_ENV",
    "GOPATH",
    "GO_ENV",
    "HOME",
    "HOST",
    "HOSTNAME",
    "HOSTTYPE",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LINES",
    "LOGNAME",
    "LOG_LEVEL",
    "MIX_ENV",
    "NODE_ENV",
    "NO_COLOR",
    "OLDPWD",
    "OSTYPE",
    "PAGER",
    "PATH",
    "PORT",
    "PWD",
    "RACK_ENV",
    "RAILS_ENV",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "SHELL",
    "SHLVL",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "VISUAL",
];

/// The beginnings of further names.
pub const EVERYDAY_PREFIXES: [&str; 2] = ["LC_", "XDG_"];

/// Whether the value of this variable may be shown.
pub(crate) fn is_everyday(name: &str) -> bool {
    EVERYDAY_NAMES.contains(&name) || EVERYDAY_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
