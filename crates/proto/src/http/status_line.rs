//! The status line of a response, read leniently.

use canvass_model::{HttpWarning, HttpWarnings};

use super::settings::{HttpVersion, is_control};

/// The status line of a response (RFC 9112 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusLine {
    pub(super) version: HttpVersion,
    /// 0 to 999.
    pub(super) code: u16,
    pub(super) warnings: HttpWarnings,
}

/// Why a line is not a status line: the octet that is wrong, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusLineFault {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

const NAME: &[u8] = b"HTTP/";

impl StatusLine {
    /// Reads the status line at the start of `head`. Returns where the next line begins, too; `None`
    /// if the line has no end yet.
    ///
    /// Accepted are what curl accepts: any case of `HTTP`, version 2 instead of 1.1, several spaces
    /// before the code and anything but a digit after it; and what Go accepts: control characters
    /// in the reason. A carriage return alone is refused, as some take it for the end of the line.
    pub(super) fn read(head: &[u8]) -> Option<Result<(Self, usize), StatusLineFault>> {
        let line_end = head.iter().position(|octet| *octet == b'\n')?;
        let line = head[..line_end].strip_suffix(b"\r");
        let line = line.unwrap_or(&head[..line_end]);
        Some(Self::of_line(line).map(|status_line| (status_line, line_end + 1)))
    }

    /// The status line of a head that is refused for another reason. In strict mode it has to be
    /// without fault.
    pub(super) fn of_refused(head: &[u8], strict: bool) -> Option<Self> {
        let (status_line, _) = Self::read(head)?.ok()?;
        (!strict || status_line.warnings.is_empty()).then_some(status_line)
    }

    fn of_line(line: &[u8]) -> Result<Self, StatusLineFault> {
        let fault = |at, what| Err(StatusLineFault { at, what });
        let mut warnings = HttpWarnings::default();
        let (version, version_end, is_regular) = match line.get(NAME.len()..).unwrap_or_default() {
            [b'1', b'.', b'0', ..] => (HttpVersion::V10, 8, true),
            [b'1', b'.', b'1'..=b'9', ..] => (HttpVersion::V11, 8, true),
            [b'2', b'.', b'0', ..] => (HttpVersion::V11, 8, false),
            [b'2', b' ', ..] => (HttpVersion::V11, 6, false),
            _ => return fault(NAME.len() + 2, BAD_VERSION),
        };
        if !is_regular || !line.starts_with(NAME) {
            warnings.insert(HttpWarning::HttpVersion);
        }
        let spaces = line[version_end..]
            .iter()
            .take_while(|octet| **octet == b' ');
        let code_start = match spaces.count() {
            0 => return fault(version_end, BAD_VERSION),
            1 => version_end + 1,
            spaces => {
                warnings.insert(HttpWarning::StatusLine);
                version_end + spaces
            }
        };
        let mut code = 0;
        for at in code_start..code_start + 3 {
            match line.get(at) {
                Some(digit @ b'0'..=b'9') => code = code * 10 + u16::from(digit - b'0'),
                _ => return fault(at, BAD_STATUS),
            }
        }
        let code_end = code_start + 3;
        match line.get(code_end) {
            Some(b'0'..=b'9') => return fault(code_end, BAD_STATUS),
            None | Some(b' ' | b'\r') => {}
            Some(_) => warnings.insert(HttpWarning::StatusLine),
        }
        let reason = &line[code_end..];
        if let Some(at) = reason.iter().position(|octet| *octet == b'\r') {
            return fault(code_end + at, BARE_CR);
        }
        if reason.iter().any(|octet| is_control(*octet)) {
            warnings.insert(HttpWarning::ControlCharacter);
        }
        if !is_code(code) {
            warnings.insert(HttpWarning::StatusCode);
        }
        Ok(Self {
            version,
            code,
            warnings,
        })
    }
}

const BAD_VERSION: &str = "bad version in the status line";
const BAD_STATUS: &str = "bad status line";
pub(super) const BARE_CR: &str = "a bare carriage return in the head";

/// Whether a status code is in the range of RFC 9110 §15.
pub(super) fn is_code(code: u16) -> bool {
    (100..600).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use HttpWarning as W;

    #[test]
    fn a_status_line_has_one_reading_or_none() {
        let read = |text: &str| {
            let line = format!("{text}\r\nX");
            let read = StatusLine::read(line.as_bytes()).unwrap();
            read.map(|(line, next)| {
                assert_eq!(next, text.len() + 2);
                (line.version.as_str(), line.code, line.warnings)
            })
            .map_err(|fault| (fault.at, fault.what))
        };
        for (text, version, code, warnings) in [
            ("HTTP/1.1 200 OK", "1.1", 200, &[][..]),
            ("HTTP/1.0 200", "1.0", 200, &[]),
            ("HTTP/1.7 200 ", "1.1", 200, &[]),
            ("http/1.1 200 OK", "1.1", 200, &[W::HttpVersion]),
            ("HTTP/2.0 200 OK", "1.1", 200, &[W::HttpVersion]),
            ("HTTP/2 200", "1.1", 200, &[W::HttpVersion]),
            ("HTTP/1.1   200 OK", "1.1", 200, &[W::StatusLine]),
            ("HTTP/1.1 200\tOK", "1.1", 200, &[W::StatusLine]),
            ("HTTP/1.1 200OK", "1.1", 200, &[W::StatusLine]),
            ("HTTP/1.1 200  OK", "1.1", 200, &[]),
            ("HTTP/1.1 200 O\0K\x7f", "1.1", 200, &[W::ControlCharacter]),
            ("HTTP/1.1 099 OK", "1.1", 99, &[W::StatusCode]),
            ("HTTP/1.1 600 OK", "1.1", 600, &[W::StatusCode]),
        ] {
            let warnings = warnings.iter().copied().collect();
            assert_eq!(read(text), Ok((version, code, warnings)), "{text:?}");
        }
        for (text, at, what) in [
            ("HTTP/1.x 200 OK", 7, BAD_VERSION),
            ("HTTP/1.10 200 OK", 8, BAD_VERSION),
            ("HTTP/1.1\t200 OK", 8, BAD_VERSION),
            ("HTTP/1.1", 8, BAD_VERSION),
            ("HTTP/1.1 ", 9, BAD_STATUS),
            ("HTTP/1.1 20 OK", 11, BAD_STATUS),
            ("HTTP/1.1 +20 OK", 9, BAD_STATUS),
            ("HTTP/1.1 2000 OK", 12, BAD_STATUS),
            ("HTTP/1.1 200\rOK", 12, BARE_CR),
            ("HTTP/1.1 200 O\rK", 14, BARE_CR),
        ] {
            assert_eq!(read(text), Err((at, what)), "{text:?}");
        }
        assert_eq!(StatusLine::read(b"HTTP/1.1 200 OK"), None);
    }
}
