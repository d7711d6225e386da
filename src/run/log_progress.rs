//! The end of a log: waits until it is written, as long as something still takes it.

use std::time::{Duration, Instant};

use crate::run::recorder::{RecordError, RunRecorder};

/// How often the end of a run looks whether its log is written.
pub(super) const FINISH_INTERVAL: Duration = Duration::from_millis(10);

/// Watches whether something still takes the log.
#[derive(Debug, Default)]
pub(super) struct LogProgress(Option<(Instant, u64)>);

impl LogProgress {
    /// Whether nothing of the log was taken for as long as the end of a run waits.
    pub(super) fn is_stopped(&mut self, recorder: &RunRecorder) -> bool {
        let (written, patience) = recorder.written_bytes();
        match self.0 {
            Some((since, last)) if last == written => since.elapsed() > patience,
            _ => {
                self.0 = Some((Instant::now(), written));
                false
            }
        }
    }
}

/// Waits until the log is written. Once `must_end`, which is asked again and again, it waits only as long as
/// something is taken; the rest is dropped then.
///
/// # Errors
/// When writing has failed, or something was dropped.
pub(super) fn finish_log(
    recorder: &mut RunRecorder,
    mut must_end: impl FnMut() -> bool,
) -> Result<(), RecordError> {
    let mut progress = LogProgress::default();
    while !recorder.try_finish(FINISH_INTERVAL) {
        if must_end() && progress.is_stopped(recorder) {
            recorder.abandon_log();
        }
    }
    recorder.check()
}
