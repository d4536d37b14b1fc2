//! One answer being read.

use std::sync::Arc;

use canvass_model::Cause;

use super::chunked::Chunked;
use super::coding::{CodingFault, Decoder};
use super::fault::HttpFault;
use super::framing::{Asked, Framing, framing, keeps_alive};
use super::head::{Head, HeadScan, check_start};
use super::request::Request;
use super::settings::HttpSettings;

/// Interim responses (RFC 9110 §15.2) that may come before the final one.
const INTERIM_MAX: u32 = 16;

/// Octets that are set aside at once for a body to be kept, if its length is known.
const RESERVED_MAX: u64 = 1 << 20;

/// The reader of one answer. It ends the same however the octets are cut up on their way, with one
/// exception: where a coded body is bad in two ways at once (broken and too large, or broken in two
/// of its codings), the cut can decide which of the two is named.
#[derive(Debug)]
pub struct ResponseReader {
    settings: Arc<HttpSettings>,
    asked: Asked,
    state: State,
    /// The beginning of a head that has not come whole.
    pending: Vec<u8>,
    scan: HeadScan,
    /// Octets of the response that have been dealt with.
    offset: u64,
    interim: u32,
    head: Option<Head>,
    keeps_alive: bool,
    body: Body,
}

/// How far an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The head is not there yet.
    Head,
    /// The head is there, and the body goes on.
    Body,
    /// The answer is there. Nothing may follow it.
    Done,
}

/// Octets of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// As they were received, without framing.
    pub body_bytes: u64,
    /// Without content codings.
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
    /// Ready for the answer to `request`.
    pub fn new(request: &Request) -> Self {
        let settings = request.settings();
        Self {
            asked: Asked::by(request.method()),
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
                kept: settings.keep_body.then(Vec::new),
                coding: Coding::None,
            },
            settings: Arc::clone(settings),
        }
    }

    /// Takes what the peer sent next.
    ///
    /// Octets after the end of the answer are a fault, whether they come with it or in a later call.
    /// After a fault every further call gives the same again.
    pub fn received(&mut self, octets: &[u8]) -> Result<Progress, HttpFault> {
        let taken = self.take(octets);
        self.settle(taken)
    }

    /// Takes note that the peer will send no more: the end of a body that lasts as long as the
    /// connection does, and of any other answer only if it was there already.
    pub fn ended(&mut self) -> Result<Progress, HttpFault> {
        let ended = self.end();
        self.settle(ended)
    }

    /// The head of the final answer, once it is there; also after a fault in the body.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// What has come of the body.
    pub fn counts(&self) -> Counts {
        self.body.counts
    }

    /// Whether the connection may take another request: the answer is done, and both sides keep it.
    pub fn can_reuse(&self) -> bool {
        matches!(self.state, State::Done) && self.keeps_alive
    }

    /// The decoded body as far as it has come, once, where it was to be kept.
    pub fn take_body(&mut self) -> Option<Vec<u8>> {
        self.body.kept.take()
    }

    fn settle(&mut self, result: Result<(), HttpFault>) -> Result<Progress, HttpFault> {
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
        // A head that comes whole is not gathered first.
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
        self.take_answer(head, start)?;
        Ok(length - before)
    }

    fn take_answer(&mut self, head: Head, start: u64) -> Result<(), HttpFault> {
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
                let framing = framing(&head, self.asked);
                self.body.coding = Coding::of(&head);
                self.keeps_alive =
                    self.settings.keep_alive && self.asked != Asked::Tunnel && keeps_alive(&head);
                self.head = Some(head);
                self.begin_body(framing?)
            }
        }
    }

    fn begin_body(&mut self, framing: Framing) -> Result<(), HttpFault> {
        match framing {
            Framing::None | Framing::Length(0) => self.state = State::Done,
            Framing::Length(octets) => {
                self.body.announced(octets)?;
                if let (Some(kept), Coding::None) = (&mut self.body.kept, &self.body.coding) {
                    kept.reserve_exact(octets.min(RESERVED_MAX) as usize);
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

/// Where the octets of a body go.
#[derive(Debug)]
pub(super) struct Body {
    counts: Counts,
    bytes_max: u64,
    kept: Option<Vec<u8>>,
    coding: Coding,
}

#[derive(Debug)]
enum Coding {
    None,
    /// What the head names, outermost last. A decoder is made for the first octet of a body: an
    /// empty one needs none.
    Named(Vec<Box<[u8]>>),
    Under(Decoder),
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
    /// Takes octets without framing.
    pub(super) fn received(&mut self, octets: &[u8]) -> Result<(), HttpFault> {
        let left = self.bytes_max - self.counts.body_bytes;
        let fitting =
            usize::try_from(left).map_or(octets, |left| &octets[..left.min(octets.len())]);
        self.counts.body_bytes += fitting.len() as u64;
        self.decode(fitting)?;
        self.announced((octets.len() - fitting.len()) as u64)
    }

    /// Refuses a body that is to have `octets` more than there are, if these are too many.
    pub(super) fn announced(&self, octets: u64) -> Result<(), HttpFault> {
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
            self.coding = Coding::Under(decoder.map_err(|fault| self.coding_fault(fault))?);
        }
        let Self { counts, kept, .. } = self;
        let mut keep = |decoded: &[u8]| {
            counts.decoded_bytes += decoded.len() as u64;
            if let Some(kept) = kept {
                kept.extend_from_slice(decoded);
            }
        };
        match &mut self.coding {
            Coding::Under(decoder) => decoder
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
            Coding::Under(decoder) => decoder.end().map_err(|fault| self.coding_fault(fault)),
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
