//! The end of a live run: it waits for its log, but not for ever, and its page may stay.

use std::time::Duration;

use tokio::time::Instant;

use super::{AfterEnd, LiveLoop};
use crate::io::inbox::is_end_request;
use crate::io::{job_control, panics};
use crate::run::DrivenRun;
use crate::run::log_progress::{FINISH_INTERVAL, LogProgress};
use crate::run::recorder::RecordError;
use crate::web::page::PageView;
use scenario_core::engine::input::Input;

/// How long a run stands still for its log before the screen says so.
const STALL_NOTICE_DELAY: Duration = Duration::from_secs(1);

impl LiveLoop {
    /// Waits until the log is taken again. Meanwhile the run stands still, as a program does whose pipe is full;
    /// but it hears signals and `quit`, and keeps its time limit.
    pub(super) async fn wait_for_log(&mut self, run: &mut DrivenRun) {
        let since = Instant::now();
        let mut is_told = false;
        while run.recorder.is_stalled() && !self.inbox.has_pause() {
            if !is_told && since.elapsed() > STALL_NOTICE_DELAY {
                is_told = true;
                run.recorder.show_warning("nothing takes the log; the run stands still until something does");
            }
            self.take_page_actions();
            if self.must_end() || panics::first_panic().is_some() {
                self.is_hurried = true;
                return run.recorder.hurry();
            }
            tokio::time::sleep(FINISH_INTERVAL).await;
            // An error of the log is found by the next flush.
            let _ = run.recorder.flush();
        }
    }

    /// Waits until the log is written. A run that must end waits only as long as something is taken.
    pub(super) async fn finish_log(&mut self, run: &mut DrivenRun) -> Result<(), RecordError> {
        let mut progress = LogProgress::default();
        while !run.recorder.try_finish(FINISH_INTERVAL) {
            // Signals come while this task waits.
            tokio::time::sleep(FINISH_INTERVAL).await;
            self.is_hurried |= self.must_end();
            if self.is_hurried && progress.is_stopped(&run.recorder) {
                run.recorder.abandon_log();
            }
        }
        run.recorder.check()
    }

    /// Whether a signal or `quit` has come, or the time limit has passed.
    fn must_end(&self) -> bool {
        self.inbox.has_end_request() || self.time_limit.is_some_and(|limit| self.clock.now() >= limit)
    }

    /// Disconnects the readers of the live page, after they have got the end.
    pub(super) fn close_pages(&mut self, run: &DrivenRun) {
        self.publish_end(run);
        if let Some(publisher) = self.publisher.take() {
            publisher.close(self.after_end == AfterEnd::StayUntilChange);
        }
    }

    /// Publishes the run on the live page as it has ended.
    fn publish_end(&self, run: &DrivenRun) {
        if let (Some(publisher), Some(page)) = (&self.publisher, &self.page) {
            let t = run.recorder.last_moment();
            let progress = run.engine.progress(t);
            let progress = Some(&progress);
            let view = PageView { t, is_clock_running: false, progress, readers: (0, 0), playback: None };
            publisher.publish(&mut page.borrow_mut(), view);
        }
    }

    /// Serves the page of a run that has ended, until a signal comes or `quit` is typed.
    pub(super) async fn stay(&mut self, run: &DrivenRun) {
        if self.after_end == AfterEnd::Close || self.is_signalled {
            return;
        }
        if let Some(publisher) = &mut self.publisher {
            publisher.refuse_actions();
        }
        while self.publisher.is_some() {
            self.publish_end(run);
            self.inbox.take_all(&mut self.inputs);
            for input in self.inputs.drain(..) {
                match input {
                    input if is_end_request(&input) => return,
                    Input::RunPaused => job_control::suspend_self(),
                    _ => {}
                }
            }
            let page_read = async {
                match &mut self.publisher {
                    Some(publisher) => publisher.next_action().await,
                    None => None,
                }
            };
            tokio::select! {
                biased;
                () = self.inbox.wait_for_input() => {}
                _ = page_read => {}
            }
        }
    }
}
