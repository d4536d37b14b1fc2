//! The page of all targets in HTML.

use canvass_sweep::State;
use maud::{Markup, html};

use super::content::{Content, Filter, Group, MAINTENANCE, Row, RowSilence, SILENCED, TARGETS_MAX};
use super::layout::{certificate, ms, page, silenced, state, target_link, timestamp};

impl Content {
    /// The whole page.
    pub(super) fn html(&self) -> Markup {
        let body = html! {
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
        };
        page("canvass sweep", &body)
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
                            th { "Alerts" }
                        }
                    }
                    tbody {
                        @for (name, group) in &self.groups {
                            tr {
                                td.text { a href=(Filter::of_group(name).link(1)) { (name) } }
                                @for (state, count) in State::ALL.iter().zip(group.counts) {
                                    td.number {
                                        @if count > 0 {
                                            span class=(state.as_str()) { (count) }
                                        } @else { "0" }
                                    }
                                }
                                td { (alerts(group)) }
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
                        @for quiet in [MAINTENANCE, SILENCED] {
                            option value=(quiet) selected[quiet == filter.state] { (quiet) }
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

/// What keeps changes of a group silent.
fn alerts(group: &Group) -> Markup {
    let all: usize = group.counts.iter().sum();
    html! {
        @if group.in_maintenance == all {
            span.quiet { "maintenance" }
        } @else if group.in_maintenance > 0 {
            span.quiet { (group.in_maintenance) " in maintenance" }
        }
        @if let Some(until) = group.silenced_until_unix_ns { " " (silenced(until)) }
    }
}

fn target(row: &Row) -> Markup {
    let target = &row.target;
    let last = target.last.as_ref();
    html! {
        tr {
            td {
                (state(target.state, target.in_maintenance))
                @match row.silence {
                    RowSilence::None => {}
                    RowSilence::OfGroup => { " " span.quiet { "silenced" } }
                    RowSilence::Own(until) => { " " (silenced(until)) }
                }
            }
            td.text { a href=(target_link(&target.key)) { (target.key) } }
            td.text { (target.group) }
            td.time { @if let Some(since) = target.since_unix_ns { (timestamp(since)) } }
            td { @if let Some(last) = last { (last.status) } }
            td.number { @if let Some(latency) = last.and_then(|last| last.latency) { (ms(latency)) } }
            td.number { @if let Some(days) = last.and_then(certificate) { (days) } }
            td.text { @if let Some(reason) = &target.reason { (reason) } }
        }
    }
}
