//! Tells a service manager how a sweep stands (sd_notify(3)). Does nothing where there is none: the
//! variable `NOTIFY_SOCKET` names its socket.

use std::io;

use sd_notify::NotifyState;

use crate::message::message;

/// The sweep has begun, or goes on after a reload.
pub(crate) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// The sweep is reading its configuration or list again. [`ready`] ends that.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => cannot_notify(&error),
    }
}

/// The sweep is ending.
pub(crate) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        cannot_notify(&error);
    }
}

fn cannot_notify(error: &io::Error) {
    message(format_args!(
        "canvass: cannot notify the service manager: {error}"
    ));
}
