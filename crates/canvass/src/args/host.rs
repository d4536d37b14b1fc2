//! The flags that all probes of hosts have.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_queue::parse_local_address;
use clap::{Args, ValueEnum};

use super::{CommonArgs, ExpectLatencyArgs, heading};
use crate::units;

/// The flags that all probes of hosts have.
#[derive(Debug, Args)]
pub(crate) struct HostArgs {
    #[command(flatten)]
    pub latency: ExpectLatencyArgs,
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(flatten)]
    pub reach: ReachArgs,
    #[command(flatten)]
    pub timeouts: TimeoutArgs,
    #[command(flatten)]
    pub sockets: SocketArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResolveArg {
    Own,
    System,
}

/// Which ports are probed.
#[derive(Debug, Args)]
pub(crate) struct PortsArgs {
    /// Probe these ports of hosts that name none
    ///
    /// Numbers, ranges and names of services, such as 80,443,8000-8010,ssh. Every host, and every
    /// address of a CIDR or a range, is a target with each port.
    #[arg(long, value_name = "PORTS", help_heading = heading::TARGETS)]
    pub ports: Option<String>,
}

/// Which addresses are probed, and how they are found.
#[derive(Debug, Args)]
pub(crate) struct ReachArgs {
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
    /// name are one. The default is 6.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = heading::LIMITS)]
    pub per_host: Option<u32>,
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

/// The options of sockets.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::ADVANCED)]
pub(crate) struct SocketArgs {
    /// Bind to this local address
    #[arg(long, value_name = "ADDR", value_parser = parse_local_address)]
    pub bind: Option<SocketAddr>,
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
#[derive(Clone, Debug, Args)]
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
