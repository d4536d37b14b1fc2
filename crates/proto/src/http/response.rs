//! HTTP responses.

use std::sync::Arc;

use canvass_model::Cause;

use super::chunked::Chunked;
use super::coding::{CodingFault, Decoder};
use super::fault::HttpFault;
use super::framing::{Framing, RequestKind, framing, keeps_alive};
use super::head::{Head, HeadScan, check_start};
use super::kept::Kept;
use super::request::Request;
use super::settings::HttpSettings;

/// The most interim responses (RFC 9110 §15.2) before the final one.
const INTERIM_MAX: u32 = 16;

/// Reads one response. The result does not depend on how the octets are divided, with one
/// exception: if coded content has two faults (broken and too large, or broken in two of its
/// codings), the division can decide which of them is reported.
#[derive(Debug)]
pub struct ResponseReader {
    settings: Arc<HttpSettings>,
    kind: RequestKind,
    state: State,
    /// The beginning of a head that is not whole yet.
    pending: Vec<u8>,
    scan: HeadScan,
    /// The number of octets read.
    offset: u64,
    interim: u32,
    head: Option<Head>,
    keeps_alive: bool,
    body: Body,
}

/// How far a response is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The head is not complete yet.
    Head,
    /// The head is complete, the body is not.
    Body,
    /// The response is complete. Nothing may follow it.
    Done,
}

/// The size of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In octets as received, without framing.
    pub body_bytes: u64,
    /// In octets without content codings.
    pub decoded_bytes: u64,
}

#[derive(Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(Chunked),
    Close,
    Done,
    Failed(HttpFault),
}

impl ResponseReader {
    /// Reads the response to `request`.
    pub fn new(request: &Request) -> Self {
        let settings = request.settings();
        Self {
            kind: RequestKind::of(request.method()),
            state: State::Head,
            pending: Vec::new(),
            scan: HeadScan::default(),
            offset: 0,
            interim: 0,
            head: None,
            keeps_alive: false,
            body: Body {
                counts: Counts::default(),
                bytes_max: settings.body_bytes_max,
                kept: Kept::new(settings),
                coding: Coding::None,
            },
            settings: Arc::clone(settings),
        }
    }

    /// Keeps the whole body for [`Self::body`], also if it is not to be taken. To be called before
    /// anything is received.
    #[must_use]
    pub fn keeping_body(mut self) -> Self {
        self.body.kept.keep_whole();
        self
    }

    /// Takes octets that were received.
    ///
    /// Octets after the end of the response are a fault, in the same call or a later one. After a
    /// fault every further call returns it again.
    pub fn received(&mut self, octets: &[u8]) -> Result<Progress, HttpFault> {
        let taken = self.take(octets);
        self.progress(taken)
    }

    /// The peer closed its side. That ends a body without other framing; every other response must
    /// be complete.
    pub fn ended(&mut self) -> Result<Progress, HttpFault> {
        let ended = self.end();
        self.progress(ended)
    }

    /// The head of the final response, once it is complete; also after a fault in the body.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The size of what was received of the body.
    pub fn counts(&self) -> Counts {
        self.body.counts
    }

    /// Whether the connection can carry another request: the response is complete, and neither side
    /// closes it.
    pub fn can_reuse(&self) -> bool {
        matches!(self.state, State::Done) && self.keeps_alive
    }

    /// The settings of the request.
    pub fn settings(&self) -> &Arc<HttpSettings> {
        &self.settings
    }

    /// The decoded body as far as it was received: whole with [`HttpSettings::keep_body`] or
    /// [`Self::keeping_body`], or the beginning with [`Extras::title`](super::Extras::title).
    pub fn body(&self) -> Option<&[u8]> {
        self.body.kept.octets()
    }

    /// The SHA-256 of the decoded body, if it is complete and [`Extras::body_sha256`] asks for it.
    ///
    /// [`Extras::body_sha256`]: super::Extras::body_sha256
    pub fn body_sha256(&self) -> Option<[u8; 32]> {
        let is_whole = matches!(self.state, State::Done);
        self.body.kept.sha256().filter(|_| is_whole)
    }

    /// Takes the decoded body as far as it was received, if it is to be kept.
    pub fn take_body(&mut self) -> Option<Vec<u8>> {
        let body = self.body.kept.take();
        body.filter(|_| self.settings.keep_body)
    }

    fn progress(&mut self, result: Result<(), HttpFault>) -> Result<Progress, HttpFault> {
        if let Err(fault) = result {
            self.state = State::Failed(fault);
        }
        match &self.state {
            State::Head => Ok(Progress::Head),
            State::Length(_) | State::Chunked(_) | State::Close => Ok(Progress::Body),
            State::Done => Ok(Progress::Done),
            State::Failed(fault) => Err(fault.clone()),
        }
    }

    fn take(&mut self, mut octets: &[u8]) -> Result<(), HttpFault> {
        while !octets.is_empty() {
            let taken = match &mut self.state {
                State::Head => self.take_head(octets)?,
                State::Length(left) => {
                    let taken =
                        usize::try_from(*left).map_or(octets.len(), |left| left.min(octets.len()));
                    self.body.received(&octets[..taken])?;
                    *left -= taken as u64;
                    if *left == 0 {
                        self.finish()?;
                    }
                    taken
                }
                State::Chunked(chunked) => {
                    let taken = chunked.read(octets, self.offset, &mut self.body)?;
                    if chunked.is_done() {
                        self.finish()?;
                    }
                    taken
                }
                State::Close => {
                    self.body.received(octets)?;
                    octets.len()
                }
                State::Done => {
                    return Err(HttpFault::malformed(
                        self.offset,
                        "more octets after the end of the answer",
                    ));
                }
                State::Failed(fault) => return Err(fault.clone()),
            };
            self.offset += taken as u64;
            octets = &octets[taken..];
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), HttpFault> {
        let counts = self.body.counts;
        let truncated = |message: String| Err(HttpFault::new(Cause::Truncated, message));
        match &self.state {
            State::Head if self.offset == 0 => Err(HttpFault::new(
                Cause::Closed,
                "the connection was closed before the first octet of an answer",
            )),
            State::Head => truncated(format!(
                "the connection was closed within the head, after {} octets",
                self.offset
            )),
            State::Length(left) => truncated(format!(
                "the connection was closed after {} of {} octets of the body",
                counts.body_bytes,
                counts.body_bytes + left
            )),
            State::Chunked(_) => truncated(format!(
                "the connection was closed before the last chunk, after {} octets of the body",
                counts.body_bytes
            )),
            State::Close => self.finish(),
            State::Done => Ok(()),
            State::Failed(fault) => Err(fault.clone()),
        }
    }

    /// Returns how many of `octets` belong to the head.
    fn take_head(&mut self, octets: &[u8]) -> Result<usize, HttpFault> {
        let bytes_max = self.settings.head_bytes_max.min(u32::MAX as usize);
        let before = self.pending.len();
        let octets = &octets[..octets.len().min(bytes_max - before)];
        // A head that is received whole is not buffered first.
        let gathered = if before == 0 {
            octets
        } else {
            self.pending.extend_from_slice(octets);
            &self.pending
        };
        let start = self.offset - before as u64;
        check_start(gathered, start)?;
        let Some(length) = self.scan.end(gathered) else {
            if gathered.len() == bytes_max {
                return Err(HttpFault::new(
                    Cause::Oversize,
                    format!("the head is larger than {bytes_max} octets"),
                ));
            }
            if before == 0 {
                self.pending.extend_from_slice(octets);
            }
            return Ok(octets.len());
        };
        let whole = if before == 0 {
            octets[..length].to_vec()
        } else {
            let mut whole = std::mem::take(&mut self.pending);
            whole.truncate(length);
            whole
        };
        let folded = std::mem::take(&mut self.scan).folded;
        let head = Head::parse(whole, folded, start)?;
        self.on_head(head, start)?;
        Ok(length - before)
    }

    fn on_head(&mut self, head: Head, start: u64) -> Result<(), HttpFault> {
        match head.code() {
            101 => Err(HttpFault::malformed(
                start,
                "a change of protocol that was not asked for",
            )),
            100..200 if self.interim == INTERIM_MAX => Err(HttpFault::malformed(
                start,
                format_args!("more than {INTERIM_MAX} interim responses"),
            )),
            100..200 => {
                self.interim += 1;
                Ok(())
            }
            _ => {
                let framing = framing(&head, self.kind);
                self.body.coding = Coding::of(&head);
                self.keeps_alive = self.settings.keep_alive
                    && self.kind != RequestKind::Tunnel
                    && keeps_alive(&head);
                self.head = Some(head);
                self.start_body(framing?)
            }
        }
    }

    fn start_body(&mut self, framing: Framing) -> Result<(), HttpFault> {
        match framing {
            Framing::None | Framing::Length(0) => self.state = State::Done,
            Framing::Length(octets) => {
                self.body.check_size(octets)?;
                if let Coding::None = self.body.coding {
                    self.body.kept.reserve(octets);
                }
                self.state = State::Length(octets);
            }
            Framing::Chunked => {
                self.state = State::Chunked(Chunked::new(self.settings.head_bytes_max));
            }
            Framing::Close => {
                self.keeps_alive = false;
                self.state = State::Close;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), HttpFault> {
        self.state = State::Done;
        self.body.end()
    }
}

/// The body that was received.
#[derive(Debug)]
pub(super) struct Body {
    counts: Counts,
    bytes_max: u64,
    kept: Kept,
    coding: Coding,
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
            let decoder = Decoder::new(codings, self.bytes_max);
            self.coding = Coding::Decoding(decoder.map_err(|fault| self.coding_fault(fault))?);
        }
        let Self { counts, kept, .. } = self;
        let mut keep = |decoded: &[u8]| {
            counts.decoded_bytes += decoded.len() as u64;
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

    fn end(&mut self) -> Result<(), HttpFault> {
        match &self.coding {
            Coding::Decoding(decoder) => decoder.end().map_err(|fault| self.coding_fault(fault)),
            _ => Ok(()),
        }
    }

    fn coding_fault(&self, fault: CodingFault) -> HttpFault {
        let cause = match fault {
            CodingFault::Oversize => Cause::Oversize,
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
