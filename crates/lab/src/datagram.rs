//! Datagrams with the address they were sent to: all of 127/8 answers on one socket, and each
//! reply has to leave from the address that was asked.

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Bytes of control messages: one with the longer of the two kinds of address takes 40.
const CONTROL_BYTES: usize = 64;

/// Who sent a datagram, as the kernel says it and wants it back.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    // The longer of the two kinds; the family says which one it is.
    address: libc::sockaddr_in6,
    address_bytes: libc::socklen_t,
}

/// Room for control messages; they start at the alignment of their header.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct Control([u8; CONTROL_BYTES]);

impl Peer {
    /// Room for a sender that is not known yet.
    pub const NOBODY: Self = Self {
        address: libc::sockaddr_in6 {
            sin6_family: 0,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
            sin6_scope_id: 0,
        },
        address_bytes: mem::size_of::<libc::sockaddr_in6>() as libc::socklen_t,
    };

    /// The peer of a connected socket, which the kernel knows.
    pub const CONNECTED: Self = Self {
        address_bytes: 0,
        ..Self::NOBODY
    };

    /// Takes down how long the kernel says the address is.
    pub fn set_length(&mut self, address_bytes: libc::socklen_t) {
        self.address_bytes = address_bytes;
    }
}

impl Control {
    /// No control message.
    pub const EMPTY: Self = Self([0; CONTROL_BYTES]);
}

/// Describes one datagram to the kernel: its peer, its bytes and its control messages. What it
/// points to must outlive every use of it.
pub(crate) fn describe(
    peer: &mut Peer,
    part: &mut libc::iovec,
    control: &mut Control,
) -> libc::msghdr {
    // SAFETY: a message is plain numbers and null pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_name = (&raw mut peer.address).cast();
    message.msg_namelen = peer.address_bytes;
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = CONTROL_BYTES;
    message
}

/// Has the kernel say of each datagram which address it was sent to.
pub(crate) fn report_server(socket: BorrowedFd<'_>, v6: bool) -> io::Result<()> {
    let (level, option) = if v6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
    } else {
        (libc::IPPROTO_IP, libc::IP_PKTINFO)
    };
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open, and the option's value is an int that outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const on).cast(),
            mem::size_of_val(&on) as libc::socklen_t,
        )
    };
    check(result as isize).map(drop)
}

/// Datagrams the kernel dropped at this socket so far (`SO_MEMINFO` in `socket(7)`).
pub(crate) fn kernel_drops(socket: BorrowedFd<'_>) -> io::Result<u64> {
    /// From `linux/sock_diag.h`.
    const SK_MEMINFO_DROPS: usize = 8;
    const SK_MEMINFO_VARS: usize = 9;
    let mut values = [0u32; SK_MEMINFO_VARS];
    let mut length = mem::size_of_val(&values) as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            values.as_mut_ptr().cast(),
            &mut length,
        )
    };
    check(result as isize)?;
    Ok(u64::from(values[SK_MEMINFO_DROPS]))
}

/// Finds the address a received datagram was sent to in its control messages.
///
/// # Safety
/// The kernel has filled the message in, and what it points to is alive.
pub(crate) unsafe fn server_of(message: &libc::msghdr) -> Option<IpAddr> {
    // SAFETY: the buffer is alive, the kernel has written whole control messages into it and
    // their length into the message; data may stand unaligned.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            let data = libc::CMSG_DATA(header);
            match ((*header).cmsg_level, (*header).cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info: libc::in_pktinfo = data.cast::<libc::in_pktinfo>().read_unaligned();
                    return Some(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)).into());
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info: libc::in6_pktinfo = data.cast::<libc::in6_pktinfo>().read_unaligned();
                    return Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
                }
                _ => header = libc::CMSG_NXTHDR(message, header),
            }
        }
    }
    None
}

/// Writes the address a datagram is to leave from as its only control message.
///
/// # Safety
/// The message was [`describe`]d, and what it points to is alive.
pub(crate) unsafe fn set_server(message: &mut libc::msghdr, server: IpAddr) {
    message.msg_controllen = match server {
        IpAddr::V4(address) => {
            let info = libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr {
                    s_addr: u32::from(address).to_be(),
                },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            // SAFETY: as this function's own.
            unsafe { write_control(message, libc::IPPROTO_IP, libc::IP_PKTINFO, info) }
        }
        IpAddr::V6(address) => {
            let info = libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr {
                    s6_addr: address.octets(),
                },
                ipi6_ifindex: 0,
            };
            // SAFETY: as this function's own.
            unsafe { write_control(message, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info) }
        }
    };
}

/// Returns the length of the control messages.
///
/// # Safety
/// The message was [`describe`]d, and what it points to is alive.
unsafe fn write_control<T: Copy>(
    message: &libc::msghdr,
    level: libc::c_int,
    kind: libc::c_int,
    data: T,
) -> usize {
    const { assert!(mem::size_of::<libc::cmsghdr>() + mem::size_of::<T>() + 8 <= CONTROL_BYTES) };
    let data_bytes = mem::size_of::<T>() as libc::c_uint;
    // SAFETY: the control buffer is alive, aligned and has room for one message with this
    // data, as asserted above.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(message);
        (*header).cmsg_level = level;
        (*header).cmsg_type = kind;
        (*header).cmsg_len = libc::CMSG_LEN(data_bytes) as usize;
        libc::CMSG_DATA(header).cast::<T>().write_unaligned(data);
        libc::CMSG_SPACE(data_bytes) as usize
    }
}

/// Turns a system call's result into one of ours.
pub(crate) fn check(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
