//! The columns after the target for `http`, `tcp` and `udp`.

use canvass_model::{
    AddressVerdict, Answer, HttpAnswer, HttpExtras, Outcome, TalkAnswer, TalkReply, TlsFacts, Unmet,
};

use super::{push_status_of, push_unmet};
use crate::human::{count, span_ns};
use crate::theme::Theme;
use crate::write::{
    nanos, push_display, push_number, push_remote, push_sha256, push_status, push_visible,
};

/// Appends status, size, time and detail.
pub(super) fn push_http(out: &mut Vec<u8>, outcome: &Outcome, theme: Theme) {
    push_status_of(out, outcome, theme);
    out.push(b'\t');
    let answer = match &outcome.answer {
        Answer::Http(answer) => Some(&**answer),
        _ => None,
    };
    match answer.and_then(|answer| answer.body_bytes) {
        Some(body_bytes) => push_number(out, body_bytes),
        None => out.push(b'-'),
    }
    push_time(out, outcome);
    let mut detail = Detail::new(out);
    detail.push_fault(outcome);
    detail.push_unmet(outcome.answer.unmet());
    if let Some(answer) = answer {
        push_http_detail(&mut detail, answer);
    }
    detail.push_recheck(outcome);
    detail.end();
}

/// Appends status, time and detail.
pub(super) fn push_talk(out: &mut Vec<u8>, outcome: &Outcome, theme: Theme) {
    push_status_of(out, outcome, theme);
    push_time(out, outcome);
    let mut detail = Detail::new(out);
    detail.push_fault(outcome);
    if let Answer::Talk(answer) = &outcome.answer {
        push_talk_detail(&mut detail, answer);
    }
    detail.push_recheck(outcome);
    detail.end();
}

fn push_time(out: &mut Vec<u8>, outcome: &Outcome) {
    out.push(b'\t');
    match outcome.latency() {
        Some(latency) => out.extend_from_slice(span_ns(nanos(latency)).as_bytes()),
        None => out.push(b'-'),
    }
    out.push(b'\t');
}

fn push_http_detail(detail: &mut Detail<'_>, answer: &HttpAnswer) {
    if !answer.redirects.is_empty() {
        push_redirects(detail.part(), answer);
    }
    detail.push_tls(answer.tls.as_deref());
    detail.push_addresses(answer.addresses.as_deref());
    if let Some(extras) = &answer.extras {
        detail.push_extras(extras);
    }
    if !answer.warnings.is_empty() {
        let out = detail.part();
        out.extend_from_slice(b"warnings: ");
        for (index, warning) in answer.warnings.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            push_display(out, format_args!("{separator}{warning}"));
        }
    }
    if let Some(surplus_bytes) = answer.surplus_bytes {
        let octets = count(surplus_bytes, "octet", "octets");
        push_display(detail.part(), format_args!("{octets} after the answer"));
    }
    if let Some(error) = &answer.body_error {
        let out = detail.part();
        out.extend_from_slice(b"body not kept: ");
        push_visible(out, error);
    }
}

/// Where redirects lead; if each hop is asked for, with its status code.
fn push_redirects(out: &mut Vec<u8>, answer: &HttpAnswer) {
    for hop in &answer.redirects {
        if hop.details.is_some() {
            push_display(out, format_args!("{} ", hop.code));
            push_visible(out, &hop.url);
            out.push(b' ');
        }
    }
    out.extend_from_slice(b"-> ");
    push_visible(out, &answer.url);
}

fn push_talk_detail(detail: &mut Detail<'_>, answer: &TalkAnswer) {
    match &answer.mismatch {
        // It says more than what was expected and what was seen.
        Some(mismatch) => push_visible(detail.part(), mismatch),
        None => detail.push_unmet(answer.unmet.as_deref()),
    }
    if !answer.captures.is_empty() {
        push_captures(detail.part(), &answer.captures);
    }
    for reply in answer.replies.iter().flatten() {
        push_reply(detail.part(), reply);
    }
    detail.push_tls(answer.tls.as_deref());
    detail.push_addresses(answer.addresses.as_deref());
}

fn push_captures(out: &mut Vec<u8>, captures: &[(Box<str>, Box<str>)]) {
    for (index, (name, value)) in captures.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b"; ");
        }
        push_visible(out, name);
        out.push(b'=');
        push_visible(out, value);
    }
}

fn push_reply(out: &mut Vec<u8>, reply: &TalkReply) {
    push_remote(out, &reply.remote, push_visible);
    out.push(b' ');
    if !reply.matched {
        out.extend_from_slice(b"unmatched");
    } else if reply.captures.is_empty() {
        out.extend_from_slice(b"matched");
    } else {
        push_captures(out, &reply.captures);
    }
}

/// The last column: parts joined by ` | `, or `-` if there are none.
struct Detail<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Detail<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start }
    }

    /// Starts the next part.
    fn part(&mut self) -> &mut Vec<u8> {
        if self.out.len() > self.start {
            self.out.extend_from_slice(b" | ");
        }
        self.out
    }

    fn end(self) {
        if self.out.len() == self.start {
            self.out.push(b'-');
        }
    }

    fn push_fault(&mut self, outcome: &Outcome) {
        if let Some(fault) = &outcome.fault {
            let out = self.part();
            out.extend_from_slice(fault.cause.as_str().as_bytes());
            out.extend_from_slice(b": ");
            push_visible(out, &fault.message);
        }
    }

    fn push_recheck(&mut self, outcome: &Outcome) {
        if outcome.recheck {
            self.part().extend_from_slice(b"recheck: failed at first");
        }
    }

    fn push_unmet(&mut self, unmet: Option<&Unmet>) {
        if let Some(unmet) = unmet {
            push_unmet(self.part(), unmet);
        }
    }

    fn push_extras(&mut self, extras: &HttpExtras) {
        if let Some(Some(title)) = &extras.title {
            let out = self.part();
            out.extend_from_slice(b"title ");
            push_visible(out, title);
        }
        if let Some(Some(sha256)) = &extras.body_sha256 {
            let out = self.part();
            out.extend_from_slice(b"sha256 ");
            push_sha256(out, sha256);
        }
        if let Some(Some(mmh3)) = extras.favicon.as_ref().map(|icon| icon.as_ref()?.mmh3) {
            push_display(self.part(), format_args!("favicon {mmh3}"));
        }
        for header in extras.headers.iter().flatten() {
            let out = self.part();
            push_visible(out, &header.name);
            out.extend_from_slice(b": ");
            push_visible(out, &header.value);
        }
    }

    fn push_tls(&mut self, tls: Option<&TlsFacts>) {
        let Some(tls) = tls else { return };
        if let Some(certificate) = &tls.certificate {
            let days = count(certificate.days_left.unsigned_abs(), "day", "days");
            if certificate.days_left < 0 {
                push_display(self.part(), format_args!("certificate ended {days} ago"));
            } else {
                push_display(self.part(), format_args!("certificate ends in {days}"));
            }
        }
        if tls.verified == Some(false) {
            self.part().extend_from_slice(b"not verified");
        }
    }

    fn push_addresses(&mut self, addresses: Option<&[AddressVerdict]>) {
        for address in addresses.unwrap_or_default() {
            let out = self.part();
            push_remote(out, &address.remote, push_visible);
            out.push(b' ');
            push_status(out, address.status);
        }
    }
}
