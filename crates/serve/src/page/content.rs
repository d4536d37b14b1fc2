//! What the page shows.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use canvass_sweep::{SilenceScope, Silences, State, SweepReader, TargetId, Watched};
use jiff::Timestamp;
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
    /// The state, [`MAINTENANCE`] or [`SILENCED`]; empty for all.
    pub state: String,
    /// The number of the page, from 1.
    pub page: usize,
}

/// What a filter has in place of a state, for targets whose changes cause no alerts.
pub(super) const MAINTENANCE: &str = "maintenance";
pub(super) const SILENCED: &str = "silenced";

/// A group of targets.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The number of targets by [`State::ALL`].
    pub counts: [usize; State::ALL.len()],
    /// The number of targets in maintenance.
    pub in_maintenance: usize,
    /// Until when the whole group is silenced, in nanoseconds since 1970 (UTC).
    pub silenced_until_unix_ns: Option<u64>,
}

/// A target of the page.
#[derive(Debug)]
pub(super) struct Row {
    pub target: TargetRow,
    pub silence: RowSilence,
}

/// Whether changes of a target are silenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowSilence {
    None,
    /// That of its group, which the page shows too.
    OfGroup,
    /// Its own, until this time in nanoseconds since 1970 (UTC).
    Own(u64),
}

/// What the page shows.
#[derive(Debug)]
pub(crate) struct Content {
    pub filter: Filter,
    pub(super) groups: BTreeMap<Arc<str>, Group>,
    pub is_cut_off: bool,
    /// Whether there are modules for probes on request.
    pub has_modules: bool,
    /// The number of targets that pass the filter, on all pages.
    pub matching: usize,
    /// Those of this page.
    pub(super) rows: Vec<Row>,
}

/// The place of a target in the list: what needs a look comes first.
type Place = (Reverse<u8>, Arc<str>, Arc<str>, TargetId);

impl Content {
    /// Copies what passes `filter`.
    pub(crate) fn of(sweep: &SweepReader, mut filter: Filter) -> Self {
        filter.q = filter.q.trim().to_owned();
        let needle = filter.q.to_lowercase();
        let silences = Silenced::now(sweep);
        let (mut groups, mut places, is_cut_off) = sweep.look(|watch| {
            let mut groups: BTreeMap<Arc<str>, Group> = BTreeMap::new();
            let mut places: Vec<Place> = Vec::new();
            for (id, watched) in watch.targets() {
                let group = &watched.target.group;
                if !groups.contains_key(group) {
                    groups.insert(Arc::clone(group), Group::default());
                }
                let state = watched.tracker.state();
                if let (Some(group), Some(at)) = (groups.get_mut(group), position(state)) {
                    group.counts[at] += 1;
                    group.in_maintenance += usize::from(watched.target.in_maintenance);
                }
                if filter.passes(watched, &needle, &silences) {
                    let key = Arc::clone(&watched.target.key);
                    places.push((Reverse(urgency(state)), Arc::clone(group), key, id));
                }
            }
            (groups, places, watch.is_cut_off())
        });
        for (name, group) in &mut groups {
            group.silenced_until_unix_ns = silences.of_group(name);
        }
        places.sort_unstable();
        let matching = places.len();
        filter.page = filter.page.clamp(1, matching.div_ceil(TARGETS_MAX).max(1));
        let shown = places
            .iter()
            .skip((filter.page - 1) * TARGETS_MAX)
            .take(TARGETS_MAX);
        let rows = sweep.look(|watch| {
            let watched = shown.filter_map(|(.., id)| watch.get(*id));
            let row = |watched: &Watched| Row {
                target: TargetRow::explained(watched),
                silence: silences.of_row(watched),
            };
            watched.map(row).collect()
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

/// The silences at one time.
pub(super) struct Silenced {
    silences: Silences,
    now_unix_ns: u64,
}

impl Silenced {
    pub(super) fn now(sweep: &SweepReader) -> Self {
        let now = Timestamp::now().as_nanosecond();
        Self {
            silences: sweep.silences(),
            now_unix_ns: u64::try_from(now).unwrap_or(0),
        }
    }

    /// Until when a target or its group is silenced.
    pub(super) fn of(&self, watched: &Watched) -> Option<u64> {
        let target = &watched.target;
        self.silences
            .until(&target.key, &target.group, self.now_unix_ns)
    }

    fn of_group(&self, name: &str) -> Option<u64> {
        let mut silences = self.silences.iter();
        let one = silences
            .find(|one| matches!(&one.scope, SilenceScope::Group(group) if **group == *name))?;
        (one.until_unix_ns > self.now_unix_ns).then_some(one.until_unix_ns)
    }

    fn of_row(&self, watched: &Watched) -> RowSilence {
        match self.of(watched) {
            None => RowSilence::None,
            Some(until) if self.has_own(&watched.target.key) => RowSilence::Own(until),
            Some(_) => RowSilence::OfGroup,
        }
    }

    /// Whether this target itself is silenced, and not only its group.
    pub(super) fn has_own(&self, key: &str) -> bool {
        self.silences.iter().any(|one| {
            matches!(&one.scope, SilenceScope::Target(target) if **target == *key)
                && one.until_unix_ns > self.now_unix_ns
        })
    }
}

impl Filter {
    fn passes(&self, watched: &Watched, needle: &str, silences: &Silenced) -> bool {
        let has_state = match self.state.as_str() {
            "" => true,
            MAINTENANCE => watched.target.in_maintenance,
            SILENCED => silences.of(watched).is_some(),
            state => state == watched.tracker.state().as_str(),
        };
        has_state
            && (self.group.is_empty() || *self.group == *watched.target.group)
            && (needle.is_empty() || watched.target.key.to_lowercase().contains(needle))
    }

    pub(super) fn of_group(group: &str) -> Self {
        Self {
            group: group.to_owned(),
            ..Self::default()
        }
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
