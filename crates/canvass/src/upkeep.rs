//! What a sweep needs besides its rounds: files that have changed, and maintenance windows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use canvass_serve::{Exporter, ReloadRequests};
use canvass_sweep::config::OpenWindows;
use canvass_sweep::{Sweep, WatchedTarget};

use crate::exit::Failure;
use crate::message::message;
use crate::modules_file::ModulesFile;
use crate::plan::{Reread, WatchList, counted, module_count};
use crate::service;

/// How often the files are looked at. A change is taken when they have been the same twice.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Keeps the targets and modules of a sweep as their files and the wall clock say.
pub(crate) struct Upkeep {
    list: WatchList,
    modules: Option<(ModulesFile, Exporter)>,
    /// The maintenance windows that the targets know of.
    open: OpenWindows,
    hung_up: Arc<AtomicBool>,
    requests: ReloadRequests,
    looked: Instant,
}

impl Upkeep {
    /// The upkeep of these targets, which are set to be in maintenance or not, and of these modules.
    pub(crate) fn new(
        list: WatchList,
        modules: Option<(ModulesFile, Exporter)>,
        requests: ReloadRequests,
        targets: &mut [WatchedTarget],
    ) -> Self {
        let mut this = Self {
            list,
            modules,
            open: OpenWindows::default(),
            hung_up: Arc::default(),
            requests,
            looked: Instant::now(),
        };
        this.open = this.open_now();
        this.mark(targets);
        this
    }

    /// What a SIGHUP sets, if something can be read again.
    pub(crate) fn reload(&self) -> Option<Arc<AtomicBool>> {
        let can_be_read_again = self.list.can_be_read_again() || self.modules.is_some();
        can_be_read_again.then(|| Arc::clone(&self.hung_up))
    }

    /// Does what has become due. Files that are wrong are reported, and the sweep goes on with what it
    /// has.
    pub(crate) fn tick(&mut self, sweep: &Sweep) {
        let mut is_due = self.hung_up.swap(false, Ordering::SeqCst);
        is_due |= self.requests.are_waiting();
        if self.looked.elapsed() >= LOOK_INTERVAL {
            self.looked = Instant::now();
            is_due |= self.list.has_changed();
            if let Some((file, _)) = &mut self.modules {
                is_due |= file.has_changed();
            }
        }
        if is_due {
            service::reloading();
            let read = self.read_again(sweep);
            service::ready();
            match &read {
                Ok(what) => message(format_args!("canvass: read again: {what}")),
                Err(failure) => {
                    let more = if self.modules.is_some() {
                        " and modules"
                    } else {
                        ""
                    };
                    message(format_args!(
                        "canvass: {failure}; the sweep goes on with the targets{more} as before"
                    ));
                }
            }
            let result = read.map(drop).map_err(|failure| failure.to_string());
            self.requests.done(result);
        }
        let open = self.open_now();
        if open != self.open {
            self.open = open;
            sweep.set_maintenance(|target| self.open.cover(target));
        }
    }

    /// Reads everything again, and uses all of it or nothing. Returns what it was.
    fn read_again(&mut self, sweep: &Sweep) -> Result<String, Failure> {
        let modules = self.modules.as_ref().map(|(file, _)| file.read());
        let modules = modules.transpose()?;
        let mut what = Vec::new();
        if let Some(Reread {
            mut targets,
            modules,
        }) = self.list.read_again()?
        {
            // The configuration counts on them from now on, even if there are no targets.
            sweep.add_modules(modules);
            if targets.is_empty() {
                return Err(Failure::usage("the list is empty"));
            }
            what.push(counted(targets.len(), "target"));
            self.open = self.open_now();
            self.mark(&mut targets);
            sweep.set_targets(targets);
        }
        if let (Some(modules), Some((_, exporter))) = (modules, &self.modules) {
            what.push(counted(module_count(&modules), "module"));
            exporter.set_modules(modules);
        }
        if what.is_empty() {
            what.push("nothing, since the targets are in no file".to_owned());
        }
        Ok(what.join(", "))
    }

    fn open_now(&self) -> OpenWindows {
        let windows = self.list.maintenance();
        windows.map_or_else(OpenWindows::default, |windows| {
            windows.open(SystemTime::now())
        })
    }

    fn mark(&self, targets: &mut [WatchedTarget]) {
        for target in targets {
            target.in_maintenance = self.open.cover(target);
        }
    }
}
