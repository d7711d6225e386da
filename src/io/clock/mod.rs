//! The real clock: gives the time in the run, and waits for moments.
//!
//! One kernel timer serves all waits. It is absolute, so that delays do not add up, and it is exact
//! to some tens of microseconds, where the runtime's own timers are exact to a millisecond. A wait
//! never ends early.
//!
//! Where moments come thick they are gathered ([`coalesce`]).
//!
//! It does not know what is due.

mod coalesce;

use std::cell::Cell;
use std::hint::spin_loop;
use std::io;
use std::os::fd::OwnedFd;
use std::time::SystemTime;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::io::clock::coalesce::WakeCoalescer;
use scenario_log::time::{Moment, NANOS_PER_SECOND, Span};

/// How long before a moment a precise wait stops sleeping and spins, in nanoseconds: a little more
/// than the usual delay of a wake.
const SPIN_WINDOW: u64 = 60_000;

/// The machine's monotonic clock, counted from the start of a run.
#[derive(Debug)]
pub struct RunClock {
    /// The machine's time that is the run's zero. It moves on by every span for which the clock is
    /// stopped.
    start: Cell<u64>,
    /// The machine's time at which the clock was stopped, while it is stopped.
    stopped_at: Cell<Option<u64>>,
    wall_start: SystemTime,
    speed: ClockSpeed,
    precise: bool,
    timer: AsyncFd<OwnedFd>,
    /// The machine's time that the timer is set to.
    armed_for: Cell<u64>,
    coalescer: Cell<WakeCoalescer>,
}

impl RunClock {
    /// Starts the clock: now is [`Moment::ZERO`], and time goes `speed` times as fast as the
    /// machine's. A `precise` clock spins before each moment and never gathers moments.
    ///
    /// # Errors
    /// When there is no descriptor for the timer.
    pub fn start(speed: f64, precise: bool) -> io::Result<RunClock> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "what came in its place is unsafe, for types that lie about their descriptor"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        let start = machine_now();
        Ok(RunClock {
            start: Cell::new(start),
            stopped_at: Cell::new(None),
            wall_start: SystemTime::now(),
            speed: ClockSpeed::new(speed),
            precise,
            timer,
            armed_for: Cell::new(0),
            coalescer: Cell::new(WakeCoalescer::new(start)),
        })
    }

    /// The time in the run. Never goes back.
    #[must_use]
    pub fn now(&self) -> Moment {
        let now = self.stopped_at.get().unwrap_or_else(machine_now);
        Moment(self.speed.run_time(now - self.start.get()))
    }

    /// Converts a span of the run's time into the machine's time.
    #[must_use]
    pub fn machine_span(&self, span: Span) -> Span {
        Span(self.speed.machine_time(span.0))
    }

    /// Stops the clock.
    pub fn stop(&self) {
        self.stopped_at.set(Some(machine_now()));
    }

    /// Lets the clock go on, and gives how long it was stopped, by the machine's clock.
    pub fn resume(&self) -> Span {
        let now = machine_now();
        let stood = now - self.stopped_at.take().unwrap_or(now);
        self.start.set(self.start.get() + stood);
        Span(stood)
    }

    /// The start of the run by the wall clock, as RFC 3339 in UTC.
    #[must_use]
    pub fn started_at(&self) -> String {
        // RFC 3339 has no text for a wall clock before 1970.
        humantime::format_rfc3339_millis(self.wall_start.max(SystemTime::UNIX_EPOCH)).to_string()
    }

    /// Waits until `moment` or a little later, never less. May be dropped at any time and called
    /// again, with the same moment or another.
    pub async fn sleep_until(&self, moment: Moment) {
        let due = self.start.get().saturating_add(self.speed.machine_time(moment.0));
        let mut coalescer = self.coalescer.get();
        let wake = if self.precise { due.saturating_sub(SPIN_WINDOW) } else { coalescer.wake_time(due) };
        while machine_now() < wake {
            self.arm_timer(wake);
            // The runtime may still remember that the timer went off before it was set again, so the
            // clock decides. Setting the timer again also clears that.
            match self.timer.readable().await {
                Ok(mut ready) => ready.clear_ready(),
                // The runtime is being shut down: nobody waits any more.
                Err(_) => std::future::pending().await,
            }
        }
        while machine_now() < due {
            spin_loop();
        }
        coalescer.record_wake(due, machine_now());
        self.coalescer.set(coalescer);
    }

    /// Sets the timer, unless it is set to that time already.
    fn arm_timer(&self, at: u64) {
        if self.armed_for.replace(at) != at {
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let at = Timespec {
                tv_sec: i64::try_from(at / NANOS_PER_SECOND).unwrap_or(i64::MAX),
                tv_nsec: i64::try_from(at % NANOS_PER_SECOND).unwrap_or_default(),
            };
            let timer = Itimerspec { it_interval: never, it_value: at };
            let set = timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &timer);
            debug_assert!(set.is_ok(), "a valid time for a valid timer");
        }
    }
}

/// The machine's monotonic time in nanoseconds.
fn machine_now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let [seconds, nanoseconds] = [now.tv_sec, now.tv_nsec].map(|n| u64::try_from(n).unwrap_or_default());
    seconds * NANOS_PER_SECOND + nanoseconds
}

/// How much faster than the machine's clock the run's clock goes, as a multiple of 2^-32. With whole
/// numbers both conversions are exact at speed 1, and neither ever goes back.
#[derive(Clone, Copy, Debug)]
struct ClockSpeed(u64);

impl ClockSpeed {
    const SCALE: f64 = 4_294_967_296.0;

    /// The nearest value that there is, at least 2^-32.
    fn new(speed: f64) -> ClockSpeed {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates as it should")]
        ClockSpeed(((speed * ClockSpeed::SCALE).round() as u64).max(1))
    }

    /// The run's time after `machine` nanoseconds of the machine's time.
    fn run_time(self, machine: u64) -> u64 {
        u64::try_from((u128::from(machine) * u128::from(self.0)) >> 32).unwrap_or(u64::MAX)
    }

    /// The first machine time at which the run's time is `run` nanoseconds.
    fn machine_time(self, run: u64) -> u64 {
        u64::try_from((u128::from(run) << 32).div_ceil(u128::from(self.0))).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::time::Span;

    /// Runs `test` as the driver runs the clock.
    fn on_tokio(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(test);
    }

    #[test]
    fn no_moment_is_early_and_none_adds_to_the_next() {
        for (speed, precise) in [(1.0, false), (1.0, true), (10.0, false), (0.3, false)] {
            on_tokio(async {
                let clock = RunClock::start(speed, precise).expect("a timer");
                let step = Span::from_millis(3);
                for n in 1..=20 {
                    let moment = Moment(step.0 * n);
                    clock.sleep_until(moment).await;
                    assert!(clock.now() >= moment, "{moment} at {}", clock.now());
                }
            });
        }
    }

    #[test]
    fn a_wait_may_be_dropped_for_another() {
        on_tokio(async {
            let clock = RunClock::start(1.0, false).expect("a timer");
            for n in 1..50 {
                let (later, sooner) = (Moment(n * 1_000_000 + 40_000_000), Moment(n * 1_000_000));
                tokio::select! {
                    biased;
                    () = clock.sleep_until(later) => {}
                    () = tokio::task::yield_now() => {}
                }
                clock.sleep_until(sooner).await;
                assert!(clock.now() >= sooner);
            }
            // The timer goes off while nothing waits for it.
            tokio::select! {
                biased;
                () = clock.sleep_until(Moment(52_000_000)) => {}
                () = tokio::time::sleep(std::time::Duration::from_millis(10)) => {}
            }
            let moment = Moment(clock.now().0 + 5_000_000);
            clock.sleep_until(moment).await;
            assert!(clock.now() >= moment);
            clock.sleep_until(Moment::ZERO).await;
        });
    }

    #[test]
    fn dense_moments_are_gathered_and_never_early() {
        on_tokio(async {
            let clock = RunClock::start(1.0, false).expect("a timer");
            // 100,000 moments a second for a fifth of a second; each wake takes everything that is
            // due.
            let (mut next, mut wakes) = (0_u64, 0_u64);
            while next < 20_000 {
                let moment = Moment(next * 10_000);
                clock.sleep_until(moment).await;
                let now = clock.now();
                assert!(now >= moment);
                wakes += 1;
                next = next.max(now.0 / 10_000 + 1);
            }
            assert!(wakes < 5_000, "{wakes} wakes for 20,000 moments");
            // Once moments are sparse again, nothing is gathered soon after.
            for _ in 0..20 {
                clock.sleep_until(Moment(clock.now().0 + 1_000_000)).await;
            }
            let moment = clock.start.get() + clock.now().0;
            assert_eq!(clock.coalescer.get().wake_time(moment), moment);
        });
    }

    #[test]
    fn at_speed_one_both_clocks_are_equal() {
        let speed = ClockSpeed::new(1.0);
        for time in [0, 1, 999_999_999, 31_536_000 * NANOS_PER_SECOND + 1, u64::MAX] {
            assert_eq!((speed.run_time(time), speed.machine_time(time)), (time, time));
        }
    }

    #[test]
    fn conversions_agree_at_any_speed() {
        for speed in [0.001, 0.3, 1.1, 10.0, 1e6].map(ClockSpeed::new) {
            for run in [1, 7, 1_000_003, 86_400 * NANOS_PER_SECOND + 11] {
                let machine = speed.machine_time(run);
                assert!(speed.run_time(machine) >= run, "not early");
                assert!(speed.run_time(machine - 1) < run, "nor late");
            }
        }
        assert_eq!(ClockSpeed::new(10.0).machine_time(u64::MAX), u64::MAX / 10 + 1);
        assert_eq!(ClockSpeed::new(0.5).machine_time(u64::MAX), u64::MAX, "the end of time");
    }
}
