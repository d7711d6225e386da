//! How long the run has been paused so far, for code that waits by the machine's clock. A pause takes
//! nothing from the time that a program has to stop, or a server to answer.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// The pauses of a run.
#[derive(Debug, Default)]
pub struct PausedTime(Cell<Duration>);

impl PausedTime {
    /// To be called when the run goes on, before any code can find that a time limit has passed.
    pub fn add(&self, pause: Duration) {
        self.0.set(self.0.get() + pause);
    }

    /// The total since the run began.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.0.get()
    }

    /// Awaits a future; `None` if it takes longer than `limit`, not counting pauses.
    pub(in crate::io) async fn timeout_unpaused<T>(
        &self,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = std::pin::pin!(future);
        let (mut left, mut before) = (limit, self.0.get());
        loop {
            if let Ok(result) = timeout(left, &mut future).await {
                return Some(result);
            }
            left = self.0.get() - std::mem::replace(&mut before, self.0.get());
            if left.is_zero() {
                return None;
            }
        }
    }

    /// Waits this long, not counting pauses.
    pub(in crate::io) async fn sleep_unpaused(&self, span: Duration) {
        let (mut left, mut before) = (span, self.0.get());
        while !left.is_zero() {
            sleep(left).await;
            left = self.0.get() - std::mem::replace(&mut before, self.0.get());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_tokio(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(test);
    }

    #[test]
    fn a_pause_does_not_count() {
        on_tokio(async {
            let (pauses, began) = (PausedTime::default(), std::time::Instant::now());
            let span = Duration::from_millis(20);
            let both = async {
                tokio::join!(
                    pauses.timeout_unpaused(span, std::future::pending::<()>()),
                    pauses.sleep_unpaused(span),
                    async {
                        sleep(span / 2).await;
                        pauses.add(span * 3);
                    }
                )
            };
            assert_eq!(both.await.0, None);
            assert!(began.elapsed() >= span * 4);
            assert_eq!(pauses.timeout_unpaused(span, std::future::ready(1)).await, Some(1));
            // Earlier pauses do not count for this wait.
            let began = tokio::time::Instant::now();
            pauses.sleep_unpaused(span).await;
            assert!(began.elapsed() >= span);
        });
    }
}
