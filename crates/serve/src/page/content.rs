//! What the page shows.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use canvass_sweep::{State, SweepReader, TargetId, Watched};
use serde::Deserialize;
use url::form_urlencoded;

use crate::target_row::TargetRow;

/// The maximum number of targets on one page.
pub(super) const TARGETS_MAX: usize = 200;

/// The query of the page: which targets are shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    /// A part of the target's text, in any case.
    pub q: String,
    /// The group; empty for all.
    pub group: String,
    /// The state; empty for all.
    pub state: String,
    /// The number of the page, from 1.
    pub page: usize,
}

/// The number of targets of a group by [`State::ALL`].
pub(super) type Counts = [usize; State::ALL.len()];

/// What the page shows.
#[derive(Debug)]
pub(crate) struct Content {
    pub filter: Filter,
    pub groups: BTreeMap<Arc<str>, Counts>,
    pub is_cut_off: bool,
    /// Whether there are modules for probes on request.
    pub has_modules: bool,
    /// The number of targets that pass the filter, on all pages.
    pub matching: usize,
    /// Those of this page.
    pub rows: Vec<TargetRow>,
}

/// The place of a target in the list: what needs a look comes first.
type Place = (Reverse<u8>, Arc<str>, Arc<str>, TargetId);

impl Content {
    /// Copies what passes `filter`.
    pub(crate) fn of(sweep: &SweepReader, mut filter: Filter) -> Self {
        filter.q = filter.q.trim().to_owned();
        let needle = filter.q.to_lowercase();
        let (groups, mut places, is_cut_off) = sweep.look(|watch| {
            let mut groups: BTreeMap<Arc<str>, Counts> = BTreeMap::new();
            let mut places: Vec<Place> = Vec::new();
            for (id, watched) in watch.targets() {
                let group = &watched.target.group;
                if !groups.contains_key(group) {
                    groups.insert(Arc::clone(group), Counts::default());
                }
                let state = watched.tracker.state();
                if let (Some(counts), Some(at)) = (groups.get_mut(group), position(state)) {
                    counts[at] += 1;
                }
                if filter.passes(watched, &needle) {
                    let key = Arc::clone(&watched.target.key);
                    places.push((Reverse(urgency(state)), Arc::clone(group), key, id));
                }
            }
            (groups, places, watch.is_cut_off())
        });
        places.sort_unstable();
        let matching = places.len();
        filter.page = filter.page.clamp(1, matching.div_ceil(TARGETS_MAX).max(1));
        let shown = places
            .iter()
            .skip((filter.page - 1) * TARGETS_MAX)
            .take(TARGETS_MAX);
        let rows = sweep.look(|watch| {
            let watched = shown.filter_map(|(.., id)| watch.get(*id));
            watched.map(TargetRow::explained).collect()
        });
        Self {
            filter,
            groups,
            is_cut_off,
            has_modules: false,
            matching,
            rows,
        }
    }

    /// The number of pages, at least 1.
    pub(super) fn pages(&self) -> usize {
        self.matching.div_ceil(TARGETS_MAX).max(1)
    }
}

impl Filter {
    fn passes(&self, watched: &Watched, needle: &str) -> bool {
        let is_empty_or = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
        is_empty_or(&self.group, &watched.target.group)
            && is_empty_or(&self.state, watched.tracker.state().as_str())
            && (needle.is_empty() || watched.target.key.to_lowercase().contains(needle))
    }

    /// The link to page `number` of what passes this filter.
    pub(super) fn link(&self, number: usize) -> String {
        let mut query = form_urlencoded::Serializer::for_suffix(String::from("/?"), 2);
        for (name, value) in [
            ("q", &self.q),
            ("group", &self.group),
            ("state", &self.state),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("page", &number.to_string()).finish()
    }
}

/// The place of `state` in [`State::ALL`].
fn position(state: State) -> Option<usize> {
    State::ALL.iter().position(|one| *one == state)
}

fn urgency(state: State) -> u8 {
    match state {
        State::Up => 0,
        State::Unknown => 1,
        State::Flapping => 2,
        State::Down => 3,
    }
}
