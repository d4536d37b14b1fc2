//! A cookie jar (RFC 6265), for the requests of one job.

use canvass_model::{Host, Url};
use cookie::Cookie;

use super::head::Head;

/// The most cookies in a jar: what a client should keep at least for a domain (RFC 6265 §6.1). The
/// oldest gives way to a new one.
const COOKIES_MAX: usize = 50;
/// The most octets of a `Set-Cookie` that is kept (RFC 6265 §6.1).
const COOKIE_BYTES_MAX: usize = 4_096;

/// The cookies that the servers of one job have set.
///
/// There is no list of public suffixes here: a cookie for a whole top-level domain is ignored, one
/// for `co.uk` is not.
#[derive(Debug, Default)]
pub struct CookieJar {
    /// In the order in which they were first set.
    cookies: Vec<Kept>,
}

/// A cookie and where it is sent (RFC 6265 §5.3).
struct Kept {
    name: Box<str>,
    value: Box<str>,
    /// The host that has set it, or a domain that it is for, too.
    domain: Box<str>,
    host_only: bool,
    path: Box<str>,
    secure: bool,
    /// In seconds since 1970.
    expires_s: Option<i64>,
}

impl CookieJar {
    /// Takes the cookies of a response from `url`, received `unix_now_s` seconds after 1970. What is
    /// not a cookie, or not for this server to set, is ignored.
    pub fn receive(&mut self, url: &Url, head: &Head, unix_now_s: i64) {
        for field in head.headers_named("Set-Cookie") {
            if let Some(kept) = Kept::parse(url, field, unix_now_s) {
                self.keep(kept, unix_now_s);
            }
        }
    }

    fn keep(&mut self, kept: Kept, unix_now_s: i64) {
        self.cookies.retain(|other| !other.is_expired(unix_now_s));
        let mut others = self.cookies.iter();
        let same = others.position(|other| other.is_replaced_by(&kept));
        match (same, kept.is_expired(unix_now_s)) {
            (Some(at), true) => drop(self.cookies.remove(at)),
            // It keeps its place (RFC 6265 §5.3, step 11.3).
            (Some(at), false) => self.cookies[at] = kept,
            (None, true) => {}
            (None, false) => {
                if self.cookies.len() == COOKIES_MAX {
                    self.cookies.remove(0);
                }
                self.cookies.push(kept);
            }
        }
    }

    /// The value of `Cookie` for a request to `url` (RFC 6265 §5.4); empty if no cookie is for it.
    pub fn cookies_for(&self, url: &Url, unix_now_s: i64) -> String {
        let mut suitable: Vec<_> = self
            .cookies
            .iter()
            .filter(|kept| kept.suits(url) && !kept.is_expired(unix_now_s))
            .collect();
        suitable.sort_by_key(|kept| std::cmp::Reverse(kept.path.len()));
        let mut line = String::new();
        for kept in suitable {
            if !line.is_empty() {
                line.push_str("; ");
            }
            line.extend([&kept.name, "=", &kept.value]);
        }
        line
    }
}

impl Kept {
    fn parse(url: &Url, field: &[u8], unix_now_s: i64) -> Option<Self> {
        if field.len() > COOKIE_BYTES_MAX {
            return None;
        }
        let cookie = Cookie::parse(std::str::from_utf8(field).ok()?).ok()?;
        let (name, value) = cookie.name_value();
        if [name, value]
            .concat()
            .bytes()
            .any(|octet| octet.is_ascii_control())
        {
            return None;
        }
        let secure = cookie.secure().unwrap_or(false);
        if secure && !is_secure(url) {
            return None;
        }
        let host = url.host_str()?;
        let domain = match cookie.domain() {
            Some(domain) if !domain.is_empty() => Some(domain.to_ascii_lowercase()),
            _ => None,
        };
        let domain = match domain.as_deref() {
            None => None,
            Some(domain) if domain == host => (!is_address(url)).then_some(domain),
            Some(domain) if is_under(host, domain) && !is_address(url) && domain.contains('.') => {
                Some(domain)
            }
            Some(_) => return None,
        };
        let path = cookie.path().filter(|path| path.starts_with('/'));
        // The prefixes of RFC 6265bis §4.1.3.
        let is_named = |prefix: &str| {
            let start = name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if is_named("__Secure-") && !secure
            || is_named("__Host-") && (!secure || domain.is_some() || path != Some("/"))
        {
            return None;
        }
        let max_age_s = cookie.max_age().map(|age| age.whole_seconds());
        let expires_s = match (max_age_s, cookie.expires_datetime()) {
            (Some(age_s), _) => Some(unix_now_s.saturating_add(age_s)),
            (None, Some(date)) => Some(date.unix_timestamp()),
            (None, None) => None,
        };
        Some(Self {
            name: name.into(),
            value: value.into(),
            host_only: domain.is_none(),
            domain: domain.unwrap_or(host).into(),
            path: path.unwrap_or_else(|| default_path(url)).into(),
            secure,
            expires_s,
        })
    }

    fn is_expired(&self, unix_now_s: i64) -> bool {
        self.expires_s
            .is_some_and(|expires_s| expires_s <= unix_now_s)
    }

    fn is_replaced_by(&self, other: &Self) -> bool {
        (&self.name, &self.domain, &self.path, self.host_only)
            == (&other.name, &other.domain, &other.path, other.host_only)
    }

    fn suits(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_domain = *self.domain == *host || !self.host_only && is_under(host, &self.domain);
        is_domain && path_matches(url.path(), &self.path) && (!self.secure || is_secure(url))
    }
}

impl std::fmt::Debug for Kept {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Whether a host is in a domain, and not the domain itself (RFC 6265 §5.1.3).
fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.ends_with('.'))
}

fn is_address(url: &Url) -> bool {
    Host::of_url(url).is_some_and(|host| host.address().is_some())
}

/// Whether a cookie for secure connections may be set and sent: over https, and to this machine, as
/// in curl and in browsers.
fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
        || Host::of_url(url).is_some_and(|host| match host {
            Host::Name(name) => &*name == "localhost",
            host => host.address().is_some_and(|address| address.is_loopback()),
        })
}

/// The directory of the request (RFC 6265 §5.1.4).
fn default_path(url: &Url) -> &str {
    match url.path().rfind('/') {
        None | Some(0) => "/",
        Some(end) => &url.path()[..end],
    }
}

/// RFC 6265 §5.1.4.
fn path_matches(path: &str, of_cookie: &str) -> bool {
    path.strip_prefix(of_cookie)
        .is_some_and(|rest| rest.is_empty() || of_cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpSettings;

    const NOW_S: i64 = 1_700_000_000;

    /// The cookies for `to` after `from` has set these.
    fn sent(from: &str, fields: &[&str], to: &str) -> String {
        let mut jar = CookieJar::default();
        receive(&mut jar, from, fields);
        jar.cookies_for(&to.parse().unwrap(), NOW_S)
    }

    fn receive(jar: &mut CookieJar, from: &str, fields: &[&str]) {
        let mut head = String::from("HTTP/1.1 200 OK\r\n");
        for field in fields {
            head.push_str(&format!("Set-Cookie: {field}\r\n"));
        }
        head.push_str("\r\n");
        let settings = HttpSettings::default();
        let head = Head::parse(head.into_bytes(), false, 0, &settings).unwrap();
        jar.receive(&from.parse().unwrap(), &head, NOW_S);
    }

    #[test]
    fn cookies_go_where_they_are_for() {
        for (from, field, to, is_sent) in [
            ("http://a.test/x/y", "c=1", "http://a.test/x/z", true),
            ("http://a.test/x/y", "c=1", "http://a.test/x", true),
            ("http://a.test/x/y", "c=1", "http://a.test/xz", false),
            ("http://a.test/x/y", "c=1", "http://a.test/", false),
            ("http://a.test/x/y", "c=1; Path=/", "http://a.test/", true),
            ("http://a.test/x/y", "c=1; Path=x", "http://a.test/x/", true),
            ("http://a.test/", "c=1", "http://a.test:81/", true),
            ("http://a.test/", "c=1", "http://b.a.test/", false),
            (
                "http://a.test/",
                "c=1; domain=.A.TEST",
                "http://b.a.test/",
                true,
            ),
            (
                "http://b.a.test/",
                "c=1; domain=a.test",
                "http://a.test/",
                true,
            ),
            (
                "http://b.a.test/",
                "c=1; domain=a.test",
                "http://ba.test/",
                false,
            ),
            (
                "http://a.test/",
                "c=1; domain=b.a.test",
                "http://b.a.test/",
                false,
            ),
            (
                "http://a.test/",
                "c=1; domain=b.test",
                "http://b.test/",
                false,
            ),
            (
                "http://a.test/",
                "c=1; domain=test",
                "http://b.test/",
                false,
            ),
            (
                "http://localhost/",
                "c=1; domain=localhost",
                "http://localhost/",
                true,
            ),
            (
                "http://192.0.2.1/",
                "c=1; domain=192.0.2.1",
                "http://192.0.2.1/",
                true,
            ),
            (
                "http://192.0.2.1/",
                "c=1; domain=2.1",
                "http://192.0.2.1/",
                false,
            ),
            ("https://a.test/", "c=1; secure", "https://a.test/", true),
            ("https://a.test/", "c=1; secure", "http://a.test/", false),
            ("http://a.test/", "c=1; secure", "https://a.test/", false),
            (
                "http://127.0.0.1/",
                "c=1; secure",
                "http://127.0.0.1/",
                true,
            ),
            (
                "https://a.test/",
                "__Host-c=1; secure; path=/",
                "https://a.test/",
                true,
            ),
            (
                "https://a.test/",
                "__Host-c=1; secure",
                "https://a.test/",
                false,
            ),
            ("https://a.test/", "__Secure-c=1", "https://a.test/", false),
            ("http://a.test/", "c=1; max-age=0", "http://a.test/", false),
            ("http://a.test/", "c=1; max-age=-5", "http://a.test/", false),
            ("http://a.test/", "c=1; max-age=5", "http://a.test/", true),
            (
                "http://a.test/",
                "c=1; expires=Wed, 21 Oct 2015 07:28:00 GMT",
                "http://a.test/",
                false,
            ),
            (
                "http://a.test/",
                "c=1; expires=Wed, 21 Oct 2015 07:28:00 GMT; max-age=5",
                "http://a.test/",
                true,
            ),
            (
                "http://a.test/",
                "c=1; expires=tomorrow",
                "http://a.test/",
                true,
            ),
            ("http://a.test/", "c", "http://a.test/", false),
            ("http://a.test/", "=1", "http://a.test/", false),
        ] {
            let cookies = sent(from, &[field], to);
            assert_eq!(!cookies.is_empty(), is_sent, "{from} {field:?} {to}");
        }
    }

    #[test]
    fn the_line_has_the_order_of_the_rfc() {
        let fields = ["a=1; path=/", "b=2", "c=3; path=/", "a=\"4 5\"; path=/"];
        assert_eq!(
            sent("http://h.test/x/y", &fields, "http://h.test/x/z"),
            "b=2; a=\"4 5\"; c=3"
        );
    }

    #[test]
    fn cookies_are_replaced_and_removed() {
        let mut jar = CookieJar::default();
        let url = "http://h.test/";
        let line = |jar: &CookieJar| jar.cookies_for(&url.parse().unwrap(), NOW_S);
        receive(&mut jar, url, &["a=1", "b=2; max-age=10"]);
        receive(&mut jar, url, &["a=3"]);
        assert_eq!(line(&jar), "a=3; b=2");
        assert_eq!(jar.cookies_for(&url.parse().unwrap(), NOW_S + 10), "a=3");
        receive(&mut jar, url, &["a=; max-age=0"]);
        assert_eq!(line(&jar), "b=2");
    }

    #[test]
    fn a_jar_has_limits() {
        let mut jar = CookieJar::default();
        let url = "http://h.test/";
        let large = format!("large={}", "x".repeat(COOKIE_BYTES_MAX));
        receive(&mut jar, url, &[&large]);
        for number in 0..=COOKIES_MAX {
            receive(&mut jar, url, &[&format!("c{number}=1")]);
        }
        let line = jar.cookies_for(&url.parse().unwrap(), NOW_S);
        assert_eq!(line.split("; ").count(), COOKIES_MAX);
        assert!(line.starts_with("c1=1; "));
        assert!(!format!("{jar:?}").contains("=1"));
    }
}
