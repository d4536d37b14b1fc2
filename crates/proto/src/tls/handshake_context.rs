//! The context of the handshake that is being processed, shared by its connection and the verifier.
//!
//! rustls calls the verifier without saying which connection it is for. It does so on the thread
//! that processes the connection, so thread-local variables carry what the two exchange. The
//! alternatives cost more: a verifier per connection needs a copy of the whole configuration, which
//! stays in memory with it, and shared state in the client would mix up connections of different
//! threads.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;

use super::certificate_fault::CertificateFault;

/// The result of the verifier.
#[derive(Debug)]
pub(super) struct Verification {
    /// The certificate chain.
    pub(super) chain: Box<PeerChain>,
    /// Whether an OCSP response came with it.
    pub(super) ocsp_stapled: bool,
    /// Why it is not trusted.
    pub(super) fault: Option<Box<CertificateFault>>,
}

/// The certificate chain that a server sent.
#[derive(Debug)]
pub(super) struct PeerChain {
    /// The server's own certificate.
    pub(super) leaf: CertificateDer<'static>,
    /// The number of certificates.
    pub(super) chain_length: usize,
}

thread_local! {
    static NOW_S: Cell<i64> = const { Cell::new(0) };
    static VERIFICATION: RefCell<Option<Verification>> = const { RefCell::new(None) };
}

/// Runs `work` for one connection at `unix_now_s`. Returns its result, and that of the verifier if
/// it was called.
pub(super) fn with_context<T>(
    unix_now_s: i64,
    work: impl FnOnce() -> T,
) -> (T, Option<Verification>) {
    NOW_S.set(unix_now_s);
    VERIFICATION.take();
    let done = work();
    (done, VERIFICATION.take())
}

/// Stores the result for the connection that is being processed.
pub(super) fn store(verification: Verification) {
    VERIFICATION.replace(Some(verification));
}

/// The clock of the connection that is being processed.
#[derive(Debug)]
pub(super) struct HandshakeClock;

impl TimeProvider for HandshakeClock {
    fn current_time(&self) -> Option<UnixTime> {
        let now_s = u64::try_from(NOW_S.get()).unwrap_or(0);
        Some(UnixTime::since_unix_epoch(Duration::from_secs(now_s)))
    }
}
