//! The only source of chance. A random stream is a PCG32 (`rand_pcg`), seeded by a mixer of our own from
//! the stream's purpose. Sampling uses whole numbers only, so that every machine, every release and every
//! language draws the same.
//!
//! - **Mixer**: FNV-1a (64 bits) over bytes that name the purpose; the generator's state and stream
//!   are two steps of SplitMix64 from that hash. Sources: the FNV draft of Fowler, Noll, Vo and
//!   Eastlake; Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
//! - **Generator**: O'Neill's `XSH RR 64/32` (pcg-random.org), as `rand_pcg::Pcg32`.
//! - **A whole number below n**: the high half of a 32-bit draw times n.
//! - **A span below w**: the high half of a 64-bit draw times w (64 bits are two 32-bit draws, the
//!   low half first).
//! - **Exponential**: mean times -ln(u), **normal**: the polar method of Marsaglia and Bray (1964);
//!   both in fixed point, with a logarithm by repeated squaring.
//!
//! `docs/format.md` contains the same for other languages. The golden vectors below must never change
//! within one format of the log.

use rand::Rng;
use rand_pcg::Pcg32;

use crate::scenario::interval::Interval;
use scenario_log::name::PlayerName;
use scenario_log::time::Span;

/// How many bits a drawn seed has: as many as a number of JavaScript, of `jq` and of many others holds exactly
/// (RFC 8259, section 6).
const SEED_BITS: u32 = 53;

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// ln 2 in units of 2^-32.
const LN_2: u64 = 2_977_044_472;

/// The identity of a random stream: a hash of its purpose.
#[derive(Clone, Copy, Debug)]
pub struct RandomStreamId(u64);

impl RandomStreamId {
    /// The stream of a run for this kind of purpose.
    #[must_use]
    pub fn new(seed: u64, kind: &str) -> RandomStreamId {
        RandomStreamId(FNV_OFFSET).with_number(seed).with_text(kind)
    }

    /// Adds a text to the purpose. Its end counts, so that `ab`, `c` differs from `a`, `bc`.
    #[must_use]
    pub fn with_text(self, text: &str) -> RandomStreamId {
        self.hash_bytes(text.as_bytes()).hash_bytes(&[0])
    }

    /// Adds a number to the purpose: its eight bytes, the lowest first.
    #[must_use]
    pub fn with_number(self, number: u64) -> RandomStreamId {
        self.hash_bytes(&number.to_le_bytes())
    }

    /// Adds a player's name to the purpose.
    #[must_use]
    pub fn with_player(self, name: PlayerName<'_>) -> RandomStreamId {
        let mut hash = self.hash_bytes(name.prefix.as_bytes());
        if let Some(number) = name.number {
            let mut digits = [0u8; 10];
            hash = hash.hash_bytes(decimal_digits(number, &mut digits));
        }
        hash.hash_bytes(name.suffix.as_bytes()).hash_bytes(&[0])
    }

    fn hash_bytes(self, bytes: &[u8]) -> RandomStreamId {
        RandomStreamId(
            bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)),
        )
    }

    /// The stream of this identity, at its beginning.
    #[must_use]
    pub fn stream(self) -> RandomStream {
        let mut state = self.0;
        let first = split_mix(&mut state);
        let second = split_mix(&mut state);
        RandomStream(Pcg32::new(first, second))
    }
}

/// One step of SplitMix64.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The decimal digits of `number`, in `digits`.
fn decimal_digits(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// The identity of a player's stream, without the player's name. It depends on the seed, the preset's name
/// and the number of earlier spawns of that preset, and on nothing else.
#[must_use]
pub fn player_stream_id(seed: u64, preset: &str, nth: u64) -> RandomStreamId {
    RandomStreamId::new(seed, "player").with_text(preset).with_number(nth)
}

/// A random stream for one purpose: 16 bytes.
#[derive(Clone, Debug)]
pub struct RandomStream(Pcg32);

impl RandomStream {
    /// A whole number from 0 to `n - 1`; `n` is at least 1. The chance of each differs from `1/n` by
    /// at most 2^-32.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A whole number of a range, both ends included; the first if there is no other.
    pub(crate) fn integer(&mut self, range: std::ops::RangeInclusive<i64>) -> i64 {
        let more = range.end().abs_diff(*range.start());
        let offset = (u128::from(self.bits()) * (u128::from(more) + 1)) >> 64;
        // At most `more`, so the sum is in the range.
        range.start().wrapping_add_unsigned(offset as u64)
    }

    /// Draws one wait. A constant draws nothing.
    pub fn sample(&mut self, interval: &Interval) -> Span {
        match interval {
            Interval::Constant(span) => *span,
            Interval::Uniform { from, to } => Span(from.0 + multiply_high(self.0.next_u64(), to.0 - from.0)),
            Interval::Exponential { mean } => Span(multiply_shift(self.sample_exponential(), mean.0, 32)),
            Interval::Normal { mean, sd } => self.sample_normal(mean.0, sd.0),
            Interval::Choice(spans) => spans[self.below(spans.len() as u32) as usize],
        }
    }

    /// Draws the distance to the next event of a Poisson process of rate 1, in units of 2^-32.
    pub(crate) fn sample_exponential(&mut self) -> u64 {
        neg_ln(self.0.next_u64().max(1), 64)
    }

    /// The polar method: a point in the unit disc. Its first coordinate gives the value; the second is not
    /// used, so that a draw never depends on the draw before it.
    fn sample_normal(&mut self, mean: u64, sd: u64) -> Span {
        loop {
            let x = i64::from(self.0.next_u32()) - (1 << 31);
            let y = i64::from(self.0.next_u32()) - (1 << 31);
            // Units of 2^-62.
            let s = (x * x) as u64 + (y * y) as u64;
            if s == 0 || s >= 1 << 62 {
                continue;
            }
            // z = x · sqrt(-2 ln s / s), so z² = (x²/s) · 2(-ln s): units of 2^-64 times 2^-32.
            let ratio = ((x * x) as u128) << 64;
            let square = (ratio / u128::from(s)) * u128::from(2 * neg_ln(s, 62));
            let z = u64::try_from(square.isqrt()).unwrap_or(u64::MAX);
            let offset = multiply_shift(z, sd, 48);
            return Span(if x < 0 { mean.saturating_sub(offset) } else { mean.saturating_add(offset) });
        }
    }
}

/// The high half of a product: `a · b / 2^64`.
fn multiply_high(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}

/// `factor · span` for a factor in units of `2^-bits`; the longest span if the product does not fit.
fn multiply_shift(factor: u64, span: u64, bits: u32) -> u64 {
    u64::try_from((u128::from(factor) * u128::from(span)) >> bits).unwrap_or(u64::MAX)
}

/// `-ln(u / 2^bits)` in units of 2^-32, for `0 < u <= 2^bits`.
fn neg_ln(u: u64, bits: u32) -> u64 {
    let zeros = u.leading_zeros();
    let mut log = u64::from(63 - zeros) << 32;
    // The mantissa in units of 2^-63, from 1 (included) to 2 (excluded): squaring it doubles its
    // logarithm, so each carry is the next bit.
    let mut mantissa = u128::from(u << zeros);
    for bit in (0..32).rev() {
        mantissa = (mantissa * mantissa) >> 63;
        if mantissa >> 64 != 0 {
            log |= 1 << bit;
            mantissa >>= 1;
        }
    }
    multiply_high((u64::from(bits) << 32) - log, LN_2 << 32)
}

/// Draws a seed for a run without one from the operating system: 0 to 2^63 - 1.
///
/// # Errors
/// If the operating system provides no randomness.
pub fn random_seed() -> Result<u64, rand::rngs::SysError> {
    use rand::TryRng;
    Ok(rand::rngs::SysRng.try_next_u64()? >> (u64::BITS - SEED_BITS))
}

/// A warning about a seed that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeSeedWarning {
    /// The possible events.
    pub message: String,
    /// The way out.
    pub help: String,
}

/// The warning about a seed that many programs read from a log as another number; `None` for a smaller one.
#[must_use]
pub fn large_seed_warning(seed: u64) -> Option<LargeSeedWarning> {
    (seed > 1 << SEED_BITS).then(|| LargeSeedWarning {
        message: format!(
            "the seed {seed} is above 2^{SEED_BITS}: jq, JavaScript and others read it from the log as another \
             number, and so as another run"
        ),
        help: format!("take a seed up to {}", 1_u64 << SEED_BITS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player_stream(seed: u64) -> RandomStream {
        player_stream_id(seed, "1", 0).with_player(PlayerName::from_full_name("john")).stream()
    }

    fn draws(interval: &Interval, count: usize) -> Vec<f64> {
        let mut random = player_stream(2018);
        (0..count).map(|_| random.sample(interval).0 as f64 / 1e9).collect()
    }

    fn mean_and_sd(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn golden_vectors_never_change() {
        let mut random = player_stream(2018);
        let numbers: Vec<u32> = (0..6).map(|_| random.below(4)).collect();
        assert_eq!(numbers, GOLDEN_BELOW_4);
        let uniform = Interval::Uniform { from: Span(0), to: Span::from_millis(800) };
        let exponential = Interval::Exponential { mean: Span::from_secs(1) };
        let normal = Interval::Normal { mean: Span::from_secs(1), sd: Span::from_millis(200) };
        let spans = [&uniform, &exponential, &normal].map(|interval| random.sample(interval).0);
        assert_eq!(spans, GOLDEN_SPANS);
    }
    const GOLDEN_BELOW_4: [u32; 6] = [3, 3, 0, 1, 0, 3];
    const GOLDEN_SPANS: [u64; 3] = [94_342_551, 722_381_159, 1_075_177_600];

    #[test]
    fn names_do_not_run_into_each_other() {
        let one = RandomStreamId::new(1, "player").with_text("ab").with_text("c").stream().below(u32::MAX);
        let other = RandomStreamId::new(1, "player").with_text("a").with_text("bc").stream().below(u32::MAX);
        assert_ne!(one, other);
        let whole = player_stream_id(1, "p", 0)
            .with_player(PlayerName::from_full_name("john-12"))
            .stream()
            .below(u32::MAX);
        let parts = PlayerName { prefix: "john-", number: Some(12), suffix: "" };
        assert_eq!(whole, player_stream_id(1, "p", 0).with_player(parts).stream().below(u32::MAX));
    }

    #[test]
    fn the_logarithm_is_right() {
        for u in [1u64, 2, 3, 1000, u64::MAX / 3, u64::MAX] {
            let exact = -((u as f64) / 2f64.powi(64)).ln();
            let ours = neg_ln(u, 64) as f64 / 2f64.powi(32);
            assert!((exact - ours).abs() < 1e-8, "{u}: {exact} and {ours}");
        }
        assert_eq!(neg_ln(1 << 62, 62), 0);
    }

    #[test]
    fn uniform_fills_its_range() {
        let from = Span::from_millis(200);
        let values = draws(&Interval::Uniform { from, to: Span::from_millis(600) }, 100_000);
        assert!(values.iter().all(|v| (0.2..0.6).contains(v)));
        let (mean, sd) = mean_and_sd(&values);
        assert!((mean - 0.4).abs() < 0.002 && (sd - 0.4 / 12f64.sqrt()).abs() < 0.002, "{mean} {sd}");
    }

    #[test]
    fn exponential_has_its_mean_and_its_tail() {
        let values = draws(&Interval::Exponential { mean: Span::from_secs(1) }, 100_000);
        let (mean, sd) = mean_and_sd(&values);
        assert!((mean - 1.0).abs() < 0.02 && (sd - 1.0).abs() < 0.02, "{mean} {sd}");
        let beyond = values.iter().filter(|v| **v > 3.0).count() as f64 / values.len() as f64;
        assert!((beyond - (-3f64).exp()).abs() < 0.003, "{beyond}");
    }

    #[test]
    fn normal_has_its_moments_and_is_cut_at_zero() {
        let sd = Span::from_millis(200);
        let values = draws(&Interval::Normal { mean: Span::from_secs(1), sd }, 100_000);
        let (mean, spread) = mean_and_sd(&values);
        assert!((mean - 1.0).abs() < 0.004 && (spread - 0.2).abs() < 0.004, "{mean} {spread}");
        let beyond = values.iter().filter(|v| (**v - 1.0).abs() > 0.4).count() as f64 / values.len() as f64;
        assert!((beyond - 0.0455).abs() < 0.003, "{beyond}");
        let cut = draws(&Interval::Normal { mean: Span::ZERO, sd }, 10_000);
        let zeros = cut.iter().filter(|v| **v == 0.0).count();
        assert!((4_800..5_200).contains(&zeros), "{zeros}");
    }

    #[test]
    fn choice_takes_each_alike() {
        let choice = Interval::Choice(vec![Span::from_secs(1), Span::from_secs(2), Span::from_secs(4)]);
        let values = draws(&choice, 30_000);
        for wanted in [1.0, 2.0, 4.0] {
            let count = values.iter().filter(|v| **v == wanted).count();
            assert!((9_700..10_300).contains(&count), "{wanted}: {count}");
        }
    }
}
