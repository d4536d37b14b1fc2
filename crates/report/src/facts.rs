//! What answers of several kinds have in common.

use canvass_model::{AddressVerdict, Answer, TlsFacts};

/// The TLS connection, where there was one.
pub(crate) fn tls_facts(answer: &Answer) -> Option<&TlsFacts> {
    match answer {
        Answer::Http(answer) => answer.tls.as_deref(),
        Answer::Talk(answer) => answer.tls.as_deref(),
        Answer::Ptr(_) | Answer::Dns(_) => None,
    }
}

/// What each address gave, where all were asked.
pub(crate) fn addresses(answer: &Answer) -> &[AddressVerdict] {
    let addresses = match answer {
        Answer::Http(answer) => &answer.addresses,
        Answer::Talk(answer) => &answer.addresses,
        Answer::Ptr(_) | Answer::Dns(_) => &None,
    };
    addresses.as_deref().unwrap_or_default()
}
