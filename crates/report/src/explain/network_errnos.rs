//! The errnos that connections and sockets meet.

use canvass_model::{Errno, Phase};

use super::ErrnoEntry;

/// What is known of `errno`, where it is one that sockets give.
pub(super) fn find(errno: Errno) -> Option<&'static ErrnoEntry> {
    let name = errno.name()?;
    ALL.iter().find(|entry| entry.name == name)
}

/// Every one, in the order of the table.
pub(super) fn all() -> impl Iterator<Item = &'static ErrnoEntry> {
    ALL.iter()
}

const fn e(
    name: &'static str,
    phases: &'static [Phase],
    meaning: &'static str,
    look: &'static str,
) -> ErrnoEntry {
    ErrnoEntry {
        name,
        phases,
        meaning,
        look,
    }
}

use Phase::{Connect, Dns, FirstByte, Tls, Transfer, Wait};

/// Where a socket is made.
const OPEN: &[Phase] = &[Wait, Connect];
/// Where something is sent to somebody.
const REACH: &[Phase] = &[Dns, Connect, FirstByte];
/// Where a connection is in use.
const TALK: &[Phase] = &[Dns, Tls, FirstByte, Transfer];
/// Where a connection is opened or in use.
const STREAM: &[Phase] = &[Dns, Connect, Tls, FirstByte, Transfer];

// One entry of the table is a few lines: laid out by hand, it can be read down the columns.
#[rustfmt::skip]
const ALL: [ErrnoEntry; 46] = [
    e("ECONNREFUSED", REACH,
      "The host answered that nothing listens on the port: a reset for TCP, an ICMP port unreachable \
       for UDP.",
      "The host is up; see whether the service runs and on which address it listens (`ss -ltnp`, \
       `ss -lunp`). A service bound to 127.0.0.1 alone and a firewall that rejects look the same. For \
       a unix socket, nobody accepts on it any more."),
    e("ETIMEDOUT", STREAM,
      "The system gave up: its own retransmissions went unanswered.",
      "Packets are dropped without a word: a firewall that drops, a host that is down, or a route \
       that loses the way back. `tcptraceroute HOST PORT` shows how far it gets; on a connection that \
       stood, the peer or the path vanished."),
    e("EHOSTUNREACH", REACH,
      "The last network was reached and the host was not: nobody answered ARP or neighbour \
       discovery, or a router said host unreachable.",
      "See whether the host is up and has that address. On the same network look at `ip neigh` \
       (FAILED means no answer); elsewhere `traceroute` names the router that said so, which may be a \
       firewall that rejects."),
    e("ENETUNREACH", REACH,
      "There is no route to that network, here or at a router on the way.",
      "Ask `ip route get ADDRESS`: without a default route it fails at once. For an IPv6 address this \
       is usual where the machine has no global IPv6 address; look at `ip -6 route`."),
    e("ECONNRESET", STREAM,
      "The peer sent a reset on a connection that was open or being opened.",
      "Look in the peer's log: a process that crashed, a limit that sheds load, or a close with \
       unread data. If the peer knows nothing of it, a firewall or balancer between sent it, often \
       after its idle timeout."),
    e("EPIPE", TALK,
      "Something was written to a connection that the peer has closed already.",
      "The peer hung up before it had all of the request: look for the answer it sent first (an HTTP \
       413 or 400, a banner that says too many connections), and for its idle timeout."),
    e("EMFILE", OPEN,
      "This process has as many descriptors open as its limit allows.",
      "Raise the limit (`ulimit -n`, `LimitNOFILE=` of the unit) or lower `--concurrency`. The fault \
       is this machine's; the peer was never asked."),
    e("ENFILE", OPEN,
      "The whole system has as many files open as its limit allows.",
      "Look at `cat /proc/sys/fs/file-nr` and raise `fs.file-max`, or find the process that leaks \
       descriptors. The fault is this machine's."),
    e("EADDRNOTAVAIL", OPEN,
      "The local address is not one of this machine's, or no local port is left for that peer.",
      "If `--bind` was given, see that `ip addr` has the address. Otherwise the ports ran out: many \
       connections to one peer leave ports in TIME-WAIT (`ss -s`); widen \
       `net.ipv4.ip_local_port_range` or set `net.ipv4.tcp_tw_reuse`."),
    e("EADDRINUSE", OPEN,
      "The local address and port are taken by another socket.",
      "See who has it with `ss -tanp` (`-uanp` for UDP). With `--bind` to a fixed port only one \
       connection to a peer can stand at a time; let the system choose the port."),
    e("EACCES", REACH,
      "This machine's policy forbids it: a broadcast address without leave, a local firewall, a low \
       port, or the mode of a unix socket.",
      "For a unix socket look at the modes of the path and its folders; for a broadcast address it \
       must be asked for; otherwise at local firewall rules (`nft list ruleset`), SELinux and \
       AppArmor."),
    e("EPERM", REACH,
      "The local firewall, a security module or a missing capability forbids it.",
      "Look at output rules that drop or reject (`nft list ruleset`, `iptables -L OUTPUT -v`), at a full \
       connection tracking table (`dmesg`), at a service unit's address filters, and at seccomp."),
    e("ENOBUFS", REACH,
      "The system has no room for the packet: an interface's queue or a pool of buffers is full.",
      "Lower the rate or `--concurrency`, and look at `ip -s link` for drops and `nstat` for memory \
       pressure; raise `txqueuelen` or `net.core.wmem_max` if the load is meant."),
    e("EMSGSIZE", &[Dns, FirstByte],
      "The datagram is larger than the path or the socket takes in one piece.",
      "Send less in one datagram (1232 octets pass nearly everywhere), or look for a tunnel with a \
       small MTU: `tracepath HOST`."),
    e("EAFNOSUPPORT", OPEN,
      "This machine cannot use that family of addresses.",
      "For an IPv6 address, IPv6 is switched off here: look at \
       `net.ipv6.conf.all.disable_ipv6`, at the kernel's command line and at a service unit's \
       `RestrictAddressFamilies=`."),
    e("EPROTO", STREAM,
      "The protocol itself went wrong below the application.",
      "Rare for TCP: look at the kernel's log (`dmesg`) and at network filters in the kernel or in \
       an eBPF program that change packets."),
    e("ENOTCONN", TALK,
      "The socket is not connected any more, or not yet.",
      "The peer was gone before the connection was used: treat it as a reset that came early, and \
       see whether the peer drops connections right after accepting them."),
    e("ESHUTDOWN", TALK,
      "The socket was shut for writing, or its interface went down.",
      "See with `--trace` whether the script shut its side (`half_close`) before it sent. Otherwise \
       look at the state of the interface (`ip link`)."),
    e("ECONNABORTED", STREAM,
      "The connection was given up by the system of this machine.",
      "Look for an interface that went down, an address that was removed, or a tool that kills \
       sockets (`ss -K`). From a service of one's own: the client left before it was accepted."),
    e("EHOSTDOWN", REACH,
      "The host on the local network does not answer at all.",
      "Look at `ip neigh` and whether the host has power and link. It is the neighbour on this \
       network that is silent: the host itself or the gateway to it."),
    e("ENETDOWN", REACH,
      "The network interface the packet should leave by is down.",
      "Look at `ip link`: bring the interface up, or see why the cable, the radio or the tunnel is \
       gone."),
    e("ENETRESET", STREAM,
      "The connection was dropped since the network was reset, or keepalives went unanswered.",
      "Look for a network that came and went, a suspended machine, or a peer that rebooted while the \
       connection stood."),
    e("ENOENT", &[Connect, Phase::Resolve],
      "There is no such file: for a unix socket, nothing is at the path.",
      "See whether the service runs and where it makes its socket (`ss -lx`); the path may be in \
       another mount namespace or chroot."),
    e("ENOTSOCK", &[Connect],
      "What is there is no socket.",
      "For a unix target, see with `ls -l` that the path is a socket (`s` in front), not a file the \
       service left behind."),
    e("EINPROGRESS", &[Connect],
      "The connection is being opened; the answer comes later.",
      "This is no fault: every connection that does not block starts this way. If a program reports \
       it as one, that program is at fault."),
    e("EALREADY", &[Connect],
      "An earlier attempt on this socket to open a connection is still under way.",
      "This is a fault of the program, which asked twice; the peer has not answered yet, so look at \
       why it is slow."),
    e("EISCONN", &[Connect],
      "The socket is connected already.",
      "This is a fault of the program, which connected twice; the connection itself stands."),
    e("EAGAIN", STREAM,
      "It cannot be done now without waiting: nothing to read, no room to write, or for a unix \
       socket a full backlog.",
      "This is no fault on its own: one waits and tries again. When connecting to a unix socket, the \
       service accepts too slowly: look at its backlog (`ss -lx`)."),
    e("EINTR", STREAM,
      "A signal came in between.",
      "This is no fault: the call is made again. If a program reports it, that program is at fault."),
    e("ENOMEM", &[Wait, Connect, FirstByte, Transfer],
      "The kernel has no memory for it.",
      "Look at `free`, at the limit of the control group (`memory.max`) and at `net.ipv4.tcp_mem`; \
       lower `--concurrency`."),
    e("EINVAL", OPEN,
      "The system finds an argument senseless, as a scope missing from a link-local address.",
      "For an address in fe80::/10, name the interface; otherwise look at socket options such as \
       `--ttl` and `--bind` whose family does not fit the peer's."),
    e("EBADF", STREAM,
      "The descriptor is not open.",
      "This is a fault of the program: it used a socket after it closed it. Please report it."),
    e("EOPNOTSUPP", OPEN,
      "The socket does not do that kind of operation.",
      "For a unix target, the path may be of another kind of socket (datagram instead of stream): \
       `ss -lx` shows it."),
    e("EPROTOTYPE", &[Connect],
      "The protocol is of the wrong kind for this socket, as a stream to a datagram's path.",
      "For a unix target, the service listens with datagrams: `ss -lx` shows `u_dgr` for it."),
    e("EPROTONOSUPPORT", OPEN,
      "This machine does not have that protocol.",
      "See whether the kernel has it as a module, and whether a sandbox (seccomp, a container) hides \
       it."),
    e("ESOCKTNOSUPPORT", OPEN,
      "This machine does not have that kind of socket.",
      "See whether a sandbox (seccomp, a container) hides it."),
    e("EPFNOSUPPORT", OPEN,
      "This machine does not have that family of protocols.",
      "See whether a sandbox hides it or the kernel was built without; for IPv6 look as for \
       EAFNOSUPPORT."),
    e("ENOPROTOOPT", OPEN,
      "The protocol does not know that socket option.",
      "Leave out the option (`--ttl`, `--keepalive` and the like) that this kernel or kind of socket \
       does not have; over a unix socket few exist."),
    e("EDESTADDRREQ", &[FirstByte],
      "A datagram was to be sent and nobody was named as its target.",
      "This is a fault of the program: the socket was never connected. Please report it."),
    e("ENONET", REACH,
      "The machine is not on that network.",
      "Look at `ip addr` and `ip route`: the interface has no address in use."),
    e("ENODEV", OPEN,
      "There is no such device.",
      "See that the interface a target or `--bind` names exists (`ip link`)."),
    e("ENXIO", OPEN,
      "There is no such device or address.",
      "For a unix target, see that the path is a socket somebody listens on (`ss -lx`)."),
    e("ELOOP", &[Connect],
      "Symbolic links in the path lead in a circle.",
      "Follow the path of the unix socket with `namei -l PATH`."),
    e("ENAMETOOLONG", &[Connect],
      "The path is too long: a unix socket's may have 107 octets.",
      "Use a shorter path, a symbolic link to the folder, or one relative to the working folder."),
    e("ENOTDIR", &[Connect],
      "A part of the path is no folder.",
      "Follow the path of the unix socket with `namei -l PATH`."),
    e("EIO", TALK,
      "The device failed below the network.",
      "Look at the kernel's log (`dmesg`) and at the interface's errors (`ip -s link`)."),
];
