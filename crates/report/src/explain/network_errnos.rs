//! The errnos of sockets.

use canvass_model::{Errno, Phase};

use super::ErrnoEntry;

/// The entry of `errno`, if sockets return it.
pub(super) fn find(errno: Errno) -> Option<&'static ErrnoEntry> {
    let name = errno.name()?;
    ALL.iter().find(|entry| entry.name == name)
}

/// All entries, in the order of the table.
pub(super) fn all() -> impl Iterator<Item = &'static ErrnoEntry> {
    ALL.iter()
}

const fn e(
    name: &'static str,
    phases: &'static [Phase],
    meaning: &'static str,
    advice: &'static str,
) -> ErrnoEntry {
    ErrnoEntry {
        name,
        phases,
        meaning,
        advice,
    }
}

use Phase::{Connect, Dns, FirstByte, Tls, Transfer, Wait};

/// Where a socket is opened.
const OPEN: &[Phase] = &[Wait, Connect];
/// Where the peer is contacted.
const REACH: &[Phase] = &[Dns, Connect, FirstByte];
/// Where a connection is in use.
const TALK: &[Phase] = &[Dns, Tls, FirstByte, Transfer];
/// Where a connection is opened or in use.
const STREAM: &[Phase] = &[Dns, Connect, Tls, FirstByte, Transfer];

// Laid out by hand, so that it reads as a table.
#[rustfmt::skip]
const ALL: [ErrnoEntry; 46] = [
    e("ECONNREFUSED", REACH,
      "The host answered that nothing listens on the port: a reset for TCP, an ICMP port unreachable \
       for UDP.",
      "The host is up; check that the service runs and on which address it listens (`ss -ltnp`, \
       `ss -lunp`). A service bound only to 127.0.0.1 and a firewall that rejects connections look the \
       same. For a Unix socket, no process accepts connections on it any more."),
    e("ETIMEDOUT", STREAM,
      "The system gave up after its retransmissions were not answered.",
      "Packets are dropped silently: by a firewall, because the host is down, or because there is no \
       route back. `tcptraceroute HOST PORT` shows how far packets get. On an established connection, \
       the peer or the path went away."),
    e("EHOSTUNREACH", REACH,
      "The host did not answer ARP or neighbour discovery on its network, or a router reported host \
       unreachable.",
      "Check that the host is up and has that address. On the same network use `ip neigh` (FAILED means \
       no answer); otherwise `traceroute` names the router that reported it, which may be a firewall."),
    e("ENETUNREACH", REACH,
      "There is no route to that network, here or at a router on the way.",
      "Run `ip route get ADDRESS`: without a default route it fails at once. For an IPv6 address this \
       is common if the machine has no global IPv6 address; check `ip -6 route`."),
    e("ECONNRESET", STREAM,
      "The peer sent a reset on a connection that was open or being opened.",
      "Check the log of the peer: a process that crashed, a limit that sheds load, or a close with \
       unread data. If the peer does not know of the reset, a firewall or load balancer on the path \
       sent it, often after its idle timeout."),
    e("EPIPE", TALK,
      "Data was written to a connection that the peer has already closed.",
      "The peer closed the connection before it had received all of the request. Check the answer it \
       sent before (an HTTP 413 or 400, a banner that reports too many connections) and its idle \
       timeout."),
    e("EMFILE", OPEN,
      "This process has as many descriptors open as its limit allows.",
      "Raise the limit (`ulimit -n`, `LimitNOFILE=` of the unit) or lower `--concurrency`. The fault \
       is on this machine; the peer was not contacted."),
    e("ENFILE", OPEN,
      "The whole system has as many files open as its limit allows.",
      "Check `/proc/sys/fs/file-nr` and raise `fs.file-max`, or find the process that leaks \
       descriptors. The fault is on this machine."),
    e("EADDRNOTAVAIL", OPEN,
      "The local address is not an address of this machine, or no local port is left for that peer.",
      "If `--bind` was given, check that `ip addr` lists the address. Otherwise no port is free: many \
       connections to one peer leave ports in TIME-WAIT (`ss -s`). Widen \
       `net.ipv4.ip_local_port_range` or set `net.ipv4.tcp_tw_reuse`."),
    e("EADDRINUSE", OPEN,
      "The local address and port are used by another socket; for a port that the system chooses, all \
       are used.",
      "`ss -tanp` (`-uanp` for UDP) shows which process uses it. If the system chooses the port, widen \
       `net.ipv4.ip_local_port_range`. With a fixed port, only one connection to a peer is possible at a \
       time."),
    e("EACCES", REACH,
      "A policy of this machine forbids it: a broadcast address without permission, a local firewall, a \
       privileged port, or the mode of a Unix socket.",
      "For a Unix socket, check the modes of the path and its directories. Broadcast addresses must be \
       enabled explicitly. Otherwise check local firewall rules (`nft list ruleset`), SELinux and \
       AppArmor."),
    e("EPERM", REACH,
      "The local firewall, a security module or a missing capability forbids it.",
      "Check output rules that drop or reject (`nft list ruleset`, `iptables -L OUTPUT -v`), whether the \
       connection tracking table is full (`dmesg`), the address filters of the service unit, and \
       seccomp."),
    e("ENOBUFS", REACH,
      "The system has no room for the packet: an interface's queue or a pool of buffers is full.",
      "Lower the rate or `--concurrency`. Check `ip -s link` for drops and `nstat` for memory pressure; \
       raise `txqueuelen` or `net.core.wmem_max` if the load is intended."),
    e("EMSGSIZE", &[Dns, FirstByte],
      "The datagram is larger than the path or the socket allows.",
      "Send smaller datagrams (1232 octets pass nearly everywhere), or find a tunnel with a small MTU \
       with `tracepath HOST`."),
    e("EAFNOSUPPORT", OPEN,
      "This machine does not support that address family.",
      "For an IPv6 address, IPv6 is disabled here: check `net.ipv6.conf.all.disable_ipv6`, the kernel \
       command line and `RestrictAddressFamilies=` of the service unit."),
    e("EPROTO", STREAM,
      "A protocol error below the application.",
      "Rare for TCP: check the kernel log (`dmesg`) and network filters in the kernel or in eBPF \
       programs that change packets."),
    e("ENOTCONN", TALK,
      "The socket is not connected.",
      "The peer went away before the connection was used. Treat it as an early reset, and check whether \
       the peer drops connections right after accepting them."),
    e("ESHUTDOWN", TALK,
      "The socket was shut down for writing, or its interface went down.",
      "Check with `--trace` whether the script closed its side (`half_close`) before it sent. Otherwise \
       check the state of the interface (`ip link`)."),
    e("ECONNABORTED", STREAM,
      "The system of this machine aborted the connection.",
      "Check for an interface that went down, an address that was removed, or a tool that closes \
       sockets (`ss -K`). In a server, the client left before it was accepted."),
    e("EHOSTDOWN", REACH,
      "The host on the local network does not answer.",
      "Check `ip neigh`, and whether the host has power and link. The neighbour on this network does not \
       answer: the host itself or the gateway to it."),
    e("ENETDOWN", REACH,
      "The network interface for the packet is down.",
      "Check `ip link`: bring the interface up, or check its cable, radio or tunnel."),
    e("ENETRESET", STREAM,
      "The connection was dropped because the network was reset, or keepalives were not answered.",
      "Check for an unstable network, a suspended machine, or a peer that rebooted while the connection \
       was open."),
    e("ENOENT", &[Connect, Phase::Resolve],
      "There is no such file; for a Unix socket, nothing exists at the path.",
      "Check that the service runs and where it creates its socket (`ss -lx`); the path may be in \
       another mount namespace or chroot."),
    e("ENOTSOCK", &[Connect],
      "The file is not a socket.",
      "For a Unix target, check with `ls -l` that the path is a socket (`s` in front), not a file that \
       the service left behind."),
    e("EINPROGRESS", &[Connect],
      "The connection is being opened.",
      "This is not an error: every non-blocking connection starts this way. If a program reports it as \
       one, the program has a bug."),
    e("EALREADY", &[Connect],
      "An earlier connection attempt on this socket is still in progress.",
      "This is a bug in the program, which connected twice. The peer has not answered yet; check why it \
       is slow."),
    e("EISCONN", &[Connect],
      "The socket is already connected.",
      "This is a bug in the program, which connected twice. The connection itself is open."),
    e("EAGAIN", STREAM,
      "The operation would block: nothing to read, no room to write, or for a Unix socket a full \
       backlog.",
      "This is not an error by itself: the program waits and tries again. When connecting to a Unix \
       socket, the service accepts too slowly: check its backlog (`ss -lx`)."),
    e("EINTR", STREAM,
      "A signal interrupted the call.",
      "This is not an error: the call is repeated. If a program reports it, the program has a bug."),
    e("ENOMEM", &[Wait, Connect, FirstByte, Transfer],
      "The kernel is out of memory for it.",
      "Check `free`, the limit of the control group (`memory.max`) and `net.ipv4.tcp_mem`; lower \
       `--concurrency`."),
    e("EINVAL", OPEN,
      "An argument is invalid, such as a link-local address without a scope.",
      "For an address in fe80::/10, name the interface. Otherwise check socket options such as `--ttl` \
       and `--bind` whose address family differs from that of the peer."),
    e("EBADF", STREAM,
      "The descriptor is not open.",
      "This is a bug in the program: it used a socket after closing it. Please report it."),
    e("EOPNOTSUPP", OPEN,
      "The socket does not support the operation.",
      "For a Unix target, the path may be another kind of socket (datagram instead of stream): `ss -lx` \
       shows it."),
    e("EPROTOTYPE", &[Connect],
      "The protocol does not match the socket, such as a stream to a datagram socket.",
      "For a Unix target, the service listens with datagrams: `ss -lx` shows `u_dgr` for it."),
    e("EPROTONOSUPPORT", OPEN,
      "This machine does not support that protocol.",
      "Check whether the kernel has it as a module, and whether a sandbox (seccomp, a container) \
       disables it."),
    e("ESOCKTNOSUPPORT", OPEN,
      "This machine does not support that kind of socket.",
      "Check whether a sandbox (seccomp, a container) disables it."),
    e("EPFNOSUPPORT", OPEN,
      "This machine does not support that protocol family.",
      "Check whether a sandbox disables it or the kernel was built without it. For IPv6, see \
       EAFNOSUPPORT."),
    e("ENOPROTOOPT", OPEN,
      "The protocol does not support that socket option.",
      "Omit the option (such as `--ttl` or `--keepalive`) that this kernel or kind of socket does not \
       support; Unix sockets support few."),
    e("EDESTADDRREQ", &[FirstByte],
      "A datagram was sent without a destination.",
      "This is a bug in the program: the socket was never connected. Please report it."),
    e("ENONET", REACH,
      "The machine is not on that network.",
      "Check `ip addr` and `ip route`: the interface has no address."),
    e("ENODEV", OPEN,
      "There is no such device.",
      "Check that the interface of the target or of `--bind` exists (`ip link`)."),
    e("ENXIO", OPEN,
      "There is no such device or address.",
      "For a Unix target, check that a process listens on the socket (`ss -lx`)."),
    e("ELOOP", &[Connect],
      "The path has a loop of symbolic links.",
      "Follow the path of the Unix socket with `namei -l PATH`."),
    e("ENAMETOOLONG", &[Connect],
      "The path is too long: that of a Unix socket may have 107 octets.",
      "Use a shorter path, a symbolic link to the directory, or a path relative to the working directory."),
    e("ENOTDIR", &[Connect],
      "A part of the path is not a directory.",
      "Follow the path of the Unix socket with `namei -l PATH`."),
    e("EIO", TALK,
      "The device failed below the network.",
      "Check the kernel log (`dmesg`) and the errors of the interface (`ip -s link`)."),
];
