//! The icon of a site, and the hash that search engines of hosts know it by.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::extras::Extras;
use super::request::Request;
use super::settings::HttpSettings;

/// The place of the icon where a page names none.
const PATH: &str = "/favicon.ico";
/// The most octets of an icon.
const ICON_BYTES_MAX: u64 = 1 << 20;
/// The length of a line of MIME Base64 (RFC 2045 §6.8).
const LINE_CHARS: usize = 76;

impl Request {
    /// The request for the icon of the site that this request is for: `GET /favicon.ico` at the
    /// same origin, with the same headers and credentials, and its body kept.
    pub fn for_favicon(&self) -> Self {
        let settings = HttpSettings {
            method: "GET".into(),
            body: None,
            body_bytes_max: self.settings.body_bytes_max.min(ICON_BYTES_MAX),
            keep_body: true,
            extras: Extras::default(),
            ..(*self.settings).clone()
        };
        let mut url = self.url.clone();
        url.set_path(PATH);
        url.set_query(None);
        url.set_fragment(None);
        Self {
            settings: Arc::new(settings),
            url,
            without_content: true,
            ..self.clone()
        }
    }
}

/// The MurmurHash3 (x86, 32 bits, seed 0) of an icon in Base64 as Python's `base64.encodebytes`
/// writes it, with a line feed after every 76 characters and at the end: the hash of Shodan's
/// `http.favicon.hash` and httpx's `-favicon`.
pub(crate) fn favicon_mmh3(icon: &[u8]) -> i32 {
    let encoded = BASE64.encode(icon);
    let mut text = Vec::with_capacity(encoded.len() + encoded.len() / LINE_CHARS + 1);
    for line in encoded.as_bytes().chunks(LINE_CHARS) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    murmur3_x86_32(&text)
}

fn murmur3_x86_32(octets: &[u8]) -> i32 {
    let hash = murmur3::murmur3_32(&mut &*octets, 0);
    hash.expect("a slice can be read").cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::RequestContext;

    #[test]
    fn the_hash_is_that_of_python_mmh3() {
        // mmh3.hash(text) of Python's mmh3.
        for (text, hash) in [("", 0), ("hello", 613_153_351), ("foo", -156_908_512)] {
            assert_eq!(murmur3_x86_32(text.as_bytes()), hash, "{text}");
        }
        // mmh3.hash(base64.encodebytes(bytes(range(256)) * 3))
        let icon: Vec<u8> = (0..=255).cycle().take(768).collect();
        assert_eq!(favicon_mmh3(&icon), 1_836_528_006);
    }

    #[test]
    fn the_request_is_for_the_same_origin_without_content() {
        let settings = Arc::new(HttpSettings {
            method: "POST".into(),
            headers: vec![
                "X-Key: k".parse().unwrap(),
                "Content-Type: a/b".parse().unwrap(),
            ],
            body: Some(b"data"[..].into()),
            ..HttpSettings::default()
        });
        let url = "https://user:secret@host.example:8443/a/b?c#d";
        let request = Request::new(&settings, &url.parse().unwrap()).for_favicon();
        let mut out = Vec::new();
        request.write(&mut out, &RequestContext::default());
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("GET /favicon.ico HTTP/1.1\r\n"), "{text}");
        for part in [
            "Host: host.example:8443",
            "X-Key: k",
            "Authorization: Basic",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            !text.contains("Content") && !text.contains("data"),
            "{text}"
        );
        assert_eq!(
            request.url().as_str(),
            "https://host.example:8443/favicon.ico"
        );
    }
}
