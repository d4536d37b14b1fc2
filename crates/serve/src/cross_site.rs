//! Requests that a page of another site is behind.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

/// How a browser says from where a request comes (Fetch Metadata section 2.1).
const SITE: &str = "sec-fetch-site";

/// Why a request is not done, as its response.
pub(crate) type Refusal = (StatusCode, String);

/// Refuses the requests of a route as [`check`] does.
pub(crate) async fn refuse(request: Request, next: Next) -> Response {
    match check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Refuses a request that does something if a page of another site is behind it. Such a page needs no
/// response for that, so it does not help that it could not read one.
///
/// A browser says so in `Sec-Fetch-Site`, or in `Origin` if it is old or if the listener has neither TLS
/// nor a loopback address. What sends neither is no browser, and no page is behind it.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
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
        check(&headers).is_ok()
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
