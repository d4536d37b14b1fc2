//! Several datagrams in one system call.
//!
//! What counts is not the calls saved under load but the one that a short batch saves when there
//! is little to do: it says that the socket is empty, which otherwise takes a read that fails.

use std::io;
use std::mem;
use std::net::IpAddr;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::datagram::{Control, Peer, check, describe, server_of, set_server};

/// Datagrams in one call. More would make the first of them wait for the last.
pub(crate) const BATCH: usize = 32;
/// Datagrams in one call while there is little to do.
const BATCH_MIN: usize = 2;
/// The longest query that is read; a prober's has under 300 octets.
pub(crate) const QUERY_BYTES_MAX: usize = 1024;

/// Datagrams that were read together.
pub(crate) struct Inbox {
    /// Room for each datagram, one behind the other.
    bytes: Box<[u8]>,
    datagram_bytes_max: usize,
    arrivals: [Arrival; BATCH],
    /// Datagrams the next call asks for. Room for one has its price, so that a quiet socket is
    /// asked for few.
    wanted: usize,
}

/// A datagram that was read.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    /// Its length.
    pub bytes: usize,
    /// It was longer than any query.
    pub cut: bool,
    /// Who sent it.
    pub peer: Peer,
    /// The address it was sent to; `None` when the socket was not told to say.
    pub server: Option<IpAddr>,
}

impl Inbox {
    /// Room for datagrams up to a length; longer ones are cut.
    pub fn new(datagram_bytes_max: usize) -> Self {
        Self {
            bytes: vec![0; BATCH * datagram_bytes_max].into(),
            datagram_bytes_max,
            arrivals: [Arrival {
                bytes: 0,
                cut: false,
                peer: Peer::NOBODY,
                server: None,
            }; BATCH],
            wanted: BATCH_MIN,
        }
    }

    /// Reads what has come, up to [`BATCH`] datagrams. Also returns whether there may be more;
    /// if not, the poll will tell of the next one.
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<(usize, bool)> {
        let wanted = self.wanted;
        let mut parts = [const { EMPTY_PART }; BATCH];
        let mut controls = [Control::EMPTY; BATCH];
        // SAFETY: a header is plain numbers and null pointers, for which zero is a value.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        let rooms = self.bytes.chunks_exact_mut(self.datagram_bytes_max);
        for (index, (header, room)) in headers[..wanted].iter_mut().zip(rooms).enumerate() {
            parts[index] = libc::iovec {
                iov_base: room.as_mut_ptr().cast(),
                iov_len: room.len(),
            };
            let peer = &mut self.arrivals[index].peer;
            *peer = Peer::NOBODY;
            header.msg_hdr = describe(peer, &mut parts[index], &mut controls[index]);
        }
        // SAFETY: every pointer in the headers is to a local or into `self`, with its true
        // length, and none of them moves before the headers are done with.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                wanted as libc::c_uint,
                0,
                std::ptr::null_mut(),
            )
        };
        let received = check(received as isize)?;
        for (arrival, header) in self.arrivals.iter_mut().zip(&headers[..received]) {
            arrival.bytes = header.msg_len as usize;
            arrival.cut = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            arrival.peer.set_length(header.msg_hdr.msg_namelen);
            // SAFETY: the kernel has filled in this header, and `controls` is alive.
            arrival.server = unsafe { server_of(&header.msg_hdr) };
        }
        self.wanted = (2 * received).clamp(BATCH_MIN, BATCH);
        Ok((received, received == wanted))
    }

    /// One of the datagrams that the last call read, and its bytes.
    pub fn arrival(&self, index: usize) -> (Arrival, &[u8]) {
        let arrival = self.arrivals[index];
        let start = index * self.datagram_bytes_max;
        (arrival, &self.bytes[start..start + arrival.bytes])
    }
}

/// Datagrams to be sent together. `T` is whatever is to be known of each afterwards.
pub(crate) struct Outbox<T> {
    bytes: Vec<u8>,
    letters: Vec<Letter<T>>,
}

struct Letter<T> {
    bytes: Range<usize>,
    peer: Peer,
    server: Option<IpAddr>,
    tag: T,
}

impl<T: Copy> Outbox<T> {
    pub fn new() -> Self {
        Self {
            bytes: Vec::new(),
            letters: Vec::with_capacity(BATCH),
        }
    }

    /// Whether one call can send no more than it holds.
    pub fn is_full(&self) -> bool {
        self.letters.len() >= BATCH
    }

    /// Adds a datagram that leaves from `server` where that is given. Returns its octets.
    pub fn push(
        &mut self,
        message: &[u8],
        peer: Peer,
        server: Option<IpAddr>,
        tag: T,
    ) -> &mut [u8] {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        self.letters.push(Letter {
            bytes: start..self.bytes.len(),
            peer,
            server,
            tag,
        });
        &mut self.bytes[start..]
    }

    /// Sends everything, [`BATCH`] datagrams a call, and tells of each whether the system took it.
    pub fn send(&mut self, socket: BorrowedFd<'_>, mut tell: impl FnMut(T, bool)) {
        let mut first = 0;
        while first < self.letters.len() {
            let last = self.letters.len().min(first + BATCH);
            let sent = self.send_range(socket, first..last).unwrap_or(0);
            for letter in &self.letters[first..first + sent] {
                tell(letter.tag, true);
            }
            first += sent;
            // The kernel stops at the first it will not take; the others may yet go.
            if first < last {
                tell(self.letters[first].tag, false);
                first += 1;
            }
        }
        self.letters.clear();
        self.bytes.clear();
    }

    fn send_range(&mut self, socket: BorrowedFd<'_>, range: Range<usize>) -> io::Result<usize> {
        let letters = &mut self.letters[range];
        let mut parts = [const { EMPTY_PART }; BATCH];
        let mut controls = [Control::EMPTY; BATCH];
        // SAFETY: a header is plain numbers and null pointers, for which zero is a value.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        for (index, letter) in letters.iter_mut().enumerate() {
            let message = &mut self.bytes[letter.bytes.clone()];
            parts[index] = libc::iovec {
                iov_base: message.as_mut_ptr().cast(),
                iov_len: message.len(),
            };
            let header = &mut headers[index].msg_hdr;
            *header = describe(&mut letter.peer, &mut parts[index], &mut controls[index]);
            match letter.server {
                // SAFETY: the header was just described, and its control buffer is alive.
                Some(server) => unsafe { set_server(header, server) },
                None => header.msg_controllen = 0,
            }
        }
        // SAFETY: every pointer in the headers is to a local or into `self`, with its true
        // length, and none of them moves before the call returns.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                letters.len() as libc::c_uint,
                0,
            )
        };
        check(sent as isize)
    }
}

const EMPTY_PART: libc::iovec = libc::iovec {
    iov_base: std::ptr::null_mut(),
    iov_len: 0,
};
