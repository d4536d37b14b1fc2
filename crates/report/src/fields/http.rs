//! The fields of `http`.

use canvass_model::{
    Answer as ProbeAnswer, Favicon, Header, Hop, HttpAnswer, HttpExtras, Outcome, Remote,
};

use super::host::{Address, Phases, Tls};
use super::read::{Read, TlsReader};
use super::value::{
    CsvContext, KeyIf, KeyIfSome, Listed, Object, Objects, Sha256, Warnings, push_joined,
};
use super::{LinePart, with_default};
use crate::json::put;
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
    proxy: KeyIfSome<&str> = KeyIfSome(answer.proxy.as_deref()), csv,
        "through a proxy: its URL without user and password; `remote` is its address then";
    warnings: KeyIf<Warnings> = KeyIf(!answer.warnings.is_empty(), Warnings(answer.warnings)), csv,
        "what is wrong with the last response though it was accepted; see [warnings](#warnings)";
    surplus_bytes: KeyIfSome<u64> = KeyIfSome(answer.surplus_bytes), csv,
        "number of octets that had been received beyond the end of the last response when its connection was closed, at least; the connection is not used again";
}

fields! {
    /// What was asked for by a flag of its own. Stands last, since its columns are the newest.
    Extras: HttpAnswer, |answer| "," .. "";

    headers: KeyIfSome<Objects<'_, HeaderLine>> = KeyIfSome(extra(answer, |extras| extras.headers.as_deref()).map(Objects)), csv,
        "with `--headers`: each [header](#headers) of the response, in order; `[]` if there was no response";
    title: KeyIf<Option<&str>> = key_if_asked(extra(answer, |extras| extras.title.as_ref()).map(Option::as_deref)), csv,
        "with `--title`: the text of the title of an HTML page, with character references resolved and white space collapsed, at most 300 characters; null if it has none";
    body_sha256: KeyIf<Option<Sha256<'_>>> = key_if_asked(extra(answer, |extras| extras.body_sha256.as_ref()).map(|sha256| sha256.as_ref().map(Sha256))), csv,
        "with `--body-sha256`: the SHA-256 of the decoded body, in hexadecimal; null if the body is incomplete";
    favicon: KeyIf<Option<Object<'_, Icon>>> = key_if_asked(extra(answer, |extras| extras.favicon.as_ref()).map(|favicon| favicon.as_ref().map(Object))), csv,
        "with `--favicon`: the response to the request for the site's [icon](#favicon); null if there was none, or the page failed";
}

fields! {
    HeaderLine: Header, |header| "{" .. "}";

    name: &str = &header.name, json, "the name, as received";
    value: &str = &header.value, json, "the value; octets that are not UTF-8 become U+FFFD";
}

impl Listed for HeaderLine {
    fn write_cell(headers: &[Header], out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        context.quoted(out, |out| {
            push_joined(out, headers, "; ", |out, header| {
                put(out, &header.name);
                put(out, ": ");
                put(out, &header.value);
            });
        });
    }
}

fields! {
    Icon: Favicon, |icon| "{" .. "}", columns "favicon_*";

    url: &str = &icon.url, csv, "the last URL requested for it";
    status: u16 = icon.code, csv, "the status code";
    mmh3: Option<i64> = icon.mmh3.map(i64::from), csv,
        "the MurmurHash3 (x86, 32 bits, signed) of its Base64 with line feeds, as in Shodan's `http.favicon.hash` and in httpx; null unless the status code is 200 and there are octets";
}

/// What was asked for by a flag, if it was.
fn extra<'a, T: ?Sized>(
    answer: &'a HttpAnswer,
    pick: impl FnOnce(&'a HttpExtras) -> Option<&'a T>,
) -> Option<&'a T> {
    pick(answer.extras.as_deref()?)
}

/// A value that may be null, and whose key is there only if it was asked for.
fn key_if_asked<T>(asked: Option<Option<T>>) -> KeyIf<Option<T>> {
    KeyIf(asked.is_some(), asked.flatten())
}

fields! {
    Redirect: Hop, |hop| "{" .. "}";

    url: &str = &hop.url, json, "the URL requested";
    code: u16 = hop.code, json, "the status code";
    remote: Option<&Remote> = hop.remote.as_ref(), json, "the peer";
    location: &str = &hop.location, json, "the URL it redirects to, in full";
    http_version: KeyIf<Option<&str>> = key_if_asked(hop.details.as_deref().map(|details| details.version)), json,
        "with `--chain`: the version of the response";
    content_length: KeyIf<Option<u64>> = key_if_asked(hop.details.as_deref().map(|details| details.content_length)), json,
        "with `--chain`: its header `Content-Length`";
    content_type: KeyIf<Option<&str>> = key_if_asked(hop.details.as_deref().map(|details| details.content_type.as_deref())), json,
        "with `--chain`: its header `Content-Type`";
    server: KeyIf<Option<&str>> = key_if_asked(hop.details.as_deref().map(|details| details.server.as_deref())), json,
        "with `--chain`: its header `Server`";
    tls: KeyIf<Option<Object<'_, Tls>>> = key_if_asked(hop.details.as_deref().map(|details| details.tls.as_deref().map(Object))), json,
        "with `--chain`: the [TLS connection](#tls); null if there was none";
    phases_ms: KeyIfSome<Object<'_, Phases>> = KeyIfSome(hop.details.as_deref().map(|details| Object(&details.phases))), json,
        "with `--chain`: the [phases](#phases) of this hop; those of the last response are what is left of the line's if there was one attempt";
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

http_answer!(Answer, Body, Extras);
