//! Times from one thing to the next: a constant, or a distribution to draw from. The engine makes the draws
//! (`engine::random`).

use scenario_log::time::Span;

/// A time to wait, constant or drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Always this time.
    Constant(Span),
    /// Uniform from `from` (included) to `to` (excluded); `from` < `to`.
    Uniform {
        /// The shortest time.
        from: Span,
        /// The end of the range, which is never reached.
        to: Span,
    },
    /// An exponential distribution.
    Exponential {
        /// The mean; more than zero.
        mean: Span,
    },
    /// A normal distribution, cut at 0: a negative draw becomes 0.
    Normal {
        /// The mean before the cut.
        mean: Span,
        /// The standard deviation before the cut.
        sd: Span,
    },
    /// One of these, with equal chance; there is at least one.
    Choice(Vec<Span>),
}

impl Interval {
    /// The interval in words: `400ms`, `0s..800ms`, `exponential 1s`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Interval::Constant(span) => span.format_human(),
            Interval::Uniform { from, to } => format!("{}..{}", from.format_human(), to.format_human()),
            Interval::Exponential { mean } => format!("exponential {}", mean.format_human()),
            Interval::Normal { mean, sd } => {
                format!("normal {}, sd {}", mean.format_human(), sd.format_human())
            }
            Interval::Choice(spans) => {
                let spans: Vec<String> = spans.iter().map(|span| span.format_human()).collect();
                format!("one of {}", spans.join(", "))
            }
        }
    }

    /// The shortest draw.
    #[must_use]
    pub fn shortest(&self) -> Span {
        match self {
            Interval::Constant(span) => *span,
            Interval::Uniform { from, .. } => *from,
            Interval::Exponential { .. } | Interval::Normal { .. } => Span::ZERO,
            Interval::Choice(spans) => spans.iter().copied().min().unwrap_or_default(),
        }
    }

    /// The longest draw; `None` if draws have no upper bound.
    #[must_use]
    pub fn longest(&self) -> Option<Span> {
        match self {
            Interval::Constant(span) => Some(*span),
            Interval::Uniform { to, .. } => Some(Span(to.0 - 1)),
            Interval::Exponential { .. } => None,
            Interval::Normal { mean, sd } => (*sd == Span::ZERO).then_some(*mean),
            Interval::Choice(spans) => spans.iter().copied().max(),
        }
    }
}
