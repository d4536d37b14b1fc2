//! The client's side of TLS as a filter between octets: ciphertext in, plaintext out, and back.
//!
//! [`TlsClient`] is what the connections of a run have in common; [`TlsFilter`] is one
//! connection. Neither opens a socket nor reads a clock, and no session is ever resumed: every
//! connection shows a whole handshake.
//!
//! A handshake goes to its end whatever the certificate is, so that its facts are known, and only
//! then comes the verdict. Where the client has an identity to show, the verdict comes first.

mod client;
mod facts;
mod fault;
mod filter;
mod handshake_context;
mod names;
mod options;
mod refusal;
mod signatures;
mod verifier;

#[cfg(test)]
mod tests;

pub use client::TlsClient;
pub use fault::TlsFault;
pub use filter::TlsFilter;
pub use options::{PemFile, Roots, TlsIdentity, TlsOptions, TlsSetupError, TlsVersion};
