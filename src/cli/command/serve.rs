//! `--serve`: listens for readers of the live page, and shows its link.

use crate::assets::{LIVE_HTML, LIVE_HUB, LIVE_SCRIPT, LIVE_STYLE};
use crate::cli::args::ServeArgs;
use crate::cli::command::write_stderr;
use crate::io::log_file::writer::RefusedError;
use crate::io::{PAGE_VARIABLE, TOKEN_VARIABLE};
use crate::web::server::host_name::HostName;
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

/// The address and the token of a page that outlives its runs, for the processes of the runs.
#[derive(Debug)]
pub(super) struct LastingPage {
    address: String,
    hosts: Vec<HostName>,
    token: AccessToken,
}

impl LastingPage {
    /// Finds an address and a token, if `--serve` is given.
    pub(super) fn find(serving: &ServeArgs) -> Result<Option<LastingPage>, RefusedError> {
        let Some(listening) = listen(serving)? else { return Ok(None) };
        // Each run listens there itself, so that none of them depends on this process.
        let (address, token) = listening.release();
        Ok(Some(LastingPage { address: address.to_string(), hosts: serving.hosts.clone(), token }))
    }

    /// The variables of the environment that a run gets.
    pub(super) fn variables(&self) -> [(&'static str, String); 2] {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        let page = format!("{} {}", self.address, hosts.join(" "));
        [(PAGE_VARIABLE, page), (TOKEN_VARIABLE, self.token.reveal().to_owned())]
    }

    /// Serves the page itself while no run can.
    pub(super) fn serve(&self) -> Result<(PageServer, String), RefusedError> {
        let refused = |error: &dyn std::fmt::Display| RefusedError(error.to_string());
        let token = AccessToken::parse(self.token.reveal()).map_err(|error| refused(&error))?;
        let bound = BoundServer::bind(&self.address, &self.hosts, token).map_err(|error| refused(&error))?;
        let link = bound.page_url();
        Ok((start(bound, ServerMode::Run)?, link))
    }
}

/// Listens again where the run before has listened, if it has. No reader is accepted yet.
pub(super) fn listen_again() -> Result<Option<BoundServer>, RefusedError> {
    let Ok(page) = std::env::var(PAGE_VARIABLE) else { return Ok(None) };
    let mut words = page.split_whitespace();
    let address = words.next().map(ToOwned::to_owned);
    let hosts = words.filter_map(|host| HostName::parse(host).ok()).collect();
    listen(&ServeArgs { address, hosts })
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
