//! The flags of `canvass http`, `canvass tcp` and `canvass udp`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use canvass_proto::http::RequestHeader;
use canvass_proto::talk::Preset;
use clap::{Args, ValueEnum};

use super::CommonArgs;
use crate::units;

#[derive(Debug, Args)]
pub struct HttpArgs {
    /// URLs, bare hosts (https, then http), unix:PATH, CIDRs and ranges
    #[arg(value_name = "URL")]
    pub targets: Vec<String>,

    /// The method [default: GET, or POST with --data]
    #[arg(short = 'X', long, value_name = "METHOD", value_parser = canvass_proto::http::parse_method, help_heading = "Request")]
    pub request: Option<Box<str>>,
    /// A header as curl takes it: `Name: value`, `Name:` to leave it out, `Name;` for an empty one
    /// (may repeat)
    #[arg(short = 'H', long, value_name = "HEADER", help_heading = "Request")]
    pub header: Vec<RequestHeader>,
    /// The body of the request, or @FILE
    #[arg(short, long, value_name = "DATA", help_heading = "Request")]
    pub data: Option<String>,
    /// Ask with HTTP/1.0
    #[arg(long = "http1.0", help_heading = "Request")]
    pub http_1_0: bool,
    /// Follow at most N redirects
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Request")]
    pub follow: u32,
    /// Send N requests to each target, over one connection where the server keeps it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Request")]
    pub repeat: u32,

    /// The largest body, as received and as decoded: 500k, 16M
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = units::size, help_heading = "Answer")]
    pub body_max: u64,
    /// The largest head
    #[arg(long, value_name = "SIZE", default_value = "64k", value_parser = units::size, help_heading = "Answer")]
    pub head_max: u64,
    /// Keep bodies (decoded) in DIR, a file for each answer, named by its number
    #[arg(long, value_name = "DIR", help_heading = "Answer")]
    pub save: Option<PathBuf>,

    /// Connect to the socket at PATH for every URL
    #[arg(long, value_name = "PATH", help_heading = "Connection")]
    pub unix_socket: Option<PathBuf>,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub host: HostArgs,
}

#[derive(Debug, Args)]
pub struct TcpArgs {
    /// host:port, hosts, CIDRs and ranges with --ports, unix:PATH
    #[arg(value_name = "HOST:PORT")]
    pub targets: Vec<String>,
    /// What to say and to expect: a script file, or a preset
    #[arg(long, value_name = "NAME|FILE", long_help = talk_help(|preset| preset.tcp), help_heading = "Conversation")]
    pub talk: Option<String>,
    /// A file with the user on its first line and the password on its second [default: the
    /// environment's CANVASS_USER and CANVASS_PASSWORD]
    #[arg(long, value_name = "FILE", help_heading = "Conversation")]
    pub credentials: Option<PathBuf>,
    /// Speak TLS from the start
    #[arg(long = "tls", help_heading = "TLS")]
    pub tls_from_start: bool,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub host: HostArgs,
}

#[derive(Debug, Args)]
pub struct UdpArgs {
    /// host:port, hosts, CIDRs and ranges with --ports
    #[arg(value_name = "HOST:PORT")]
    pub targets: Vec<String>,
    /// What to say and to expect: a script file, or a preset [default: an empty datagram, and any
    /// answer]
    #[arg(long, value_name = "NAME|FILE", long_help = talk_help(|preset| preset.udp), help_heading = "Conversation")]
    pub talk: Option<String>,
    /// A file with the user on its first line and the password on its second [default: the
    /// environment's CANVASS_USER and CANVASS_PASSWORD]
    #[arg(long, value_name = "FILE", help_heading = "Conversation")]
    pub credentials: Option<PathBuf>,
    /// Keep every answer that comes within D, whoever gives it
    #[arg(long, value_name = "D", value_parser = units::duration, help_heading = "Conversation")]
    pub window: Option<Duration>,
    #[command(flatten)]
    pub host: HostArgs,
}

/// The flags that all probes of hosts have.
#[derive(Debug, Args)]
pub struct HostArgs {
    #[command(flatten)]
    pub reach: ReachArgs,
    #[command(flatten)]
    pub sockets: SocketArgs,
    #[command(flatten)]
    pub timeouts: TimeoutArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What `--talk` takes, with every preset.
fn talk_help(suits: fn(&Preset) -> bool) -> String {
    let mut help =
        String::from("What to say and to expect: a script file, or one of these presets:");
    for preset in Preset::ALL.iter().filter(|preset| suits(preset)) {
        help.push_str(&format!("\n  {:<10} {}", preset.name, preset.about));
    }
    help
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResolveArg {
    Own,
    System,
}

/// How a connection comes about.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ReachArgs {
    /// Ports for hosts, CIDRs and ranges that name none: 80,443,8000-8010, service names too
    #[arg(long, value_name = "PORTS")]
    pub ports: Option<String>,
    /// Who looks names up: canvass with its resolvers, or the system
    #[arg(long, value_enum, default_value = "own", value_name = "WHO")]
    pub resolve: ResolveArg,
    /// Connect elsewhere: HOST1:PORT1:HOST2:PORT2, each may be empty (may repeat)
    #[arg(long, value_name = "FROM:TO")]
    pub connect_to: Vec<String>,
    /// IPv4 alone
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// IPv6 alone
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// Probe every address of a host, one after the other
    #[arg(long)]
    pub all_addresses: bool,
    /// The most probes that one host has at once
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    pub per_host: u32,
    /// The most requests a second to one host
    #[arg(long, value_name = "N", value_parser = units::rate)]
    pub rate_per_host: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RootsArg {
    Webpki,
    System,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TlsVersionArg {
    #[value(name = "1.2")]
    V12,
    #[value(name = "1.3")]
    V13,
}

/// What TLS is to be like.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Tell what is wrong with a certificate, and go on
    #[arg(short = 'k', long)]
    pub insecure: bool,
    /// Trust the certificates in FILE (PEM) instead of the roots
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Mozilla's roots as they were built in, or the system's
    #[arg(long, value_enum, default_value = "webpki", value_name = "WHICH")]
    pub roots: RootsArg,
    /// The client certificate (PEM), its chain behind it
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// The oldest version to offer
    #[arg(long, value_enum, default_value = "1.2", value_name = "VERSION")]
    pub tls_min: TlsVersionArg,
    /// The newest version to offer
    #[arg(long, value_enum, default_value = "1.3", value_name = "VERSION")]
    pub tls_max: TlsVersionArg,
    /// The name to ask for and to verify instead of the host's
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<Box<str>>,
}

/// Sockets as users tune them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sockets")]
pub struct SocketArgs {
    /// The local address
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<IpAddr>,
    /// The time to live, or hop limit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=255))]
    pub ttl: Option<u32>,
    /// The receive buffer
    #[arg(long, value_name = "SIZE", value_parser = units::size)]
    pub rcvbuf: Option<u64>,
    /// The send buffer
    #[arg(long, value_name = "SIZE", value_parser = units::size)]
    pub sndbuf: Option<u64>,
    /// Do not hold small writes back (TCP_NODELAY)
    #[arg(long)]
    pub nodelay: bool,
    /// Let the system see whether an idle peer is still there (SO_KEEPALIVE)
    #[arg(long)]
    pub keepalive: bool,
    /// 0: close with a reset, and leave nothing behind (SO_LINGER)
    #[arg(long, value_name = "0", value_parser = clap::value_parser!(u32).range(0..=0))]
    pub linger: Option<u32>,
}

/// How long each part may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct TimeoutArgs {
    /// Looking the host up [default: --timeout, or the deadline]
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub resolve_timeout: Option<Duration>,
    /// Opening the connection [default: --timeout, or 5s]
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub connect_timeout: Option<Duration>,
    /// The TLS handshake [default: --timeout, or 5s]
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub tls_timeout: Option<Duration>,
    /// Until the first octet comes [default: --timeout, or the deadline]
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub first_byte_timeout: Option<Duration>,
    /// From the first octet to the last [default: --timeout, or the deadline]
    #[arg(long, value_name = "D", value_parser = units::duration)]
    pub transfer_timeout: Option<Duration>,
}
