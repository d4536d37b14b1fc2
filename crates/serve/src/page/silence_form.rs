//! The form that silences a target.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use canvass_sweep::SilenceScope;

use super::layout::target_link;
use super::target::unlisted;
use crate::api;
use crate::posted::Form;
use crate::router::Site;

/// Silences the target of the form or ends its silence, and leads back to it.
pub(super) async fn silence(State(site): State<Site>, request: Request) -> Response {
    let form = match Form::of(request).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let key = form.field("key").unwrap_or_default();
    if site.sweep.look(|watch| watch.find(key).is_none()) {
        return unlisted();
    }
    let scope = SilenceScope::Target(key.into());
    let changed = if form.field("end").is_some() {
        api::end(site.sweep.clone(), scope).await.map(drop)
    } else {
        api::add(site.sweep.clone(), scope, &form).await
    };
    match changed {
        Ok(()) => Redirect::to(&target_link(key)).into_response(),
        Err(refusal) => refusal,
    }
}
