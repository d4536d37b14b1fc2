//! What is served under which path.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use canvass_sweep::SweepReader;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::accept::CLIENTS_MAX;
use crate::access::Access;
use crate::api;
use crate::exposition::Exposition;
use crate::hosts::AllowedHosts;
use crate::page::{self, ProbesAtOnce};
use crate::probe::{self, Exporter};
use crate::reload::{self, Reloader};
use crate::sweep_metrics::SweepMetrics;
use crate::target_metrics::TargetMetrics;

/// The maximum number of responses of `/metrics/targets` in memory, each of which may have tens of
/// megabytes. Further requests are refused until one is sent.
const LARGE_RESPONSES_MAX: usize = 4;
/// What a page may load and do: nothing but its own styles and its own forms.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Site {
    pub sweep: SweepReader,
    pub probes: ProbesAtOnce,
    hosts: Arc<AllowedHosts>,
    access: Access,
    clients: Arc<Semaphore>,
    large_responses: Arc<Semaphore>,
    pub exporter: Option<Exporter>,
    reloader: Reloader,
}

impl Site {
    /// `clients` has a permit for each further connection.
    pub(crate) fn new(
        sweep: SweepReader,
        hosts: AllowedHosts,
        access: Access,
        clients: Arc<Semaphore>,
        exporter: Option<Exporter>,
        reloader: Reloader,
    ) -> Self {
        Self {
            sweep,
            probes: ProbesAtOnce::default(),
            hosts: Arc::new(hosts),
            access,
            clients,
            large_responses: Arc::new(Semaphore::new(LARGE_RESPONSES_MAX)),
            exporter,
            reloader,
        }
    }
}

pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .merge(page::routes())
        .merge(api::routes())
        .route("/metrics", get(metrics))
        .route("/metrics/targets", get(target_metrics))
        .route("/-/healthy", get(|| async { "canvass is healthy\n" }))
        .route("/-/ready", get(|| async { "canvass is ready\n" }))
        .with_state(site.clone())
        .merge(probe::router(site.exporter.clone(), site.sweep.clone()))
        .merge(reload::router(site.reloader.clone()))
        .layer(middleware::from_fn_with_state(site, guard))
}

/// Refuses requests for other hosts, and those that are not let in, and adds the headers that every
/// response has.
async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let admission = site.access.admission();
    let mut response = match site.hosts.check(request.uri(), request.headers()) {
        Ok(()) => match admission.check(request.headers()).await {
            Ok(()) => next.run(request).await,
            Err(refusal) => refusal,
        },
        Err(status) => {
            let text = "This is not a host that the listener serves (see --listen-host).\n";
            (status, text).into_response()
        }
    };
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A form then has the `Origin` by which its request is known as one of this site.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ] {
        let headers = response.headers_mut();
        headers.insert(name, HeaderValue::from_static(value));
    }
    admission.add_headers(response.headers_mut());
    response
}

async fn metrics(State(site): State<Site>, headers: HeaderMap) -> Response {
    let connections = CLIENTS_MAX.saturating_sub(site.clients.available_permits());
    let (exporter, reloader) = (site.exporter, site.reloader);
    let metrics = SweepMetrics::of(&site.sweep, connections, exporter, reloader);
    let form = Exposition::preferred(&headers);
    match form.write(metrics) {
        Ok(octets) => exposed(form, octets.into()),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The query of `/metrics/targets`.
#[derive(Debug, Deserialize)]
struct TargetsQuery {
    group: Option<String>,
}

async fn target_metrics(
    State(site): State<Site>,
    Query(query): Query<TargetsQuery>,
    headers: HeaderMap,
) -> Response {
    let Ok(permit) = Arc::clone(&site.large_responses).try_acquire_owned() else {
        let retry = [(header::RETRY_AFTER, "1")];
        return (StatusCode::SERVICE_UNAVAILABLE, retry).into_response();
    };
    let group = query.group.as_deref();
    let metrics = site.sweep.look(|watch| TargetMetrics::of(watch, group));
    let form = Exposition::preferred(&headers);
    match form.write(metrics) {
        Ok(octets) => {
            let large = LargeResponse {
                octets,
                _permit: permit,
            };
            exposed(form, Bytes::from_owner(large))
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn exposed(form: Exposition, octets: Bytes) -> Response {
    let content_type = [(header::CONTENT_TYPE, form.content_type())];
    (content_type, Body::from(octets)).into_response()
}

/// A response that counts as one of the large ones until it is sent or its connection is closed.
struct LargeResponse {
    octets: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for LargeResponse {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}
