//! The latest probes and the modules: `/logs` and `/config`.

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use canvass_blackbox::shown_target;
use maud::{Markup, html};

use super::history::PastProbe;
use super::query::Parameters;
use super::{Exporter, Site};
use crate::page::page;

/// `/config`: the modules without their secrets.
pub(super) async fn config(State(site): State<Site>) -> Response {
    plain(site.exporter.modules().shown() + "\n")
}

/// `/logs`: what happened in the probe of `id`, or in the latest one of `target` and `module`; without
/// any of them, the list of the latest probes.
pub(super) async fn logs(State(site): State<Site>, RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::of(query.as_deref());
    let (id, target) = (parameters.first("id"), parameters.first("target"));
    let module = parameters.first("module");
    let refused = |status: StatusCode, text: &'static str| (status, text).into_response();
    let found = match (id, target) {
        ("", "") => return Html(list(&site.exporter).into_string()).into_response(),
        ("", target) => {
            let shown = shown_target(target);
            let found = site.exporter.past(|probe| {
                *probe.target == *shown && (module.is_empty() || &*probe.module == module)
            });
            found.ok_or("Probe target not found\n")
        }
        (id, "") => match id.parse::<u64>() {
            Ok(id) => {
                let found = site.exporter.past(|probe| probe.id == id);
                found.ok_or("Probe id not found\n")
            }
            Err(_) => {
                let text = "Probe id or target must be defined as http query parameters\n";
                return refused(StatusCode::BAD_REQUEST, text);
            }
        },
        _ => {
            let text = "Probe id and target can't be defined at the same time\n";
            return refused(StatusCode::BAD_REQUEST, text);
        }
    };
    match found {
        Ok(probe) => plain(probe.debug.to_string()),
        Err(text) => refused(StatusCode::NOT_FOUND, text),
    }
}

fn plain(text: String) -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (content_type, text).into_response()
}

fn list(exporter: &Exporter) -> Markup {
    let body = html! {
        h1 { "Recent probes" }
        p { a href="/" { "Targets" } " " a href="/config" { "Modules" } }
        div.scroll {
            table {
                thead {
                    tr {
                        th { "Result" }
                        th { "Module" }
                        th { "Target" }
                        th { "Ended (UTC)" }
                        th { "Debug" }
                    }
                }
                tbody { @for probe in &exporter.all_past() { (row(probe)) } }
            }
        }
    };
    page("canvass: recent probes", &body)
}

fn row(probe: &PastProbe) -> Markup {
    html! {
        tr {
            td {
                @if probe.success { span.up { "Success" } } @else { span.down { "Failure" } }
            }
            td.text { (probe.module) }
            td.text { (probe.target) }
            td { (probe.ended.strftime("%F %T")) }
            td { a href={ "/logs?id=" (probe.id) } { "Logs" } }
        }
    }
}
