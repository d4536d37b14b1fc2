//! What the user expects of an answer, judged without IO.
//!
//! An answer that does not meet an expectation is still an answer: it becomes `negative`, and the
//! first expectation that it does not meet, in the order status, headers, body, certificate, is
//! shown with what was there instead.

mod pattern;
mod status;

use canvass_model::{TlsFacts, Unmet};

pub use pattern::{BodyPattern, HeaderPattern, PatternError};
pub use status::{StatusError, StatusSet};

use crate::excerpt::excerpt;
use crate::http::Head;

/// The most values of one header that are shown.
const VALUES_SHOWN_MAX: usize = 3;

/// What is expected of a response.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// The status codes that are expected.
    pub status: Option<StatusSet>,
    /// Headers that must be there with a value that matches, each.
    pub headers: Vec<HeaderPattern>,
    /// What must be found in the decoded body, each.
    pub bodies: Vec<BodyPattern>,
    /// What must not be found in the decoded body, each.
    pub not_bodies: Vec<BodyPattern>,
    /// How long the certificate must be valid.
    pub certificate: Option<CertificateDays>,
}

/// The least number of whole days for which a certificate must still be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateDays {
    days_min: u32,
    requires_tls: bool,
}

impl Expectations {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.status.is_none()
            && self.headers.is_empty()
            && self.bodies.is_empty()
            && self.not_bodies.is_empty()
            && self.certificate.is_none()
    }

    /// Whether [`Self::unmet`] needs the body.
    pub fn needs_body(&self) -> bool {
        !(self.bodies.is_empty() && self.not_bodies.is_empty())
    }

    /// The first expectation that a response does not meet. `body` is the decoded one, `tls` is the
    /// connection's if it uses TLS; it is called only if a certificate is expected.
    pub fn unmet(
        &self,
        head: &Head,
        body: &[u8],
        tls: impl FnOnce() -> Option<TlsFacts>,
    ) -> Option<Unmet> {
        self.unmet_status(head.code())
            .or_else(|| self.headers.iter().find_map(|one| unmet_header(one, head)))
            .or_else(|| self.bodies.iter().find_map(|one| unmet_body(one, body)))
            .or_else(|| self.not_bodies.iter().find_map(|one| found_body(one, body)))
            .or_else(|| self.certificate?.unmet(tls().as_ref()))
    }

    fn unmet_status(&self, code: u16) -> Option<Unmet> {
        let expected = self.status.as_ref()?;
        (!expected.contains(code)).then(|| Unmet {
            expected: format!("status {expected}").into(),
            seen: code.to_string().into(),
        })
    }
}

impl CertificateDays {
    /// A connection without TLS does not meet it.
    pub const fn required(days_min: u32) -> Self {
        Self {
            days_min,
            requires_tls: true,
        }
    }

    /// A connection without TLS meets it.
    pub const fn where_tls_is_used(days_min: u32) -> Self {
        Self {
            days_min,
            requires_tls: false,
        }
    }

    /// Whether the certificate of the connection does not meet it.
    pub fn unmet(self, tls: Option<&TlsFacts>) -> Option<Unmet> {
        let Self {
            days_min,
            requires_tls,
        } = self;
        if tls.is_none() && !requires_tls {
            return None;
        }
        let certificate = tls.and_then(|tls| tls.certificate.as_ref());
        let seen = match certificate.map(|certificate| certificate.days_left) {
            Some(days) if days >= i64::from(days_min) => return None,
            Some(1) => "1 day left".into(),
            Some(days) => format!("{days} days left").into(),
            None => "no certificate".into(),
        };
        let noun = if days_min == 1 { "day" } else { "days" };
        Some(Unmet {
            expected: format!("certificate with {days_min} {noun} left").into(),
            seen,
        })
    }
}

fn unmet_header(expected: &HeaderPattern, head: &Head) -> Option<Unmet> {
    let values = || head.headers_named(expected.name());
    if values().any(|value| expected.matches(value)) {
        return None;
    }
    let mut shown: Vec<_> = values().take(VALUES_SHOWN_MAX).map(excerpt).collect();
    if values().nth(VALUES_SHOWN_MAX).is_some() {
        shown.push("...".to_owned());
    }
    Some(Unmet {
        expected: expected.to_string().into(),
        seen: if shown.is_empty() {
            "no such header".into()
        } else {
            shown.join(", ").into()
        },
    })
}

fn unmet_body(expected: &BodyPattern, body: &[u8]) -> Option<Unmet> {
    (!expected.matches(body)).then(|| Unmet {
        expected: expected.to_string().into(),
        seen: if body.is_empty() {
            "an empty body".into()
        } else {
            excerpt(body).into()
        },
    })
}

fn found_body(unexpected: &BodyPattern, body: &[u8]) -> Option<Unmet> {
    let found = unexpected.find(body)?;
    Some(Unmet {
        expected: format!("no {unexpected}").into(),
        seen: excerpt(found).into(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use canvass_model::CertificateFacts;

    use super::*;
    use crate::http::{HttpSettings, Request, ResponseReader};

    const TEXT: &str = "HTTP/1.1 503 No\r\nServer: Apache\r\nX-A: one\r\nx-a: two\r\n\
                        Content-Length: 0\r\n\r\n";

    fn head() -> Head {
        let settings = Arc::new(HttpSettings::default());
        let url = "http://host.example/".parse().unwrap();
        let mut reader = ResponseReader::new(&Request::new(&settings, &url));
        reader.received(TEXT.as_bytes()).unwrap();
        reader.head().unwrap().clone()
    }

    fn no_tls() -> Option<TlsFacts> {
        None
    }

    fn tls(days_left: i64) -> TlsFacts {
        TlsFacts {
            certificate: Some(CertificateFacts {
                days_left,
                ..CertificateFacts::default()
            }),
            ..TlsFacts::default()
        }
    }

    fn texts(unmet: Option<Unmet>) -> Option<(String, String)> {
        unmet.map(|unmet| (unmet.expected.into(), unmet.seen.into()))
    }

    fn pair(expected: &str, seen: &str) -> Option<(String, String)> {
        Some((expected.into(), seen.into()))
    }

    #[test]
    fn a_status_outside_the_set_is_unmet() {
        let expecting = |set: &str| Expectations {
            status: Some(set.parse().unwrap()),
            ..Expectations::default()
        };
        let unmet = expecting("200-399,401").unmet(&head(), b"", no_tls);
        assert_eq!(texts(unmet), pair("status 200-399,401", "503"));
        assert_eq!(expecting("5xx").unmet(&head(), b"", no_tls), None);
    }

    #[test]
    fn a_header_needs_one_value_that_matches() {
        let expecting = |text: &str| Expectations {
            headers: vec![text.parse().unwrap()],
            ..Expectations::default()
        };
        for (text, unmet) in [
            ("server: ^Apache$", None),
            ("X-A: two", None),
            (
                "Server: nginx",
                pair("header Server matching /nginx/", "\"Apache\""),
            ),
            (
                "x-a: three",
                pair("header x-a matching /three/", "\"one\", \"two\""),
            ),
            ("X-B:", pair("header X-B matching //", "no such header")),
        ] {
            let found = expecting(text).unmet(&head(), b"", no_tls);
            assert_eq!(texts(found), unmet, "{text}");
        }
    }

    #[test]
    fn every_pattern_must_be_found_in_the_body() {
        let expecting = |patterns: &[&str]| Expectations {
            bodies: patterns.iter().map(|text| text.parse().unwrap()).collect(),
            ..Expectations::default()
        };
        let judge = |patterns: &[&str], body: &[u8]| {
            texts(expecting(patterns).unmet(&head(), body, no_tls))
        };
        assert_eq!(judge(&["^o.k", "(?i)FINE"], "oük\nfine".as_bytes()), None);
        assert_eq!(judge(&["(?-u)\\xff"], b"\xfe\xff"), None);
        assert_eq!(
            judge(&["ok", "good"], b"ok\x07"),
            pair("body matching /good/", "\"ok\\u{7}\"")
        );
        assert_eq!(
            judge(&["."], b""),
            pair("body matching /./", "an empty body")
        );
    }

    #[test]
    fn no_pattern_of_the_other_list_may_be_found_in_the_body() {
        let expected = Expectations {
            not_bodies: vec!["(?i)err\\w+".parse().unwrap()],
            ..Expectations::default()
        };
        assert!(expected.needs_body() && !expected.is_empty());
        assert_eq!(expected.unmet(&head(), b"all is well", no_tls), None);
        assert_eq!(
            texts(expected.unmet(&head(), b"an ERROR here", no_tls)),
            pair("no body matching /(?i)err\\w+/", "\"ERROR\"")
        );
    }

    #[test]
    fn a_certificate_needs_days_left_and_to_be_there() {
        let days = CertificateDays::required(30);
        let expected = "certificate with 30 days left";
        assert_eq!(days.unmet(Some(&tls(30))), None);
        for (left, seen) in [
            (29, "29 days left"),
            (1, "1 day left"),
            (-2, "-2 days left"),
        ] {
            assert_eq!(texts(days.unmet(Some(&tls(left)))), pair(expected, seen));
        }
        assert_eq!(texts(days.unmet(None)), pair(expected, "no certificate"));
        assert_eq!(CertificateDays::where_tls_is_used(30).unmet(None), None);
        let bare = TlsFacts::default();
        assert_eq!(
            texts(days.unmet(Some(&bare))),
            pair(expected, "no certificate")
        );
        assert_eq!(CertificateDays::required(0).unmet(Some(&tls(0))), None);
        assert!(CertificateDays::required(0).unmet(Some(&tls(-1))).is_some());
    }

    #[test]
    fn the_first_in_the_order_status_headers_body_certificate_is_shown() {
        let mut expected = Expectations {
            status: Some("200".parse().unwrap()),
            headers: vec!["Server: nginx".parse().unwrap()],
            bodies: vec!["ok".parse().unwrap()],
            not_bodies: Vec::new(),
            certificate: Some(CertificateDays::required(1)),
        };
        let mut seen = Vec::new();
        while let Some(unmet) = expected.unmet(&head(), b"no", no_tls) {
            seen.push(unmet.expected.split(' ').next().unwrap().to_owned());
            match seen.len() {
                1 => expected.status = None,
                2 => expected.headers.clear(),
                3 => expected.bodies.clear(),
                _ => expected.certificate = None,
            }
        }
        assert_eq!(seen, ["status", "header", "body", "certificate"]);
        assert!(expected.is_empty());
    }
}
