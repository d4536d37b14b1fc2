//! Obsolete line folding (RFC 9112 §5.2).

use std::ops::Range;

/// Replaces the line ends of obsolete line folding by spaces (RFC 9112 §5.2), and returns where the
/// white space around each is. The length stays the same, so that offsets hold. A status line
/// cannot be folded.
pub(super) fn unfold(octets: &mut [u8]) -> Vec<Range<usize>> {
    let mut folds = Vec::new();
    let is_space = |octet: &u8| matches!(octet, b' ' | b'\t');
    let Some(status_end) = octets.iter().position(|octet| *octet == b'\n') else {
        return folds;
    };
    for at in status_end + 1..octets.len() - 1 {
        if octets[at] != b'\n' || !is_space(&octets[at + 1]) {
            continue;
        }
        let end_of_line = at - usize::from(octets[at - 1] == b'\r');
        octets[end_of_line..=at].fill(b' ');
        let before = octets[..at]
            .iter()
            .rev()
            .take_while(|o| is_space(o))
            .count();
        let after = octets[at..].iter().take_while(|o| is_space(o)).count();
        folds.push(at - before..at + after);
    }
    folds
}

/// Reduces the white space at `fold` to one space, if it is within `value`.
pub(super) fn narrow(octets: &mut [u8], value: &mut Range<u32>, fold: &Range<usize>) {
    let (start, end) = (value.start as usize, value.end as usize);
    if start < fold.start && fold.end < end {
        octets[fold.start] = b' ';
        octets.copy_within(fold.end..end, fold.start + 1);
        value.end -= (fold.len() - 1) as u32;
    }
}
