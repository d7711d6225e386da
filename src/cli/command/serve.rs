//! `--serve`: opens the door of the live page, and shows where it is.

use crate::cli::args::Serving;
use crate::cli::command::tell;
use crate::io::log_file::writer::Refusal;
use crate::web::page;
use crate::web::server::token;
use crate::web::server::token::Token;
use crate::web::server::{Kind, Listening, Server, Site};
use scenario_log::sanitize::visible;

/// Listens where the page is to be served, if it is. Nobody is let in yet.
pub(super) fn listen(serving: &Serving) -> Result<Option<Listening>, Refusal> {
    let Some(address) = &serving.address else { return Ok(None) };
    let token = match std::env::var(token::VARIABLE) {
        Ok(text) => {
            Token::given(&text).map_err(|error| format!("{} cannot be used: {error}", token::VARIABLE))
        }
        Err(_) => Token::drawn(),
    };
    Listening::at(address, &serving.hosts, token.map_err(Refusal)?).map(Some).map_err(Refusal)
}

/// Lets people in. What there is to see they are shown once there is something.
pub(super) fn start(listening: Listening, kind: Kind) -> Result<Server, Refusal> {
    let site = Site { html: page::HTML, style: page::STYLE, script: page::SCRIPT };
    let server = listening.start(site, kind);
    server.map_err(|error| Refusal(format!("the page cannot be served: {error}")))
}

/// Shows the link that leads there.
pub(super) fn tell_link(link: &str) {
    tell(&format!("           page: {}\n", visible(link)));
}
