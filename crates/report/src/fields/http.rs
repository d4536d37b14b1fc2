//! The fields of `http`.

use canvass_model::{Answer as ProbeAnswer, Hop, HttpAnswer, Outcome, Remote};

use super::host::{Address, Tls};
use super::read::{Read, TlsReader};
use super::value::{KeyIf, KeyIfSome, Listed, Object, Objects, Warnings};
use super::{LinePart, with_default};
use crate::read::LineDraft;

fields! {
    Answer: HttpAnswer, |answer| "," .. "", into LineDraft;

    url: Option<&str> = (!answer.url.is_empty()).then_some(&*answer.url), csv,
        "the last URL requested, without user and password: after redirects, or where http was tried after https, it differs from the target; null for an `INVALID` line";
    remote: Option<&Remote> = answer.remote.as_ref(), csv,
        "the peer: `address:port` or `unix:PATH`, after `--connect-to`; null if no connection was begun";
    http_version: Option<&str> = answer.version, csv,
        "version of the response, `1.0` or `1.1`";
    status_code: Option<u16> = answer.code, csv,
        "status code of the last response header received, also if the response broke off after it or the rest of that header is not accepted";
    content_length: Option<u64> = answer.content_length, csv,
        "the header `Content-Length`";
    content_type: Option<&str> = answer.content_type.as_deref(), json,
        "the header `Content-Type`";
    server: Option<&str> = answer.server.as_deref(), json,
        "the header `Server`";
    body_bytes: Option<u64> = answer.body_bytes, csv,
        "size of the body as received, without framing; 0 for `HEAD`, 204 and 304";
    decoded_bytes: Option<u64> = answer.decoded_bytes, csv,
        "size of the body after the content codings are removed; of a body with an unknown coding, its size as it is";
    redirects: Objects<'_, Redirect> = Objects(&answer.redirects), csv,
        "each redirect that was followed, in order; see [redirects](#redirects)";
    tls: Option<Object<'_, Tls>> = answer.tls.as_deref().map(Object), csv,
        read(optional, |line, tls: Option<Read<TlsReader>>| line.tls = tls.map(|tls| Box::new(tls.0))),
        "the last [TLS connection](#tls); null if there was none";
    repeat: KeyIfSome<u32> = KeyIfSome(answer.repeat), csv,
        read(optional, |line, repeat| line.http.repeat = repeat),
        "with `--repeat` over 1: the number of this request, from 1";
    addresses: KeyIfSome<Objects<'_, Address>> = KeyIfSome(answer.addresses.as_deref().map(Objects)), csv,
        "with `--all-addresses`: the result for each [address](#addresses)";
}

fields! {
    /// Stands last, since its columns are newer than the others.
    Body: HttpAnswer, |answer| "," .. "";

    body_error: KeyIfSome<&str> = KeyIfSome(answer.body_error.as_deref()), csv,
        "with `--save`: why the body could not be kept; the result of the request is not affected";
    warnings: KeyIf<Warnings> = KeyIf(!answer.warnings.is_empty(), Warnings(answer.warnings)), csv,
        "what is wrong with the last response though it was accepted; see [warnings](#warnings)";
    surplus_bytes: KeyIfSome<u64> = KeyIfSome(answer.surplus_bytes), csv,
        "number of octets that had been received beyond the end of the last response when its connection was closed, at least; the connection is not used again";
}

fields! {
    Redirect: Hop, |hop| "{" .. "}";

    url: &str = &hop.url, json, "the URL requested";
    code: u16 = hop.code, json, "the status code";
    remote: Option<&Remote> = hop.remote.as_ref(), json, "the peer";
    location: &str = &hop.location, json, "the URL it redirects to, in full";
}

impl Listed for Redirect {}

macro_rules! http_answer {
    ($($Part:ty),*) => {$(
        impl LinePart for $Part {
            #[inline(always)]
            fn with_subject(outcome: &Outcome, write: impl FnOnce(&HttpAnswer)) {
                match &outcome.answer {
                    ProbeAnswer::Http(answer) => write(answer),
                    _ => with_default(write),
                }
            }
        }
    )*};
}

http_answer!(Answer, Body);
