//! What the page of one target shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Html;
use canvass_sweep::{ProbedNow, RoundCounts, SweepReader, Thresholds};
use serde::Deserialize;

use super::content::Silenced;
use crate::cross_site::Refusal;
use crate::router::Site;
use crate::target_row::TargetRow;

/// What the page of one target shows.
pub(super) struct TargetPage {
    pub row: TargetRow,
    pub silenced_until_unix_ns: Option<u64>,
    /// The target itself is silenced, and not only its group.
    pub has_own_silence: bool,
    /// Silences can be changed here.
    pub keeps_silences: bool,
    pub interval: Duration,
    pub thresholds: Thresholds,
    pub rounds: RoundCounts,
    /// When the last probe ended, in nanoseconds since 1970 (UTC).
    pub last_at_unix_ns: Option<u64>,
    pub depends_on: Option<Arc<str>>,
    pub labels: Option<Arc<BTreeMap<Box<str>, Box<str>>>>,
    /// The text that a probe sends if no other is typed.
    pub text: Option<Box<str>>,
    /// What the form was sent for, if it was.
    pub probed: Option<Probed>,
}

/// A probe that was asked for.
pub(super) struct Probed {
    /// The text that was typed.
    pub text: Option<String>,
    pub found: Result<Box<ProbedNow>, String>,
}

/// The query of the page.
#[derive(Debug, Deserialize)]
pub(super) struct TargetQuery {
    key: String,
}

/// Shows a target.
pub(super) async fn show(
    State(site): State<Site>,
    Query(query): Query<TargetQuery>,
) -> Result<Html<String>, Refusal> {
    let page = TargetPage::of(&site.sweep, &query.key).ok_or_else(unlisted)?;
    Ok(Html(page.html().into_string()))
}

/// The response for a target that is not watched.
pub(super) fn unlisted() -> Refusal {
    let text = "there is no such target in the list\n";
    (StatusCode::NOT_FOUND, text.into())
}

impl TargetPage {
    /// Copies what is shown of the target with this key, if it is watched.
    pub(super) fn of(sweep: &SweepReader, key: &str) -> Option<Self> {
        let silences = Silenced::now(sweep);
        sweep.look(|watch| {
            let watched = watch.find(key)?;
            let target = &watched.target;
            Some(Self {
                row: TargetRow::explained(watched),
                silenced_until_unix_ns: silences.of(watched),
                has_own_silence: silences.has_own(key),
                keeps_silences: sweep.keeps_silences(),
                interval: target.interval,
                thresholds: target.thresholds,
                rounds: watched.rounds,
                last_at_unix_ns: watched.last.map(|last| watch.unix_ns(last.at)),
                depends_on: target.depends_on.clone(),
                labels: target.labels.clone(),
                text: sweep.text(target).map(Into::into),
                probed: None,
            })
        })
    }
}
