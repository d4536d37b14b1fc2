//! What must be the same when a run is resumed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use canvass_journal::{BoundValue, DiskError};
use sha2::{Digest, Sha256};

use super::flags::{GivenFlag, GivenFlags};
use crate::command_line;

/// Flags that change who is asked, how fast, how patiently, or what is shown: not what the lines mean.
/// Whatever is not here is bound.
const FREE: [&str; 35] = [
    "journal",
    "resume",
    "resolver",
    "lab",
    "rate",
    "rate-per-resolver",
    "rate-per-host",
    "concurrency",
    "per-host",
    "retries",
    "deadline",
    "timeout",
    "resolve-timeout",
    "connect-timeout",
    "tls-timeout",
    "first-byte-timeout",
    "transfer-timeout",
    "bind",
    "ttl",
    "rcvbuf",
    "sndbuf",
    "nodelay",
    "keepalive",
    "linger",
    "threads",
    "progress",
    "quiet",
    "verbose",
    "trace",
    "dry-run",
    "fail-below",
    "strict",
    "hgrm",
    "html",
    "credentials",
];
/// Flags that are bound in another form than they are given.
const INPUT: &str = "input";
const SHUFFLE: &str = "shuffle";
/// Outputs that are written during the run. The others are made from counts at its end.
const OUTPUTS: [&str; 3] = ["output", "hlog", "save"];
/// Flags whose value may be a file that says what is asked.
const CONTENTS: [&str; 3] = ["exclude", "talk", "data"];
/// The characters of a value that are shown.
const SHOWN_CHARS_MAX: usize = 100;
/// The names of the command and of the list among the values.
pub(super) const COMMAND: &str = "the command";
pub(super) const LIST: &str = "the list";
const READ_OCTETS: usize = 256 * 1024;

/// The list of a run, as far as it is known before it is read.
pub(crate) enum ListIdentity {
    /// There is none: all targets are arguments.
    None,
    /// A regular file.
    File(PathBuf),
    /// It can be read only once, and is recognised by what was read of it.
    Stream,
}

/// The values that are bound. `seed` is that of the order.
pub(super) fn values(
    given: &GivenFlags,
    list: &ListIdentity,
    seed: Option<u64>,
) -> Result<Vec<BoundValue>, DiskError> {
    let mut values = vec![BoundValue::new(COMMAND, &given.command, &*given.command)];
    let list = match list {
        ListIdentity::None => None,
        ListIdentity::Stream => Some("a stream".to_owned()),
        ListIdentity::File(path) => Some(fingerprint(path)?),
    };
    values.extend(list.map(|list| BoundValue::new(LIST, list.clone(), list)));
    let order = match seed {
        Some(seed) => format!("={seed}"),
        None => "not given".into(),
    };
    values.push(BoundValue::new("--shuffle", order.clone(), order));
    let takes_resolvers = ["ptr", "dns"].contains(&&*given.command);
    for flag in &given.flags {
        let name = flag.name.as_str();
        if FREE.contains(&name) || [INPUT, SHUFFLE].contains(&name) {
            continue;
        }
        values.push(if flag.is_positional {
            targets(flag, takes_resolvers)
        } else {
            bound(flag)?
        });
    }
    Ok(values)
}

/// The targets that are arguments. In lookups, `@ADDR` is a resolver.
fn targets(flag: &GivenFlag, takes_resolvers: bool) -> BoundValue {
    let mut digest = Sha256::new();
    let mut count = 0;
    for value in &flag.values {
        if takes_resolvers && value.as_bytes().starts_with(b"@") {
            continue;
        }
        count += 1;
        digest.update(value.as_bytes());
        digest.update([0]);
    }
    let noun = if count == 1 { "argument" } else { "arguments" };
    let shown = format!("{count} {noun}, sha256 {:x}", digest.finalize());
    BoundValue::new("targets", shown.clone(), shown)
}

fn bound(flag: &GivenFlag) -> Result<BoundValue, DiskError> {
    let name = flag.name.as_str();
    let mut octets = flag.octets();
    let mut shown = shown(flag);
    if OUTPUTS.contains(&name)
        && let Some(path) = flag.values.last()
    {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        octets = path.as_os_str().as_bytes().to_vec();
        shown = path.display().to_string();
    }
    if CONTENTS.contains(&name) {
        for value in &flag.values {
            if let Some(path) = file_of(value) {
                octets.extend_from_slice(fingerprint(path)?.as_bytes());
            }
        }
    }
    Ok(BoundValue::new(format!("--{name}"), shown, octets))
}

/// What a person may see of a flag.
fn shown(flag: &GivenFlag) -> String {
    if flag.is_switch {
        let is_set = flag.values.iter().any(|value| value == "true");
        return if is_set { "given" } else { "not given" }.into();
    }
    if command_line::is_secret(&flag.name) {
        return command_line::MASK.into();
    }
    let values: Vec<String> = flag
        .values
        .iter()
        .map(|value| command_line::without_credentials(&value.to_string_lossy()))
        .collect();
    let text = values.join(", ");
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// The file that a value names, with the `@` of `--data`.
fn file_of(value: &OsStr) -> Option<&Path> {
    let octets = value.as_bytes();
    let octets = octets.strip_prefix(b"@").unwrap_or(octets);
    let path = Path::new(OsStr::from_bytes(octets));
    path.is_file().then_some(path)
}

/// The length and the digest of a file.
fn fingerprint(path: &Path) -> Result<String, DiskError> {
    let digest = || -> io::Result<(u64, Sha256)> {
        let mut file = File::open(path)?;
        let mut digest = Sha256::new();
        let mut octets = 0;
        let mut buffer = vec![0; READ_OCTETS];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok((octets, digest)),
                Ok(count) => {
                    digest.update(&buffer[..count]);
                    octets += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    match digest() {
        Ok((octets, digest)) => Ok(format!("{octets} octets, sha256 {:x}", digest.finalize())),
        Err(source) => Err(DiskError {
            operation: "read",
            name: path.display().to_string().into(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    fn bound(line: &str) -> Vec<BoundValue> {
        let words = std::iter::once("canvass").chain(line.split(' '));
        let matches = Cli::command().try_get_matches_from(words).unwrap();
        let given = GivenFlags::of(&matches);
        values(&given, &ListIdentity::None, None).unwrap()
    }

    /// The names and digests of what is bound.
    fn same(one: &str, other: &str) -> bool {
        let pairs = |line| -> Vec<_> {
            let values = bound(line).into_iter();
            values.map(|value| (value.name, value.octets)).collect()
        };
        pairs(one) == pairs(other)
    }

    #[test]
    fn what_changes_the_lines_is_bound_and_nothing_else() {
        let ptr = "ptr 192.0.2.1 -o a";
        for free in [
            "ptr 192.0.2.1 -o a -f text",
            "ptr 192.0.2.1 @192.0.2.53 -o a",
            "ptr 192.0.2.1 -o a -r 192.0.2.53 --rate 5 --retries 1 --deadline 1s -q --threads 2",
            "ptr 192.0.2.1 -o a --journal j --hgrm h --html p --lab",
            "ptr 192.0.2.1 -o a --resume j",
            "ptr 192.0.2.1 -o a --dry-run --no-config",
        ] {
            assert!(same(ptr, free), "{free}");
        }
        for other in [
            "dns 192.0.2.1 -o a",
            "ptr 192.0.2.2 -o a",
            "ptr 192.0.2.1 192.0.2.1 -o a",
            "ptr 192.0.2.1 -o b",
            "ptr 192.0.2.1 -o a -f csv",
            "ptr 192.0.2.1 -o a --forward-confirm",
            "ptr 192.0.2.1 -o a --transport tcp",
            "ptr 192.0.2.1 -o a --limit 5",
            "ptr 192.0.2.1 -o a --only failed",
            "ptr 192.0.2.1 -o a --hide-status TIMEOUT",
            "ptr 192.0.2.1 -o a --from names",
            "ptr 192.0.2.1 -o a --hlog h",
        ] {
            assert!(!same(ptr, other), "{other}");
        }
        let http = "http x.example -H a:1";
        assert!(!same(http, "http x.example -H a:2"));
        assert!(!same(http, "http x.example -H a:1 --repeat 2"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let line = "http https://me:hunter2@x.example/ -H Cookie:hunter2 -d hunter2 \
                    --proxy http://me:hunter2@192.0.2.1:80";
        for value in bound(line) {
            assert!(
                !value.shown.contains("hunter2"),
                "{}: {}",
                value.name,
                value.shown
            );
        }
    }

    #[test]
    fn every_free_flag_exists() {
        let cli = Cli::command();
        let commands: Vec<_> = cli.get_subcommands().collect();
        for free in FREE {
            let is_flag = commands
                .iter()
                .flat_map(|command| command.get_arguments())
                .any(|flag| flag.get_long() == Some(free));
            assert!(is_flag, "--{free}");
        }
    }
}
