//! `--serve`: listens for readers of the live page, and shows its link.

use crate::assets::{LIVE_HTML, LIVE_HUB, LIVE_SCRIPT, LIVE_STYLE};
use crate::cli::args::ServeArgs;
use crate::cli::command::write_stderr;
use crate::io::TOKEN_VARIABLE;
use crate::io::log_file::writer::RefusedError;
use crate::web::server::token::AccessToken;
use crate::web::server::{BoundServer, PageServer, ServerMode, SiteAssets};
use scenario_log::sanitize::sanitize;

/// Listens at the address of `--serve`, if it is given. No reader is accepted yet.
pub(super) fn listen(serving: &ServeArgs) -> Result<Option<BoundServer>, RefusedError> {
    let Some(address) = &serving.address else { return Ok(None) };
    let token = match std::env::var(TOKEN_VARIABLE) {
        Ok(text) => AccessToken::parse(&text)
            .map_err(|error| RefusedError(format!("{TOKEN_VARIABLE} cannot be used: {error}"))),
        Err(_) => AccessToken::random().map_err(|error| RefusedError(error.to_string())),
    };
    let bound = BoundServer::bind(address, &serving.hosts, token?);
    bound.map(Some).map_err(|error| RefusedError(error.to_string()))
}

/// Accepts readers. They receive the page's state once there is one.
pub(super) fn start(listening: BoundServer, kind: ServerMode) -> Result<PageServer, RefusedError> {
    let site = SiteAssets { html: LIVE_HTML, style: LIVE_STYLE, script: &LIVE_SCRIPT, hub: LIVE_HUB };
    let server = listening.start(site, kind);
    server.map_err(|error| RefusedError(format!("the page cannot be served: {error}")))
}

/// Shows the link to the page.
pub(super) fn report_link(link: &str) {
    write_stderr(&format!("           page: {}\n", sanitize(link)));
}
