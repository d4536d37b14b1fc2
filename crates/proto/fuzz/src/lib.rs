//! What the fuzz targets for HTTP have in common: an answer is read whole and cut up, and both have
//! to come to the same end.

use std::sync::Arc;

use canvass_model::Cause;
use canvass_proto::http::{ResponseReader, HttpFault, HttpSettings, Request};

/// What came of an answer.
#[derive(Debug, PartialEq)]
struct End {
    fault: Option<HttpFault>,
    code: Option<u16>,
    headers: Vec<(String, Vec<u8>)>,
    /// Only of a whole answer.
    body: Option<Vec<u8>>,
}

/// Reads `response` whole, and in pieces of `piece_octets`.
///
/// # Panics
/// If the ends differ.
pub fn check(response: &[u8], piece_octets: u8) {
    let whole = read([response]);
    let cut_up = read(response.chunks(usize::from(piece_octets.max(1))));
    assert_eq!(whole, cut_up);
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> End {
    let settings = HttpSettings {
        head_bytes_max: 4 << 10,
        body_bytes_max: 256 << 10,
        keep_body: true,
        keep_alive: true,
        ..HttpSettings::default()
    };
    let url = "http://host.example/".parse().expect("it is a url");
    let mut exchange = ResponseReader::new(&Request::new(&Arc::new(settings), &url));
    let mut pieces = pieces.into_iter();
    let fault = pieces
        .find_map(|piece| exchange.received(piece).err())
        .or_else(|| exchange.ended().err());
    let body = exchange.take_body().filter(|_| fault.is_none());
    let head = exchange.head();
    let headers: Vec<(String, Vec<u8>)> = head.map_or(Vec::new(), |head| {
        let headers = head.headers();
        headers
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    });
    End {
        fault: fault.map(|fault| named_as_one(fault, &headers)),
        code: head.map(|head| head.code()),
        headers,
        body,
    }
}

/// A coded body that is bad in two ways may be found out by either first.
fn named_as_one(mut fault: HttpFault, headers: &[(String, Vec<u8>)]) -> HttpFault {
    let mut names = headers.iter().map(|(name, _)| name);
    if names.any(|name| name.eq_ignore_ascii_case("Content-Encoding"))
        && matches!(fault.cause, Cause::Coding | Cause::Oversize)
    {
        fault.cause = Cause::Coding;
        fault.message = "bad content".into();
    }
    fault
}
