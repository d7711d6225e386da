//! `--serve`: listens for readers of the live page, and shows its link.

use crate::cli::args::ServeArgs;
use crate::cli::command::write_stderr;
use crate::io::log_file::writer::RefusedError;
use crate::web::page;
use crate::web::server::token;
use crate::web::server::token::AccessToken;
use crate::web::server::{BoundServer, PageServer, ServerMode, SiteAssets};
use scenario_log::sanitize::sanitize;

/// Listens at the address of `--serve`, if it is given. No reader is accepted yet.
pub(super) fn listen(serving: &ServeArgs) -> Result<Option<BoundServer>, RefusedError> {
    let Some(address) = &serving.address else { return Ok(None) };
    let token = match std::env::var(token::TOKEN_VARIABLE) {
        Ok(text) => AccessToken::parse(&text)
            .map_err(|error| format!("{} cannot be used: {error}", token::TOKEN_VARIABLE)),
        Err(_) => AccessToken::random(),
    };
    BoundServer::bind(address, &serving.hosts, token.map_err(RefusedError)?).map(Some).map_err(RefusedError)
}

/// Accepts readers. They receive the page's state once there is one.
pub(super) fn start(listening: BoundServer, kind: ServerMode) -> Result<PageServer, RefusedError> {
    let site = SiteAssets { html: page::HTML, style: page::STYLE, script: page::SCRIPT };
    let server = listening.start(site, kind);
    server.map_err(|error| RefusedError(format!("the page cannot be served: {error}")))
}

/// Shows the link to the page.
pub(super) fn report_link(link: &str) {
    write_stderr(&format!("           page: {}\n", sanitize(link)));
}
