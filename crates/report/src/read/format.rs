//! Detects the format of a file from its first lines.

/// A format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InputFormat {
    /// One JSON object per line.
    Ndjson,
    /// An HdrHistogram interval log.
    IntervalLog,
}

/// What a line seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    /// A line of a format that can be read.
    Readable(InputFormat),
    /// A line of another known format.
    Other(&'static str),
    /// Something else.
    Unknown,
}

/// Classifies `line`.
pub(super) fn line_kind(line: &[u8]) -> LineKind {
    let line = line.trim_ascii();
    let begins = |start: &str| {
        line.get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
    };
    match line {
        [b'{', ..] => LineKind::Readable(InputFormat::Ndjson),
        _ if begins("#[Mean") => LineKind::Other(PERCENTILE_TABLE),
        // Untagged intervals begin with a number; every payload begins with these letters.
        [b'#', ..] => LineKind::Readable(InputFormat::IntervalLog),
        _ if begins("\"StartTimestamp\"") || begins("Tag=") => {
            LineKind::Readable(InputFormat::IntervalLog)
        }
        _ if contains(line, b",HIST") => LineKind::Readable(InputFormat::IntervalLog),
        _ if begins("seq,line,target,") => LineKind::Other("CSV"),
        _ if begins("Value") && contains(line, b"Percentile") => LineKind::Other(PERCENTILE_TABLE),
        _ if begins("<!doctype html") || begins("<html") => LineKind::Other("an HTML page"),
        _ if line.contains(&b'\t') => LineKind::Other("text"),
        _ => LineKind::Unknown,
    }
}

const PERCENTILE_TABLE: &str = "a percentile table";

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_detected_from_any_of_its_lines() {
        for (line, expected) in [
            (
                &b" {\"seq\":0}\n"[..],
                LineKind::Readable(InputFormat::Ndjson),
            ),
            (
                b"#[Histogram log format version 1.3]\n",
                LineKind::Readable(InputFormat::IntervalLog),
            ),
            (
                b"\"StartTimestamp\",\"Interval_Length\"\n",
                LineKind::Readable(InputFormat::IntervalLog),
            ),
            (
                b"Tag=ptr.service,0.000,1.000,2.0,HISTFAAA\n",
                LineKind::Readable(InputFormat::IntervalLog),
            ),
            (
                b"0.000,1.000,2.0,HISTFAAA\n",
                LineKind::Readable(InputFormat::IntervalLog),
            ),
            (b"seq,line,target,probe\n", LineKind::Other("CSV")),
            (
                b"       Value     Percentile TotalCount\n",
                LineKind::Other("a percentile table"),
            ),
            (b"<!DOCTYPE html>\n", LineKind::Other("an HTML page")),
            (b"10.1.2.3\tNOERROR\ta.\n", LineKind::Other("text")),
            (b"hello\n", LineKind::Unknown),
            (b"\n", LineKind::Unknown),
        ] {
            assert_eq!(line_kind(line), expected, "{}", line.escape_ascii());
        }
    }
}
