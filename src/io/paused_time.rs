//! How long the run has stood still so far, for those who wait by the machine's clock: a pause takes
//! nothing from the time that a program has to stop, or a server to answer.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// The pauses of a run.
#[derive(Debug, Default)]
pub struct PausedTime(Cell<Duration>);

impl PausedTime {
    /// To be called when the run goes on, before anybody else can find that a time has passed.
    pub fn add(&self, pause: Duration) {
        self.0.set(self.0.get() + pause);
    }

    /// How long in all, since the run began.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.0.get()
    }

    /// What comes of a future; `None` if it takes longer than this, pauses not counted.
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

    /// Waits this long, pauses not counted.
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
    fn a_pause_is_no_time() {
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
            // Earlier pauses are none of this wait's.
            let began = tokio::time::Instant::now();
            pauses.sleep_unpaused(span).await;
            assert!(began.elapsed() >= span);
        });
    }
}
