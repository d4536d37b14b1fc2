//! The real network: mio's poll, a timerfd and the monotonic clock.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::num::NonZeroU64;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use canvass_model::{Remote, Time};
use mio::net::{TcpStream, UdpSocket, UnixStream};
use mio::unix::SourceFd;
use mio::{Interest, Poll, Token, Waker};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::datagram_batch::DatagramBatch;
use crate::net::{Event, Net, SocketId};
use crate::raw_options::{draw_port_late, drops_of, stamp_arrivals};
use crate::run_clock::RunClock;
use crate::socket_options::SocketOptions;

/// How much the kernel may lengthen a sleep.
const TIMER_SLACK_NS: u64 = 1_000;
const TIMER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
/// Events received in one wait.
const EVENTS_MAX: usize = 256;
/// Waits shorter than this are timed by the timerfd. Longer ones are first cut to such a short one
/// by the timeout of the poll, which needs no system call of its own and is seldom reached.
const FINE_WAIT_MAX: Duration = Duration::from_millis(20);
/// How long before its end a wait is cut: a poll counts whole milliseconds, and the kernel lengthens
/// its timeout by a thousandth.
const COARSE_MARGIN: Duration = Duration::from_millis(2);
const COARSE_MARGIN_DIVISOR: u32 = 500;

/// The real network.
#[derive(Debug)]
pub struct MioNet {
    poll: Poll,
    waker: Arc<Waker>,
    events: mio::Events,
    timer: OwnedFd,
    /// The time the timerfd is set for; `Time::ZERO` when it is not set.
    timer_due: Time,
    clock: RunClock,
    slack_set: bool,
    sockets: Vec<Option<Kind>>,
    free: Vec<u32>,
}

#[derive(Debug)]
enum Kind {
    Datagram(UdpSocket),
    /// With its peer, if the socket receives from others too.
    Conversation(UdpSocket, Option<SocketAddr>),
    Stream(TcpStream),
    Unix(UnixStream),
}

impl MioNet {
    /// Opens a poll of its own. `began` is the start of the run, [`Time::ZERO`].
    ///
    /// # Errors
    /// When the system has no descriptors for it.
    pub fn new(began: Instant) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let raw = timer.as_raw_fd();
        poll.registry()
            .register(&mut SourceFd(&raw), TIMER, Interest::READABLE)?;
        Ok(Self {
            poll,
            waker,
            events: mio::Events::with_capacity(EVENTS_MAX),
            timer,
            timer_due: Time::ZERO,
            clock: RunClock::new(began),
            slack_set: false,
            sockets: Vec::new(),
            free: Vec::new(),
        })
    }

    /// Ends a [`Net::wait`] from another thread.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    fn adopt(&mut self, mut kind: Kind) -> io::Result<SocketId> {
        let at = self.free.pop().unwrap_or_else(|| {
            self.sockets.push(None);
            (self.sockets.len() - 1) as u32
        });
        let token = Token(at as usize);
        let registry = self.poll.registry();
        let both = Interest::READABLE | Interest::WRITABLE;
        let registered = match &mut kind {
            Kind::Datagram(socket) => registry.register(socket, token, Interest::READABLE),
            Kind::Conversation(socket, _) => registry.register(socket, token, both),
            Kind::Stream(socket) => registry.register(socket, token, both),
            Kind::Unix(socket) => registry.register(socket, token, both),
        };
        if let Err(error) = registered {
            self.free.push(at);
            return Err(error);
        }
        self.sockets[at as usize] = Some(kind);
        Ok(SocketId(at))
    }

    fn datagram(&self, socket: SocketId) -> io::Result<&UdpSocket> {
        match &self.sockets[socket.0 as usize] {
            Some(Kind::Datagram(socket) | Kind::Conversation(socket, _)) => Ok(socket),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Calls `act` with a stream of either kind. One that is not open yet would block, or has an
    /// error that says why it will not open.
    fn with_stream<T>(
        &mut self,
        socket: SocketId,
        act: impl FnOnce(&mut dyn ReadWrite) -> io::Result<T>,
    ) -> io::Result<T> {
        let kind = self.sockets[socket.0 as usize].as_mut();
        let (done, error) = match kind {
            Some(Kind::Stream(stream)) => match act(stream) {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    (Err(error), stream.take_error()?)
                }
                done => return done,
            },
            Some(Kind::Unix(stream)) => match act(stream) {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    (Err(error), stream.take_error()?)
                }
                done => return done,
            },
            _ => return Err(io::ErrorKind::NotConnected.into()),
        };
        done.map_err(|_: io::Error| error.unwrap_or(io::ErrorKind::WouldBlock.into()))
    }

    /// Sets the timerfd, unless it is already due at that time or a little before.
    fn set_timer(&mut self, now: Time, until: Time) -> io::Result<()> {
        if self.timer_due > now && self.timer_due <= until {
            return Ok(());
        }
        let span_ns = until.nanos_since(now).max(1);
        let value = Timespec {
            tv_sec: (span_ns / 1_000_000_000) as i64,
            tv_nsec: (span_ns % 1_000_000_000) as i64,
        };
        let once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let spec = Itimerspec {
            it_interval: once,
            it_value: value,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        self.timer_due = until;
        Ok(())
    }
}

impl Net for MioNet {
    #[inline]
    fn now(&mut self) -> Time {
        self.clock.now()
    }

    fn wait(&mut self, until: Time, events: &mut Vec<Event>) -> io::Result<()> {
        let now = self.now();
        let span = until.since(now);
        let timeout = if until == Time::MAX {
            None
        } else if span.is_zero() {
            Some(Duration::ZERO)
        } else {
            match timing_of(span) {
                Timing::Fine => {
                    self.set_timer(now, until)?;
                    None
                }
                Timing::Coarse(timeout) => Some(timeout),
            }
        };
        self.clock.forget_day();
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in &self.events {
            if event.token() == TIMER {
                self.timer_due = Time::ZERO;
            } else if event.token() != WAKER {
                events.push(Event {
                    socket: SocketId(event.token().0 as u32),
                    readable: event.is_readable() || event.is_error() || event.is_read_closed(),
                    writable: event.is_writable() || event.is_error() || event.is_write_closed(),
                    closed: event.is_error() || event.is_read_closed(),
                });
            }
        }
        Ok(())
    }

    fn rest(&mut self, span: Duration) {
        if !self.slack_set {
            // The sleeps of a thread are lengthened by 50 µs otherwise. If this fails, they still
            // are.
            let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(TIMER_SLACK_NS));
            self.slack_set = true;
        }
        std::thread::sleep(span);
    }

    fn open_datagram(
        &mut self,
        peer: SocketAddr,
        options: &SocketOptions,
    ) -> io::Result<(SocketId, usize)> {
        let socket = bound_datagram(peer, options)?;
        socket.connect(&peer.into()).map_err(without_address)?;
        // Without stamps, datagrams are dated when they are read.
        let _ = stamp_arrivals(&socket);
        let granted = socket.recv_buffer_size()?;
        let id = self.adopt(Kind::Datagram(UdpSocket::from_std(socket.into())))?;
        Ok((id, granted))
    }

    fn open_conversation(
        &mut self,
        peer: SocketAddr,
        many: bool,
        options: &SocketOptions,
    ) -> io::Result<(SocketId, bool)> {
        let socket = bound_datagram(peer, options)?;
        let mut many = many;
        if !many {
            match socket.connect(&peer.into()) {
                // The system refuses to connect to a broadcast address.
                Err(error) if error.raw_os_error() == Some(libc::EACCES) => many = true,
                connected => connected.map_err(without_address)?,
            }
        }
        if many && peer.is_ipv4() {
            socket.set_broadcast(true)?;
        }
        let to = many.then_some(peer);
        let id = self.adopt(Kind::Conversation(UdpSocket::from_std(socket.into()), to))?;
        Ok((id, many))
    }

    fn connect(&mut self, remote: &Remote, options: &SocketOptions) -> io::Result<SocketId> {
        let kind = match remote {
            Remote::Unix(path) => Kind::Unix(connect_unix(path)?),
            Remote::Inet(peer) => {
                let opened = if *options == SocketOptions::default() {
                    TcpStream::connect(*peer)
                } else {
                    connect_with(*peer, options)
                };
                Kind::Stream(opened.map_err(|error| tell_apart(error, *peer, options))?)
            }
        };
        self.adopt(kind)
    }

    fn opened(&mut self, socket: SocketId) -> io::Result<()> {
        let error = match &self.sockets[socket.0 as usize] {
            Some(Kind::Stream(stream)) => stream.take_error()?,
            Some(Kind::Unix(stream)) => stream.take_error()?,
            _ => None,
        };
        error.map_or(Ok(()), Err)
    }

    fn local_address(&self, socket: SocketId) -> Option<SocketAddr> {
        match &self.sockets[socket.0 as usize] {
            Some(Kind::Stream(stream)) => stream.local_addr().ok(),
            _ => None,
        }
    }

    fn shut_write(&mut self, socket: SocketId) -> io::Result<()> {
        match &self.sockets[socket.0 as usize] {
            Some(Kind::Stream(stream)) => stream.shutdown(Shutdown::Write),
            Some(Kind::Unix(stream)) => stream.shutdown(Shutdown::Write),
            _ => Ok(()),
        }
    }

    #[inline]
    fn send(&mut self, socket: SocketId, datagram: &[u8]) -> io::Result<()> {
        match &self.sockets[socket.0 as usize] {
            Some(Kind::Conversation(socket, Some(peer))) => {
                socket.send_to(datagram, *peer).map(drop)
            }
            _ => self.datagram(socket)?.send(datagram).map(drop),
        }
    }

    #[inline]
    fn recv(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<usize> {
        self.datagram(socket)?.recv(buffer)
    }

    #[inline]
    fn recv_batch(&mut self, socket: SocketId, batch: &mut DatagramBatch) -> io::Result<bool> {
        let clock = &mut self.clock;
        match &self.sockets[socket.0 as usize] {
            Some(Kind::Datagram(socket) | Kind::Conversation(socket, _)) => {
                batch.receive(socket, |day_ns| clock.by_day(day_ns))
            }
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn recv_from(
        &mut self,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr)> {
        self.datagram(socket)?.recv_from(buffer)
    }

    fn write(&mut self, socket: SocketId, bytes: &[u8]) -> io::Result<usize> {
        self.with_stream(socket, |stream| stream.write(bytes))
    }

    fn read(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<usize> {
        self.with_stream(socket, |stream| stream.read(buffer))
    }

    fn kernel_drops(&self, socket: SocketId) -> u64 {
        self.datagram(socket).map_or(0, drops_of)
    }

    fn close(&mut self, socket: SocketId) {
        if let Some(kind) = self.sockets[socket.0 as usize].take() {
            // Closing the descriptor also removes it from the poll.
            drop(kind);
            self.free.push(socket.0);
        }
    }
}

/// A stream of any kind.
trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

/// The unspecified local address of the family of `peer`. For port 0, Linux chooses an ephemeral
/// port at random (RFC 6056).
fn any_of(peer: SocketAddr) -> SocketAddr {
    match peer {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Sets the options of a socket before it is connected.
fn set_up(socket: &Socket, peer: SocketAddr, options: &SocketOptions) -> io::Result<()> {
    if let Some(octets) = options.receive_buffer_octets {
        socket.set_recv_buffer_size(octets)?;
    }
    if let Some(octets) = options.send_buffer_octets {
        socket.set_send_buffer_size(octets)?;
    }
    match (options.ttl, peer) {
        (Some(ttl), SocketAddr::V4(_)) => socket.set_ttl_v4(ttl)?,
        (Some(ttl), SocketAddr::V6(_)) => socket.set_unicast_hops_v6(ttl)?,
        (None, _) => {}
    }
    if let Some(address) = options.bind {
        socket.bind(&address.into())?;
    }
    Ok(())
}

/// A datagram socket with a local port of its own.
fn bound_datagram(peer: SocketAddr, options: &SocketOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(peer), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    set_up(&socket, peer, options)?;
    if options.bind.is_none() {
        socket.bind(&any_of(peer).into())?;
    }
    Ok(socket)
}

/// Begins to connect a stream with options that mio does not offer.
fn connect_with(peer: SocketAddr, options: &SocketOptions) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(peer), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    if options.bind.is_some() {
        draw_port_late(&socket)?;
    }
    set_up(&socket, peer, options)?;
    if options.nodelay {
        socket.set_tcp_nodelay(true)?;
    }
    if options.keepalive {
        socket.set_keepalive(true)?;
    }
    if options.linger_zero {
        socket.set_linger(Some(Duration::ZERO))?;
    }
    begun(socket.connect(&peer.into()))?;
    Ok(TcpStream::from_std(socket.into()))
}

/// When a datagram socket with a port is connected, EADDRNOTAVAIL means that this machine has no
/// address from which the peer can be reached (IPv6 is off).
fn without_address(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => io::Error::from_raw_os_error(libc::ENETUNREACH),
        _ => error,
    }
}

/// EADDRNOTAVAIL means that no local port is left, but also that there is no local address from
/// which `peer` can be reached (IPv6 is off). In the latter case waiting does not help.
fn tell_apart(error: io::Error, peer: SocketAddr, options: &SocketOptions) -> io::Error {
    if error.kind() != io::ErrorKind::AddrNotAvailable {
        return error;
    }
    let from = options.bind.unwrap_or_else(|| any_of(peer));
    let reaches = std::net::UdpSocket::bind(from).and_then(|socket| socket.connect(peer));
    match reaches {
        Err(other) if other.kind() == io::ErrorKind::AddrNotAvailable => {
            io::Error::from_raw_os_error(libc::ENETUNREACH)
        }
        _ => error,
    }
}

fn connect_unix(path: &std::path::Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    begun(socket.connect(&SockAddr::unix(path)?))?;
    Ok(UnixStream::from_std(socket.into()))
}

/// A connection that is not open at once is no error.
fn begun(connected: io::Result<()>) -> io::Result<()> {
    match connected {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(()),
        connected => connected,
    }
}

/// How a wait is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timing {
    /// By the timerfd, to the microsecond.
    Fine,
    /// By the poll's own timeout, which ends so early that what is left is fine.
    Coarse(Duration),
}

fn timing_of(span: Duration) -> Timing {
    if span < FINE_WAIT_MAX {
        Timing::Fine
    } else {
        Timing::Coarse(span - COARSE_MARGIN - span / COARSE_MARGIN_DIVISOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_poll_never_outlasts_its_wait(span_us in 0u64..4_000_000_000) {
            let mut left = Duration::from_micros(span_us);
            let mut polls = 0;
            while let Timing::Coarse(timeout) = timing_of(left) {
                // A poll counts whole milliseconds, rounded up, and may take a thousandth longer.
                let whole_ms = Duration::from_millis(timeout.as_micros().div_ceil(1_000) as u64);
                let longest = whole_ms + whole_ms / 1_000;
                prop_assert!(longest < left, "{longest:?} of {left:?}");
                left -= timeout;
                polls += 1;
            }
            prop_assert!(left < FINE_WAIT_MAX);
            prop_assert!(polls <= 3, "{polls} polls");
        }
    }

    #[test]
    fn a_wait_ends_and_not_before_its_time() {
        let mut net = MioNet::new(Instant::now()).expect("a poll");
        for span_ns in [0, 200_000, 20_200_000] {
            let until = net.now().plus_nanos(span_ns);
            while net.now() < until {
                net.wait(until, &mut Vec::new()).expect("a wait");
            }
            // The timerfd is set for this time or has fired, and not for a later one.
            assert!(net.timer_due <= until);
        }
    }
}
