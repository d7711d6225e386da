//! Small charts in text: sparklines and bars.

/// The characters of a chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChartCharset {
    /// Block characters in steps of an eighth.
    #[default]
    Blocks,
    /// ASCII, for a terminal that cannot show others.
    Ascii,
}

const BLOCK_HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const BLOCK_LENGTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const ASCII_HEIGHTS: [char; 9] = [' ', '.', '.', ':', ':', '+', '+', '#', '#'];

/// One character for each value, as high as its share of the largest. A value above zero is always visible.
pub(super) fn sparkline(values: &[u64], charset: ChartCharset) -> String {
    let highest = u128::from(values.iter().copied().max().unwrap_or(0).max(1));
    let marks = match charset {
        ChartCharset::Blocks => BLOCK_HEIGHTS,
        ChartCharset::Ascii => ASCII_HEIGHTS,
    };
    let height = |value: &u64| {
        let eighths = (u128::from(*value) * 8).div_ceil(highest);
        marks[usize::try_from(eighths).unwrap_or(8).min(8)]
    };
    values.iter().map(height).collect()
}

/// A bar whose length is the share of `figure` in `largest`; the full length is `columns`.
pub(super) fn horizontal_bar(value: u64, largest: u64, columns: usize, charset: ChartCharset) -> String {
    let largest = u128::from(largest.max(1));
    let eighths = (u128::from(value) * columns as u128 * 8).div_ceil(largest);
    let eighths = usize::try_from(eighths).unwrap_or(usize::MAX).min(columns * 8);
    match charset {
        ChartCharset::Ascii => "#".repeat(eighths.div_ceil(8)),
        ChartCharset::Blocks => {
            let mut bar = "█".repeat(eighths / 8);
            if eighths % 8 > 0 {
                bar.push(BLOCK_LENGTHS[eighths % 8]);
            }
            bar
        }
    }
}

/// Replaces the characters of the summary that are not ASCII.
pub(super) fn to_ascii(text: &str) -> String {
    let ascii = |c| match c {
        'µ' => 'u',
        '·' => '-',
        '×' => 'x',
        '…' => '~',
        other => other,
    };
    text.chars().map(ascii).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen() {
        assert_eq!(sparkline(&[0, 1, 500, 1000], ChartCharset::Blocks), " ▁▄█");
        assert_eq!(sparkline(&[0, 1, 500, 1000], ChartCharset::Ascii), " .:#");
        assert_eq!(sparkline(&[0, 0], ChartCharset::Blocks), "  ");
        assert_eq!(sparkline(&[u64::MAX, u64::MAX / 2], ChartCharset::Blocks), "█▄");
        assert_eq!(horizontal_bar(1, 1000, 10, ChartCharset::Blocks), "▏");
        assert_eq!(horizontal_bar(1000, 1000, 10, ChartCharset::Blocks), "██████████");
        assert_eq!(horizontal_bar(0, 1000, 10, ChartCharset::Blocks), "");
        assert_eq!(horizontal_bar(1, 1000, 10, ChartCharset::Ascii), "#");
    }
}
