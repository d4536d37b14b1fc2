//! Several datagrams received by one system call, each with the time of its arrival
//! (`recvmmsg(2)`, and `SO_TIMESTAMPNS` in `socket(7)`).
//!
//! Under load this saves calls. With little load it saves the call that would return
//! `WouldBlock`: a batch that is not full shows that the socket is empty.
#![expect(
    unsafe_code,
    reason = "neither std nor socket2 nor rustix has recvmmsg and control messages with times"
)]

use std::io;
use std::mem;
use std::os::fd::AsRawFd;

use canvass_model::Time;
use canvass_proto::dns::MESSAGE_OCTETS_MAX;

/// The most datagrams in a batch.
const DATAGRAMS_MAX: usize = 32;
/// Datagrams asked for when few arrive: to prepare a buffer costs time.
const DATAGRAMS_MIN: usize = 2;
/// Octets of a control message with a time.
const CONTROL_OCTETS: usize = 32;

/// Datagrams that were received together. Holds no memory until it is first used.
#[derive(Debug, Default)]
pub struct DatagramBatch {
    /// Buffers of equal length, one after the other. Of most of them only the first page is ever
    /// touched.
    octets: Box<[u8]>,
    datagrams: Vec<Received>,
    /// Datagrams that the next call asks for.
    wanted: usize,
}

#[derive(Clone, Copy, Debug)]
struct Received {
    octets: usize,
    at: Option<Time>,
}

/// A buffer for control messages, aligned as they are.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_OCTETS]);

impl DatagramBatch {
    /// The number of datagrams.
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// One of the datagrams, and when it arrived, if the system says so.
    ///
    /// # Panics
    /// When there are not as many.
    #[inline]
    pub fn get(&self, index: usize) -> (&[u8], Option<Time>) {
        let Received { octets, at } = self.datagrams[index];
        let start = index * MESSAGE_OCTETS_MAX;
        (&self.octets[start..start + octets], at)
    }

    /// Makes it a batch of one datagram, which `receive` writes and of which it returns the length
    /// and the time of arrival: for networks that have no batches.
    ///
    /// # Errors
    /// What `receive` returns. The batch is empty then.
    pub fn receive_one(
        &mut self,
        receive: impl FnOnce(&mut [u8]) -> io::Result<(usize, Option<Time>)>,
    ) -> io::Result<()> {
        self.begin();
        let (octets, at) = receive(&mut self.octets[..MESSAGE_OCTETS_MAX])?;
        self.datagrams.push(Received { octets, at });
        Ok(())
    }

    /// Receives what is there, up to a limit. Returns whether there may be more. `time_of` is given
    /// the nanoseconds since 1970 at which the system received a datagram.
    ///
    /// An error that is pending is returned before any datagram, and one that comes up meanwhile
    /// is reported by the poll.
    ///
    /// # Errors
    /// The system's own, `WouldBlock` among them. The batch is empty then.
    pub(crate) fn receive(
        &mut self,
        socket: &impl AsRawFd,
        mut time_of: impl FnMut(u64) -> Time,
    ) -> io::Result<bool> {
        self.begin();
        let wanted = self.wanted;
        let mut parts = [libc::iovec {
            iov_base: std::ptr::null_mut(),
            iov_len: 0,
        }; DATAGRAMS_MAX];
        let mut controls = [const { mem::MaybeUninit::<Control>::uninit() }; DATAGRAMS_MAX];
        // SAFETY: a header consists of integers and raw pointers, for which zero is valid.
        let mut headers: [libc::mmsghdr; DATAGRAMS_MAX] = unsafe { mem::zeroed() };
        let rooms = self.octets.chunks_exact_mut(MESSAGE_OCTETS_MAX);
        for (index, (header, room)) in headers[..wanted].iter_mut().zip(rooms).enumerate() {
            parts[index] = libc::iovec {
                iov_base: room.as_mut_ptr().cast(),
                iov_len: room.len(),
            };
            let header = &mut header.msg_hdr;
            header.msg_iov = &raw mut parts[index];
            header.msg_iovlen = 1;
            header.msg_control = controls[index].as_mut_ptr().cast();
            header.msg_controllen = CONTROL_OCTETS as _;
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
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        let received = received as usize;
        self.wanted = (2 * received).clamp(DATAGRAMS_MIN, DATAGRAMS_MAX);
        for header in &headers[..received] {
            // SAFETY: the kernel has filled in this header, and `controls` is alive.
            let stamp = unsafe { stamp_of(&header.msg_hdr) };
            self.datagrams.push(Received {
                octets: header.msg_len as usize,
                at: stamp.map(&mut time_of),
            });
        }
        Ok(received == wanted)
    }

    fn begin(&mut self) {
        self.datagrams.clear();
        if self.octets.is_empty() {
            self.octets = vec![0; DATAGRAMS_MAX * MESSAGE_OCTETS_MAX].into_boxed_slice();
            self.wanted = DATAGRAMS_MIN;
        }
    }
}

/// The time in the control messages of a header, in nanoseconds since 1970.
///
/// # Safety
/// The kernel has filled in `header`, and its control buffer is alive.
unsafe fn stamp_of(header: &libc::msghdr) -> Option<u64> {
    // SAFETY: as the caller says, so this stays within the control buffer.
    let message = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: it is null, or a whole header in the control buffer.
    let head = unsafe { message.as_ref() }?;
    // SAFETY: only computes a length.
    let whole = unsafe { libc::CMSG_LEN(size_of::<libc::timespec>() as libc::c_uint) };
    let is_stamp = head.cmsg_level == libc::SOL_SOCKET
        && head.cmsg_type == libc::SCM_TIMESTAMPNS
        && head.cmsg_len as usize == whole as usize;
    if !is_stamp {
        return None;
    }
    // SAFETY: its length says that a time follows the header, perhaps not aligned.
    let at = unsafe {
        libc::CMSG_DATA(message)
            .cast::<libc::timespec>()
            .read_unaligned()
    };
    let seconds = u64::try_from(at.tv_sec).ok()?;
    Some(seconds * 1_000_000_000 + at.tv_nsec as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::net::UdpSocket;
    use std::time::{SystemTime, UNIX_EPOCH};

    fn day_ns() -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.expect("a clock of today").as_nanos() as u64
    }

    fn receiver() -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_nonblocking(true).expect("not blocking");
        socket
    }

    #[test]
    fn all_datagrams_are_received_in_order_and_an_empty_socket_shows() {
        let (receiver, sender) = (receiver(), receiver());
        let to = receiver.local_addr().expect("an address");
        for number in 0..100u8 {
            sender.send_to(&[number; 20], to).expect("sent");
        }
        let mut batch = DatagramBatch::default();
        let mut seen = Vec::new();
        loop {
            let more = batch
                .receive(&receiver, Time::from_nanos)
                .expect("datagrams");
            for index in 0..batch.len() {
                let (octets, at) = batch.get(index);
                assert_eq!((octets.len(), at), (20, None));
                seen.push(octets[0]);
            }
            if !more {
                break;
            }
        }
        assert_eq!(seen, (0..100).collect::<Vec<u8>>());
        let error = batch.receive(&receiver, Time::from_nanos);
        let error = error.expect_err("nothing is there");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(batch.is_empty());
    }

    #[test]
    fn a_datagram_is_dated_between_its_sending_and_its_reading() {
        let (receiver, sender) = (receiver(), receiver());
        crate::raw_options::stamp_arrivals(&receiver).expect("stamps");
        let to = receiver.local_addr().expect("an address");
        let before = day_ns();
        sender.send_to(b"query", to).expect("sent");
        let mut batch = DatagramBatch::default();
        let more = batch
            .receive(&receiver, Time::from_nanos)
            .expect("a datagram");
        let (octets, at) = batch.get(0);
        assert_eq!((octets, more), (&b"query"[..], false));
        let at_ns = at.expect("a stamp").as_nanos();
        assert!((before..=day_ns()).contains(&at_ns), "{before} {at_ns}");
    }
}
