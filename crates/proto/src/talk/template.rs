//! Text with places in it that are filled in while a conversation lasts.

use regex::bytes::Regex;

use super::line_match::Group;
use super::{Credentials, SEND_BYTES_MAX};

/// Text with places in it.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    /// What a group of the `expect` at this place in the script found.
    Group {
        place: usize,
        group: usize,
    },
    Nonce,
    User,
    UserQuoted,
    Password,
    PasswordQuoted,
}

/// What a template may speak of.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The last `expect`, with its place in the script.
    pub(super) expect: Option<(usize, &'a Regex)>,
    /// `$name` and `$$` mean something too, as they do to Go's `Regexp.Expand`.
    pub(super) bare: bool,
    /// What else it may speak of.
    pub(super) beyond: Beyond,
}

/// What a template may speak of beside groups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Beyond {
    /// Nothing.
    Nothing,
    /// The nonce.
    Nonce,
    /// The nonce and the credentials.
    Credentials,
}

/// What places are filled with.
#[derive(Clone, Copy)]
pub(super) struct Expansion<'a> {
    /// The last `expect` that matched, by its place, with what its groups found.
    pub(super) found: Option<(usize, &'a [Group])>,
    pub(super) credentials: Option<&'a Credentials>,
    pub(super) nonce: u64,
}

/// Why a template could not be filled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpandError {
    /// It speaks of credentials, and there are none.
    NoCredentials,
    /// It became larger than may be.
    Oversize,
}

/// The words that are not names of groups.
pub(super) const RESERVED: [&str; 3] = ["nonce", "user", "password"];

impl Template {
    /// Text without places.
    pub(super) fn literal(octets: Vec<u8>) -> Self {
        Self {
            parts: vec![Part::Text(octets)],
        }
    }

    /// Reads a template. The error says what it speaks of that it may not.
    pub(super) fn parse(source: &[u8], scope: Scope<'_>) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = Vec::new();
        let mut rest = source;
        while let Some((&octet, after)) = rest.split_first() {
            rest = after;
            if octet != b'$' {
                text.push(octet);
                continue;
            }
            let name;
            if let Some(inner) = after.strip_prefix(b"{") {
                let end = inner.iter().position(|octet| *octet == b'}');
                let end = end.ok_or("a `${` has no `}`")?;
                (name, rest) = (&inner[..end], &inner[end + 1..]);
            } else if after.starts_with(b"${") || (scope.bare && after.starts_with(b"$")) {
                text.push(b'$');
                rest = &after[1..];
                // What follows an escaped `${` is text, its brace included.
                if let Some(inner) = rest.strip_prefix(b"{") {
                    text.push(b'{');
                    rest = inner;
                }
                continue;
            } else {
                let is_word = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'_';
                let length = after.iter().take_while(|octet| is_word(octet)).count();
                if !scope.bare || length == 0 {
                    text.push(b'$');
                    continue;
                }
                (name, rest) = after.split_at(length);
            }
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(part(&String::from_utf8_lossy(name), scope)?);
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self { parts })
    }

    /// Whether it speaks of credentials.
    pub(super) fn needs_credentials(&self) -> bool {
        self.parts.iter().any(|part| {
            matches!(
                part,
                Part::User | Part::UserQuoted | Part::Password | Part::PasswordQuoted
            )
        })
    }

    /// Appends it to `out`, with its places filled. In an error `out` is as it was.
    pub(super) fn fill(
        &self,
        filling: Expansion<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ExpandError> {
        let before = out.len();
        for part in &self.parts {
            let filled = part.fill(filling, out);
            let filled = match filled {
                Ok(()) if out.len() - before > SEND_BYTES_MAX => Err(ExpandError::Oversize),
                other => other,
            };
            if filled.is_err() {
                out.truncate(before);
                return filled;
            }
        }
        Ok(())
    }
}

impl Part {
    fn fill(&self, filling: Expansion<'_>, out: &mut Vec<u8>) -> Result<(), ExpandError> {
        let credentials = || filling.credentials.ok_or(ExpandError::NoCredentials);
        match self {
            Self::Text(text) => out.extend_from_slice(text),
            Self::Group { place, group } => {
                // An `expect` that was left out has found nothing.
                if let Some((at, groups)) = filling.found
                    && at == *place
                    && let Some(Some(found)) = groups.get(*group)
                {
                    out.extend_from_slice(found);
                }
            }
            Self::Nonce => out.extend_from_slice(format!("{:016x}", filling.nonce).as_bytes()),
            Self::User => out.extend_from_slice(credentials()?.user().as_bytes()),
            Self::UserQuoted => out.extend_from_slice(credentials()?.user_quoted().as_bytes()),
            Self::Password => out.extend_from_slice(credentials()?.password().as_bytes()),
            Self::PasswordQuoted => {
                out.extend_from_slice(credentials()?.password_quoted().as_bytes());
            }
        }
        Ok(())
    }
}

fn part(name: &str, scope: Scope<'_>) -> Result<Part, String> {
    let known = match name {
        "nonce" => Some((Part::Nonce, Beyond::Nonce)),
        "user" => Some((Part::User, Beyond::Credentials)),
        "user.quoted" => Some((Part::UserQuoted, Beyond::Credentials)),
        "password" => Some((Part::Password, Beyond::Credentials)),
        "password.quoted" => Some((Part::PasswordQuoted, Beyond::Credentials)),
        _ => None,
    };
    if let Some((part, needed)) = known {
        if scope.beyond < needed {
            return Err(format!("`${{{name}}}` cannot stand here"));
        }
        return Ok(part);
    }
    if name.starts_with("env:") {
        return Err(format!(
            "`${{{name}}}`: a script cannot read the environment; credentials are `${{user}}` and `${{password}}`"
        ));
    }
    let Some((place, regex)) = scope.expect else {
        return Err(format!("`${{{name}}}` has no `expect` before it"));
    };
    let group = match name.parse::<usize>() {
        Ok(number) => (number < regex.captures_len()).then_some(number),
        Err(_) => regex.capture_names().position(|group| group == Some(name)),
    };
    let group = group
        .ok_or_else(|| format!("`${{{name}}}` is no group of the last `expect`, /{regex}/"))?;
    Ok(Part::Group { place, group })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(source: &str, bare: bool) -> Result<String, String> {
        let regex = Regex::new("(a)(?P<second>b)(c)?").unwrap();
        let template = Template::parse(
            source.as_bytes(),
            Scope {
                expect: Some((3, &regex)),
                bare,
                beyond: Beyond::Credentials,
            },
        )?;
        let groups =
            [Some(&b"ab"[..]), Some(b"a"), Some(b"b"), None].map(|group| group.map(Box::from));
        let credentials = Credentials::new("me", "it").unwrap();
        let filling = Expansion {
            found: Some((3, &groups)),
            credentials: Some(&credentials),
            nonce: 0xbeef,
        };
        let mut out = Vec::new();
        template
            .fill(filling, &mut out)
            .map_err(|error| format!("{error:?}"))?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn places_are_filled() {
        for (source, out) in [
            ("PONG ${1}", "PONG a"),
            ("${0}-${second}-${3}-", "ab-b--"),
            ("${user} ${password} ${user.quoted}", "me it \"me\""),
            ("${nonce}", "000000000000beef"),
            ("$1 costs $$5 $", "$1 costs $$5 $"),
            ("$${1}", "${1}"),
        ] {
            assert_eq!(filled(source, false).as_deref(), Ok(out), "{source}");
        }
    }

    #[test]
    fn beside_an_expect_dollars_mean_what_they_mean_to_go() {
        for (source, out) in [
            ("$1 costs $$5", "a costs $5"),
            ("$second.", "b."),
            ("a $ b", "a $ b"),
            ("$", "$"),
            ("$$$1", "$a"),
            ("$${1}", "${1}"),
        ] {
            assert_eq!(filled(source, true).as_deref(), Ok(out), "{source}");
        }
        assert!(filled("$1x", true).unwrap_err().contains("`${1x}`"));
    }

    #[test]
    fn what_there_is_not_is_refused() {
        for (source, reason) in [
            (
                "${4}",
                "`${4}` is no group of the last `expect`, /(a)(?P<second>b)(c)?/",
            ),
            ("${third}", "`${third}` is no group of"),
            ("${", "a `${` has no `}`"),
            ("${env:HOME}", "a script cannot read the environment"),
        ] {
            let error = filled(source, false).unwrap_err();
            assert!(error.contains(reason), "{source}: {error}");
        }
    }

    #[test]
    fn nothing_grows_beyond_its_limit() {
        let regex = Regex::new("(.*)").unwrap();
        let scope = Scope {
            expect: Some((0, &regex)),
            bare: false,
            beyond: Beyond::Nothing,
        };
        let template = Template::parse("${1}".repeat(40).as_bytes(), scope).unwrap();
        let groups = [None, Some(vec![b'x'; SEND_BYTES_MAX / 39].into())];
        let filling = Expansion {
            found: Some((0, &groups)),
            credentials: None,
            nonce: 0,
        };
        let mut out = b"before".to_vec();
        assert_eq!(template.fill(filling, &mut out), Err(ExpandError::Oversize));
        assert_eq!(out, b"before");
    }
}
