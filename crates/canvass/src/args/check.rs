//! The flags of `canvass check`, and what `canvass sweep` shares with it.

use std::path::PathBuf;

use canvass_proto::http::RequestHeader;
use clap::Args;

use super::{
    ExpectArgs, ExpectRecordsArgs, ExpectSerialArgs, HostArgs, ProxyArgs, RunArgs, TlsArgs, heading,
};

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// https://HOST, tcp://HOST:PORT, dns://ADDR/NAME
    ///
    /// The scheme says how an endpoint is probed, and its port may be left out where the scheme has
    /// one: tcp and udp (a port is needed), tls (443; the handshake and the certificate), unix:PATH,
    /// http, https, dns, and services such as smtp, imap, ssh and ftp, which run the preset of that
    /// name. dns:///NAME?type=MX asks the default resolver. Without any, and without -i, endpoints
    /// are read from standard input.
    #[arg(value_name = "ENDPOINT", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,
    #[command(flatten)]
    pub probing: EndpointArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

/// How mixed endpoints are probed.
#[derive(Debug, Args)]
pub(crate) struct EndpointArgs {
    /// Send this header with each request (may repeat)
    ///
    /// As in curl: `Name: value` sends a header, `Name:` omits one that would be sent, and `Name;`
    /// sends it empty.
    #[arg(short = 'H', long, value_name = "HEADER", help_heading = heading::QUESTION)]
    pub header: Vec<RequestHeader>,
    /// Follow at most N redirects
    ///
    /// Phases are summed over all hops. Credentials and cookies are not sent to another scheme,
    /// host or port.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = heading::QUESTION)]
    pub follow: u32,
    /// Read user and password from FILE, a line each
    ///
    /// For imap, imaps, redis and rediss, which log in with them. Without this flag nobody does,
    /// whatever the environment has. Passwords are never printed.
    #[arg(long, value_name = "FILE", help_heading = heading::QUESTION)]
    pub credentials: Option<PathBuf>,

    #[command(flatten)]
    pub expect: ExpectArgs,
    #[command(flatten)]
    pub records: ExpectRecordsArgs,
    #[command(flatten)]
    pub serial: ExpectSerialArgs,
    #[command(flatten)]
    pub host: HostArgs,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub proxy: ProxyArgs,
}
