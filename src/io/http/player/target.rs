//! The facts about the requests of players that are known before the first one is sent. Sends nothing.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

use scenario_core::scenario::model::FetchJob;

use crate::io::http::FetchContext;
use crate::io::http::conn::endpoint::Endpoint;
use crate::io::http::conn::pool::EndpointConns;
use crate::io::http::load::deadlines::LoadDeadlines;
use crate::io::http::load::fast_path::{LoadScratch, ReadBuffer};
use crate::io::http::request::template::RequestTemplate;
use crate::io::http::response::check::ResponseChecker;

/// A fetch of players.
pub(super) struct PlayerJob {
    pub(super) index: usize,
    pub(super) checker: Option<Rc<ResponseChecker>>,
    /// By URL, each prepared when it is needed first; `None` for a URL whose requests go the general way.
    targets: Vec<OnceCell<Option<PlayerTarget>>>,
    pub(super) deadlines: Rc<LoadDeadlines>,
    pub(super) scratch: LoadScratch,
}

/// The requests of a fetch to one URL.
pub(super) struct PlayerTarget {
    pub(super) template: RequestTemplate,
    pub(super) endpoint: Endpoint,
    pub(super) conns: Rc<EndpointConns>,
    /// hyper must read the answers.
    pub(super) is_odd: Cell<bool>,
}

impl PlayerJob {
    /// A fetch; `None` if all its requests go the general way.
    pub(super) fn new(
        context: &FetchContext,
        index: usize,
        read_buffer: &Rc<ReadBuffer>,
    ) -> Option<PlayerJob> {
        let job = &context.run_context.scenario.fetches[index];
        if !is_plain(job) {
            return None;
        }
        let checker = context.checkers.for_job(index, job).ok()?;
        Some(PlayerJob {
            index,
            checker,
            targets: job.urls.iter().map(|_| OnceCell::new()).collect(),
            deadlines: LoadDeadlines::new(&context.inbox, job.timeout.to_std()),
            scratch: LoadScratch::new(Rc::clone(read_buffer)),
        })
    }

    /// The requests to a URL; `None` if they go the general way.
    pub(super) fn target(&self, context: &FetchContext, url: usize) -> Option<&PlayerTarget> {
        let job = &context.run_context.scenario.fetches[self.index];
        self.targets.get(url)?.get_or_init(|| PlayerTarget::new(context, job, url)).as_ref()
    }
}

impl PlayerTarget {
    fn new(context: &FetchContext, job: &FetchJob, url: usize) -> Option<PlayerTarget> {
        let template = RequestTemplate::for_job(job, url)?;
        let endpoint = Endpoint::new(template.url(), job);
        endpoint.fast_path_support()?;
        let conns = context.pool.endpoint_conns(&endpoint);
        Some(PlayerTarget { template, endpoint, conns, is_odd: Cell::default() })
    }

    /// Whether requests can be written by hand now.
    pub(super) fn is_fast(&self) -> bool {
        !self.is_odd.get() && self.conns.speaks_http1(&self.endpoint)
    }
}

/// Whether a fetch has one attempt, and nothing to decode or to log but its end.
fn is_plain(job: &FetchJob) -> bool {
    job.load.is_none()
        && job.retries == 0
        && !job.decode_body
        && !job.log_lines
        && job.lines_until.is_none()
        && job.timeout.to_std() > Duration::ZERO
}
