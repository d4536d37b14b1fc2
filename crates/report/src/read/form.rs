//! What a file holds, told by the look of its first lines.

/// A form that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON object a line.
    Ndjson,
    /// An HdrHistogram interval log.
    IntervalLog,
}

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Like one of a form that can be read.
    Of(Form),
    /// Like one of something else, which has a name.
    Other(&'static str),
    /// Like nothing that is known.
    Unknown,
}

/// What `line` looks like.
pub(super) fn look(line: &[u8]) -> Look {
    let line = line.trim_ascii();
    let begins = |start: &str| {
        line.get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
    };
    match line {
        [b'{', ..] => Look::Of(Form::Ndjson),
        _ if begins("#[Mean") => Look::Other(PERCENTILE_TABLE),
        // Untagged intervals begin with a number; every payload begins with these letters.
        [b'#', ..] => Look::Of(Form::IntervalLog),
        _ if begins("\"StartTimestamp\"") || begins("Tag=") => Look::Of(Form::IntervalLog),
        _ if contains(line, b",HIST") => Look::Of(Form::IntervalLog),
        _ if begins("seq,line,target,") => Look::Other("CSV"),
        _ if begins("Value") && contains(line, b"Percentile") => Look::Other(PERCENTILE_TABLE),
        _ if begins("<!doctype html") || begins("<html") => Look::Other("an HTML page"),
        _ if line.contains(&b'\t') => Look::Other("text"),
        _ => Look::Unknown,
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
    fn a_form_is_known_by_any_of_its_lines() {
        for (line, expected) in [
            (&b" {\"seq\":0}\n"[..], Look::Of(Form::Ndjson)),
            (
                b"#[Histogram log format version 1.3]\n",
                Look::Of(Form::IntervalLog),
            ),
            (
                b"\"StartTimestamp\",\"Interval_Length\"\n",
                Look::Of(Form::IntervalLog),
            ),
            (
                b"Tag=ptr.service,0.000,1.000,2.0,HISTFAAA\n",
                Look::Of(Form::IntervalLog),
            ),
            (b"0.000,1.000,2.0,HISTFAAA\n", Look::Of(Form::IntervalLog)),
            (b"seq,line,target,probe\n", Look::Other("CSV")),
            (
                b"       Value     Percentile TotalCount\n",
                Look::Other("a percentile table"),
            ),
            (b"<!DOCTYPE html>\n", Look::Other("an HTML page")),
            (b"10.1.2.3\tNOERROR\ta.\n", Look::Other("text")),
            (b"hello\n", Look::Unknown),
            (b"\n", Look::Unknown),
        ] {
            assert_eq!(look(line), expected, "{}", line.escape_ascii());
        }
    }
}
