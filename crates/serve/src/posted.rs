//! What a client posts, and whether a page of another site makes it do so.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use tokio::time::timeout;
use url::{Url, form_urlencoded};

/// The maximum size of a form, in octets, and the maximum time until it is received.
const FORM_SIZE_MAX: usize = 16 * 1024;
const FORM_TIME_MAX: Duration = Duration::from_secs(10);
/// How a browser says from where a request comes (Fetch Metadata).
const SITE: &str = "sec-fetch-site";
const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// Why a request is not done, as its response.
pub(crate) type Refusal = (StatusCode, String);

/// The fields of a form.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// The form that a request has.
    ///
    /// # Errors
    /// It has none, or another site is behind it.
    pub(crate) async fn of(request: Request) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        check_site(&head.headers)?;
        let media_type = head.headers.get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|field| field.to_str().ok()?.split(';').next());
        if !media_type.is_some_and(|given| given.trim().eq_ignore_ascii_case(FORM_TYPE)) {
            let text = format!("expected {FORM_TYPE}\n");
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        Self::read(body).await
    }

    async fn read(body: Body) -> Result<Self, Refusal> {
        match timeout(FORM_TIME_MAX, to_bytes(body, FORM_SIZE_MAX)).await {
            Ok(Ok(octets)) => Ok(Self(form_urlencoded::parse(&octets).into_owned().collect())),
            Ok(Err(_)) => {
                let text = format!("a form has at most {FORM_SIZE_MAX} octets\n");
                Err((StatusCode::PAYLOAD_TOO_LARGE, text))
            }
            Err(_) => Err((
                StatusCode::REQUEST_TIMEOUT,
                "the form took too long\n".into(),
            )),
        }
    }

    /// The value of a field; `None` if it is empty.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(field, _)| field == name);
        field
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// Refuses a request that changes something if a page of another site is behind it.
///
/// A browser says so in `Sec-Fetch-Site`, or in `Origin` if it is old or if the listener has neither TLS
/// nor a loopback address. What sends neither is no browser, and no page is behind it.
pub(crate) fn check_site(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_own = match headers.get(SITE) {
        // `none` is the user alone.
        Some(site) => site == "same-origin" || site == "none",
        None => headers
            .get_all(header::ORIGIN)
            .iter()
            .all(|origin| is_of(origin.to_str().ok(), headers)),
    };
    if is_own {
        return Ok(());
    }
    let text = "This request comes from another site.\n";
    Err((StatusCode::FORBIDDEN, text.into()))
}

/// Whether `origin` is the host that the request is for. A proxy may have ended TLS, so the scheme may
/// be another.
fn is_of(origin: Option<&str>, headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let (Some(origin), Some(host)) = (origin.and_then(|origin| Url::parse(origin).ok()), host)
    else {
        return false;
    };
    let own = Url::parse(&format!("{}://{host}", origin.scheme()));
    own.is_ok_and(|own| own.origin() == origin.origin() && origin.origin().is_tuple())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(fields: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost:9115".parse().unwrap());
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        check_site(&headers).is_ok()
    }

    #[test]
    fn requests_of_the_own_page_and_of_programs_are_accepted() {
        assert!(is_accepted(&[]));
        assert!(is_accepted(&[("origin", "http://localhost:9115")]));
        assert!(is_accepted(&[("origin", "https://LOCALHOST:9115")]));
        assert!(is_accepted(&[("sec-fetch-site", "same-origin")]));
        // A proxy gave the request another host.
        assert!(is_accepted(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://status.example.net"),
        ]));
    }

    #[test]
    fn requests_of_other_sites_are_refused() {
        for origin in [
            "null",
            "http://localhost",
            "http://localhost:9116",
            "http://a.example.org",
        ] {
            assert!(!is_accepted(&[("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site", "other"] {
            let origin = ("origin", "http://localhost:9115");
            assert!(!is_accepted(&[("sec-fetch-site", site), origin]), "{site}");
        }
        assert!(!is_accepted(&[
            ("origin", "http://localhost:9115"),
            ("origin", "http://a.example.org"),
        ]));
    }
}
