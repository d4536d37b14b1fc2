//! One probe on request: `/probe`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use canvass_blackbox::{DEFAULT_MODULE, Modules, ProbeError, ProbeRequest, ProbeResponse};
use crossbeam_channel::bounded;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::listed::is_listed;
use super::query::{Parameters, scrape_timeout};
use super::{Exporter, ProbeTargets, Site};
use crate::exposition::{Exposition, Families};

/// How long a request waits for its turn, unless the scraper itself waits for less than four times that.
const TURN_WAIT_MAX: Duration = Duration::from_secs(1);

/// What a client asks for.
#[derive(Clone, Debug)]
struct Wanted {
    asked: Instant,
    module: String,
    target: String,
    hostname: String,
    scrape_timeout: Option<Duration>,
}

impl Wanted {
    fn request(&self) -> ProbeRequest<'_> {
        ProbeRequest {
            asked: self.asked,
            module: &self.module,
            target: &self.target,
            hostname: Some(&self.hostname),
            scrape_timeout: self.scrape_timeout,
            debug: true,
        }
    }
}

/// Why there is no answer: a status and a text.
type Refused = (StatusCode, String);

pub(super) async fn probe(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = Parameters::of(query.as_deref());
    let modules = site.exporter.modules();
    let wanted = match wanted(&site, &modules, &parameters, &headers) {
        Ok(wanted) => wanted,
        Err((status, text)) => return (status, text + "\n").into_response(),
    };
    let Some(turn) = site.exporter.turn(wanted.scrape_timeout).await else {
        let retry = [(header::RETRY_AFTER, "1")];
        let text = "Too many probes are under way.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, retry, text).into_response();
    };
    let Some(response) = run(site.exporter, modules, wanted, turn).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if parameters.first("debug") == "true" {
        return text(
            "text/plain; charset=utf-8",
            response.debug.unwrap_or_default(),
        );
    }
    match Exposition::preferred(&headers) {
        Exposition::Text => text(canvass_blackbox::CONTENT_TYPE, response.metrics.text()),
        form @ Exposition::Protobuf => match form.write(Gauges(response.metrics)) {
            Ok(octets) => ([(header::CONTENT_TYPE, form.content_type())], octets).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
    }
}

fn text(content_type: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

/// Checks a request.
fn wanted(
    site: &Site,
    modules: &Modules,
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<Wanted, Refused> {
    let module = match parameters.first("module") {
        "" => DEFAULT_MODULE,
        module => module,
    };
    let mut wanted = Wanted {
        asked: Instant::now(),
        module: module.to_owned(),
        target: parameters.first("target").to_owned(),
        hostname: parameters.first("hostname").to_owned(),
        scrape_timeout: None,
    };
    let checked = modules.check(&wanted.request());
    let refused = |error: &ProbeError| (StatusCode::BAD_REQUEST, error.to_string());
    if let Err(error @ ProbeError::UnknownModule(_)) = &checked {
        let unknown = &site.exporter.0.unknown_modules;
        unknown.fetch_add(1, Ordering::Relaxed);
        return Err(refused(error));
    }
    let limit = scrape_timeout(headers);
    wanted.scrape_timeout = limit.map_err(|text| (StatusCode::INTERNAL_SERVER_ERROR, text))?;
    checked.map_err(|error| refused(&error))?;
    if site.exporter.0.targets == ProbeTargets::Listed {
        let destination = modules.destination(&wanted.module, &wanted.target);
        if !destination.is_some_and(|destination| is_listed(&site.sweep, &destination)) {
            let text = "This target is not in the list of the sweep, and others are not probed (see \
                        --probe-targets).";
            return Err((StatusCode::FORBIDDEN, text.to_owned()));
        }
    }
    Ok(wanted)
}

impl Exporter {
    /// Waits until there may be one more probe, at most for a while.
    async fn turn(&self, scrape_timeout: Option<Duration>) -> Option<OwnedSemaphorePermit> {
        let quarter = scrape_timeout.filter(|limit| !limit.is_zero());
        let wait = quarter.map_or(TURN_WAIT_MAX, |limit| (limit / 4).min(TURN_WAIT_MAX));
        let turn = timeout(wait, Arc::clone(&self.0.places).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok);
        if turn.is_none() {
            self.0.turned_away.fetch_add(1, Ordering::Relaxed);
        }
        turn
    }
}

/// Probes on a thread of its own. Dropping the future, as when the client goes away, ends the probe. It
/// has its turn until it has ended.
async fn run(
    exporter: Exporter,
    modules: Arc<Modules>,
    wanted: Wanted,
    turn: OwnedSemaphorePermit,
) -> Option<ProbeResponse> {
    let (interest, cancelled) = bounded(0);
    let work = move || {
        let response = canvass_blackbox::probe(&modules, &wanted.request(), &cancelled).ok()?;
        let debug = response.debug.as_deref().unwrap_or_default();
        exporter.add(&wanted.module, &wanted.target, response.success, debug);
        drop(turn);
        Some(response)
    };
    let response = tokio::task::spawn_blocking(work).await;
    drop(interest);
    response.ok().flatten()
}

/// The metrics of a probe for `prometheus_client`.
#[derive(Debug)]
struct Gauges(canvass_blackbox::Exposition);

impl Collector for Gauges {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        for (name, family) in self.0.families() {
            let series = family.series.iter().map(|(labels, value)| {
                let labels = labels.iter().map(|(label, value)| (&**label, &**value));
                (labels.collect::<Vec<(&str, &str)>>(), *value)
            });
            families.gauges(name, family.help, series)?;
        }
        Ok(())
    }
}
