//! The form that silences a target.

use axum::extract::{Request, State};
use axum::response::Redirect;
use canvass_sweep::SilenceScope;

use super::layout::target_link;
use super::target::unlisted;
use crate::api;
use crate::cross_site::Refusal;
use crate::posted::Form;
use crate::router::Site;

/// Silences the target of the form or ends its silence, and leads back to it.
pub(super) async fn silence(
    State(site): State<Site>,
    request: Request,
) -> Result<Redirect, Refusal> {
    let form = Form::of(request).await?;
    let key = form.field("key").unwrap_or_default();
    if site.sweep.look(|watch| watch.find(key).is_none()) {
        return Err(unlisted());
    }
    let scope = SilenceScope::Target(key.into());
    if form.field("end").is_some() {
        api::end(site.sweep, scope).await?;
    } else {
        api::add(site.sweep, scope, &form).await?;
    }
    Ok(Redirect::to(&target_link(key)))
}
