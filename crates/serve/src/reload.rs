//! Reading the configuration again on request: `/-/reload`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::cross_site;
use crate::exposition::Families;

/// The maximum number of requests that wait for the same reload.
const WAITING_MAX: usize = 16;

type Answer = oneshot::Sender<Result<(), String>>;

/// Creates both ends: the listener asks, and what keeps the sweep up to date answers.
pub fn reloads() -> (Reloader, ReloadRequests) {
    let (sender, received) = mpsc::channel(WAITING_MAX);
    let last = Arc::new(Mutex::new(LastReload {
        was_successful: true,
        succeeded: Timestamp::now(),
    }));
    let requests = ReloadRequests {
        received,
        waiting: Vec::new(),
        last: Arc::clone(&last),
    };
    let reloader = Reloader {
        requests: sender,
        last,
    };
    (reloader, requests)
}

/// How the configuration was read the last time. It was read at the start.
#[derive(Clone, Copy, Debug)]
struct LastReload {
    was_successful: bool,
    succeeded: Timestamp,
}

/// Asks for a reload.
#[derive(Clone, Debug)]
pub struct Reloader {
    requests: mpsc::Sender<Answer>,
    last: Arc<Mutex<LastReload>>,
}

/// The requests for a reload.
#[derive(Debug)]
pub struct ReloadRequests {
    received: mpsc::Receiver<Answer>,
    waiting: Vec<Answer>,
    last: Arc<Mutex<LastReload>>,
}

impl ReloadRequests {
    /// Whether somebody waits for a reload. The next one that is [`done`](Self::done) is theirs.
    pub fn are_waiting(&mut self) -> bool {
        while let Ok(answer) = self.received.try_recv() {
            self.waiting.push(answer);
        }
        !self.waiting.is_empty()
    }

    /// Notes that a reload is done, whoever asked for it, or why the new configuration was refused.
    pub fn done(&mut self, result: Result<(), String>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.was_successful = result.is_ok();
        if result.is_ok() {
            last.succeeded = Timestamp::now();
        }
        drop(last);
        for answer in self.waiting.drain(..) {
            // A client that has gone away needs no answer.
            let _ = answer.send(result.clone());
        }
    }
}

impl Reloader {
    /// Writes how the last reload ended.
    pub(crate) fn write(&self, families: &mut Families<'_>) -> fmt::Result {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        families.gauge(
            "canvass_config_last_reload_successful",
            "Whether the last configuration that was read is in use.",
            f64::from(u8::from(last.was_successful)),
        )?;
        families.gauge(
            "canvass_config_last_reload_success_timestamp_seconds",
            "When a configuration was last read successfully, in seconds since 1970.",
            last.succeeded.as_millisecond() as f64 / 1e3,
        )
    }
}

/// Serves `/-/reload`.
pub(crate) fn router(reloader: Reloader) -> Router {
    let routes = post(reload).put(reload).fallback(needs_post);
    Router::new()
        .route("/-/reload", routes)
        .layer(middleware::from_fn(cross_site::refuse))
        .with_state(reloader)
}

async fn needs_post() -> Response {
    let text = "This endpoint requires a POST request.\n";
    let allow = [(header::ALLOW, "POST, PUT")];
    (StatusCode::METHOD_NOT_ALLOWED, allow, text).into_response()
}

async fn reload(State(reloader): State<Reloader>) -> Response {
    let (sender, answer) = oneshot::channel();
    if reloader.requests.try_send(sender).is_err() {
        let retry = [(header::RETRY_AFTER, "1")];
        return (StatusCode::SERVICE_UNAVAILABLE, retry).into_response();
    }
    match answer.await {
        Ok(Ok(())) => StatusCode::OK.into_response(),
        Ok(Err(error)) => {
            let text = format!("failed to reload config: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
        // The sweep is ending.
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
