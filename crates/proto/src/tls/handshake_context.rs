//! Where a connection and the verifier that all connections share meet.
//!
//! The library calls the verifier without a word on whose handshake it is about. It does so
//! while the connection works, on the same thread, so what the two have to tell each other lies
//! in thread-local variables for just as long. The alternatives cost more: a verifier for each
//! connection needs a copy of the whole configuration, which stays in memory with it, and shared state
//! in the client would mix up connections of different threads.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::time_provider::TimeProvider;

use super::refusal::Refusal;

/// What the verifier found out.
#[derive(Debug)]
pub(super) struct Seen {
    /// What the server showed.
    pub(super) shown: Box<Shown>,
    /// Why it is not to be trusted.
    pub(super) refusal: Option<Box<Refusal>>,
}

/// What a server showed of itself.
#[derive(Debug)]
pub(super) struct Shown {
    /// Its own certificate.
    pub(super) leaf: CertificateDer<'static>,
    /// How many certificates it sent.
    pub(super) chain_length: usize,
}

thread_local! {
    static NOW_S: Cell<i64> = const { Cell::new(0) };
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// Does `work` for one connection at `unix_now_s`. What the verifier saw meanwhile comes with
/// the result.
pub(super) fn attended<T>(unix_now_s: i64, work: impl FnOnce() -> T) -> (T, Option<Seen>) {
    NOW_S.set(unix_now_s);
    SEEN.take();
    let done = work();
    (done, SEEN.take())
}

/// Leaves what was seen for the connection that is at work.
pub(super) fn report(seen: Seen) {
    SEEN.replace(Some(seen));
}

/// The time that the connection at work goes by.
#[derive(Debug)]
pub(super) struct HandshakeClock;

impl TimeProvider for HandshakeClock {
    fn current_time(&self) -> Option<UnixTime> {
        let now_s = u64::try_from(NOW_S.get()).unwrap_or(0);
        Some(UnixTime::since_unix_epoch(Duration::from_secs(now_s)))
    }
}
