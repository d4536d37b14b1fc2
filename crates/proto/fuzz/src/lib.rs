//! What the fuzz targets check: an HTTP response is read whole and in pieces, and both must have the
//! same result; a DNS message keeps the laws in [`dns_message`].

pub mod dns_message;

use std::sync::Arc;

use canvass_model::{Cause, HttpWarnings};
use canvass_proto::http::{HttpFault, HttpSettings, Request, ResponseReader};

/// The result of reading a response.
#[derive(Debug, PartialEq)]
struct End {
    fault: Option<HttpFault>,
    code: Option<u16>,
    headers: Vec<(String, Vec<u8>)>,
    /// Only of a complete response.
    body: Option<Vec<u8>>,
    warnings: HttpWarnings,
    surplus_bytes: Option<u64>,
}

/// Whether rules must be kept.
const STRICTNESS: [bool; 2] = [false, true];

/// Reads `response` whole, and in pieces of `piece_octets`.
///
/// # Panics
/// If the results differ, or if strict and lenient reading of a valid response do.
pub fn check(response: &[u8], piece_octets: u8) {
    let [lenient, strict] = STRICTNESS.map(|strict| {
        let whole = read([response], strict);
        let pieces = read(response.chunks(usize::from(piece_octets.max(1))), strict);
        assert_eq!(whole, pieces);
        whole
    });
    // Lenience accepts more, and never reads what is valid in another way.
    if strict.fault.is_none() {
        assert_eq!(strict, lenient);
    }
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, strict: bool) -> End {
    let settings = HttpSettings {
        head_bytes_max: 4 << 10,
        body_bytes_max: 256 << 10,
        keep_body: true,
        keep_alive: true,
        strict,
        ..HttpSettings::default()
    };
    let url = "http://host.example/".parse().expect("it is a url");
    let mut reader = ResponseReader::new(&Request::new(&Arc::new(settings), &url));
    let mut pieces = pieces.into_iter();
    let fault = pieces
        .find_map(|piece| reader.received(piece).err())
        .or_else(|| reader.ended().err());
    let body = reader.take_body().filter(|_| fault.is_none());
    let head = reader.head();
    let headers: Vec<(String, Vec<u8>)> = head.map_or(Vec::new(), |head| {
        let headers = head.headers();
        headers
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    });
    End {
        // Which of two faults is reported may differ, and with it how much was read before.
        warnings: match fault {
            None => reader.warnings(),
            Some(_) => HttpWarnings::default(),
        },
        fault: fault.map(|fault| named_as_one(fault, &headers)),
        code: reader.status().map(|(_, code)| code),
        surplus_bytes: reader.surplus_bytes(),
        headers,
        body,
    }
}

/// If coded content has two faults, either may be reported.
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
