//! Who has which socket, and what the system says of them.

use std::io;

use canvass_model::{Cause, Errno};
use canvass_proto::{LostCause, SystemFault};

use super::{Owned, Owner, Shard};
use crate::net::{Net, SocketId};

impl<N: Net> Shard<N> {
    pub(super) fn own(&mut self, socket: SocketId, owner: Owner) {
        let at = socket.0 as usize;
        if self.owners.len() <= at {
            self.owners.resize(at + 1, None);
        }
        self.owners[at] = Some(Owned {
            owner,
            readable: false,
            closed: false,
        });
    }

    pub(super) fn forget(&mut self, socket: SocketId) {
        self.net.close(socket);
        self.owners[socket.0 as usize] = None;
    }
}

/// Names what the system said.
pub(super) fn lost_cause(error: &io::Error) -> LostCause {
    let cause = match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Cause::Reset,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown => Cause::Unreachable,
        io::ErrorKind::TimedOut => Cause::Timeout,
        _ => match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => Cause::Descriptors,
            _ => Cause::System,
        },
    };
    LostCause {
        cause,
        errno: error.raw_os_error().map(Errno),
    }
}

/// The same, with the system's own words.
pub(super) fn system_fault(error: &io::Error) -> SystemFault {
    let LostCause { cause, errno } = match error.raw_os_error() {
        Some(libc::EADDRNOTAVAIL) => LostCause {
            cause: Cause::Ports,
            errno: Some(Errno(libc::EADDRNOTAVAIL)),
        },
        // A socket in the file system that is not there.
        Some(libc::ENOENT) => LostCause {
            cause: Cause::Unreachable,
            errno: Some(Errno(libc::ENOENT)),
        },
        _ => lost_cause(error),
    };
    let text = error.to_string();
    let message = text.split(" (os error").next().unwrap_or(&text);
    SystemFault {
        cause,
        errno,
        message: message.into(),
    }
}
