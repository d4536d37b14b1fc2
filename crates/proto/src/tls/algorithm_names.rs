//! Names of signature algorithms and keys in certificates.

use x509_parser::asn1_rs::{FromDer, Oid};

/// Signature algorithms (RFC 3279, 4055, 5758, 8410, 9881).
const SIGNATURES: [(&str, &str); 22] = [
    ("1.2.840.113549.1.1.2", "RSA with MD2"),
    ("1.2.840.113549.1.1.4", "RSA with MD5"),
    ("1.2.840.113549.1.1.5", "RSA with SHA-1"),
    ("1.3.14.3.2.29", "RSA with SHA-1"),
    ("1.2.840.113549.1.1.14", "RSA with SHA-224"),
    ("1.2.840.113549.1.1.11", "RSA with SHA-256"),
    ("1.2.840.113549.1.1.12", "RSA with SHA-384"),
    ("1.2.840.113549.1.1.13", "RSA with SHA-512"),
    ("1.2.840.113549.1.1.10", "RSA-PSS with these parameters"),
    ("1.2.840.10040.4.3", "DSA with SHA-1"),
    ("2.16.840.1.101.3.4.3.2", "DSA with SHA-256"),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1"),
    ("1.2.840.10045.4.3.1", "ECDSA with SHA-224"),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256"),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("1.2.156.10197.1.501", "SM2 with SM3"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

/// Keys, and the curves of those on elliptic curves (RFC 3279, 5480, 5639, 8410).
const KEYS: [(&str, &str); 14] = [
    ("1.2.840.113549.1.1.1", "RSA"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.132.0.33", "P-224"),
    ("1.2.840.10045.3.1.7", "P-256"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
];

const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";

/// The name of a signature algorithm, by the content of its AlgorithmIdentifier (RFC 5280
/// §4.1.1.2).
pub(super) fn signature_name(identifier: &[u8]) -> String {
    let Ok((_, oid)) = Oid::from_der(identifier) else {
        return "an algorithm without a name".to_owned();
    };
    named(&SIGNATURES, &oid.to_id_string())
}

/// The name of a kind of key, by the content of its AlgorithmIdentifier.
pub(super) fn key_name(identifier: &[u8]) -> String {
    let Ok((parameters, oid)) = Oid::from_der(identifier) else {
        return "an unnamed kind".to_owned();
    };
    let id = oid.to_id_string();
    match Oid::from_der(parameters) {
        Ok((_, curve)) if id == EC_PUBLIC_KEY => named(&KEYS, &curve.to_id_string()),
        _ => named(&KEYS, &id),
    }
}

fn named(names: &[(&str, &str)], id: &str) -> String {
    match names.iter().find(|(known, _)| *known == id) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("the algorithm {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_algorithms_have_names_and_others_their_number() {
        let sha1_rsa = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5, 5, 0];
        assert_eq!(signature_name(&sha1_rsa), "RSA with SHA-1");
        assert_eq!(
            signature_name(&[6, 3, 0x2b, 0x65, 0x01]),
            "the algorithm 1.3.101.1"
        );
        assert_eq!(signature_name(b""), "an algorithm without a name");
        let secp256k1 = [
            6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 10,
        ];
        assert_eq!(key_name(&secp256k1), "secp256k1");
        assert_eq!(
            key_name(&sha1_rsa[..11]),
            "the algorithm 1.2.840.113549.1.1.5"
        );
    }
}
