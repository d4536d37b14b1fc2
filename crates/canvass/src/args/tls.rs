//! The flags of TLS.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::heading;

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
