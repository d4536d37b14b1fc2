//! The pages: groups and targets with their states, and what is known of one target.

mod content;
mod layout;
mod probe_form;
mod silence_form;
mod target;
mod target_view;
mod view;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Html;
use axum::routing::{get, post};

use crate::router::Site;
use content::{Content, Filter};
pub(crate) use layout::page;
pub(crate) use probe_form::ProbesAtOnce;
pub use probe_form::REQUESTED_PROBES_MAX;

/// The pages, and what their forms ask for.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/", get(index))
        .route("/target", get(target::show).post(probe_form::probe))
        .route("/target/silence", post(silence_form::silence))
}

async fn index(State(site): State<Site>, Query(filter): Query<Filter>) -> Html<String> {
    let mut content = Content::of(&site.sweep, filter);
    content.has_modules = site.exporter.is_some();
    Html(content.html().into_string())
}
