//! What is kept of a body.

use sha2::{Digest, Sha256};

use super::settings::HttpSettings;
use super::title::TITLE_SCAN_BYTES_MAX;

/// The most octets that are allocated in advance.
const RESERVED_BYTES_MAX: u64 = 1 << 20;

/// The decoded body or its beginning, and its digest, as far as the settings ask for them.
#[derive(Debug)]
pub(super) struct Kept {
    octets: Option<Vec<u8>>,
    bytes_max: usize,
    digest: Option<Box<Sha256>>,
}

impl Kept {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self {
            octets: (settings.keep_body || settings.extras.title).then(Vec::new),
            bytes_max: if settings.keep_body {
                usize::MAX
            } else {
                TITLE_SCAN_BYTES_MAX
            },
            digest: settings.extras.body_sha256.then(Box::default),
        }
    }

    /// Keeps the whole body, whatever the settings ask for. To be called before the first octet.
    pub(super) fn keep_whole(&mut self) {
        self.octets.get_or_insert_default();
        self.bytes_max = usize::MAX;
    }

    /// Makes room for a body of this size.
    pub(super) fn reserve(&mut self, octets: u64) {
        if let Some(kept) = &mut self.octets {
            let octets = octets.min(RESERVED_BYTES_MAX) as usize;
            kept.reserve_exact(octets.min(self.bytes_max));
        }
    }

    pub(super) fn add(&mut self, decoded: &[u8]) {
        if let Some(kept) = &mut self.octets {
            let room = self.bytes_max - kept.len();
            kept.extend_from_slice(&decoded[..decoded.len().min(room)]);
        }
        if let Some(digest) = &mut self.digest {
            digest.update(decoded);
        }
    }

    pub(super) fn octets(&self) -> Option<&[u8]> {
        self.octets.as_deref()
    }

    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.octets.take()
    }

    /// The SHA-256 of what was received.
    pub(super) fn sha256(&self) -> Option<[u8; 32]> {
        let digest = self.digest.as_deref()?;
        Some(digest.clone().finalize().into())
    }
}
