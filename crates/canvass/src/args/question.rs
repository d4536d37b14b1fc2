//! The flags for how `ptr` and `dns` ask resolvers.

use std::net::SocketAddr;

use canvass_model::{Class, ClientSubnet};
use canvass_queue::parse_local_address;
use clap::Args;

use super::heading;

/// The flags for how `ptr` and `dns` ask resolvers. Their names are those of dig's options.
#[derive(Debug, Args)]
pub(crate) struct QuestionArgs {
    /// Ask in this class, such as CH
    ///
    /// IN, CH, HS, NONE, ANY or CLASSnnn. CH is the class in which servers describe themselves:
    /// `dns version.bind -t TXT --class CH`.
    #[arg(long, value_name = "CLASS", default_value = "IN", help_heading = heading::QUESTION)]
    pub class: Class,
    /// Ask for DNSSEC records (DO)
    ///
    /// Signatures are then among the answers of `dns`, and the flag ad says that the resolver has
    /// validated them.
    #[arg(long, help_heading = heading::QUESTION)]
    pub dnssec: bool,
    /// Ask the resolver not to validate (CD)
    ///
    /// A name whose signatures are bogus then has its records instead of SERVFAIL.
    #[arg(long, help_heading = heading::QUESTION)]
    pub cd: bool,
    /// Ask without recursion (no RD)
    ///
    /// A resolver then answers from its cache, and an authoritative server from its zones.
    #[arg(long, help_heading = heading::QUESTION)]
    pub no_recurse: bool,
    /// Ask without EDNS(0)
    ///
    /// Without this flag it is used unless a resolver turns out not to support it. --dnssec,
    /// --nsid and --subnet need it.
    #[arg(long, conflicts_with_all = ["dnssec", "nsid", "subnet"], help_heading = heading::QUESTION)]
    pub no_edns: bool,
    /// Ask the server for its identifier
    ///
    /// It tells which of the servers behind one address has answered (RFC 5001).
    #[arg(long, help_heading = heading::QUESTION)]
    pub nsid: bool,
    /// Send this client subnet
    ///
    /// The resolver answers as for a client in this network (RFC 7871), if it supports that. ADDR
    /// alone is a subnet of one address. The bits after the prefix are not sent. 0 asks the
    /// resolver to disclose no client address.
    #[arg(long, value_name = "ADDR/LEN", help_heading = heading::QUESTION)]
    pub subnet: Option<ClientSubnet>,
    /// Ask about the target where an answer is only an alias
    ///
    /// Resolvers look targets up by themselves; a server that does not recurse answers with the
    /// CNAME alone, such as that of a reverse zone delegated as in RFC 2317. With this flag the
    /// same resolvers are asked about the target, up to 16 aliases in a row within the deadline,
    /// and their answer about the last one is the result.
    #[arg(long, help_heading = heading::QUESTION)]
    pub follow_cname: bool,
    /// Send queries from this local address
    ///
    /// It must be of the family of every resolver.
    #[arg(long, value_name = "ADDR", help_heading = heading::QUESTION, value_parser = parse_local_address)]
    pub bind: Option<SocketAddr>,
    /// Show authority and additional records too
    ///
    /// They are the columns or fields `authority` and `additional`. Lines of `ptr` then have the
    /// header flags too.
    #[arg(long, help_heading = heading::QUESTION)]
    pub sections: bool,
}
