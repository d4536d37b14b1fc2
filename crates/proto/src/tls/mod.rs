//! TLS for clients, as a filter between octets: ciphertext in, plaintext out, and back.
//!
//! [`TlsClient`] is the configuration that connections share; [`TlsFilter`] is one connection.
//! Neither opens a socket or reads a clock. Sessions are never resumed: every connection has a full
//! handshake.
//!
//! A handshake completes whatever the certificate is, so that its facts are known; the certificate
//! is accepted or rejected after that. With a client certificate it is before, so that an untrusted
//! server never sees it.

mod alert;
mod algorithm_names;
mod certificate_fault;
mod client;
mod facts;
mod fault;
mod filter;
mod flight;
mod handshake_context;
mod issuers;
mod keys;
mod names;
mod offer;
mod options;
mod p521;
mod peer_errors;
mod records;
mod signature_cache;
mod verifier;
mod wrong_host;

#[cfg(test)]
pub(crate) mod tests;

pub use client::TlsClient;
pub use fault::TlsFault;
pub use filter::TlsFilter;
pub use options::{PemFile, Roots, TlsIdentity, TlsOptions, TlsSetupError, TlsVersion};
