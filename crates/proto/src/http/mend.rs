//! Mends the header lines that a strict parser refuses though they have one reading.

use canvass_model::{HttpWarning, HttpWarnings};

use super::settings::{is_control, is_token_octet};

/// The status line that a mended head has.
pub(super) const START: &[u8] = b"HTTP/1.1 200 \n";

/// A head with [`START`] and the header lines `lines`, which are mended as curl or Go would read
/// them: blanks before a colon go behind it, a control character in a value becomes a dot, and a
/// line with a name that is not a token becomes blanks at the end of the line before. No other octet
/// changes its place, so that the place of a value in the result is its place in the head. Lines
/// that both refuse stay as they are: without a colon, or with a carriage return or NUL in it.
pub(super) fn mended(lines: &[u8], warnings: &mut HttpWarnings) -> Vec<u8> {
    let mut mended = [START, lines].concat();
    let mut line_start = START.len();
    while let Some(length) = mended[line_start..]
        .iter()
        .position(|octet| *octet == b'\n')
    {
        let line_end = line_start + length;
        let line = &mut mended[line_start..line_end];
        let length = line.strip_suffix(b"\r").map_or(length, <[u8]>::len);
        if mend(&mut line[..length], warnings) == Line::Ignored {
            let end_of_previous = line_start - 1;
            let has_cr = mended[end_of_previous - 1] == b'\r';
            mended[end_of_previous - usize::from(has_cr)..line_start + length].fill(b' ');
        }
        line_start = line_end + 1;
    }
    mended
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Read,
    Ignored,
}

fn mend(line: &mut [u8], warnings: &mut HttpWarnings) -> Line {
    if line.iter().any(|octet| matches!(octet, b'\r' | b'\0')) {
        return Line::Read;
    }
    let Some(colon) = line.iter().position(|octet| *octet == b':') else {
        return Line::Read;
    };
    let (name, _) = line.split_at(colon);
    let is_folded = matches!(name, [b' ' | b'\t', ..]);
    if is_folded || name.iter().copied().any(is_control) {
        return Line::Read;
    }
    let blanks = name
        .iter()
        .rev()
        .take_while(|octet| is_blank(octet))
        .count();
    let name_length = colon - blanks;
    let is_token = name[..name_length].iter().copied().all(is_token_octet);
    if name_length == 0 || !is_token {
        warnings.insert(HttpWarning::HeaderName);
        return Line::Ignored;
    }
    if blanks > 0 {
        warnings.insert(HttpWarning::BlankBeforeColon);
        line[colon] = b' ';
        line[name_length] = b':';
    }
    for octet in &mut line[colon + 1..] {
        if is_control(*octet) {
            warnings.insert(HttpWarning::ControlCharacter);
            *octet = b'.';
        }
    }
    Line::Read
}

fn is_blank(octet: &u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_mended_in_place() {
        for (lines, expected, words) in [
            ("A: b\r\n\r\n", "A: b\r\n\r\n", &[][..]),
            (
                "A \t: b\n\n",
                "A:\t  b\n\n",
                &[HttpWarning::BlankBeforeColon],
            ),
            (
                "A: \x01b\tc\x7f\n\n",
                "A: .b\tc.\n\n",
                &[HttpWarning::ControlCharacter],
            ),
            (
                "A: b\r\n: c\r\n\r\n",
                "A: b     \r\n\r\n",
                &[HttpWarning::HeaderName],
            ),
            (
                "A: b\nx y: c\n\n",
                "A: b       \n\n",
                &[HttpWarning::HeaderName],
            ),
            // These are for the parser to refuse.
            ("A\r\n\r\n", "A\r\n\r\n", &[]),
            (" A: b\r\n\r\n", " A: b\r\n\r\n", &[]),
            ("A : b\rc\r\n\r\n", "A : b\rc\r\n\r\n", &[]),
            ("A\x01: b\r\n\r\n", "A\x01: b\r\n\r\n", &[]),
            ("(): b\0\r\n\r\n", "(): b\0\r\n\r\n", &[]),
        ] {
            let mut warnings = HttpWarnings::default();
            let mended = mended(lines.as_bytes(), &mut warnings);
            let expected = [START, expected.as_bytes()].concat();
            assert_eq!(mended, expected, "{lines:?}");
            assert!(warnings.iter().eq(words.iter().copied()), "{lines:?}");
        }
        let mut warnings = HttpWarnings::default();
        let first = mended(b"\xe4: b\r\nA: c\r\n\r\n", &mut warnings);
        assert_eq!(first, b"HTTP/1.1 200      \r\nA: c\r\n\r\n");
    }
}
