//! Requests that a browser sends for a web page from elsewhere.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses requests for pages from elsewhere. It is for what does something: a page needs no response
/// for that, so it does not help that it could not read one.
pub(crate) async fn refuse(request: Request, next: Next) -> Response {
    if is_cross_site(request.headers()) {
        let text = "This request is from a web page elsewhere. Open the address itself.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

/// Whether the headers say so. Browsers send `Sec-Fetch-Site` (Fetch Metadata, section 2.1) to loopback
/// and over TLS, and `Origin` (Fetch, section 3.2) with every POST from elsewhere. Other clients send
/// neither.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_from_elsewhere =
        text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let has_other_origin = text(header::ORIGIN.as_str()).is_some_and(|origin| {
        let origin = origin.split_once("://").map(|(_, authority)| authority);
        let host = text(header::HOST.as_str());
        !matches!((origin, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
    });
    is_from_elsewhere || has_other_origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_from_elsewhere_are_refused() {
        let host = ("host", "127.0.0.1:9115");
        for (more, refused) in [
            (&[][..], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("origin", "http://127.0.0.1:9115")], false),
            (&[("origin", "http://127.0.0.1:9116")], true),
            (&[("origin", "https://status.example.org")], true),
            (&[("origin", "null")], true),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [host].iter().chain(more) {
                headers.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_cross_site(&headers), refused, "{more:?}");
        }
    }
}
