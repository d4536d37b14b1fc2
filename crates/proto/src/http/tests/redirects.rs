//! Where redirects lead, and what goes along.

use super::super::RedirectError;
use super::*;

fn settings(method: &str, body: bool) -> HttpSettings {
    let headers = [
        "Content-Type: text/plain",
        "Authorization: Bearer secret",
        "Cookie: secret",
        "Proxy-Authorization: secret",
        "Host: virtual.example",
        "X-A: b",
    ];
    HttpSettings {
        method: method.into(),
        headers: headers.map(|text| text.parse().unwrap()).into(),
        body: body.then(|| b"content".as_slice().into()),
        ..HttpSettings::default()
    }
}

#[test]
fn the_method_changes_as_it_should() {
    for (code, method, becomes, keeps_content) in [
        (301, "GET", "GET", true),
        (301, "HEAD", "HEAD", true),
        (301, "POST", "GET", false),
        (301, "PUT", "PUT", true),
        (302, "POST", "GET", false),
        (302, "DELETE", "DELETE", true),
        (303, "POST", "GET", false),
        (303, "PUT", "GET", false),
        (303, "HEAD", "HEAD", true),
        (307, "POST", "POST", true),
        (307, "GET", "GET", true),
        (308, "POST", "POST", true),
        (308, "PUT", "PUT", true),
    ] {
        let first = request(settings(method, true), "http://host.example/");
        let next = first.redirected(code, "/next").unwrap().unwrap();
        let what = format!("{code} {method}");
        assert_eq!(next.method(), becomes, "{what}");
        let written = written(&next);
        assert_eq!(
            written.ends_with("\r\n\r\ncontent"),
            keeps_content,
            "{what}"
        );
        assert_eq!(
            written.contains("Content-Length: 7"),
            keeps_content,
            "{what}"
        );
        assert_eq!(written.contains("Content-Type"), keeps_content, "{what}");
        assert!(written.contains("X-A: b\r\n"), "{what}");
    }
}

#[test]
fn other_codes_lead_nowhere() {
    let first = request(settings("GET", false), "http://host.example/");
    for code in [200, 201, 300, 304, 305, 306, 309, 399, 404] {
        assert!(first.redirected(code, "/next").unwrap().is_none(), "{code}");
    }
}

#[test]
fn locations_are_relative_to_what_was_asked() {
    for (location, url) in [
        ("/c", "http://host.example/c"),
        ("c", "http://host.example/a/c"),
        ("../c", "http://host.example/c"),
        ("?c=d", "http://host.example/a/b?c=d"),
        ("//other.example/c", "http://other.example/c"),
        ("https://host.example/c", "https://host.example/c"),
        ("http://user:pass@host.example/c", "http://host.example/c"),
        ("/\u{e4}", "http://host.example/%C3%A4"),
        ("/%C3%A4%FF", "http://host.example/%C3%A4%FF"),
        ("/a b?c d", "http://host.example/a%20b?c%20d"),
        ("/a\u{1}b", "http://host.example/a%01b"),
        ("", "http://host.example/a/b?x=y"),
    ] {
        let first = request(settings("GET", false), "http://host.example/a/b?x=y");
        let next = first.redirected(302, location).unwrap().unwrap();
        assert_eq!(next.url().as_str(), url, "{location:?}");
    }
}

#[test]
fn the_fragment_goes_along() {
    // RFC 9110 §10.2.2.
    for (asked, location, url) in [
        ("http://a.example/x#tim", "/y", "http://a.example/y#tim"),
        (
            "http://a.example/x#tim",
            "/y#larry",
            "http://a.example/y#larry",
        ),
        (
            "http://a.example/x",
            "http://b.example/y#z",
            "http://b.example/y#z",
        ),
        ("http://a.example/x", "/y", "http://a.example/y"),
    ] {
        let first = request(settings("GET", false), asked);
        let next = first.redirected(301, location).unwrap().unwrap();
        assert_eq!(next.url().as_str(), url, "{asked} {location}");
    }
}

#[test]
fn credentials_stay_where_they_are_for() {
    for (location, stays) in [
        ("/b", true),
        ("http://host.example:80/b", true),
        ("http://HOST.example/b", true),
        ("https://host.example/b", false),
        ("http://host.example:8080/b", false),
        ("http://www.host.example/b", false),
        ("http://other.example/b", false),
    ] {
        let first = request(settings("GET", false), "http://host.example/a");
        let next = first.redirected(302, location).unwrap().unwrap();
        let written = written(&next);
        for name in ["Authorization: Bearer", "Cookie:", "Proxy-Authorization:"] {
            assert_eq!(written.contains(name), stays, "{location}: {written}");
        }
        assert_eq!(written.contains("secret"), stays, "{location}");
        let same_host = next.url().host_str() == Some("host.example");
        assert_eq!(next.is_at_first_host(), same_host);
        assert_eq!(written.contains("virtual.example"), same_host, "{location}");
        assert_eq!(
            written.matches("Host: ").count(),
            1,
            "{location}: {written}"
        );
        assert!(written.contains("X-A: b\r\n"), "{location}");
    }
}

#[test]
fn credentials_of_the_url_stay_where_they_are_for() {
    let first = request(HttpSettings::default(), "http://user:pass@host.example/");
    let near = first.redirected(302, "/b").unwrap().unwrap();
    assert!(written(&near).contains("Authorization: Basic dXNlcjpwYXNz\r\n"));
    let far = first
        .redirected(302, "http://other.example/")
        .unwrap()
        .unwrap();
    assert!(!written(&far).contains("Authorization"));
    let back = far
        .redirected(302, "http://host.example/")
        .unwrap()
        .unwrap();
    assert!(!written(&back).contains("Authorization"));
    let given = far
        .redirected(302, "http://a:b@other.example/")
        .unwrap()
        .unwrap();
    assert!(!written(&given).contains("Authorization"));
}

#[test]
fn the_users_host_is_for_the_first_host_only() {
    let first = request(settings("GET", false), "http://host.example/");
    let lead = |from: &Request, to| from.redirected(302, to).unwrap().unwrap();
    let far = lead(&first, "http://other.example/");
    let near = lead(&far, "/next");
    let back = lead(&near, "http://host.example/");
    for (request, at_first_host) in [(&first, true), (&far, false), (&near, false), (&back, true)] {
        let written = written(request);
        assert_eq!(
            written.contains("Host: virtual.example"),
            at_first_host,
            "{written}"
        );
    }
    // Credentials are not sent again: others know by then that they lead to them.
    assert!(!written(&back).contains("secret"));
}

#[test]
fn what_leads_nowhere_is_named() {
    let first = request(settings("GET", false), "http://host.example/");
    for (location, message) in [
        (
            "ftp://host.example/",
            "location \"ftp://host.example/\" has the scheme ftp, neither http nor https",
        ),
        (
            "javascript:alert(1)",
            "location \"javascript:alert(1)\" has the scheme javascript, neither http nor https",
        ),
        ("http://", "location \"http://\" cannot be read: empty host"),
        (
            "http://host:99999/",
            "location \"http://host:99999/\" cannot be read: invalid port number",
        ),
    ] {
        let error: RedirectError = first.redirected(302, location).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}
