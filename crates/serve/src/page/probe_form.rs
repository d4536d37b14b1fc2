//! The form that probes a target now.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Html;
use canvass_sweep::ProbeNowError;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::target::{Probed, TargetPage, unlisted};
use crate::cross_site::Refusal;
use crate::posted::Form;
use crate::router::Site;

/// The maximum number of probes at once that are asked for. Each has threads of its own.
pub const REQUESTED_PROBES_MAX: usize = 4;

/// Permits for probes that are asked for.
#[derive(Clone)]
pub(crate) struct ProbesAtOnce(Arc<Semaphore>);

impl Default for ProbesAtOnce {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(REQUESTED_PROBES_MAX)))
    }
}

/// Probes the target of the form, and shows it with what was found.
pub(super) async fn probe(
    State(site): State<Site>,
    request: Request,
) -> Result<(StatusCode, Html<String>), Refusal> {
    let form = Form::of(request).await?;
    let key = form.field("key").unwrap_or_default();
    let text = form.field("text").map(str::to_owned);
    let (status, found) = match probe_now(&site, key, text.clone()).await {
        Ok(found) => (StatusCode::OK, Ok(Box::new(found))),
        Err(ProbeError::Busy) => {
            let text = "Too many probes are under way. Try again in a moment.";
            (StatusCode::SERVICE_UNAVAILABLE, Err(text.into()))
        }
        Err(ProbeError::Probe(ProbeNowError::Unlisted)) => return Err(unlisted()),
        Err(ProbeError::Probe(error @ ProbeNowError::Text(_))) => {
            (StatusCode::BAD_REQUEST, Err(error.to_string()))
        }
        Err(ProbeError::Probe(error @ ProbeNowError::Run(_))) => {
            (StatusCode::INTERNAL_SERVER_ERROR, Err(error.to_string()))
        }
    };
    let page = TargetPage::of(&site.sweep, key).ok_or_else(unlisted)?;
    let page = TargetPage {
        probed: Some(Probed { text, found }),
        ..page
    };
    Ok((status, Html(page.html().into_string())))
}

/// Why there is no outcome.
enum ProbeError {
    Busy,
    Probe(ProbeNowError),
}

/// Probes apart from the thread of the listener.
async fn probe_now(
    site: &Site,
    key: &str,
    text: Option<String>,
) -> Result<canvass_sweep::ProbedNow, ProbeError> {
    let permit = Arc::clone(&site.probes.0).try_acquire_owned();
    let permit = permit.map_err(|_| ProbeError::Busy)?;
    let (sweep, key) = (site.sweep.clone(), key.to_owned());
    let work = spawn_blocking(move || {
        // Also if the client goes away meanwhile, the probe counts until it has ended.
        let _permit = permit;
        sweep.probe_now(&key, text.as_deref())
    });
    match work.await {
        Ok(found) => found.map_err(ProbeError::Probe),
        Err(_) => Err(ProbeError::Probe(ProbeNowError::Run("it panicked".into()))),
    }
}
