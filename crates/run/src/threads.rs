//! Starts the threads of a run, and stops the run if one fails.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use canvass_model::ShardReport;
use canvass_queue::FeederEnd;
use crossbeam_channel::Sender;

use crate::collector::Collected;
use crate::error::{RunError, StartError};
use crate::stop::StopHandle;

/// A thread of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Thread {
    Feeder,
    EventLoop(usize),
    Collector,
    Names(usize),
}

/// How a thread ended.
pub(crate) enum End {
    Feeder(FeederEnd),
    EventLoop(Box<io::Result<ShardReport>>),
    Collector(Collected),
    Names,
    Panicked(Thread, RunError),
}

/// Starts the threads of a run.
pub(crate) struct Threads {
    pub stop: StopHandle,
    /// Receives how each ended.
    pub ended: Sender<End>,
}

impl RunError {
    /// The error of a panic on this thread.
    pub(crate) fn panicked(thread: Thread, panic: &(dyn Any + Send)) -> Self {
        Self::Panicked {
            thread: thread.name().into(),
            message: message_of(panic),
        }
    }
}

impl Thread {
    fn name(self) -> String {
        match self {
            Self::Feeder => "feeder".into(),
            Self::EventLoop(number) => format!("loop {number}"),
            Self::Collector => "collector".into(),
            Self::Names(number) => format!("names {number}"),
        }
    }
}

impl Threads {
    /// Starts a thread. `holds` is dropped only after the end was reported, however the thread ends.
    ///
    /// A thread that fails stops the run by itself, so this does not depend on a caller that waits
    /// for the run.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        thread: Thread,
        holds: T,
        work: impl FnOnce(&T) -> End + Send + 'static,
    ) -> Result<(), StartError> {
        let stop = self.stop.clone();
        let ended = self.ended.clone();
        thread::Builder::new()
            .name(thread.name())
            .spawn(move || {
                let end = match catch_unwind(AssertUnwindSafe(|| work(&holds))) {
                    Ok(end) => end,
                    Err(panic) => End::Panicked(thread, RunError::panicked(thread, &*panic)),
                };
                match &end {
                    End::EventLoop(ended) => match &**ended {
                        Ok(report) if report.gave_up => stop.drain(),
                        Ok(_) => {}
                        Err(_) => stop.abort(),
                    },
                    End::Collector(Collected { error: Some(_), .. }) | End::Panicked(..) => {
                        stop.abort();
                    }
                    End::Collector(_) | End::Feeder(_) | End::Names => {}
                }
                // Fails if the run was dropped, which is not an error.
                let _ = ended.send(end);
            })
            .map(drop)
            .map_err(StartError::Thread)
    }
}

fn message_of(panic: &(dyn Any + Send)) -> Box<str> {
    if let Some(message) = panic.downcast_ref::<&str>() {
        (*message).into()
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message.as_str().into()
    } else {
        "no message".into()
    }
}
