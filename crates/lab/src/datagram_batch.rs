//! Several datagrams per system call.
//!
//! Under load this saves calls. With little load it saves the call that would fail with
//! `WouldBlock`: a batch that is not full shows that the socket is empty.
#![expect(
    unsafe_code,
    reason = "neither std nor rustix has recvmmsg and sendmmsg with addresses and control messages"
)]

use std::io;
use std::mem;
use std::net::IpAddr;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::packet_info::{
    ControlBuffer, RawAddress, check, local_address, message_header, set_local_address,
};

/// Datagrams per call. With more of them the first would wait longer for the last.
pub(crate) const BATCH: usize = 32;
/// Datagrams per call when there is little load.
const BATCH_MIN: usize = 2;
/// The longest query that is read. Those of canvass have less than 300 octets.
pub(crate) const QUERY_BYTES_MAX: usize = 1024;

/// Datagrams that were read together.
pub(crate) struct ReceiveBatch {
    /// Buffers of equal length, one after the other.
    bytes: Box<[u8]>,
    datagram_bytes_max: usize,
    datagrams: [ReceivedDatagram; BATCH],
    /// Datagrams that the next call asks for. Preparing a buffer costs time, so a quiet socket is
    /// asked for few.
    wanted: usize,
}

/// A datagram that was read.
#[derive(Clone, Copy)]
pub(crate) struct ReceivedDatagram {
    /// Its length.
    pub bytes: usize,
    /// It was longer than its buffer.
    pub cut: bool,
    /// The sender.
    pub client: RawAddress,
    /// The address it was sent to. `None` unless packet information is enabled for the socket.
    pub server: Option<IpAddr>,
}

impl ReceiveBatch {
    /// Longer datagrams than `datagram_bytes_max` are cut.
    pub(crate) fn new(datagram_bytes_max: usize) -> Self {
        Self {
            bytes: vec![0; BATCH * datagram_bytes_max].into(),
            datagram_bytes_max,
            datagrams: [ReceivedDatagram {
                bytes: 0,
                cut: false,
                client: RawAddress::UNSET,
                server: None,
            }; BATCH],
            wanted: BATCH_MIN,
        }
    }

    /// Reads up to [`BATCH`] datagrams and returns their number. Clears `ready` once the socket is
    /// empty: the next datagram causes an event.
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>, ready: &mut bool) -> usize {
        match self.try_receive(socket) {
            Ok(received) => {
                *ready = received == self.wanted;
                self.wanted = (2 * received).clamp(BATCH_MIN, BATCH);
                received
            }
            // Any other error concerns one datagram, as an ICMP message does; the next call may
            // succeed.
            Err(error) => {
                *ready = error.kind() != io::ErrorKind::WouldBlock;
                0
            }
        }
    }

    fn try_receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let wanted = self.wanted;
        let mut parts = [const { EMPTY_PART }; BATCH];
        let mut controls = [ControlBuffer::EMPTY; BATCH];
        // SAFETY: a header consists of integers and raw pointers, for which zero is valid.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        let rooms = self.bytes.chunks_exact_mut(self.datagram_bytes_max);
        for (index, (header, room)) in headers[..wanted].iter_mut().zip(rooms).enumerate() {
            parts[index] = libc::iovec {
                iov_base: room.as_mut_ptr().cast(),
                iov_len: room.len(),
            };
            let address = &mut self.datagrams[index].client;
            *address = RawAddress::UNSET;
            header.msg_hdr = message_header(address, &mut parts[index], &mut controls[index]);
        }
        // SAFETY: each pointer in the headers is to a local variable or into `self`, with its true
        // length, and none of them moves before the last use of the headers.
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
        for (datagram, header) in self.datagrams.iter_mut().zip(&headers[..received]) {
            datagram.bytes = header.msg_len as usize;
            datagram.cut = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            datagram.client.set_length(header.msg_hdr.msg_namelen);
            // SAFETY: the kernel has filled in this header, and `controls` is alive.
            datagram.server = unsafe { local_address(&header.msg_hdr) };
        }
        Ok(received)
    }

    /// One of the datagrams of the last batch, and its octets.
    pub(crate) fn datagram(&self, index: usize) -> (ReceivedDatagram, &[u8]) {
        let datagram = self.datagrams[index];
        let start = index * self.datagram_bytes_max;
        (datagram, &self.bytes[start..start + datagram.bytes])
    }
}

/// Datagrams to be sent together. Each has a `T` that is handed back once it was sent.
pub(crate) struct SendBatch<T> {
    bytes: Vec<u8>,
    datagrams: Vec<OutgoingDatagram<T>>,
}

struct OutgoingDatagram<T> {
    bytes: Range<usize>,
    to: RawAddress,
    from: Option<IpAddr>,
    tag: T,
}

impl<T: Copy> SendBatch<T> {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            datagrams: Vec::with_capacity(BATCH),
        }
    }

    /// Whether it holds as many datagrams as one call sends.
    pub(crate) fn is_full(&self) -> bool {
        self.datagrams.len() >= BATCH
    }

    /// Adds a datagram that leaves from the local address `from`, if that is given. Returns its
    /// octets.
    pub(crate) fn push(
        &mut self,
        message: &[u8],
        to: RawAddress,
        from: Option<IpAddr>,
        tag: T,
    ) -> &mut [u8] {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        self.datagrams.push(OutgoingDatagram {
            bytes: start..self.bytes.len(),
            to,
            from,
            tag,
        });
        &mut self.bytes[start..]
    }

    /// Sends everything, [`BATCH`] datagrams per call. Reports for each whether the kernel accepted
    /// it.
    pub(crate) fn send(&mut self, socket: BorrowedFd<'_>, mut on_sent: impl FnMut(T, bool)) {
        let mut first = 0;
        while first < self.datagrams.len() {
            let last = self.datagrams.len().min(first + BATCH);
            let sent = self.send_range(socket, first..last).unwrap_or(0);
            for datagram in &self.datagrams[first..first + sent] {
                on_sent(datagram.tag, true);
            }
            first += sent;
            // The kernel stops at the first datagram that fails; the others may succeed.
            if first < last {
                on_sent(self.datagrams[first].tag, false);
                first += 1;
            }
        }
        self.datagrams.clear();
        self.bytes.clear();
    }

    fn send_range(&mut self, socket: BorrowedFd<'_>, range: Range<usize>) -> io::Result<usize> {
        let datagrams = &mut self.datagrams[range];
        let mut parts = [const { EMPTY_PART }; BATCH];
        let mut controls = [ControlBuffer::EMPTY; BATCH];
        // SAFETY: a header consists of integers and raw pointers, for which zero is valid.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        for (index, datagram) in datagrams.iter_mut().enumerate() {
            let message = &mut self.bytes[datagram.bytes.clone()];
            parts[index] = libc::iovec {
                iov_base: message.as_mut_ptr().cast(),
                iov_len: message.len(),
            };
            let header = &mut headers[index].msg_hdr;
            *header = message_header(&mut datagram.to, &mut parts[index], &mut controls[index]);
            match datagram.from {
                // SAFETY: the header was just made, and its control buffer is alive.
                Some(address) => unsafe { set_local_address(header, address) },
                None => header.msg_controllen = 0,
            }
        }
        // SAFETY: each pointer in the headers is to a local variable or into `self`, with its true
        // length, and none of them moves before the call returns.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                datagrams.len() as libc::c_uint,
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
