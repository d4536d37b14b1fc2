//! Warnings about requested values that this system or canvass does not grant.

use std::net::{Ipv4Addr, UdpSocket};

use canvass_run::Plan;
use rustix::io::Errno;
use rustix::net::sockopt;

use crate::args::{CommonArgs, SocketArgs};
use crate::message::message;

/// The size of a buffer of sockets, set and read back.
struct SocketBuffer {
    flag: &'static str,
    /// The setting of the system that limits it.
    limit: &'static str,
    set: fn(&UdpSocket, usize) -> Result<(), Errno>,
    read: fn(&UdpSocket) -> Result<usize, Errno>,
}

const RECEIVE: SocketBuffer = SocketBuffer {
    flag: "--rcvbuf",
    limit: "net.core.rmem_max",
    set: |socket, octets| sockopt::set_socket_recv_buffer_size(socket, octets),
    read: |socket| sockopt::socket_recv_buffer_size(socket),
};

const SEND: SocketBuffer = SocketBuffer {
    flag: "--sndbuf",
    limit: "net.core.wmem_max",
    set: |socket, octets| sockopt::set_socket_send_buffer_size(socket, octets),
    read: |socket| sockopt::socket_send_buffer_size(socket),
};

/// The sizes of the receive and the send buffer to request, in octets. Warns of each that the system
/// does not grant.
pub(crate) fn socket_buffers(args: &SocketArgs, quiet: bool) -> (Option<usize>, Option<usize>) {
    let requested = |buffer: &SocketBuffer, asked: Option<u64>| {
        let asked = asked?;
        // The system takes an int.
        let octets = usize::try_from(asked.min(i32::MAX as u64)).unwrap_or(usize::MAX);
        if let Some(granted) = buffer.granted(octets)
            && granted as u64 != asked
            && !quiet
        {
            let (flag, limit) = (buffer.flag, buffer.limit);
            let reason = if (granted as u64) < asked {
                format!("the limit of this system ({limit})")
            } else {
                "the minimum of this system".to_owned()
            };
            message(format_args!(
                "canvass: warning: {flag} {asked}: sockets get {granted} octets, {reason}"
            ));
        }
        Some(octets)
    };
    (
        requested(&RECEIVE, args.rcvbuf),
        requested(&SEND, args.sndbuf),
    )
}

impl SocketBuffer {
    /// The size that a socket gets, if that can be tried. The limits are the same for UDP and TCP.
    fn granted(&self, octets: usize) -> Option<usize> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        (self.set)(&socket, octets).ok()?;
        // The kernel doubles the requested size, for its bookkeeping (socket(7)).
        Some((self.read)(&socket).ok()? / 2)
    }
}

/// Warns if fewer targets are in flight, or fewer event loops run, than was asked for. `sockets_max` is
/// the limit on sockets of probes.
pub(crate) fn warn_of_limits(args: &CommonArgs, plan: &Plan, sockets_max: Option<usize>) {
    if args.quiet {
        return;
    }
    let loops = plan.event_loops();
    let concurrency = plan.concurrency();
    if let Some(asked) = args.concurrency.map(|jobs| jobs as usize)
        && concurrency < asked
    {
        let reason = match sockets_max {
            Some(sockets) if sockets < asked => {
                "the limit on descriptors allows no more (ulimit -n)".to_owned()
            }
            _ if concurrency + loops > asked => {
                format!("{loops} event loops share them evenly (--threads)")
            }
            _ => "canvass supports no more".to_owned(),
        };
        message(format_args!(
            "canvass: warning: --concurrency {asked}: {concurrency} targets at once; {reason}"
        ));
    }
    if let Some(asked) = args.threads.map(usize::from)
        && loops < asked
    {
        message(format_args!(
            "canvass: warning: --threads {asked}: {loops} event loops, one per target at once"
        ));
    }
}
