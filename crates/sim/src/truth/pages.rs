//! The expected results for the pages of the lab.

use canvass_lab::{CODED_TEXT, PAGE};
use canvass_model::{Cause, Host, Url};

/// Well-formed pages: path, status code and length of the decoded body.
const GOOD: &[(&str, u16, usize)] = &[
    ("/", 200, PAGE.len()),
    ("/status/103", 200, "200 OK\n".len()),
    ("/status/204", 204, 0),
    ("/status/304", 304, 0),
    ("/status/404", 404, "404 Not Found\n".len()),
    ("/status/503", 503, "503 Service Unavailable\n".len()),
    ("/delay/50", 200, "after 50 ms\n".len()),
    ("/delay/700", 200, "after 700 ms\n".len()),
    ("/gzip", 200, CODED_TEXT.len()),
    ("/deflate", 200, CODED_TEXT.len()),
    ("/deflate-raw", 200, CODED_TEXT.len()),
    ("/br", 200, CODED_TEXT.len()),
    ("/zstd", 200, CODED_TEXT.len()),
    ("/stacked", 200, CODED_TEXT.len()),
    ("/chunked/7", 200, 7 * "chunk 1 of 7\n".len()),
    ("/bytes/0", 200, 0),
    ("/bytes/3000", 200, 3_000),
    ("/close-delimited/500", 200, 500),
    ("/drip?octets=10&ms=10", 200, 10),
    ("/drip-head?ms=2", 200, 5),
    ("/early-hints", 200, 5),
    ("/obs-fold", 200, 5),
    ("/bare-lf", 200, 5),
    ("/head/2000", 200, "a long head\n".len()),
    ("/keep/1", 200, "request 1 of 1\n".len()),
    ("/keep/3", 200, "request 1 of 3\n".len()),
    ("/malformed/unknown-coding", 200, 5),
    ("/malformed/space-before-colon", 200, 5),
    ("/malformed/garbage-after", 200, 5),
];
/// Faulty pages, and their causes.
const BROKEN: &[(&str, &[Cause])] = &[
    ("/truncate", &[Cause::Truncated]),
    ("/truncate-chunked", &[Cause::Truncated]),
    ("/truncate-head", &[Cause::Truncated]),
    ("/reset", &[Cause::Reset]),
    ("/reset-head", &[Cause::Reset]),
    ("/reset-body", &[Cause::Reset]),
    ("/hang", &[Cause::Timeout]),
    ("/hang-body", &[Cause::Timeout]),
    ("/close", &[Cause::Closed]),
    // Either the size limit or the deadline is reached first.
    ("/endless", &[Cause::Oversize, Cause::Timeout]),
    ("/endless-chunked", &[Cause::Oversize, Cause::Timeout]),
    ("/endless-head", &[Cause::Oversize, Cause::Timeout]),
    ("/bomb?mib=1", &[Cause::Oversize]),
    ("/malformed/conflicting-lengths", &[Cause::Malformed]),
    ("/malformed/bad-length", &[Cause::Malformed]),
    ("/malformed/bad-chunk-size", &[Cause::Malformed]),
    ("/malformed/no-chunk-end", &[Cause::Malformed]),
    ("/malformed/bare-cr", &[Cause::Malformed]),
    ("/malformed/no-version", &[Cause::Malformed]),
    ("/malformed/garbage", &[Cause::Malformed]),
    ("/malformed/bad-gzip", &[Cause::Coding]),
];
/// The length of the body of a redirect.
const FOUND: &str = "302 Found\n";

/// The expected result of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageTruth {
    /// The number of redirects.
    pub hops: usize,
    /// The servers of the redirect chain except the first one.
    pub others: Vec<(Host, u16)>,
    pub end: PageEnd,
}

/// The expected end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PageEnd {
    /// A status code and the length of the decoded body.
    Answer { code: u16, octets: u64 },
    /// A failure with one of these causes.
    Fault(&'static [Cause]),
}

/// All paths, well-formed ones first.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    let good = GOOD.iter().map(|(path, ..)| *path);
    good.chain(BROKEN.iter().map(|(path, _)| *path))
}

/// The number of well-formed pages among [`paths`].
pub(crate) const GOOD_PATHS: usize = GOOD.len();

/// Returns the expected result of a URL with a limit of redirects. `None` if the page is not known.
pub(crate) fn page_truth(url: &Url, follow_max: u32) -> Option<PageTruth> {
    let mut truth = PageTruth {
        hops: 0,
        others: Vec::new(),
        end: PageEnd::Fault(&[Cause::Redirect]),
    };
    let mut url = url.clone();
    loop {
        let Some(next) = redirect(&url) else {
            truth.end = end_of(&path_of(&url))?;
            return Some(truth);
        };
        if follow_max == 0 {
            truth.end = PageEnd::Answer {
                code: 302,
                octets: FOUND.len() as u64,
            };
            return Some(truth);
        }
        if truth.hops >= follow_max as usize {
            return Some(truth);
        }
        truth.hops += 1;
        let server = |url: &Url| Some((Host::of_url(url)?, url.port_or_known_default()?));
        if server(&next) != server(&url) {
            truth.others.extend(server(&next));
        }
        url = next;
    }
}

/// The redirect target of a page.
fn redirect(url: &Url) -> Option<Url> {
    let path = url.path();
    if path == "/redirect-loop" {
        return Some(url.clone());
    }
    if path == "/redirect-to" {
        let (_, to) = url.query_pairs().find(|(name, _)| name == "url")?;
        return url.join(&to).ok();
    }
    let count: u32 = path.strip_prefix("/redirect/")?.parse().ok()?;
    let next = match count {
        0 => return None,
        1 => "/".to_owned(),
        _ => format!("/redirect/{}", count - 1),
    };
    url.join(&next).ok()
}

fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn end_of(path: &str) -> Option<PageEnd> {
    if let Some((_, code, octets)) = GOOD.iter().find(|(good, ..)| *good == path) {
        return Some(PageEnd::Answer {
            code: *code,
            octets: *octets as u64,
        });
    }
    let broken = BROKEN.iter().find(|(broken, _)| *broken == path);
    broken.map(|(_, causes)| PageEnd::Fault(causes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_their_end_or_to_their_limit() {
        let truth = |url: &str, follow_max| {
            let truth = page_truth(&Url::parse(url).unwrap(), follow_max).unwrap();
            (truth.hops, truth.others.len(), truth.end)
        };
        let page = PageEnd::Answer {
            code: 200,
            octets: PAGE.len() as u64,
        };
        let found = PageEnd::Answer {
            code: 302,
            octets: 10,
        };
        let too_many = PageEnd::Fault(&[Cause::Redirect]);
        assert_eq!(truth("http://a/redirect/2", 2), (2, 0, page.clone()));
        assert_eq!(truth("http://a/redirect/2", 1), (1, 0, too_many.clone()));
        assert_eq!(truth("http://a/redirect/2", 0), (0, 0, found));
        assert_eq!(truth("http://a/redirect-loop", 9), (9, 0, too_many));
        let elsewhere = "http://a/redirect-to?url=http://b:81/";
        assert_eq!(truth(elsewhere, 5), (1, 1, page));
    }
}
