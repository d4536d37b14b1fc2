//! What holds of requests and response readers as a whole.

mod answers;
mod laws;
mod redirects;
mod requests;

use std::sync::Arc;

use canvass_model::HttpWarnings;

use super::{Counts, HttpFault, HttpSettings, Progress, Request, RequestContext, ResponseReader};

fn request(settings: HttpSettings, url: &str) -> Request {
    Request::new(&Arc::new(settings), &url.parse().unwrap())
}

/// What is written for `request`.
fn written(request: &Request) -> String {
    let mut out = Vec::new();
    request.write(&mut out, &RequestContext::default());
    String::from_utf8(out).unwrap()
}

/// All that an reader shows of an answer in the end.
#[derive(Debug, PartialEq)]
struct Seen {
    fault: Option<HttpFault>,
    code: Option<u16>,
    headers: Vec<(String, Vec<u8>)>,
    reusable: bool,
    warnings: HttpWarnings,
    surplus_bytes: Option<u64>,
    /// Of complete responses only: how much is decoded before a fault may differ.
    body: Option<(Counts, Vec<u8>)>,
}

/// Reads `pieces` one after the other, and then the end of the connection.
fn read<'a>(settings: HttpSettings, pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut reader = ResponseReader::new(&request(settings, "http://host.example/"));
    let mut progress = Ok(Progress::Head);
    for piece in pieces {
        progress = reader.received(piece);
        if progress.is_err() {
            break;
        }
    }
    let reusable = reader.can_reuse();
    if progress.is_ok() {
        progress = reader.ended();
    }
    let head = reader.head();
    let code = reader.status().map(|(_, code)| code);
    let headers = head.map_or(Vec::new(), |head| {
        let headers = head.headers();
        headers
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    });
    let counts = reader.counts();
    let body = reader.take_body().unwrap_or_default();
    assert_eq!(reader.take_body(), None, "a body is given once");
    let body = match &progress {
        Ok(progress) => {
            assert_eq!(*progress, Progress::Done, "an end is an end");
            Some((counts, body))
        }
        Err(fault) => {
            assert_eq!(reader.received(b"x"), Err(fault.clone()), "it stays");
            assert_eq!(reader.ended(), Err(fault.clone()), "it stays");
            None
        }
    };
    Seen {
        fault: progress.err(),
        code,
        headers,
        reusable,
        warnings: reader.warnings(),
        surplus_bytes: reader.surplus_bytes(),
        body,
    }
}
