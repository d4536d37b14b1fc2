//! Probes on request, as blackbox_exporter answers them: `/probe`, `/logs` and `/config`.

mod handler;
mod history;
mod listed;
mod pages;
mod query;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::get;
use canvass_blackbox::Modules;
use canvass_sweep::SweepReader;
use tokio::sync::Semaphore;

use crate::cross_site;
use crate::exposition::{Families, Labels};
pub use listed::ProbeTargets;

use history::{History, PastProbe};

/// The maximum number of probes at the same time. Each takes a handful of threads, which mostly wait.
const PROBES_MAX: usize = 128;

/// What is probed on request.
#[derive(Clone, Debug)]
pub struct Exporter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    modules: RwLock<Arc<Modules>>,
    targets: ProbeTargets,
    /// Has a permit for each further probe.
    places: Arc<Semaphore>,
    history: Mutex<History>,
    unknown_modules: AtomicU64,
    /// Requests for which there was no place.
    turned_away: AtomicU64,
}

impl Exporter {
    /// Probes `targets` with these modules.
    pub fn new(modules: Modules, targets: ProbeTargets) -> Self {
        Self(Arc::new(Shared {
            modules: RwLock::new(Arc::new(modules)),
            targets,
            places: Arc::new(Semaphore::new(PROBES_MAX)),
            history: Mutex::default(),
            unknown_modules: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
        }))
    }

    /// Whether any target is probed.
    pub fn takes_any_target(&self) -> bool {
        self.0.targets == ProbeTargets::Any
    }

    /// Replaces the modules. Probes under way are not affected.
    pub fn set_modules(&self, modules: Modules) {
        *self
            .0
            .modules
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(modules);
    }

    fn modules(&self) -> Arc<Modules> {
        let modules = self.0.modules.read();
        Arc::clone(&modules.unwrap_or_else(PoisonError::into_inner))
    }

    /// The latest probe of this kind.
    fn past(&self, is_wanted: impl Fn(&PastProbe) -> bool) -> Option<PastProbe> {
        let history = self.0.history.lock();
        let history = history.unwrap_or_else(PoisonError::into_inner);
        history.probes().find(|probe| is_wanted(probe)).cloned()
    }

    fn all_past(&self) -> Vec<PastProbe> {
        let history = self.0.history.lock();
        let history = history.unwrap_or_else(PoisonError::into_inner);
        history.probes().cloned().collect()
    }

    fn add(&self, module: &str, target: &str, success: bool, debug: &str) {
        let history = self.0.history.lock();
        let mut history = history.unwrap_or_else(PoisonError::into_inner);
        history.add(module, target, success, debug);
    }

    /// Writes how much is probed on request.
    pub(crate) fn write(&self, families: &mut Families<'_>) -> fmt::Result {
        let none: Labels<'_, 0> = [];
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        families.counters(
            "canvass_module_unknown",
            "Requests of /probe for a module that there is not.",
            [(none, count(&self.0.unknown_modules))],
        )?;
        families.counters(
            "canvass_probe_requests_turned_away",
            "Requests of /probe that found too many others under way.",
            [(none, count(&self.0.turned_away))],
        )?;
        let under_way = PROBES_MAX.saturating_sub(self.0.places.available_permits());
        families.gauge(
            "canvass_probe_requests_under_way",
            "Probes under way that /probe was asked for.",
            under_way as f64,
        )
    }
}

/// What the handlers share.
#[derive(Clone)]
struct Site {
    exporter: Exporter,
    sweep: SweepReader,
}

/// Serves what `exporter` probes.
pub(crate) fn router(exporter: Option<Exporter>, sweep: SweepReader) -> Router {
    let Some(exporter) = exporter else {
        let text = "There are no modules: start the sweep with --modules FILE.\n";
        let nothing = || get(move || async move { (StatusCode::NOT_FOUND, text) });
        return Router::new()
            .route("/probe", nothing())
            .route("/logs", nothing())
            .route("/config", nothing());
    };
    let probe = get(handler::probe).layer(middleware::from_fn(cross_site::refuse));
    Router::new()
        .route("/probe", probe)
        .route("/logs", get(pages::logs))
        .route("/config", get(pages::config))
        .with_state(Site { exporter, sweep })
}
