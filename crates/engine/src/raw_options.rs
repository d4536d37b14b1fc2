//! Socket options that neither the standard library nor socket2 nor rustix offers.

#![expect(unsafe_code, reason = "getsockopt and setsockopt take pointers")]

use std::io;
use std::os::fd::AsRawFd;

/// Has the system choose the local port when the socket connects, so that one local address has as
/// many ports per peer as it has for all (`IP_BIND_ADDRESS_NO_PORT`).
pub(crate) fn draw_port_late(socket: &impl AsRawFd) -> io::Result<()> {
    switch_on(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT)
}

/// Has the system note when it receives each datagram (`SO_TIMESTAMPNS`).
///
/// # Errors
/// When the system cannot.
pub(crate) fn stamp_arrivals(socket: &impl AsRawFd) -> io::Result<()> {
    switch_on(socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS)
}

fn switch_on(socket: &impl AsRawFd, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: `on` outlives the call, and its size is given.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// How many datagrams the system dropped since the socket's buffer was full (`SO_MEMINFO`, its
/// last field).
pub(crate) fn drops_of(socket: &impl AsRawFd) -> u64 {
    const DROPS_AT: usize = 8;
    let mut fields = [0u32; DROPS_AT + 1];
    let mut size = size_of_val(&fields) as libc::socklen_t;
    // SAFETY: `fields` outlives the call and `size` is its size in octets.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            fields.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    if status == 0 && size as usize == size_of_val(&fields) {
        u64::from(fields[DROPS_AT])
    } else {
        0
    }
}
