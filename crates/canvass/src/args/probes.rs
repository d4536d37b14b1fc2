//! The flags of `canvass http`, `canvass tcp` and `canvass udp`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use canvass_proto::http::RequestHeader;
use canvass_proto::talk::Preset;
use clap::{Args, ValueEnum};

use super::{CommonArgs, heading};
use crate::units;

#[derive(Debug, Args)]
pub(crate) struct HttpArgs {
    /// URLs, hosts, unix:PATH, CIDRs and ranges
    ///
    /// A host without a scheme is asked over https, and over http if that fails before TLS is
    /// established. Without any, and without -i, URLs are read from standard input.
    #[arg(value_name = "URL", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,

    /// Use this method
    ///
    /// The default is GET, or POST with --data.
    #[arg(short = 'X', long, value_name = "METHOD", value_parser = canvass_proto::http::parse_method, help_heading = heading::QUESTION)]
    pub request: Option<Box<str>>,
    /// Send this header, as curl does (may repeat)
    ///
    /// `Name: value` sends a header, `Name:` omits one that would be sent, and `Name;` sends it
    /// empty.
    #[arg(short = 'H', long, value_name = "HEADER", help_heading = heading::QUESTION)]
    pub header: Vec<RequestHeader>,
    /// Send this body, or that of @FILE
    #[arg(short, long, value_name = "DATA", help_heading = heading::QUESTION)]
    pub data: Option<String>,
    /// Use HTTP/1.0 instead of HTTP/1.1
    #[arg(long = "http1.0", help_heading = heading::QUESTION)]
    pub http_1_0: bool,
    /// Follow at most N redirects
    ///
    /// Phases are summed over all hops. Credentials and cookies are not sent to another scheme,
    /// host or port.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = heading::QUESTION)]
    pub follow: u32,
    /// Send N requests to each target
    ///
    /// They use one connection for as long as the server keeps it. Each request has a line.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), help_heading = heading::QUESTION)]
    pub repeat: u32,

    /// Keep bodies in DIR, one file for each answer
    ///
    /// Bodies are decoded. A file is named by the `seq` of its line: 0.body, or 0-1.body with
    /// --repeat. Where a body cannot be kept, its line says why, and the exit status is 3.
    #[arg(long, value_name = "DIR", help_heading = heading::OUTPUT)]
    pub save: Option<PathBuf>,

    #[command(flatten)]
    pub host: HostArgs,
    #[command(flatten)]
    pub tls: TlsArgs,

    /// Connect to the socket at PATH for every URL
    #[arg(long, value_name = "PATH", help_heading = heading::ADVANCED)]
    pub unix_socket: Option<PathBuf>,

    /// Limit the size of a body
    ///
    /// The limit holds for the body as received and as decoded. SIZE is a number of octets, with
    /// k, M or G for powers of 1024.
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = units::size, help_heading = heading::LIMITS)]
    pub body_max: u64,
    /// Limit the size of a response head
    #[arg(long, value_name = "SIZE", default_value = "64k", value_parser = units::size, help_heading = heading::LIMITS)]
    pub head_max: u64,
}

#[derive(Debug, Args)]
pub(crate) struct TcpArgs {
    /// HOST:PORT, unix:PATH, and hosts with --ports
    ///
    /// A host is a name, an address, a CIDR or a range. A port is a number or the name of a
    /// service. Without any, and without -i, targets are read from standard input.
    #[arg(value_name = "HOST:PORT", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,
    /// Run this preset or script file
    #[arg(long, value_name = "NAME|FILE", long_help = talk_help(|preset| preset.tcp), help_heading = heading::QUESTION)]
    pub talk: Option<String>,
    /// Read user and password from FILE, a line each
    ///
    /// The default is the environment's CANVASS_USER and CANVASS_PASSWORD. Passwords are never
    /// printed.
    #[arg(long, value_name = "FILE", help_heading = heading::QUESTION)]
    pub credentials: Option<PathBuf>,
    /// Use TLS from the start
    #[arg(long = "tls", help_heading = heading::QUESTION)]
    pub tls_from_start: bool,
    #[command(flatten)]
    pub host: HostArgs,
    #[command(flatten)]
    pub tls: TlsArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UdpArgs {
    /// HOST:PORT, and hosts with --ports
    ///
    /// A host is a name, an address, a CIDR or a range. A port is a number or the name of a
    /// service. Without any, and without -i, targets are read from standard input.
    #[arg(value_name = "HOST:PORT", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,
    /// Run this preset or script file
    #[arg(long, value_name = "NAME|FILE", long_help = talk_help(|preset| preset.udp), help_heading = heading::QUESTION)]
    pub talk: Option<String>,
    /// Read user and password from FILE, a line each
    ///
    /// The default is the environment's CANVASS_USER and CANVASS_PASSWORD. Passwords are never
    /// printed.
    #[arg(long, value_name = "FILE", help_heading = heading::QUESTION)]
    pub credentials: Option<PathBuf>,
    /// Collect every reply within D, from any host
    ///
    /// Without it the first reply that matches ends the probe, except for a broadcast or a
    /// multicast address, where replies are collected until a timeout or the deadline.
    #[arg(long, value_name = "D", value_parser = units::duration, help_heading = heading::QUESTION)]
    pub window: Option<Duration>,
    #[command(flatten)]
    pub host: HostArgs,
}

/// The flags that all probes of hosts have.
#[derive(Debug, Args)]
pub(crate) struct HostArgs {
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(flatten)]
    pub reach: ReachArgs,
    #[command(flatten)]
    pub timeouts: TimeoutArgs,
    #[command(flatten)]
    pub sockets: SocketArgs,
}

/// The long help of `--talk`, with every preset that the protocol has.
fn talk_help(suits: fn(&Preset) -> bool) -> String {
    let mut help = String::from(
        "Run this preset or script file\n\nA script is a list of steps to send and to expect; \
         docs/GUIDE.md describes it. The presets are:",
    );
    for preset in Preset::ALL.iter().filter(|preset| suits(preset)) {
        help.push_str(&format!("\n  {:<10} {}", preset.name, preset.about));
    }
    help
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResolveArg {
    Own,
    System,
}

/// Which addresses are probed, and how they are found.
#[derive(Debug, Args)]
pub(crate) struct ReachArgs {
    /// Probe these ports of hosts that name none
    ///
    /// Numbers, ranges and names of services, such as 80,443,8000-8010,ssh. Every host, and every
    /// address of a CIDR or a range, is a target with each port.
    #[arg(long, value_name = "PORTS", help_heading = heading::TARGETS)]
    pub ports: Option<String>,
    /// Probe every address of a host in turn
    ///
    /// The line shows the worst result.
    #[arg(long, help_heading = heading::QUESTION)]
    pub all_addresses: bool,
    /// Use IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = heading::QUESTION)]
    pub ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6', long, help_heading = heading::QUESTION)]
    pub ipv6: bool,
    /// Choose the lookup
    ///
    /// own looks names up through the resolvers above. system calls libc, which knows /etc/hosts
    /// and what else nsswitch.conf names.
    #[arg(long, value_enum, default_value = "own", hide_possible_values = true,
          value_name = "own|system", help_heading = heading::RESOLVERS)]
    pub resolve: ResolveArg,
    /// Run at most N probes per host
    ///
    /// A host is what the target names: two names of one machine are two hosts, two ports of one
    /// name are one.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..), help_heading = heading::LIMITS)]
    pub per_host: u32,
    /// Send each host at most N requests/s
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = heading::LIMITS)]
    pub rate_per_host: Option<f64>,
    /// Connect elsewhere, as curl does (may repeat)
    ///
    /// HOST1:PORT1:HOST2:PORT2 connects to HOST2:PORT2 where the target is HOST1:PORT1; each part
    /// may be empty. The request and the name to verify stay as they are.
    #[arg(long, value_name = "FROM:TO", help_heading = heading::ADVANCED)]
    pub connect_to: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RootsArg {
    Webpki,
    System,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsVersionArg {
    #[value(name = "1.2")]
    V12,
    #[value(name = "1.3")]
    V13,
}

const INSECURE_HELP: &str = "\
Accept invalid certificates, but report what is wrong with them

Without this flag nothing is sent to a server whose certificate is not valid.";

/// What TLS offers and accepts.
#[derive(Debug, Args)]
pub(crate) struct TlsArgs {
    /// Accept invalid certificates, but report them
    #[arg(short = 'k', long, long_help = INSECURE_HELP, help_heading = heading::QUESTION)]
    pub insecure: bool,
    /// Trust only the certificates in FILE (PEM)
    #[arg(long, value_name = "FILE", help_heading = heading::QUESTION)]
    pub cacert: Option<PathBuf>,
    /// Present this client certificate (PEM)
    ///
    /// The chain may follow it in the same file. Requires --key.
    #[arg(long, value_name = "FILE", requires = "key", help_heading = heading::QUESTION)]
    pub cert: Option<PathBuf>,
    /// Use this private key for --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = heading::QUESTION)]
    pub key: Option<PathBuf>,
    /// Verify this name instead of the host's
    ///
    /// It is sent in the handshake (SNI) and verified against the certificate.
    #[arg(long, value_name = "NAME", help_heading = heading::QUESTION)]
    pub server_name: Option<Box<str>>,
    /// Choose the trusted roots
    ///
    /// webpki is Mozilla's list as built into canvass, system is the list of this system.
    #[arg(long, value_enum, default_value = "webpki", hide_possible_values = true,
          value_name = "webpki|system", help_heading = heading::ADVANCED)]
    pub roots: RootsArg,
    /// Offer no older TLS version
    #[arg(long, value_enum, default_value = "1.2", hide_possible_values = true, value_name = "1.2|1.3",
          help_heading = heading::ADVANCED)]
    pub tls_min: TlsVersionArg,
    /// Offer no newer TLS version
    #[arg(long, value_enum, default_value = "1.3", hide_possible_values = true, value_name = "1.2|1.3",
          help_heading = heading::ADVANCED)]
    pub tls_max: TlsVersionArg,
}

/// The options of sockets.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::ADVANCED)]
pub(crate) struct SocketArgs {
    /// Bind to this local address
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<IpAddr>,
    /// Set the time to live, or hop limit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=255))]
    pub ttl: Option<u32>,
    /// Set the receive buffer (SO_RCVBUF)
    #[arg(long, value_name = "SIZE", value_parser = units::size)]
    pub rcvbuf: Option<u64>,
    /// Set the send buffer (SO_SNDBUF)
    #[arg(long, value_name = "SIZE", value_parser = units::size)]
    pub sndbuf: Option<u64>,
    /// Send small writes at once (TCP_NODELAY)
    #[arg(long)]
    pub nodelay: bool,
    /// Enable keep-alive probes (SO_KEEPALIVE)
    #[arg(long)]
    pub keepalive: bool,
    /// Close with a reset (SO_LINGER)
    ///
    /// 0 is the only value. No port stays in TIME_WAIT, which helps where one address opens more
    /// connections than it has ports.
    #[arg(long, value_name = "0", value_parser = clap::value_parser!(u32).range(0..=0))]
    pub linger: Option<u32>,
}

/// The time limits of the phases.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::LIMITS)]
pub(crate) struct TimeoutArgs {
    /// Limit the lookup of the host
    ///
    /// The default is --timeout, or else the deadline.
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub resolve_timeout: Option<Duration>,
    /// Limit the opening of the connection
    ///
    /// Over all addresses of the host. The default is --timeout, or else 5s.
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub connect_timeout: Option<Duration>,
    /// Limit the TLS handshake
    ///
    /// The default is --timeout, or else 5s.
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub tls_timeout: Option<Duration>,
    /// Limit the wait for the first octet
    ///
    /// The default is --timeout, or else the deadline.
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub first_byte_timeout: Option<Duration>,
    /// Limit the time from first to last octet
    ///
    /// The default is --timeout, or else the deadline.
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub transfer_timeout: Option<Duration>,
}
