//! What becomes of each flag of a command whose targets are probed by workers.

use Travel::{AsIs, Content, Header, OwnOfWorker, Proxy, Refused, Stays};

/// What becomes of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Travel {
    /// It says how to ask, or how lines are written: workers get it as it is.
    AsIs,
    /// Its value may name a file: workers get the content.
    Content(FileValue),
    /// A header, which must not be a credential.
    Header,
    /// The URL of a proxy, which must have no credentials.
    Proxy,
    /// It says that credentials are used. Each worker has its own.
    OwnOfWorker,
    /// It is for the submitter: targets, outputs, journal, what is said on standard error.
    Stays,
    /// It cannot be used, for this reason.
    Refused(&'static str),
}

/// How a value names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileValue {
    /// It is the path.
    Path,
    /// `@PATH`; anything else is no file.
    AfterAt,
    /// `PATH` or `PATH#MODULE`, unless it is the name of a preset.
    Script,
    /// A path, unless it is the address of a resolver.
    Resolver,
}

const NEEDS_OUTCOMES: &str = "only lines and figures come back from workers";
const OF_THIS_MACHINE: &str = "it is about this machine, and workers are elsewhere";

/// What becomes of every flag of every command with a list.
const TABLE: &[(&str, Travel)] = &[
    // Targets.
    ("input", Stays),
    ("from", Stays),
    ("field", Stays),
    ("delimiter", Stays),
    ("skip-lines", Stays),
    ("exclude", Stays),
    ("dedup", Stays),
    ("shuffle", Stays),
    ("shard", Stays),
    ("limit", Stays),
    ("strict", Stays),
    ("ports", AsIs),
    ("path-as-is", AsIs),
    // What to ask.
    ("forward-confirm", AsIs),
    ("type", AsIs),
    ("class", AsIs),
    ("dnssec", AsIs),
    ("cd", AsIs),
    ("no-recurse", AsIs),
    ("no-edns", AsIs),
    ("nsid", AsIs),
    ("subnet", AsIs),
    ("follow-cname", AsIs),
    ("sections", AsIs),
    ("request", AsIs),
    ("head", AsIs),
    ("header", Header),
    ("data", Content(FileValue::AfterAt)),
    ("http1.0", AsIs),
    ("location", AsIs),
    ("follow", AsIs),
    ("cookies", AsIs),
    ("repeat", AsIs),
    ("all-addresses", AsIs),
    ("ipv4", AsIs),
    ("ipv6", AsIs),
    ("talk", Content(FileValue::Script)),
    ("quiet-after", AsIs),
    ("tls", AsIs),
    ("window", AsIs),
    ("insecure", AsIs),
    ("cacert", Content(FileValue::Path)),
    ("server-name", AsIs),
    // Credentials.
    (
        "user",
        Refused(
            "credentials stay where they are; with --basic, each worker sends its own user and password",
        ),
    ),
    ("basic", AsIs),
    ("credentials", OwnOfWorker),
    ("cert", OwnOfWorker),
    ("key", OwnOfWorker),
    // What to expect.
    ("expect-status", AsIs),
    ("expect-header", AsIs),
    ("expect-body", AsIs),
    ("expect-not-body", AsIs),
    ("expect-json", AsIs),
    ("expect-cert-days", AsIs),
    ("expect-tls", AsIs),
    ("max-latency", AsIs),
    ("answers-contain", AsIs),
    ("answers-equal", AsIs),
    ("answers-min", AsIs),
    ("serial-min", AsIs),
    // Output.
    ("output", Stays),
    ("format", AsIs),
    ("only", AsIs),
    ("match-status", AsIs),
    ("hide-status", AsIs),
    ("dry-run", Stays),
    ("headers", AsIs),
    ("title", AsIs),
    ("body-sha256", AsIs),
    ("favicon", AsIs),
    ("chain", AsIs),
    ("save", Refused(NEEDS_OUTCOMES)),
    ("hlog", Stays),
    ("hgrm", Stays),
    ("html", Stays),
    ("progress", Stays),
    ("quiet", Stays),
    ("verbose", Stays),
    ("trace", Refused(NEEDS_OUTCOMES)),
    ("journal", Stays),
    ("resume", Stays),
    // Resolvers.
    ("resolver", Content(FileValue::Resolver)),
    // The addresses of its peers travel with the plan.
    ("lab", Stays),
    ("transport", AsIs),
    ("resolve", AsIs),
    // Limits.
    ("rate", AsIs),
    ("rate-per-resolver", AsIs),
    ("rate-per-host", AsIs),
    ("concurrency", AsIs),
    ("per-host", AsIs),
    ("retries", AsIs),
    ("deadline", AsIs),
    ("timeout", AsIs),
    ("resolve-timeout", AsIs),
    ("connect-timeout", AsIs),
    ("tls-timeout", AsIs),
    ("first-byte-timeout", AsIs),
    ("transfer-timeout", AsIs),
    ("fail-below", Stays),
    ("recheck", Refused(NEEDS_OUTCOMES)),
    ("body-max", AsIs),
    ("head-max", AsIs),
    ("head-lines-max", AsIs),
    ("interim-max", AsIs),
    ("codings-max", AsIs),
    // Workers.
    ("workers", Stays),
    ("workers-ca", Stays),
    ("campaign", Stays),
    ("workers-memory", Stays),
    ("keep-parts", Stays),
    // Advanced.
    ("threads", Stays),
    ("bind", Refused(OF_THIS_MACHINE)),
    ("ttl", AsIs),
    ("rcvbuf", AsIs),
    ("sndbuf", AsIs),
    ("nodelay", AsIs),
    ("keepalive", AsIs),
    ("linger", AsIs),
    ("connect-to", AsIs),
    ("roots", AsIs),
    ("tls-min", AsIs),
    ("tls-max", AsIs),
    ("proxy", Proxy),
    ("proxy-from-environment", AsIs),
    ("proxy-protocol", AsIs),
    ("strict-http", AsIs),
    ("unix-socket", Refused(OF_THIS_MACHINE)),
];

/// What becomes of a flag, by its long name.
pub(super) fn of(flag: &str) -> Travel {
    let found = TABLE.iter().find(|(name, _)| *name == flag);
    found.map_or(Refused("workers do not know it"), |(_, travel)| *travel)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::super::COMMANDS;
    use super::*;
    use crate::args::Cli;

    /// The flags of the commands with a list, without those for help.
    fn flags() -> BTreeSet<String> {
        let cli = Cli::command();
        let commands = COMMANDS
            .iter()
            .map(|name| cli.find_subcommand(name).unwrap());
        let flags = commands.flat_map(|command| command.get_arguments());
        let flags = flags.filter(|flag| !flag.is_positional());
        flags
            .map(|flag| flag.get_long().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn every_flag_has_its_place_in_the_table_once() {
        let known: BTreeSet<_> = TABLE.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(known.len(), TABLE.len());
        let missing: Vec<_> = flags().difference(&known).cloned().collect();
        assert!(missing.is_empty(), "not in the table: {missing:?}");
        let stale: Vec<_> = known.difference(&flags()).cloned().collect();
        assert!(stale.is_empty(), "no longer a flag: {stale:?}");
    }
}
