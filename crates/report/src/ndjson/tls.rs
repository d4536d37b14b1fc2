//! The object `tls`.

use canvass_model::{CertificateFacts, TlsFacts};

use super::json::{push_list, push_or_null, push_string, push_text_key, push_truth, put};
use crate::epoch::push_second;
use crate::write::{push_number, push_sha256};

/// Appends the key `tls`.
pub(super) fn push_tls(out: &mut Vec<u8>, tls: Option<&TlsFacts>) {
    put(out, ",\"tls\":");
    push_or_null(out, tls, push_facts);
}

fn push_facts(out: &mut Vec<u8>, tls: &TlsFacts) {
    push_text_key(out, "{\"version\":", tls.version);
    push_text_key(out, ",\"cipher\":", tls.cipher.as_deref());
    push_text_key(out, ",\"alpn\":", tls.alpn.as_deref());
    put(out, ",\"verified\":");
    push_truth(out, tls.verified);
    push_text_key(out, ",\"verify_error\":", tls.verify_error.as_deref());
    match &tls.certificate {
        Some(certificate) => push_certificate(out, certificate),
        None => put(
            out,
            ",\"subject\":null,\"sans\":[],\"issuer\":null,\"not_before\":null,\
             \"not_after\":null,\"days_left\":null,\"sha256\":null",
        ),
    }
    put(out, ",\"chain_length\":");
    push_number(out, tls.chain_length);
    put(out, "}");
}

fn push_certificate(out: &mut Vec<u8>, certificate: &CertificateFacts) {
    put(out, ",\"subject\":");
    push_string(out, &certificate.subject);
    put(out, ",\"sans\":[");
    push_list(out, &certificate.subject_alt_names, |out, name| {
        push_string(out, name);
    });
    put(out, "],\"issuer\":");
    push_string(out, &certificate.issuer);
    put(out, ",\"not_before\":\"");
    push_second(out, certificate.not_before_s);
    put(out, "\",\"not_after\":\"");
    push_second(out, certificate.not_after_s);
    put(out, "\",\"days_left\":");
    push_number(out, certificate.days_left);
    put(out, ",\"sha256\":\"");
    push_sha256(out, &certificate.sha256);
    put(out, "\"");
}
