//! Paths and queries of request targets (RFC 3986 §3.3, §3.4).

use percent_encoding::percent_decode_str;

/// A request target, not decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    path: &'a str,
    query: &'a str,
}

impl<'a> Target<'a> {
    pub(super) fn new(target: &'a str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { path, query }
    }

    /// The first segment of the path, and the rest.
    pub(super) fn parts(self) -> (&'a str, &'a str) {
        let path = self.path.strip_prefix('/').unwrap_or(self.path);
        path.split_once('/').unwrap_or((path, ""))
    }

    /// The decoded value of a key of the query.
    pub(super) fn value(self, key: &str) -> Option<String> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
    }

    /// The value of a key of the query as a number.
    pub(super) fn number(self, key: &str) -> Option<u64> {
        self.value(key)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_split() {
        let target = Target::new("/redirect-to?url=http%3A%2f%2Fa/b%zz&code=307&empty=");
        assert_eq!(target.parts(), ("redirect-to", ""));
        assert_eq!(target.value("url").unwrap(), "http://a/b%zz");
        assert_eq!(target.number("code"), Some(307));
        assert_eq!(target.value("empty").unwrap(), "");
        assert_eq!(target.value("none"), None);
        assert_eq!(Target::new("/status/204").parts(), ("status", "204"));
        assert_eq!(Target::new("/").parts(), ("", ""));
    }
}
