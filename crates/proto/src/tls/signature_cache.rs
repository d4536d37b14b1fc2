//! A cache of valid signatures.
//!
//! A few hundred issuers sign for the whole web, so most servers' chains share a signature with an
//! earlier one, and a server that is probed again shares all. Whether a signature is valid depends
//! only on the key, the message and itself, so a result never expires. Handshake signatures are new
//! each time and not cached.

use std::collections::HashSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use sha2::{Digest, Sha256};

/// The number of signatures the cache holds at least; at most it holds twice as many, of 32 octets
/// each.
const CACHED_MIN: usize = 4096;

/// Hashes of valid signatures.
#[derive(Debug, Default)]
pub(super) struct SignatureCache {
    generations: Mutex<Generations>,
}

/// When the young generation is full it replaces the old one. What is used moves to the young
/// generation, and so stays.
#[derive(Debug, Default)]
struct Generations {
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

impl SignatureCache {
    fn contains(&self, key: &[u8; 32]) -> bool {
        let mut generations = self.generations();
        if generations.young.contains(key) {
            return true;
        }
        if !generations.old.contains(key) {
            return false;
        }
        generations.insert(*key);
        true
    }

    fn insert(&self, key: [u8; 32]) {
        self.generations().insert(key);
    }

    /// The set is valid even if a thread panicked while it held the lock.
    fn generations(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn insert(&mut self, key: [u8; 32]) {
        if self.young.len() >= CACHED_MIN {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key);
    }
}

/// An algorithm that looks up the cache first.
#[derive(Debug)]
pub(super) struct CachingAlgorithm {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    cache: Arc<SignatureCache>,
}

impl CachingAlgorithm {
    pub(super) fn new(
        algorithm: &'static dyn SignatureVerificationAlgorithm,
        cache: &Arc<SignatureCache>,
    ) -> Self {
        Self {
            algorithm,
            cache: Arc::clone(cache),
        }
    }

    /// A hash of the key, the message and the signature. Lengths precede all parts but the last, so
    /// that no two inputs are the same.
    fn key(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [
            self.algorithm.public_key_alg_id().as_ref(),
            self.algorithm.signature_alg_id().as_ref(),
            public_key,
            signature,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(message);
        hash.finalize().into()
    }
}

impl SignatureVerificationAlgorithm for CachingAlgorithm {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = self.key(public_key, message, signature);
        if self.cache.contains(&key) {
            return Ok(());
        }
        self.algorithm
            .verify_signature(public_key, message, signature)?;
        self.cache.insert(key);
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustls::pki_types::alg_id;

    use super::*;

    /// Accepts the signature `good`, and counts its calls.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl SignatureVerificationAlgorithm for Counting {
        fn verify_signature(
            &self,
            _: &[u8],
            _: &[u8],
            signature: &[u8],
        ) -> Result<(), InvalidSignature> {
            self.0.fetch_add(1, Ordering::Relaxed);
            (signature == b"good").then_some(()).ok_or(InvalidSignature)
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ED25519
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ED25519
        }
    }

    fn caching() -> (&'static Counting, CachingAlgorithm) {
        let counting: &'static Counting = Box::leak(Box::default());
        (counting, CachingAlgorithm::new(counting, &Arc::default()))
    }

    #[test]
    fn a_good_signature_is_checked_once_and_a_bad_one_every_time() {
        let (counting, algorithm) = caching();
        for _ in 0..3 {
            assert!(algorithm.verify_signature(b"k", b"m", b"good").is_ok());
        }
        assert_eq!(counting.0.load(Ordering::Relaxed), 1);
        for _ in 0..2 {
            assert!(algorithm.verify_signature(b"k", b"m", b"bad").is_err());
        }
        assert_eq!(counting.0.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn another_key_or_message_is_another_question() {
        let (counting, algorithm) = caching();
        for (key, message) in [
            (&b"k"[..], &b"m"[..]),
            (b"", b"km"),
            (b"km", b""),
            (b"x", b"m"),
        ] {
            assert!(algorithm.verify_signature(key, message, b"good").is_ok());
        }
        assert_eq!(counting.0.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn what_is_met_again_stays_and_the_rest_is_forgotten() {
        let cache = SignatureCache::default();
        let key = |number: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            key
        };
        cache.insert(key(0));
        cache.insert(key(1));
        for number in 2..CACHED_MIN * 3 {
            cache.insert(key(number));
            assert!(cache.contains(&key(0)));
        }
        assert!(!cache.contains(&key(1)));
        let generations = cache.generations();
        assert!(generations.young.len() + generations.old.len() <= 2 * CACHED_MIN);
    }
}
