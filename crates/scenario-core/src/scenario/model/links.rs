//! The links of the model: proxies between two programs, and the faults that entries put on them.

use std::fmt;
use std::path::PathBuf;

use crate::diagnostic::FilePlace;
use crate::scenario::format::format_size;
use crate::scenario::interval::Interval;
use scenario_log::time::Span;

/// A link: the runner listens on one address, and connects whoever comes with the other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name, without a dot.
    pub name: String,
    /// The address on which the runner listens.
    pub listen: LinkAddress,
    /// The address to which the runner connects.
    pub to: LinkAddress,
    /// The place of its name.
    pub place: FilePlace,
}

/// An end of a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkAddress {
    /// A host, an IPv6 address in its brackets, and a port.
    Tcp(String, u16),
    /// The path of a Unix socket, relative to the scenario's folder.
    Unix(PathBuf),
}

impl fmt::Display for LinkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkAddress::Tcp(host, port) => write!(f, "{host}:{port}"),
            LinkAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkDirection {
    /// From who has connected towards `to`.
    To,
    /// From `to` back.
    From,
}

impl LinkDirection {
    /// The word of the direction in a file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            LinkDirection::To => "to",
            LinkDirection::From => "from",
        }
    }
}

/// The directions in which nothing passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkCut {
    /// Both.
    Both,
    /// Towards `to`.
    To,
    /// Back from `to`.
    From,
}

impl LinkCut {
    /// The word in a file and in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            LinkCut::Both => "both",
            LinkCut::To => "to",
            LinkCut::From => "from",
        }
    }

    /// Whether nothing passes in a direction.
    #[must_use]
    pub fn stops(self, direction: LinkDirection) -> bool {
        match self {
            LinkCut::Both => true,
            LinkCut::To => direction == LinkDirection::To,
            LinkCut::From => direction == LinkDirection::From,
        }
    }
}

/// What is wrong with a link for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkFaults {
    /// The delay of each piece, drawn anew for each.
    pub latency: Option<Interval>,
    /// The bytes that pass in a second in each direction, of all connections together; at least 1.
    pub bandwidth: Option<u64>,
    /// The directions in which nothing passes.
    pub cut: Option<LinkCut>,
    /// New connections are refused.
    pub refuse: bool,
    /// The bytes after which a connection is closed, counted in both directions from the moment of the fault.
    pub limit: Option<u64>,
    /// The largest piece; at least 1.
    pub slice: Option<u64>,
}

impl LinkFaults {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == LinkFaults::default()
    }

    /// Puts other faults over these: of the same key the other one holds.
    pub fn overlay(&mut self, other: &LinkFaults) {
        let LinkFaults { latency, bandwidth, cut, refuse, limit, slice } = other;
        if latency.is_some() {
            self.latency.clone_from(latency);
        }
        self.bandwidth = bandwidth.or(self.bandwidth);
        self.cut = cut.or(self.cut);
        self.refuse |= refuse;
        self.limit = limit.or(self.limit);
        self.slice = slice.or(self.slice);
    }

    /// Takes those away whose keys the other has.
    pub fn remove_keys_of(&mut self, other: &LinkFaults) {
        let LinkFaults { latency, bandwidth, cut, refuse, limit, slice } = other;
        if latency.is_some() {
            self.latency = None;
        }
        self.bandwidth = self.bandwidth.filter(|_| bandwidth.is_none());
        self.cut = self.cut.filter(|_| cut.is_none());
        self.refuse &= !refuse;
        self.limit = self.limit.filter(|_| limit.is_none());
        self.slice = self.slice.filter(|_| slice.is_none());
    }

    /// The bandwidth as a file has it: `1MB/s`.
    #[must_use]
    pub fn bandwidth_text(&self) -> Option<String> {
        self.bandwidth.map(format_bandwidth)
    }

    /// The limit as a file has it: `64KiB`.
    #[must_use]
    pub fn limit_text(&self) -> Option<String> {
        self.limit.map(format_size)
    }

    /// The largest piece as a file has it: `10`.
    #[must_use]
    pub fn slice_text(&self) -> Option<String> {
        self.slice.map(format_size)
    }
}

/// A bandwidth in the form of a file.
#[must_use]
pub(crate) fn format_bandwidth(bytes: u64) -> String {
    let decimal = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let exact = decimal.into_iter().find(|(unit, _)| bytes.is_multiple_of(*unit) && bytes > 0);
    match exact {
        Some((unit, name)) => format!("{}{name}/s", bytes / unit),
        None => match format_size(bytes) {
            text if text.ends_with('B') => format!("{text}/s"),
            text => format!("{text}B/s"),
        },
    }
}

/// The words of faults: `latency 80ms..200ms, cut both`. Each text is as a file has it.
#[must_use]
pub fn describe_faults(
    [latency, bandwidth, cut, limit, slice]: [Option<&str>; 5],
    (refuse, reset): (bool, bool),
) -> String {
    let mut words: Vec<String> = Vec::new();
    let texts =
        [("latency", latency), ("bandwidth", bandwidth), ("cut", cut), ("limit", limit), ("slice", slice)];
    words.extend(texts.into_iter().filter_map(|(key, text)| Some(format!("{key} {}", text?))));
    words.extend(refuse.then(|| "refuse".to_owned()));
    words.extend(reset.then(|| "reset".to_owned()));
    words.join(", ")
}

/// A change of a link by an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkAction {
    /// The link: an index into the scenario's list.
    pub link: usize,
    /// The faults that it puts on the link.
    pub faults: LinkFaults,
    /// Whether it resets the connections that are open.
    pub reset: bool,
    /// Whether it takes all faults away.
    pub heal: bool,
    /// The time after which the faults are taken away again.
    pub duration: Option<Span>,
}

impl LinkAction {
    /// The change in words: `db: cut both for 3s`. `name` is the name of the link.
    #[must_use]
    pub fn describe(&self, name: &str) -> String {
        let LinkAction { faults, reset, heal, duration, .. } = self;
        let latency = faults.latency.as_ref().map(Interval::describe);
        let (bandwidth, limit, slice) = (faults.bandwidth_text(), faults.limit_text(), faults.slice_text());
        let texts = [
            latency.as_deref(),
            bandwidth.as_deref(),
            faults.cut.map(LinkCut::word),
            limit.as_deref(),
            slice.as_deref(),
        ];
        let words = match heal {
            true => "heal".to_owned(),
            false => describe_faults(texts, (faults.refuse, *reset)),
        };
        let time = duration.map(|time| format!(" for {}", time.format_human())).unwrap_or_default();
        format!("{name}: {words}{time}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_the_same_key_holds() {
        let mut faults = LinkFaults { cut: Some(LinkCut::To), slice: Some(10), ..LinkFaults::default() };
        faults.overlay(&LinkFaults { cut: Some(LinkCut::Both), refuse: true, ..LinkFaults::default() });
        let wanted =
            LinkFaults { cut: Some(LinkCut::Both), slice: Some(10), refuse: true, ..LinkFaults::default() };
        assert_eq!(faults, wanted);
        faults.remove_keys_of(&LinkFaults { cut: Some(LinkCut::From), ..LinkFaults::default() });
        assert_eq!(faults, LinkFaults { cut: None, ..wanted });
    }

    #[test]
    fn bandwidths_have_units() {
        let texts = [1, 999, 1_000, 2_000_000, 1_024, 1_500_000].map(format_bandwidth);
        assert_eq!(texts, ["1B/s", "999B/s", "1kB/s", "2MB/s", "1KiB/s", "1500kB/s"]);
    }
}
