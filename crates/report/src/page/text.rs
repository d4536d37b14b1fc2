//! Formats text and figures for a page: escaped, limited in length, with units.

use std::time::{Duration, SystemTime};

use canvass_model::Time;

use crate::Epoch;
use crate::epoch::Calendar;
use crate::human::{self, figure, seconds, span_ns};
use crate::write::is_breaking;

/// The maximum number of characters shown of a command.
pub(super) const COMMAND_CHARS_MAX: usize = 4_000;
/// The maximum number of characters of each part of a title.
pub(super) const TITLE_CHARS_MAX: usize = 100;
/// The maximum number of characters shown of a target, an answer or a name.
pub(super) const TEXT_CHARS_MAX: usize = 400;

/// Escapes `text` for HTML content or a quoted attribute, and characters that could break a line or
/// change the text direction.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ if is_breaking(character) || turns_direction(character) => {
                out.extend(character.escape_default());
            }
            _ => out.push(character),
        }
    }
    out
}

/// Untrusted text, isolated in its text direction and cut after `chars_max` characters.
pub(super) fn foreign(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => format!("<bdi>{}</bdi>", escaped(text)),
        Some((end, _)) => format!(
            "<bdi>{}</bdi> … and {}",
            escaped(&text[..end]),
            counted(
                text[end..].chars().count() as u64,
                "more character",
                "more characters"
            )
        ),
    }
}

/// `text`, cut after `chars_max` characters.
pub(super) fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A count with thousands separators: `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `part` as a percentage of `total`, as HTML.
pub(super) fn percent(part: u64, total: u64) -> String {
    escaped(&human::percent(part, total))
}

/// `1 target`, `2,000 targets`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { many }
    )
}

/// A rate with its unit, for tables and labels: `12,346/s`.
pub(super) fn per_second(rate: f64) -> String {
    format!("{}/s", rate_figure(rate))
}

/// A rate without a unit. It has thousands separators, or one decimal below 10.
pub(super) fn rate_figure(rate: f64) -> String {
    if rate < 10.0 {
        figure(rate)
    } else {
        grouped(rate.round() as u64)
    }
}

/// The length of a run: as [`seconds`], or in minutes and hours.
pub(super) fn wall(span: Duration) -> String {
    let whole_s = span.as_secs();
    match whole_s {
        0..120 => seconds(span),
        120..7_200 => format!("{} min {} s", whole_s / 60, whole_s % 60),
        _ => format!("{} h {} min", grouped(whole_s / 3_600), whole_s / 60 % 60),
    }
}

/// A span for an axis, without trailing zeros.
pub(super) fn span_tick(nanos: f64) -> String {
    let (unit, size) = [("s", 1e9), ("ms", 1e6), ("µs", 1e3)]
        .into_iter()
        .find(|&(_, size)| nanos >= size * (1.0 - 1e-9))
        .unwrap_or(("ns", 1.0));
    format!("{} {unit}", trimmed(nanos / size))
}

/// A count for an axis: `0`, `500`, `20k`, `1.5M`.
pub(super) fn count_tick(count: f64) -> String {
    let (unit, size) = [("G", 1e9), ("M", 1e6), ("k", 1e3)]
        .into_iter()
        .find(|&(_, size)| count >= size * (1.0 - 1e-9))
        .unwrap_or(("", 1.0));
    format!("{}{unit}", trimmed(count / size))
}

/// A number with up to three decimals and no trailing zeros.
pub(super) fn trimmed(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A calendar time in UTC, to the second, as an element.
pub(super) fn calendar(at: SystemTime) -> String {
    let exact = rfc3339(at);
    format!("<time datetime=\"{exact}\">{}</time>", moment(at))
}

/// A calendar time in UTC, to the second.
pub(super) fn moment(at: SystemTime) -> String {
    let exact = rfc3339(at);
    let (day, rest) = exact.split_once('T').unwrap_or((&exact, ""));
    let time = rest.split_once('.').map_or(rest, |(second, _)| second);
    format!("{day} {time} UTC")
}

/// The day of a calendar time in UTC.
pub(super) fn day(at: SystemTime) -> String {
    rfc3339(at).split('T').next().unwrap_or_default().to_owned()
}

fn rfc3339(at: SystemTime) -> String {
    let mut text = Vec::new();
    Calendar::new(Epoch { wall: at }).push(&mut text, Time::ZERO);
    String::from_utf8_lossy(&text).into_owned()
}

/// Like [`span_ns`], but 0 is a dash: no time that could be measured.
pub(super) fn span(nanos: u64) -> String {
    match nanos {
        0 => "–".to_owned(),
        _ => span_ns(nanos),
    }
}

/// A time since the start of a run.
pub(super) fn since_start(nanos: u64) -> String {
    match nanos {
        0 => "0 s".to_owned(),
        _ => span_ns(nanos),
    }
}

/// Whether `character` changes the text direction.
fn turns_direction(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn text_from_outside_cannot_leave_its_place() {
        assert_eq!(
            escaped("<script>'\"&\n\u{202e}ü"),
            "&lt;script&gt;&#39;&quot;&amp;\\n\\u{202e}ü"
        );
        assert_eq!(foreign("אבג", 3), "<bdi>אבג</bdi>");
        assert_eq!(shortened("אבג", 3), "אבג");
        assert_eq!(shortened("אבג", 2), "אב…");
        assert_eq!(foreign("אבג", 2), "<bdi>אב</bdi> … and 1 more character");
    }

    #[test]
    fn figures_are_short_and_have_units() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
        for (nanos, text) in [
            (1.0, "1 ns"),
            (2e3, "2 µs"),
            (5e8, "500 ms"),
            (2e12, "2000 s"),
        ] {
            assert_eq!(span_tick(nanos), text);
        }
        for (count, text) in [(0.0, "0"), (0.5, "0.5"), (2e4, "20k"), (1.5e6, "1.5M")] {
            assert_eq!(count_tick(count), text);
        }
        for (s, text) in [
            (0.25, "250 ms"),
            (125.0, "2 min 5 s"),
            (7_260.0, "2 h 1 min"),
        ] {
            assert_eq!(wall(Duration::from_secs_f64(s)), text);
        }
        assert_eq!(percent(1, 1_000_000), "&lt;0.001 %");
        assert_eq!(per_second(4.25), "4.2/s");
        assert_eq!(per_second(12_345.6), "12,346/s");
    }

    #[test]
    fn moments_are_shown_to_the_second() {
        let at = UNIX_EPOCH + Duration::new(1_767_323_045, 123_456_000);
        assert_eq!(
            calendar(at),
            "<time datetime=\"2026-01-02T03:04:05.123456Z\">2026-01-02 03:04:05 UTC</time>"
        );
        assert_eq!(moment(at), "2026-01-02 03:04:05 UTC");
        assert_eq!(day(at), "2026-01-02");
    }
}
