//! Tells a service manager how a sweep stands (sd_notify(3)). Does nothing where there is none: the
//! variable `NOTIFY_SOCKET` names its socket.

use sd_notify::NotifyState;

use crate::message::message;

/// The sweep has begun.
pub(crate) fn ready() {
    notify(NotifyState::Ready);
}

/// The sweep is ending.
pub(crate) fn stopping() {
    notify(NotifyState::Stopping);
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        message(format_args!(
            "canvass: cannot notify the service manager: {error}"
        ));
    }
}
