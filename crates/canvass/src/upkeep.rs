//! What a sweep needs besides its rounds: targets that have changed, and maintenance windows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use canvass_sweep::config::OpenWindows;
use canvass_sweep::{Sweep, WatchedTarget};

use crate::message::message;
use crate::plan::{Reread, WatchList};
use crate::service;

/// How often the files are looked at. A change is taken when they have been the same twice.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Keeps the targets of a sweep as its files and the wall clock say.
pub(crate) struct Upkeep {
    list: WatchList,
    /// The maintenance windows that the targets know of.
    open: OpenWindows,
    hung_up: Arc<AtomicBool>,
    looked: Instant,
}

impl Upkeep {
    /// The upkeep of these targets, which are set to be in maintenance or not.
    pub(crate) fn new(list: WatchList, targets: &mut [WatchedTarget]) -> Self {
        let mut this = Self {
            list,
            open: OpenWindows::default(),
            hung_up: Arc::default(),
            looked: Instant::now(),
        };
        this.open = this.open_now();
        this.mark(targets);
        this
    }

    /// What a SIGHUP sets, if the targets can be read again.
    pub(crate) fn reload(&self) -> Option<Arc<AtomicBool>> {
        let hung_up = Arc::clone(&self.hung_up);
        self.list.can_be_read_again().then_some(hung_up)
    }

    /// Does what has become due. Targets that are wrong are reported, and the sweep goes on with
    /// those that it has.
    pub(crate) fn tick(&mut self, sweep: &Sweep) {
        let mut is_due = self.hung_up.swap(false, Ordering::SeqCst);
        if self.looked.elapsed() >= LOOK_INTERVAL {
            self.looked = Instant::now();
            is_due |= self.list.has_changed();
        }
        if is_due {
            service::reloading();
            self.read_again(sweep);
            service::ready();
        }
        let open = self.open_now();
        if open != self.open {
            self.open = open;
            sweep.set_maintenance(|target| self.open.cover(target));
        }
    }

    fn read_again(&mut self, sweep: &Sweep) {
        let read = self.list.read_again();
        match read {
            Ok(read) if read.targets.is_empty() => {
                message("canvass: the list is empty; the sweep goes on with the targets as before");
            }
            Ok(Reread {
                mut targets,
                modules,
            }) => {
                let count = targets.len();
                self.open = self.open_now();
                self.mark(&mut targets);
                sweep.add_modules(modules);
                sweep.set_targets(targets);
                let noun = if count == 1 { "target" } else { "targets" };
                message(format_args!("canvass: read again: {count} {noun}"));
            }
            Err(failure) => message(format_args!(
                "canvass: {failure}; the sweep goes on with the targets as before"
            )),
        }
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
