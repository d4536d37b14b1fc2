//! Tunnels through HTTP proxies (RFC 9110 §9.3.6).

use std::io::Write;

use canvass_model::Cause;

use super::{Endpoint, Proxy, Refusal, TunnelProgress};
use crate::http::{Authorization, Head, Progress, Request, ResponseReader, USER_AGENT};

/// A `CONNECT` request and its response.
#[derive(Debug)]
pub(super) struct HttpConnect {
    response: ResponseReader,
    has_received: bool,
}

impl HttpConnect {
    pub(super) fn begin(proxy: &Proxy, endpoint: &Endpoint, out: &mut Vec<u8>) -> Self {
        write!(
            out,
            "CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\nUser-Agent: {USER_AGENT}\r\n"
        )
        .expect("a vector takes what it is given");
        if let Some(authorization) = proxy.authorization().map(Authorization::value) {
            write!(out, "Proxy-Authorization: {authorization}\r\n")
                .expect("a vector takes what it is given");
        }
        out.extend_from_slice(b"\r\n");
        let request = Request::new(proxy.connect_settings(), proxy.url());
        Self {
            response: ResponseReader::new(&request),
            has_received: false,
        }
    }

    pub(super) fn has_received(&self) -> bool {
        self.has_received
    }

    pub(super) fn received(&mut self, octets: &[u8]) -> Result<TunnelProgress, Refusal> {
        // One by one, since the octets after the head are the server's.
        for (index, octet) in octets.iter().enumerate() {
            self.has_received = true;
            let progress = self.response.received(std::slice::from_ref(octet));
            match self.response.head() {
                // The body of a refusal is not needed.
                Some(head) if head.code() / 100 != 2 => return Err(refusal(head)),
                _ => {}
            }
            match progress {
                Ok(Progress::Done) => return Ok(TunnelProgress::Open(index + 1)),
                Ok(_) => {}
                Err(fault) => {
                    let what = format!("sent no valid answer: {}", fault.message);
                    return Err((fault.cause, what));
                }
            }
        }
        Ok(TunnelProgress::Pending)
    }
}

fn refusal(head: &Head) -> Refusal {
    let code = head.code();
    let meaning = match code {
        403 => " (it does not permit that)",
        407 => " (it wants a user and a password: --proxy http://USER:PASSWORD@HOST:PORT)",
        405 | 501 => " (it does not support CONNECT)",
        502 => " (it could not connect)",
        503 => " (it is not available)",
        504 => " (it could not connect in time)",
        _ => "",
    };
    (Cause::Proxy, format!("answered with {code}{meaning}"))
}
