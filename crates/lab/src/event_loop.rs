//! What the event loops of both servers share: waiting for events, for a due time or for the
//! request to stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use canvass_model::Time;
use mio::event::Event;
use mio::{Events, Poll, Registry, Token, Waker};

use crate::clock::{Clock, Timer};

/// Events taken from the poll per turn.
const EVENTS_PER_TURN: usize = 1024;

const WAKER: Token = Token(0);
const TIMER: Token = Token(1);
/// The first token that a server can give to a socket.
pub(crate) const FIRST_TOKEN: usize = 2;

/// A poll with a timer of nanosecond resolution and a stop flag.
pub(crate) struct EventLoop {
    poll: Poll,
    events: Events,
    clock: Clock,
    timer: Timer,
    stop: Arc<AtomicBool>,
}

impl EventLoop {
    /// Also returns the waker, which must be fired after `stop` is set.
    pub(crate) fn new(stop: Arc<AtomicBool>) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let clock = Clock::start();
        let timer = Timer::new(clock, poll.registry(), TIMER)?;
        let event_loop = Self {
            poll,
            events: Events::with_capacity(EVENTS_PER_TURN),
            clock,
            timer,
            stop,
        };
        Ok((event_loop, waker))
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Waits for events, at most until `due`. Does not wait if there is `more` work already.
    pub(crate) fn wait(&mut self, due: Option<Time>, more: bool) -> io::Result<()> {
        if let Some(due) = due.filter(|_| !more) {
            self.timer.wake_at(due)?;
        }
        match self
            .poll
            .poll(&mut self.events, more.then_some(Duration::ZERO))
        {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// The events of the server's own sockets that the last [`wait`](Self::wait) found.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.events
            .iter()
            .filter(|event| event.token().0 >= FIRST_TOKEN)
    }
}
