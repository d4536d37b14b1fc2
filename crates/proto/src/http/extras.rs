//! What is collected of a response only on request.

use canvass_model::{Header, HttpExtras};

use super::response::ResponseReader;
use super::title::title;

/// What is collected of a response besides what every answer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// All headers.
    pub headers: bool,
    /// The title of an HTML page.
    pub title: bool,
    /// The SHA-256 of the decoded body.
    pub body_sha256: bool,
    /// The hash of the site's icon. It takes a second request, which the caller makes; see
    /// [`Request::for_favicon`](super::Request::for_favicon).
    pub favicon: bool,
    /// Details of each redirect, which the caller keeps.
    pub chain: bool,
}

impl Extras {
    /// What an answer has if nothing was received. `None` if nothing is asked for.
    pub fn of_nothing(self) -> Option<Box<HttpExtras>> {
        let extras = HttpExtras {
            headers: self.headers.then(Vec::new),
            title: self.title.then_some(None),
            body_sha256: self.body_sha256.then_some(None),
            favicon: self.favicon.then_some(None),
        };
        (extras != HttpExtras::default()).then(|| Box::new(extras))
    }
}

impl ResponseReader {
    /// Collects the extras that the settings ask for, except for the icon. `None` if they ask for
    /// none. The body must not have been taken.
    pub fn extras(&self) -> Option<Box<HttpExtras>> {
        let asked = self.settings().extras;
        let mut extras = asked.of_nothing()?;
        let Some(head) = self.head() else {
            return Some(extras);
        };
        if let Some(headers) = &mut extras.headers {
            headers.extend(head.headers().map(|(name, value)| Header {
                name: name.into(),
                value: String::from_utf8_lossy(value).into(),
            }));
        }
        if let Some(found) = &mut extras.title {
            let content_type = head.header("Content-Type");
            *found = title(content_type, self.body().unwrap_or_default());
        }
        if let Some(sha256) = &mut extras.body_sha256 {
            *sha256 = self.body_sha256();
        }
        Some(extras)
    }
}
