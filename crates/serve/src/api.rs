//! The API of silences: what `canvass sweep silence` does, over HTTP.

use std::fmt;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use canvass_sweep::{Silence, SilenceScope, SilencesError, SweepReader};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use crate::cross_site::{self, Refusal};
use crate::duration;
use crate::posted::Form;
use crate::router::Site;

/// The API.
pub(crate) fn routes() -> Router<Site> {
    Router::new().route("/api/silences", get(list).post(post).delete(delete))
}

/// What a silence is for, as a query has it.
#[derive(Debug, Deserialize)]
struct Scope {
    target: Option<String>,
    group: Option<String>,
}

impl Scope {
    fn parse(self) -> Result<SilenceScope, Refusal> {
        match (self.target, self.group) {
            (Some(target), None) => Ok(SilenceScope::Target(target.into())),
            (None, Some(group)) => Ok(SilenceScope::Group(group.into())),
            _ => Err(bad_request("expected either target or group")),
        }
    }
}

/// All silences that are not over.
async fn list(State(site): State<Site>) -> Result<Response, StatusCode> {
    let (silences, now) = (site.sweep.silences(), SystemTime::now());
    let present: Vec<&Silence> = silences.iter().filter(|one| !one.is_over(now)).collect();
    let text = serde_json::to_string(&serde_json::json!({ "silences": present }))
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text + "\n").into_response())
}

/// Adds a silence, in place of another of the same scope.
async fn post(State(site): State<Site>, request: Request) -> Result<StatusCode, Refusal> {
    let form = Form::of(request).await?;
    let field = |name| form.field(name).map(str::to_owned);
    let scope = Scope {
        target: field("target"),
        group: field("group"),
    };
    add(site.sweep, scope.parse()?, &form).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a silence.
async fn delete(
    State(site): State<Site>,
    Query(scope): Query<Scope>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    cross_site::check(&headers)?;
    if end(site.sweep, scope.parse()?).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err((StatusCode::NOT_FOUND, "it is not silenced\n".into()))
    }
}

/// Silences `scope` for as long as `form` says: `for` a duration, or `until` a time.
pub(crate) async fn add(
    sweep: SweepReader,
    scope: SilenceScope,
    form: &Form,
) -> Result<(), Refusal> {
    let now = SystemTime::now();
    let until = match (form.field("for"), form.field("until")) {
        (Some(span), None) => {
            let span = duration::parse(span);
            let span = span.ok_or_else(|| bad_request("for: expected a duration such as 2h"))?;
            now.checked_add(span)
        }
        (None, Some(time)) => {
            let time = Silence::parse_time(time);
            Some(time.ok_or_else(|| {
                bad_request("until: expected a time such as 2027-01-15T08:00:00Z")
            })?)
        }
        _ => return Err(bad_request("expected either for or until")),
    };
    let silence = until.and_then(|until| Silence::new(scope, until));
    let silence = silence.ok_or_else(|| bad_request("the silence ends too late"))?;
    if silence.is_over(now) {
        return Err(bad_request("the silence is over before it begins"));
    }
    change(move || sweep.silence(silence)).await
}

/// Ends the silence of `scope`. Returns whether there was one.
pub(crate) async fn end(sweep: SweepReader, scope: SilenceScope) -> Result<bool, Refusal> {
    change(move || sweep.end_silence(&scope)).await
}

/// Changes the file of silences, which may have to wait for another process.
async fn change<T: Send + 'static>(
    change: impl FnOnce() -> Result<T, SilencesError> + Send + 'static,
) -> Result<T, Refusal> {
    let failed = |status, error: &dyn fmt::Display| (status, format!("{error}\n"));
    match spawn_blocking(change).await {
        Ok(Ok(changed)) => Ok(changed),
        Ok(Err(error @ SilencesError::NoFile)) => Err(failed(StatusCode::CONFLICT, &error)),
        Ok(Err(error)) => Err(failed(StatusCode::INTERNAL_SERVER_ERROR, &error)),
        Err(error) => Err(failed(StatusCode::INTERNAL_SERVER_ERROR, &error)),
    }
}

fn bad_request(text: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, format!("{text}\n"))
}
