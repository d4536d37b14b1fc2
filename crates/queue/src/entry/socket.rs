//! Parses Unix domain sockets, `unix:PATH`.

use std::path::Path;

use canvass_model::Target;

use super::{Entry, Types};

/// The maximum length of a path: that of `sun_path` in unix(7) minus the NUL at its end.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Parses `unix:PATH`. `None` for any other text.
pub(super) fn parse(text: &str) -> Option<Result<Entry, String>> {
    let path = text.strip_prefix("unix:")?;
    let target = target(path, text);
    Some(target.map(|target| Entry::One(target, Types::Asked)))
}

/// The socket at `path`, which was given as `text`.
pub(super) fn target(path: &str, text: &str) -> Result<Target, String> {
    if path.is_empty() {
        return Err("the path after unix: is missing".to_owned());
    }
    if path.len() > SOCKET_PATH_BYTES_MAX {
        return Err(format!(
            "the socket path has {} bytes; the maximum is {SOCKET_PATH_BYTES_MAX}",
            path.len()
        ));
    }
    Ok(Target::Unix {
        path: Path::new(path).into(),
        given: text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_its_path() {
        let Some(Ok(Entry::One(Target::Unix { path, given }, Types::Asked))) =
            parse("unix:/run/a b.sock")
        else {
            panic!("not a socket");
        };
        assert_eq!(path.to_str(), Some("/run/a b.sock"));
        assert_eq!(&*given, "unix:/run/a b.sock");
        assert!(parse("/run/a.sock").is_none());
        assert!(parse("unix:").unwrap().is_err());
    }

    #[test]
    fn a_path_must_fit_an_address() {
        let path = "a".repeat(SOCKET_PATH_BYTES_MAX);
        assert!(parse(&format!("unix:{path}")).unwrap().is_ok());
        let reason = parse(&format!("unix:{path}b")).unwrap().unwrap_err();
        assert_eq!(reason, "the socket path has 108 bytes; the maximum is 107");
    }
}
