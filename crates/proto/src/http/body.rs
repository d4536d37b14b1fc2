//! The body of a response, without its framing.

use canvass_model::{Cause, HttpWarning, HttpWarnings};

use super::coding::{CodingFault, Decoder};
use super::fault::HttpFault;
use super::head::Head;
use super::kept::Kept;
use super::settings::HttpSettings;
use super::tls_notice;

/// The size of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In octets as received, without framing.
    pub body_bytes: u64,
    /// In octets without content codings.
    pub decoded_bytes: u64,
}

/// The body that was received.
#[derive(Debug)]
pub(super) struct Body {
    counts: Counts,
    bytes_max: u64,
    codings_max: usize,
    strict: bool,
    kept: Kept,
    coding: Coding,
    warnings: HttpWarnings,
    /// Its beginning, decoded, if it may be the notice of a TLS port.
    notice: Option<Vec<u8>>,
}

#[derive(Debug)]
enum Coding {
    None,
    /// Those that the head names, outermost last. The decoder is created with the first octet of
    /// the body, since an empty one needs none.
    Named(Vec<Box<[u8]>>),
    Decoding(Decoder),
}

impl Coding {
    fn of(head: &Head) -> Self {
        let named: Vec<_> = head
            .list("Content-Encoding")
            .map(|(_, coding)| coding)
            .filter(|coding| !coding.eq_ignore_ascii_case(b"identity"))
            .map(Box::from)
            .collect();
        if named.is_empty() {
            Self::None
        } else {
            Self::Named(named)
        }
    }
}

impl Body {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self {
            counts: Counts::default(),
            bytes_max: settings.body_bytes_max,
            codings_max: settings.codings_max,
            strict: settings.strict,
            kept: Kept::new(settings),
            coding: Coding::None,
            warnings: HttpWarnings::default(),
            notice: None,
        }
    }

    /// Prepares for the body after `head`. If it `may_be_notice`, it is looked through for the
    /// notice of a TLS port.
    pub(super) fn begin(&mut self, head: &Head, may_be_notice: bool) {
        self.coding = Coding::of(head);
        self.notice = may_be_notice.then(Vec::new);
    }

    /// Its length is known.
    pub(super) fn expect(&mut self, octets: u64) -> Result<(), HttpFault> {
        self.check_size(octets)?;
        if let Coding::None = self.coding {
            self.kept.reserve(octets);
        }
        Ok(())
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn warnings(&self) -> HttpWarnings {
        self.warnings
    }

    pub(super) fn warn(&mut self, warning: HttpWarning) {
        self.warnings.insert(warning);
    }

    /// Keeps the whole body. To be called before its first octet.
    pub(super) fn keep_whole(&mut self) {
        self.kept.keep_whole();
    }

    /// What is kept of it.
    pub(super) fn kept(&self) -> Option<&[u8]> {
        self.kept.octets()
    }

    /// The SHA-256 of what was received, if it is asked for.
    pub(super) fn sha256(&self) -> Option<[u8; 32]> {
        self.kept.sha256()
    }

    /// Takes what is kept.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.kept.take()
    }

    /// Takes octets of the body, without framing.
    pub(super) fn received(&mut self, octets: &[u8]) -> Result<(), HttpFault> {
        let left = self.bytes_max - self.counts.body_bytes;
        let fitting =
            usize::try_from(left).map_or(octets, |left| &octets[..left.min(octets.len())]);
        self.counts.body_bytes += fitting.len() as u64;
        self.decode(fitting)?;
        self.check_size((octets.len() - fitting.len()) as u64)
    }

    /// Refuses further `octets` if the body becomes too large by them.
    pub(super) fn check_size(&self, octets: u64) -> Result<(), HttpFault> {
        if octets > self.bytes_max - self.counts.body_bytes {
            let message = format!("the body is larger than {} octets", self.bytes_max);
            return Err(HttpFault::new(Cause::Oversize, message));
        }
        Ok(())
    }

    fn decode(&mut self, octets: &[u8]) -> Result<(), HttpFault> {
        if octets.is_empty() {
            return Ok(());
        }
        if let Coding::Named(codings) = &self.coding {
            self.coding = match Decoder::new(codings, self.codings_max, self.bytes_max) {
                Ok(decoder) => Coding::Decoding(decoder),
                // The body stays as it is, as Go leaves it.
                Err(CodingFault::Unknown(_)) if !self.strict => {
                    self.warn(HttpWarning::ContentEncoding);
                    Coding::None
                }
                Err(fault) => return Err(self.coding_fault(fault)),
            };
        }
        let Self {
            counts,
            kept,
            notice,
            ..
        } = self;
        let mut keep = |decoded: &[u8]| {
            counts.decoded_bytes += decoded.len() as u64;
            if let Some(notice) = notice {
                tls_notice::gather(notice, decoded);
            }
            kept.add(decoded);
        };
        match &mut self.coding {
            Coding::Decoding(decoder) => decoder
                .decode(octets, &mut keep)
                .map_err(|fault| self.coding_fault(fault)),
            _ => {
                keep(octets);
                Ok(())
            }
        }
    }

    /// Checks that it is complete.
    pub(super) fn end(&mut self) -> Result<(), HttpFault> {
        if let Coding::Decoding(decoder) = &self.coding {
            decoder.end().map_err(|fault| self.coding_fault(fault))?;
        }
        if self
            .notice
            .take()
            .is_some_and(|text| tls_notice::is_in(&text))
        {
            self.warn(HttpWarning::TlsPort);
        }
        Ok(())
    }

    fn coding_fault(&self, fault: CodingFault) -> HttpFault {
        let cause = match fault {
            CodingFault::Oversize | CodingFault::TooMany(_) => Cause::Oversize,
            _ => Cause::Coding,
        };
        let message = match fault {
            CodingFault::Oversize => {
                format!("the decoded body is larger than {} octets", self.bytes_max)
            }
            other => other.to_string(),
        };
        HttpFault::new(cause, message)
    }
}
