//! The page in HTML.

use std::time::Duration;

use canvass_sweep::{LastResult, State};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::content::{Content, Filter, TARGETS_MAX};
use crate::target_row::TargetRow;

const CSS: &str = include_str!("../page.css");

impl Content {
    /// The whole page. All text from elsewhere is escaped.
    pub(crate) fn html(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { "canvass sweep" }
                    style { (PreEscaped(CSS)) }
                }
                body {
                    h1 { "canvass sweep" }
                    @if self.is_cut_off {
                        p.notice {
                            "Most targets fail at once: no target goes down until most answer again."
                        }
                    }
                    (self.groups())
                    (self.form())
                    p { (self.matching) @if self.matching == 1 { " target" } @else { " targets" } }
                    (self.pages_nav())
                    (self.table())
                    (self.pages_nav())
                    (self.links())
                }
            }
        }
    }

    /// The other paths.
    fn links(&self) -> Markup {
        html! {
            p {
                a href="/metrics" { "Metrics" } " "
                a href="/metrics/targets" { "Metrics of targets" }
                @if self.has_modules {
                    " " a href="/logs" { "Recent probes" } " " a href="/config" { "Modules" }
                }
            }
        }
    }

    fn groups(&self) -> Markup {
        html! {
            div.scroll {
                table.groups {
                    thead {
                        tr {
                            th { "Group" }
                            @for state in State::ALL { th.number { (state.as_str()) } }
                        }
                    }
                    tbody {
                        @for (group, counts) in &self.groups {
                            tr {
                                td.text { (link(&Filter::of_group(group), group)) }
                                @for (state, count) in State::ALL.iter().zip(counts) {
                                    td.number {
                                        @if *count > 0 {
                                            span class=(state.as_str()) { (count) }
                                        } @else { "0" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn form(&self) -> Markup {
        let filter = &self.filter;
        html! {
            form method="get" action="/" {
                label { "Target" input name="q" type="search" value=(filter.q); }
                label {
                    "Group"
                    select name="group" {
                        option value="" { "all" }
                        @for group in self.groups.keys() {
                            option value=(group) selected[**group == *filter.group] { (group) }
                        }
                    }
                }
                label {
                    "State"
                    select name="state" {
                        option value="" { "all" }
                        @for state in State::ALL.map(State::as_str) {
                            option value=(state) selected[state == filter.state] { (state) }
                        }
                    }
                }
                button { "Show" }
            }
        }
    }

    fn pages_nav(&self) -> Markup {
        let (page, pages) = (self.filter.page, self.pages());
        html! {
            @if self.matching > TARGETS_MAX {
                nav {
                    @if page > 1 { a rel="prev" href=(self.filter.link(page - 1)) { "Previous" } }
                    span { "Page " (page) " of " (pages) }
                    @if page < pages { a rel="next" href=(self.filter.link(page + 1)) { "Next" } }
                }
            }
        }
    }

    fn table(&self) -> Markup {
        html! {
            div.scroll {
                table.targets {
                    thead {
                        tr {
                            th { "State" }
                            th { "Target" }
                            th { "Group" }
                            th { "Last change (UTC)" }
                            th { "Last status" }
                            th.number { "Latency" }
                            th.number { "Certificate" }
                            th { "Why" }
                        }
                    }
                    tbody { @for row in &self.rows { (target(row)) } }
                }
            }
        }
    }
}

impl Filter {
    fn of_group(group: &str) -> Self {
        Self {
            group: group.to_owned(),
            ..Self::default()
        }
    }
}

fn link(filter: &Filter, text: &str) -> Markup {
    html! { a href=(filter.link(1)) { (text) } }
}

fn target(row: &TargetRow) -> Markup {
    let last = row.last.as_ref();
    html! {
        tr {
            td {
                span class=(row.state.as_str()) { (row.state.as_str()) }
                @if row.in_maintenance { " (maintenance)" }
            }
            td.text { (row.key) }
            td.text { (row.group) }
            td { @if let Some(since) = row.since_unix_ns { (timestamp(since)) } }
            td { @if let Some(last) = last { (last.status) } }
            td.number { @if let Some(latency) = last.and_then(|last| last.latency) { (ms(latency)) } }
            td.number { @if let Some(days) = last.and_then(certificate) { (days) } }
            td.text { @if let Some(reason) = &row.reason { (reason) } }
        }
    }
}

fn timestamp(unix_ns: u64) -> String {
    let at = Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or_default();
    at.strftime("%F %T").to_string()
}

fn ms(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1e3)
}

fn certificate(last: &LastResult) -> Option<String> {
    let days = last.certificate?.days_left;
    Some(match days {
        -1 | 1 => format!("{days} day"),
        _ => format!("{days} days"),
    })
}
