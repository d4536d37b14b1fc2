//! The flags of `canvass http`.

use std::path::PathBuf;

use canvass_proto::http::RequestHeader;
use clap::Args;

use super::{ExpectArgs, ExtrasArgs, HostArgs, PortsArgs, ProxyArgs, RunArgs, TlsArgs, heading};
use crate::units;

/// The credentials for the origin of each target.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::QUESTION)]
pub(crate) struct BasicArgs {
    /// Send this user and the password of the environment
    ///
    /// Basic authentication, for the origin of the target only: not after a redirect to another
    /// one, and not by http where https was tried first. The password is that of CANVASS_PASSWORD
    /// or of --credentials, since every user of the machine can read the command line. It takes
    /// precedence over a user in a URL.
    #[arg(short, long, value_name = "NAME")]
    pub user: Option<String>,
    /// Send CANVASS_USER and CANVASS_PASSWORD
    ///
    /// As --user, with both from the environment. Passwords are never printed.
    #[arg(long)]
    pub basic: bool,
    /// Read user and password from FILE, a line each
    ///
    /// As --user, with both from the file. --user takes precedence over the first line.
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
}

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
    /// The default is GET, POST with --data, and HEAD with --head.
    #[arg(short = 'X', long, value_name = "METHOD", value_parser = canvass_proto::http::parse_method, help_heading = heading::QUESTION)]
    pub request: Option<Box<str>>,
    /// Ask for the head alone, with HEAD
    #[arg(short = 'I', long, conflicts_with_all = ["data", "request"], help_heading = heading::QUESTION)]
    pub head: bool,
    /// Send this header, as curl does (may repeat)
    ///
    /// `Name: value` sends a header, `Name:` omits one that would be sent, and `Name;` sends it
    /// empty. After a redirect, Host is sent to the first host only, and credentials and cookies to
    /// the first origin.
    #[arg(short = 'H', long, value_name = "HEADER", help_heading = heading::QUESTION)]
    pub header: Vec<RequestHeader>,
    /// Send this body, or that of @FILE
    #[arg(short, long, value_name = "DATA", help_heading = heading::QUESTION)]
    pub data: Option<String>,
    /// Use HTTP/1.0 instead of HTTP/1.1
    #[arg(long = "http1.0", help_heading = heading::QUESTION)]
    pub http_1_0: bool,
    /// Send dot segments of the path as given
    ///
    /// Without it, http://h/a/../b asks for /b. It does not apply to redirects.
    #[arg(long, help_heading = heading::QUESTION)]
    pub path_as_is: bool,
    #[command(flatten)]
    pub credentials: BasicArgs,
    /// Follow redirects, at most 50
    #[arg(short = 'L', long, help_heading = heading::QUESTION)]
    pub location: bool,
    /// Follow at most N redirects
    ///
    /// The default is 0, or 50 with --location. Phases are summed over all hops. Credentials and
    /// cookies are not sent to another scheme, host or port.
    #[arg(long, value_name = "N", help_heading = heading::QUESTION)]
    pub follow: Option<u32>,
    /// Send the cookies that were received
    ///
    /// Each target has a jar of its own, for its redirects and its --repeat requests.
    #[arg(long, help_heading = heading::QUESTION)]
    pub cookies: bool,
    /// Send N requests to each target
    ///
    /// They use one connection for as long as the server keeps it. Each request has a line.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), help_heading = heading::QUESTION)]
    pub repeat: u32,

    #[command(flatten)]
    pub expect: ExpectArgs,
    #[command(flatten)]
    pub extras: ExtrasArgs,

    /// Keep bodies in DIR, one file for each answer
    ///
    /// Bodies are decoded. A file is named by the `seq` of its line: 0.body, or 0-1.body with
    /// --repeat. Where a body cannot be kept, its line says why, and the exit status is 3.
    #[arg(long, value_name = "DIR", help_heading = heading::OUTPUT)]
    pub save: Option<PathBuf>,

    #[command(flatten)]
    pub ports: PortsArgs,
    #[command(flatten)]
    pub host: HostArgs,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub proxy: ProxyArgs,
    #[command(flatten)]
    pub run: RunArgs,

    /// Accept only responses that keep the rules
    ///
    /// By default a response that breaks them is accepted if curl or Go accept it and it has only
    /// one reading; `warnings` of its line then says what is wrong with it. With this flag it is
    /// MALFORMED.
    #[arg(long, help_heading = heading::ADVANCED)]
    pub strict_http: bool,
    /// Connect to the socket at PATH for every URL
    #[arg(long, value_name = "PATH", conflicts_with_all = ["proxy", "proxy_from_environment"],
          help_heading = heading::ADVANCED)]
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
    /// Limit the header lines
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..), help_heading = heading::LIMITS)]
    pub head_lines_max: u32,
    /// Limit the interim responses
    ///
    /// Those are the responses with a status code of 1xx that come before the answer.
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = heading::LIMITS)]
    pub interim_max: u32,
    /// Limit the content codings of a body
    #[arg(long, value_name = "N", default_value_t = 4, help_heading = heading::LIMITS)]
    pub codings_max: u32,
}
