//! What the user expects of an answer, judged without IO.
//!
//! An answer that does not meet an expectation is still an answer: it becomes `negative`, and the
//! first expectation that it does not meet, in the order status, headers, body, JSON, TLS, is shown
//! with what was there instead.

mod json;
mod pattern;
mod status;
mod tls;

use canvass_model::{TlsFacts, Unmet};

pub use json::{JsonExpectation, JsonExpectationError};
pub use pattern::{BodyPattern, HeaderPattern, PatternError};
pub use status::{StatusError, StatusSet};
pub use tls::TlsExpectations;

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
    /// What must be in the decoded body, which is JSON.
    pub json: Vec<JsonExpectation>,
    /// What the TLS connection must be like.
    pub tls: TlsExpectations,
}

impl Expectations {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.status.is_none()
            && self.headers.is_empty()
            && self.bodies.is_empty()
            && self.not_bodies.is_empty()
            && self.json.is_empty()
            && self.tls.is_empty()
    }

    /// Whether [`Self::unmet`] needs the body.
    pub fn needs_body(&self) -> bool {
        !(self.bodies.is_empty() && self.not_bodies.is_empty() && self.json.is_empty())
    }

    /// The first expectation that a response does not meet. `body` is the decoded one, `tls` is the
    /// connection's if it uses TLS; it is called only if something is expected of it.
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
            .or_else(|| JsonExpectation::first_unmet(&self.json, body))
            .or_else(|| self.tls.if_any()?.unmet(tls().as_ref()))
    }

    fn unmet_status(&self, code: u16) -> Option<Unmet> {
        let expected = self.status.as_ref()?;
        (!expected.contains(code)).then(|| Unmet {
            expected: format!("status {expected}").into(),
            seen: code.to_string().into(),
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
    fn the_first_in_the_order_status_headers_body_json_tls_is_shown() {
        let mut expected = Expectations {
            status: Some("200".parse().unwrap()),
            headers: vec!["Server: nginx".parse().unwrap()],
            bodies: vec!["ok".parse().unwrap()],
            not_bodies: Vec::new(),
            json: vec!["$.a".parse().unwrap()],
            tls: TlsExpectations {
                certificate_days_min: Some(1),
                ..TlsExpectations::default()
            },
        };
        let mut seen = Vec::new();
        while let Some(unmet) = expected.unmet(&head(), b"no", no_tls) {
            seen.push(unmet.expected.split(' ').next().unwrap().to_owned());
            match seen.len() {
                1 => expected.status = None,
                2 => expected.headers.clear(),
                3 => expected.bodies.clear(),
                4 => expected.json.clear(),
                _ => expected.tls = TlsExpectations::default(),
            }
        }
        assert_eq!(seen, ["status", "header", "body", "json", "certificate"]);
        assert!(expected.is_empty());
    }
}
