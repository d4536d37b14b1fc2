//! What all pages have in common.

use std::time::Duration;

use canvass_sweep::{LastResult, State};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use url::form_urlencoded;

const CSS: &str = include_str!("../page.css");

/// A page. All text from elsewhere is escaped by what makes `body`.
pub(crate) fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Without it a browser asks for an icon.
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(CSS)) }
            }
            body { (body) }
        }
    }
}

/// The state of a target, and whether it is in maintenance.
pub(super) fn state(state: State, in_maintenance: bool) -> Markup {
    html! {
        span.state.(state.as_str()) { (state.as_str()) }
        @if in_maintenance { " " span.quiet { "maintenance" } }
    }
}

/// Until when something is silenced.
pub(super) fn silenced(until_unix_ns: u64) -> Markup {
    html! { span.quiet { "silenced until " (timestamp(until_unix_ns)) } }
}

/// The link to the page of a target.
pub(super) fn target_link(key: &str) -> String {
    let mut query = form_urlencoded::Serializer::for_suffix(String::from("/target?"), 8);
    query.append_pair("key", key).finish()
}

/// A point in time, in UTC.
pub(super) fn timestamp(unix_ns: u64) -> String {
    let at = Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or_default();
    at.strftime("%F %T").to_string()
}

pub(super) fn ms(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1e3)
}

/// How long the certificate is valid.
pub(super) fn certificate(last: &LastResult) -> Option<String> {
    let days = last.certificate?.days_left;
    Some(match days {
        -1 | 1 => format!("{days} day"),
        _ => format!("{days} days"),
    })
}
