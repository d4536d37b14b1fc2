//! The page of one target in HTML.

use canvass_model::{Answer, Phase};
use canvass_report::trace;
use canvass_sweep::{Evidence, LastResult, ProbedNow};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::content::Filter;
use super::layout::{certificate, ms, page, silenced, state, target_link, timestamp};
use super::target::{Probed, TargetPage};

/// How long a target can be silenced for: what is sent, and what is shown.
const SPANS: [(&str, &str); 4] = [
    ("1h", "1 hour"),
    ("4h", "4 hours"),
    ("24h", "1 day"),
    ("168h", "1 week"),
];

impl TargetPage {
    /// The whole page.
    pub(super) fn html(&self) -> Markup {
        let key = &self.row.key;
        let body = html! {
            nav { a href="/" { "All targets" } }
            h1.text { (key) }
            p {
                (state(self.row.state, self.row.in_maintenance))
                @if let Some(until) = self.silenced_until_unix_ns { " " (silenced(until)) }
            }
            (self.facts())
            section {
                h2 { "Probe now" }
                (self.probe_form())
                @if let Some(probed) = &self.probed { (result(probed)) }
            }
            @if self.keeps_silences {
                section {
                    h2 { "Silence" }
                    (self.silence_form())
                }
            }
        };
        page(&format!("{key} – canvass sweep"), &body)
    }

    fn facts(&self) -> Markup {
        let row = &self.row;
        html! {
            dl {
                @if let Some(since) = row.since_unix_ns {
                    (fact("Since (UTC)", &html! { (timestamp(since)) }))
                }
                @if let Some(reason) = &row.reason { (fact("Why", &html! { (reason) })) }
                (fact("Group", &html! { a href=(Filter::of_group(&row.group).link(1)) { (row.group) } }))
                (fact("Module", &html! { (row.module) }))
                @if let Some(gateway) = &self.depends_on {
                    (fact("Behind", &html! { a href=(target_link(gateway)) { (gateway) } }))
                }
                @for (name, value) in self.labels.iter().flat_map(|labels| labels.iter()) {
                    (fact(name, &html! { (value) }))
                }
                (fact("Probed every", &html! { (span(self.interval)) }))
                (fact("Thresholds", &html! {
                    "down after " (self.thresholds.down) ", up after " (self.thresholds.up)
                }))
                (fact("Rounds", &html! {
                    (self.rounds.begun) " begun, " (self.rounds.skipped) " skipped, "
                    (self.rounds.missed) " missed"
                }))
                @if let Some(last) = &row.last { (self.last(last)) }
            }
        }
    }

    fn last(&self, last: &LastResult) -> Markup {
        html! {
            @if let Some(at) = self.last_at_unix_ns {
                (fact("Last probe (UTC)", &html! { (timestamp(at)) ": " (last.status) }))
            }
            @if let Some(latency) = last.latency { (fact("Latency", &html! { (ms(latency)) })) }
            (fact("Phases", &phases(|phase| last.phases.span(phase))))
            @if let (Some(days), Some(end)) = (certificate(last), last.certificate) {
                (fact("Certificate", &html! {
                    (days) ", until " (date(end.not_after_s))
                }))
            }
        }
    }

    fn probe_form(&self) -> Markup {
        let typed = self
            .probed
            .as_ref()
            .and_then(|probed| probed.text.as_deref());
        html! {
            form method="post" action="/target" {
                input type="hidden" name="key" value=(self.row.key);
                @if let Some(text) = &self.text {
                    label.wide {
                        "Text to send"
                        input name="text" value=(typed.unwrap_or(text)) maxlength="1024" required
                            autocomplete="off";
                    }
                }
                button { "Probe now" }
            }
            p.hint {
                "Probes once, as in a round. The result changes neither the state nor the metrics or the \
                 output of the sweep."
            }
        }
    }

    fn silence_form(&self) -> Markup {
        html! {
            form method="post" action="/target/silence" {
                input type="hidden" name="key" value=(self.row.key);
                label {
                    "Send no alerts for"
                    select name="for" {
                        @for (value, shown) in SPANS { option value=(value) { (shown) } }
                    }
                }
                button { "Silence" }
            }
            @if self.has_own_silence {
                form method="post" action="/target/silence" {
                    input type="hidden" name="key" value=(self.row.key);
                    button name="end" value="true" { "End the silence" }
                }
            }
        }
    }
}

/// What the probe that was asked for has found.
fn result(probed: &Probed) -> Markup {
    match &probed.found {
        Ok(found) => found_now(found),
        Err(error) => html! { p.down role="status" { (error) } },
    }
}

fn found_now(found: &ProbedNow) -> Markup {
    let outcome = &found.outcome;
    let (class, says) = match &found.evidence {
        Evidence::Good => ("up", "good".into()),
        Evidence::Bad(reason) => ("down", format!("not good: {reason}")),
        Evidence::None(_, reason) => ("unknown", format!("says nothing of the target: {reason}")),
    };
    html! {
        p role="status" {
            strong { (outcome.status) }
            @if let Some(latency) = outcome.latency() { " in " (ms(latency)) }
            ", " span class=(class) { (says) }
        }
        @if let Answer::Talk(answer) = &outcome.answer && !answer.captures.is_empty() {
            dl.captures {
                @for (name, value) in &answer.captures {
                    (fact(name, &html! { code { (value) } }))
                }
            }
        }
        pre tabindex="0" { (trace(outcome).to_string()) }
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn phases(span: impl Fn(Phase) -> Option<std::time::Duration>) -> Markup {
    let reached = Phase::TIMED
        .into_iter()
        .filter_map(|phase| Some((phase, span(phase)?)));
    html! {
        @for (number, (phase, span)) in reached.enumerate() {
            @if number > 0 { ", " }
            (phase.as_str()) " " (ms(span))
        }
    }
}

fn span(span: std::time::Duration) -> String {
    SignedDuration::try_from(span).map_or_else(|_| "never".into(), |span| format!("{span:#}"))
}

fn date(unix_s: i64) -> String {
    let at = Timestamp::from_second(unix_s).unwrap_or_default();
    at.strftime("%F").to_string()
}
