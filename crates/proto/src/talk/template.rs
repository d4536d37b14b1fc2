//! Templates: text with variables.

use super::line_match::Group;
use super::pattern::Pattern;
use super::{Credentials, SEND_BYTES_MAX};

/// Text with variables.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    /// A group of the `expect` or `match` at this place in the script.
    Group {
        index: usize,
        group: usize,
    },
    Nonce,
    User,
    UserQuoted,
    Password,
    PasswordQuoted,
    /// The text of the script.
    Given,
}

/// The variables that a template can use.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The last `expect` or `match`, and its place in the script.
    pub(super) expect: Option<(usize, &'a Pattern)>,
    /// Whether `$name` and `$$` are special too, as in Go's `Regexp.Expand`.
    pub(super) bare: bool,
    /// The variables besides groups.
    pub(super) variables: Variables,
    /// Whether the script has a text, which is a variable too then.
    pub(super) has_text: bool,
}

/// The variables besides groups that a template can use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Variables {
    /// None.
    None,
    /// The nonce.
    Nonce,
    /// The nonce and the credentials.
    Credentials,
}

/// The values of variables.
#[derive(Clone, Copy)]
pub(super) struct Expansion<'a> {
    /// The place of the last `expect` or `match` that matched, and its groups.
    pub(super) found: Option<(usize, &'a [Group])>,
    pub(super) credentials: Option<&'a Credentials>,
    pub(super) nonce: u64,
    pub(super) text: Option<&'a str>,
}

/// Why a template cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpandError {
    /// It uses credentials, and there are none.
    NoCredentials,
    /// The result is too large.
    Oversize,
}

/// Names that groups cannot have.
pub(super) const RESERVED: [&str; 3] = ["nonce", "user", "password"];

impl Template {
    /// Text without variables.
    pub(super) fn literal(octets: Vec<u8>) -> Self {
        Self {
            parts: vec![Part::Text(octets)],
        }
    }

    /// Parses a template. The error names the variable that cannot be used.
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
                // An escaped `${` is text, and so is what follows it.
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

    /// Whether it uses credentials.
    pub(super) fn needs_credentials(&self) -> bool {
        self.parts.iter().any(|part| {
            matches!(
                part,
                Part::User | Part::UserQuoted | Part::Password | Part::PasswordQuoted
            )
        })
    }

    /// Whether it uses the text of the script.
    pub(super) fn uses_text(&self) -> bool {
        self.parts.contains(&Part::Given)
    }

    /// Appends the expanded text to `out`. After an error `out` is unchanged.
    pub(super) fn expand(
        &self,
        expansion: Expansion<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ExpandError> {
        let before = out.len();
        for part in &self.parts {
            let expanded = part.expand(expansion, out);
            let expanded = match expanded {
                Ok(()) if out.len() - before > SEND_BYTES_MAX => Err(ExpandError::Oversize),
                other => other,
            };
            if expanded.is_err() {
                out.truncate(before);
                return expanded;
            }
        }
        Ok(())
    }
}

impl Part {
    fn expand(&self, expansion: Expansion<'_>, out: &mut Vec<u8>) -> Result<(), ExpandError> {
        let credentials = || expansion.credentials.ok_or(ExpandError::NoCredentials);
        match self {
            Self::Text(text) => out.extend_from_slice(text),
            Self::Group { index, group } => {
                // An `expect` that was skipped has no groups.
                if let Some((at, groups)) = expansion.found
                    && at == *index
                    && let Some(Some(found)) = groups.get(*group)
                {
                    out.extend_from_slice(found);
                }
            }
            Self::Given => out.extend_from_slice(expansion.text.unwrap_or_default().as_bytes()),
            Self::Nonce => out.extend_from_slice(format!("{:016x}", expansion.nonce).as_bytes()),
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
        "nonce" => Some((Part::Nonce, Variables::Nonce)),
        "user" => Some((Part::User, Variables::Credentials)),
        "user.quoted" => Some((Part::UserQuoted, Variables::Credentials)),
        "password" => Some((Part::Password, Variables::Credentials)),
        "password.quoted" => Some((Part::PasswordQuoted, Variables::Credentials)),
        "text" if scope.has_text => Some((Part::Given, Variables::Nonce)),
        _ => None,
    };
    if let Some((part, needed)) = known {
        if scope.variables < needed {
            return Err(format!("`${{{name}}}` cannot stand here"));
        }
        return Ok(part);
    }
    if name.starts_with("env:") {
        return Err(format!(
            "`${{{name}}}`: a script cannot read the environment; credentials are `${{user}}` and `${{password}}`"
        ));
    }
    let Some((index, pattern)) = scope.expect else {
        return Err(format!("`${{{name}}}` has no `expect` before it"));
    };
    let group = match name.parse::<usize>() {
        Ok(number) => (number < pattern.captures_len()).then_some(number),
        Err(_) => pattern
            .capture_names()
            .position(|group| group == Some(name)),
    };
    let group = group
        .ok_or_else(|| format!("`${{{name}}}` is no group of the last `expect`, /{pattern}/"))?;
    Ok(Part::Group { index, group })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(source: &str, bare: bool) -> Result<String, String> {
        let pattern = Pattern::parse("(a)(?P<second>b)(c)?").unwrap();
        let template = Template::parse(
            source.as_bytes(),
            Scope {
                expect: Some((3, &pattern)),
                bare,
                variables: Variables::Credentials,
                has_text: true,
            },
        )?;
        let groups =
            [Some(&b"ab"[..]), Some(b"a"), Some(b"b"), None].map(|group| group.map(Box::from));
        let credentials = Credentials::new("me", "it").unwrap();
        let expansion = Expansion {
            found: Some((3, &groups)),
            credentials: Some(&credentials),
            nonce: 0xbeef,
            text: Some("typed"),
        };
        let mut out = Vec::new();
        template
            .expand(expansion, &mut out)
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
            ("<${text}>", "<typed>"),
            ("$1 costs $$5 $", "$1 costs $$5 $"),
            ("$${1}", "${1}"),
        ] {
            assert_eq!(expanded(source, false).as_deref(), Ok(out), "{source}");
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
            assert_eq!(expanded(source, true).as_deref(), Ok(out), "{source}");
        }
        assert!(expanded("$1x", true).unwrap_err().contains("`${1x}`"));
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
            let error = expanded(source, false).unwrap_err();
            assert!(error.contains(reason), "{source}: {error}");
        }
    }

    #[test]
    fn nothing_grows_beyond_its_limit() {
        let pattern = Pattern::parse("(.*)").unwrap();
        let scope = Scope {
            expect: Some((0, &pattern)),
            bare: false,
            variables: Variables::None,
            has_text: false,
        };
        let template = Template::parse("${1}".repeat(40).as_bytes(), scope).unwrap();
        let groups = [None, Some(vec![b'x'; SEND_BYTES_MAX / 39].into())];
        let expansion = Expansion {
            found: Some((0, &groups)),
            credentials: None,
            nonce: 0,
            text: None,
        };
        let mut out = b"before".to_vec();
        assert_eq!(
            template.expand(expansion, &mut out),
            Err(ExpandError::Oversize)
        );
        assert_eq!(out, b"before");
    }
}
