//! The sizes of RSA keys.

use canvass_model::Cause;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::certificate_fault::Reason;

/// The shortest RSA key that is accepted (CA/Browser Forum Baseline Requirements §6.1.5).
const RSA_BITS_MIN: usize = 2048;
/// The longest RSA key that the cryptographic library supports.
const RSA_BITS_MAX: usize = 8192;

/// Why signatures of `key` are not accepted because of its size; `whose` is the owner in messages.
pub(super) fn size_fault(key: &SubjectPublicKeyInfo<'_>, whose: &str) -> Option<Reason> {
    let Ok(PublicKey::RSA(rsa)) = key.parsed() else {
        return None;
    };
    let bits = rsa.key_size();
    if bits < RSA_BITS_MIN {
        return Some(Reason::new(
            Cause::WeakKey,
            format!("the RSA key of {whose} has {bits} bits, fewer than {RSA_BITS_MIN}"),
        ));
    }
    (bits > RSA_BITS_MAX).then(|| {
        Reason::new(
            Cause::BadCertificate,
            format!(
                "the RSA key of {whose} has {bits} bits, more than the {RSA_BITS_MAX} that are \
                 supported"
            ),
        )
    })
}
