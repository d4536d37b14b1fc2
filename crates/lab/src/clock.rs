//! The only clock the lab reads.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use canvass_model::Time;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The system's monotonic clock, counted from a start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started_ns: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            started_ns: monotonic_ns(),
        }
    }

    pub(crate) fn now(self) -> Time {
        Time::from_nanos(monotonic_ns() - self.started_ns)
    }
}

/// A timer that wakes a poll, whose own timeout has a resolution of 1 ms.
#[derive(Debug)]
pub(crate) struct Timer {
    fd: OwnedFd,
    clock: Clock,
    armed: Option<Time>,
}

impl Timer {
    pub(crate) fn new(clock: Clock, registry: &Registry, token: Token) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self {
            fd,
            clock,
            armed: None,
        })
    }

    /// Wakes the poll at `at`, or at once if that has passed. The descriptor need not be read
    /// afterwards: readiness is edge-triggered, and each expiry is an edge.
    pub(crate) fn wake_at(&mut self, at: Time) -> io::Result<()> {
        if self.armed == Some(at) {
            return Ok(());
        }
        let at_ns = self.clock.started_ns + at.as_nanos();
        let setting = Itimerspec {
            it_interval: timespec(0),
            it_value: timespec(at_ns),
        };
        timerfd_settime(self.fd.as_fd(), TimerfdTimerFlags::ABSTIME, &setting)?;
        self.armed = Some(at);
        Ok(())
    }
}

fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * NANOS_PER_SECOND + now.tv_nsec as u64
}

fn timespec(nanos: u64) -> Timespec {
    Timespec {
        tv_sec: (nanos / NANOS_PER_SECOND) as i64,
        tv_nsec: (nanos % NANOS_PER_SECOND) as _,
    }
}
