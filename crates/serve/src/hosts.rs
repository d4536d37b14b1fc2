//! Which values of the `Host` header a request may have.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, Uri, header};

/// The names that a request may give for the host.
///
/// A web page elsewhere can let its own name lead to this machine, and then a browser takes the
/// listener for a part of that page. Such a request has that name in `Host`. An address cannot be
/// redirected like that, so every address is allowed.
#[derive(Clone, Debug)]
pub(crate) struct AllowedHosts(Box<[Box<str>]>);

impl AllowedHosts {
    /// Allows `names` beside `localhost`.
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().map(String::into_boxed_str).collect())
    }

    /// Checks the host of a request (RFC 9112 section 3.2).
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), StatusCode> {
        let mut fields = headers.get_all(header::HOST).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else {
            return Err(StatusCode::BAD_REQUEST);
        };
        let field = field.to_str().map_err(|_| StatusCode::BAD_REQUEST)?;
        let absolute = uri.authority().map(|authority| authority.as_str());
        if std::iter::once(field)
            .chain(absolute)
            .all(|one| self.has(one))
        {
            Ok(())
        } else {
            Err(StatusCode::MISDIRECTED_REQUEST)
        }
    }

    /// Whether `authority`, a host with or without a port, is allowed.
    fn has(&self, authority: &str) -> bool {
        let host = without_port(authority);
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if bare.unwrap_or(host).parse::<IpAddr>().is_ok() {
            return true;
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        let mut names = std::iter::once("localhost").chain(self.0.iter().map(|name| &**name));
        names.any(|name| name.eq_ignore_ascii_case(host))
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, hosts: &[&str]) -> Result<(), u16> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().unwrap());
        }
        let allowed = AllowedHosts::new(["status.example.net".to_owned()]);
        allowed
            .check(&uri.parse().unwrap(), &headers)
            .map_err(|status| status.as_u16())
    }

    #[test]
    fn addresses_localhost_and_listed_names_are_allowed() {
        for host in [
            "127.0.0.1:9115",
            "192.0.2.1",
            "[::1]:9115",
            "localhost:9115",
            "LOCALHOST",
            "status.example.net:80",
            "Status.Example.Net.",
        ] {
            assert_eq!(check("/", &[host]), Ok(()), "{host}");
        }
    }

    #[test]
    fn another_name_is_refused() {
        for host in [
            "rebound.example.org:9115",
            "localhost.example.org",
            "127.0.0.1.example.org",
            "status.example.net.example.org",
            "user@localhost",
            "",
        ] {
            assert_eq!(check("/", &[host]), Err(421), "{host}");
        }
        let absolute = "http://rebound.example.org/metrics";
        assert_eq!(check(absolute, &["localhost"]), Err(421));
        assert_eq!(check("http://localhost/", &["localhost"]), Ok(()));
    }

    #[test]
    fn a_request_has_one_host() {
        assert_eq!(check("/", &[]), Err(400));
        assert_eq!(check("/", &["localhost", "localhost"]), Err(400));
    }
}
