//! `--serve`: opens the door of the live page, and shows where it is.

use crate::door::cli::Serving;
use crate::door::command::tell;
use crate::hands::serve::token::{self, Token};
use crate::hands::serve::{Kind, Listening, Server, Site};
use crate::paper::log::writer::Refusal;
use crate::paper::report::live;
use crate::words::visible::visible;

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
    let site = Site { html: live::HTML, style: live::STYLE, script: live::SCRIPT };
    let server = listening.start(site, kind);
    server.map_err(|error| Refusal(format!("the page cannot be served: {error}")))
}

/// Shows the link that leads there.
pub(super) fn tell_link(link: &str) {
    tell(&format!("           page: {}\n", visible(link)));
}
