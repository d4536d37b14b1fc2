//! HTTP responses.

use std::sync::Arc;

use canvass_model::{Cause, HttpWarnings};

use super::body::{Body, Counts};
use super::chunked::Chunked;
use super::fault::HttpFault;
use super::framing::{Framing, RequestKind, framing, keeps_alive};
use super::head::{Head, RefusedHead};
use super::request::Request;
use super::scan::{HeadScan, check_start};
use super::settings::{HttpSettings, HttpVersion};
use super::status_line::StatusLine;

/// The most octets that are kept of what is not HTTP.
const STRANGE_MAX: usize = 64;

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
    /// The head says where the body ends.
    is_framed: bool,
    /// What is wrong with the heads.
    warnings: HttpWarnings,
    /// The status line of a head that was refused for another reason.
    refused: Option<StatusLine>,
    /// The beginning of what was received instead of a head.
    strange: Option<Box<[u8]>>,
    /// The request was sent without TLS.
    is_plain: bool,
    keeps_alive: bool,
    body: Body,
    /// Octets after the end of the response.
    surplus_bytes: u64,
}

/// How far a response is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The head is not complete yet.
    Head,
    /// The head is complete, the body is not.
    Body,
    /// The response is complete. What follows is not part of it.
    Done,
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
            is_framed: false,
            warnings: HttpWarnings::default(),
            refused: None,
            strange: None,
            is_plain: request.url().scheme() == "http",
            keeps_alive: false,
            body: Body::new(settings),
            surplus_bytes: 0,
            settings: Arc::clone(settings),
        }
    }

    /// Keeps the whole body for [`Self::body`], also if it is not to be taken. To be called before
    /// anything is received.
    #[must_use]
    pub fn keeping_body(mut self) -> Self {
        self.body.keep_whole();
        self
    }

    /// Takes octets that were received.
    ///
    /// Octets after the end of the response are counted and discarded, in the same call or a later
    /// one (RFC 9112 §6.3). After a fault every further call returns it again.
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

    /// The version and the code of the head, also of one that was refused for another fault than one
    /// of its status line.
    pub fn status(&self) -> Option<(HttpVersion, u16)> {
        let head = self.head.as_ref();
        let refused = self.refused.map(|line| (line.version, line.code));
        head.map(|head| (head.version(), head.code())).or(refused)
    }

    /// Whether it is a redirect. Its head says so, whatever becomes of its body.
    pub fn is_redirect(&self) -> bool {
        self.is_framed && self.head.as_ref().is_some_and(Head::is_redirect)
    }

    /// The beginning of what was received instead of a head, if that is not HTTP.
    pub fn strange(&self) -> Option<&[u8]> {
        self.strange.as_deref()
    }

    /// Whether what was received is not HTTP from the first octet on, so that over a kept connection
    /// it may be the surplus of the response before.
    pub fn is_stray(&self) -> bool {
        self.strange.is_some() && self.interim == 0
    }

    /// What is wrong with the response, though it could be read.
    pub fn warnings(&self) -> HttpWarnings {
        self.warnings.union(self.body.warnings())
    }

    /// The size of what was received of the body.
    pub fn counts(&self) -> Counts {
        self.body.counts()
    }

    /// The number of octets that were received after the end of the response, if there are any.
    pub fn surplus_bytes(&self) -> Option<u64> {
        (self.surplus_bytes > 0).then_some(self.surplus_bytes)
    }

    /// Whether the connection can carry another request: the response is complete, nothing follows
    /// it, and neither side closes the connection.
    pub fn can_reuse(&self) -> bool {
        matches!(self.state, State::Done) && self.keeps_alive && self.surplus_bytes == 0
    }

    /// The settings of the request.
    pub fn settings(&self) -> &Arc<HttpSettings> {
        &self.settings
    }

    /// The decoded body as far as it was received: whole with [`HttpSettings::keep_body`] or
    /// [`Self::keeping_body`], or the beginning with [`Extras::title`](super::Extras::title).
    pub fn body(&self) -> Option<&[u8]> {
        self.body.kept()
    }

    /// The SHA-256 of the decoded body, if it is complete and [`Extras::body_sha256`] asks for it.
    ///
    /// [`Extras::body_sha256`]: super::Extras::body_sha256
    pub fn body_sha256(&self) -> Option<[u8; 32]> {
        let is_whole = matches!(self.state, State::Done);
        self.body.sha256().filter(|_| is_whole)
    }

    /// Takes the decoded body as far as it was received, if it is to be kept.
    pub fn take_body(&mut self) -> Option<Vec<u8>> {
        self.body.take().filter(|_| self.settings.keep_body)
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
                    self.surplus_bytes += octets.len() as u64;
                    octets.len()
                }
                State::Failed(fault) => return Err(fault.clone()),
            };
            self.offset += taken as u64;
            octets = &octets[taken..];
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), HttpFault> {
        let counts = self.body.counts();
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
        if let Err(fault) = check_start(gathered, start, self.settings.strict) {
            self.strange = Some(gathered[..gathered.len().min(STRANGE_MAX)].into());
            return Err(fault);
        }
        let Some(length) = self.scan.end(gathered) else {
            if gathered.len() == bytes_max {
                self.refused = StatusLine::of_refused(gathered, self.settings.strict);
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
        match Head::parse(whole, folded, start, &self.settings) {
            Ok(head) => self.on_head(head, start)?,
            Err(RefusedHead { fault, status_line }) => {
                self.refused = status_line;
                return Err(fault);
            }
        }
        Ok(length - before)
    }

    fn on_head(&mut self, head: Head, start: u64) -> Result<(), HttpFault> {
        let interim_max = self.settings.interim_max;
        self.warnings = self.warnings.union(head.warnings());
        match head.code() {
            101 => {
                self.refused = Some(head.status_line());
                let what = "a change of protocol that was not asked for";
                Err(HttpFault::malformed(start, what))
            }
            100..200 if self.interim == interim_max => {
                self.refused = Some(head.status_line());
                let message = format!("more than {interim_max} interim responses");
                Err(HttpFault::new(Cause::Oversize, message))
            }
            100..200 => {
                self.interim += 1;
                Ok(())
            }
            _ => self.on_final_head(head),
        }
    }

    fn on_final_head(&mut self, head: Head) -> Result<(), HttpFault> {
        let may_be_notice = self.is_plain && head.code() == 400;
        self.body.begin(&head, may_be_notice);
        self.keeps_alive =
            self.settings.keep_alive && self.kind != RequestKind::Tunnel && keeps_alive(&head);
        let framing = framing(&head, self.kind, self.settings.strict, &mut self.warnings);
        self.head = Some(head);
        let framing = framing?;
        self.is_framed = true;
        match framing {
            Framing::None | Framing::Length(0) => self.state = State::Done,
            Framing::Length(octets) => {
                self.state = State::Length(octets);
                self.body.expect(octets)?;
            }
            Framing::Chunked => {
                let Self { settings, .. } = self;
                let chunked = Chunked::new(settings.head_bytes_max, settings.strict);
                self.state = State::Chunked(chunked);
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
