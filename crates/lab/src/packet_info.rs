//! Datagrams with the local address they were sent to. One socket serves all of 127/8, and a reply
//! must leave from the address that was asked (`IP_PKTINFO` in `ip(7)`).
#![expect(
    unsafe_code,
    reason = "neither std nor rustix has control messages with IP_PKTINFO, nor SO_MEMINFO"
)]

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Octets for control messages. One with an IPv6 address takes 40.
const CONTROL_BYTES: usize = 64;

/// The remote address of a datagram in the form that the kernel reads and writes.
#[derive(Clone, Copy)]
pub(crate) struct RawAddress {
    // Has room for a `sockaddr_in` as well; the family tells which one it is.
    sockaddr: libc::sockaddr_in6,
    sockaddr_bytes: libc::socklen_t,
}

/// A buffer for control messages, aligned for their headers.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct ControlBuffer([u8; CONTROL_BYTES]);

impl RawAddress {
    /// Room for the address of a sender.
    pub(crate) const UNSET: Self = Self {
        sockaddr: libc::sockaddr_in6 {
            sin6_family: 0,
            sin6_port: 0,
            sin6_flowinfo: 0,
            sin6_addr: libc::in6_addr { s6_addr: [0; 16] },
            sin6_scope_id: 0,
        },
        sockaddr_bytes: mem::size_of::<libc::sockaddr_in6>() as libc::socklen_t,
    };

    /// No address: for datagrams sent over a connected socket.
    pub(crate) const CONNECTED: Self = Self {
        sockaddr_bytes: 0,
        ..Self::UNSET
    };

    /// Sets the length of the address to what the kernel has returned.
    pub(crate) fn set_length(&mut self, sockaddr_bytes: libc::socklen_t) {
        self.sockaddr_bytes = sockaddr_bytes;
    }
}

impl ControlBuffer {
    /// No control message.
    pub(crate) const EMPTY: Self = Self([0; CONTROL_BYTES]);
}

/// Returns the header for a datagram with this address, payload and control buffer. It holds
/// pointers to all three, which must outlive it.
pub(crate) fn message_header(
    address: &mut RawAddress,
    part: &mut libc::iovec,
    control: &mut ControlBuffer,
) -> libc::msghdr {
    // SAFETY: a message is plain numbers and null pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_name = (&raw mut address.sockaddr).cast();
    message.msg_namelen = address.sockaddr_bytes;
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    // The type of this length, and of those below, is that of the C library: size_t or socklen_t.
    message.msg_controllen = CONTROL_BYTES as _;
    message
}

/// Has the kernel report with each datagram which address it was sent to.
pub(crate) fn enable_packet_info(socket: BorrowedFd<'_>, v6: bool) -> io::Result<()> {
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

/// Returns how many datagrams the kernel has dropped at a socket (`SO_MEMINFO` in `socket(7)`).
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

/// Returns the address that a received datagram was sent to, from its control messages.
///
/// # Safety
/// The kernel has filled the message in, and what it points to is alive.
pub(crate) unsafe fn local_address(message: &libc::msghdr) -> Option<IpAddr> {
    // SAFETY: the buffer is alive, and the kernel has written whole control messages into it and
    // their length into the message. Data may be unaligned.
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

/// Sets the address that a datagram leaves from, as its only control message.
///
/// # Safety
/// The message was made by [`message_header`], and what it points to is alive.
pub(crate) unsafe fn set_local_address(message: &mut libc::msghdr, server: IpAddr) {
    let control_bytes = match server {
        IpAddr::V4(address) => {
            let info = libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr {
                    s_addr: u32::from(address).to_be(),
                },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            // SAFETY: guaranteed by the caller.
            unsafe { write_control(message, libc::IPPROTO_IP, libc::IP_PKTINFO, info) }
        }
        IpAddr::V6(address) => {
            let info = libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr {
                    s6_addr: address.octets(),
                },
                ipi6_ifindex: 0,
            };
            // SAFETY: guaranteed by the caller.
            unsafe { write_control(message, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info) }
        }
    };
    message.msg_controllen = control_bytes as _;
}

/// Writes a control message and returns its length.
///
/// # Safety
/// The message was made by [`message_header`], and what it points to is alive.
unsafe fn write_control<T: Copy>(
    message: &libc::msghdr,
    level: libc::c_int,
    kind: libc::c_int,
    data: T,
) -> libc::c_uint {
    const { assert!(mem::size_of::<libc::cmsghdr>() + mem::size_of::<T>() + 8 <= CONTROL_BYTES) };
    let data_bytes = mem::size_of::<T>() as libc::c_uint;
    // SAFETY: the control buffer is alive, aligned and has room for one message with this
    // data, as asserted above.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(message);
        (*header).cmsg_level = level;
        (*header).cmsg_type = kind;
        (*header).cmsg_len = libc::CMSG_LEN(data_bytes) as _;
        libc::CMSG_DATA(header).cast::<T>().write_unaligned(data);
        libc::CMSG_SPACE(data_bytes)
    }
}

/// Converts the return value of a system call.
pub(crate) fn check(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
