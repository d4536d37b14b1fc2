//! Alerts of a peer, and what they tell of it.

use rustls::AlertDescription;

use super::fault::Seen;

/// Alerts by their number (IANA registry).
const ALERTS: [(u8, &str); 37] = [
    (0, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed_RESERVED"),
    (22, "record_overflow"),
    (30, "decompression_failure_RESERVED"),
    (40, "handshake_failure"),
    (41, "no_certificate_RESERVED"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (52, "too_many_cids_requested"),
    (60, "export_restriction_RESERVED"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable_RESERVED"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (114, "bad_certificate_hash_value_RESERVED"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (117, "general_error"),
    (120, "no_application_protocol"),
    (121, "ech_required"),
];

/// What an alert means. Servers with older versions and suites alone do not say which.
pub(super) fn alert_message(alert: AlertDescription, seen: &Seen<'_>) -> String {
    let received = format!("the peer sent the TLS alert {}", alert_name(alert));
    let Seen { offer, flight, .. } = seen;
    if seen.renegotiation_refused {
        return format!("{received} after it asked for a renegotiation, which is not supported");
    }
    if alert == AlertDescription::CertificateRequired {
        return format!("{received}: it requires a client certificate");
    }
    let Some(flight) = flight else {
        return received;
    };
    if flight.asks_for_certificate() {
        return format!("{received} after it asked for a client certificate");
    }
    if flight.choice().is_some() {
        return received;
    }
    match alert {
        AlertDescription::ProtocolVersion => format!(
            "{received}: it does not accept {}{}",
            offer.versions(),
            offer.other_versions()
        ),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => format!(
            "{received}: it accepts nothing that was offered ({} with ECDHE key exchange and AEAD \
             ciphers), so it may only have {}",
            offer.versions(),
            offer.other_suites()
        ),
        _ => received,
    }
}

/// The name of an alert, or its number.
fn alert_name(alert: AlertDescription) -> String {
    let number = u8::from(alert);
    match ALERTS.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => (*name).to_owned(),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_their_registered_names() {
        for (number, name) in [
            (0, "close_notify"),
            (20, "bad_record_mac"),
            (40, "handshake_failure"),
            (41, "no_certificate_RESERVED"),
            (48, "unknown_ca"),
            (70, "protocol_version"),
            (112, "unrecognized_name"),
            (113, "bad_certificate_status_response"),
            (115, "unknown_psk_identity"),
            (116, "certificate_required"),
            (120, "no_application_protocol"),
            (121, "ech_required"),
            (200, "200"),
        ] {
            assert_eq!(alert_name(AlertDescription::from(number)), name);
        }
    }
}
