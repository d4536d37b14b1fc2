//! What was asked: addresses as ranges, other questions as hashes.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, SocketAddr};

use canvass_model::{DnsName, Host, ProbeSpec, RecordType, Target, reverse_name_address};

use super::spans::{Aspect, Spans};
use crate::TargetKind;
use crate::parse::{AddressFamily, AddressRange, ParsedTarget};

/// The memory of a range of IPv4 addresses, of IPv6 addresses, of another question, and of an
/// aspect, in the worst case: a table that is growing, or filled as little as possible.
const V4_SPAN_BYTES: u64 = 40;
const V6_SPAN_BYTES: u64 = 120;
const QUESTION_BYTES: u64 = 64;
const ASPECT_BYTES: u64 = 128;

/// Parts of a range that are taken at a time.
const PARTS_MAX: usize = 1024;

/// What is asked of the targets of an entry.
#[derive(Clone, Copy)]
pub(crate) struct Asks<'a> {
    pub(crate) kind: &'a TargetKind,
    /// The record type, if it is not that of the kind.
    pub(crate) record_type: Option<RecordType>,
    /// The probe of the endpoint, if it is not that of the kind.
    pub(crate) probe: Option<ProbeSpec>,
    /// The resolver that the line names.
    pub(crate) resolver: Option<&'a SocketAddr>,
}

impl Asks<'_> {
    pub(super) fn of_type(self, record_type: RecordType) -> Self {
        Self {
            record_type: Some(record_type),
            ..self
        }
    }

    pub(super) fn of_probe(self, probe: ProbeSpec) -> Self {
        Self {
            probe: Some(probe),
            ..self
        }
    }
}

/// What was asked.
pub(super) struct Asked {
    memory_bytes_max: u64,
    full: bool,
    /// Two keys, for 128 bits.
    keys: [RandomState; 2],
    /// The questions that are asked of addresses, without the address.
    aspects: HashMap<u128, Aspect>,
    v4: Spans<u32>,
    v6: Spans<u128>,
    /// The hashes of all other questions.
    questions: HashSet<u128>,
}

/// A question, divided into an address and the rest.
enum Question {
    /// Of an address: the hash of the rest.
    OfAddress(IpAddr, u128),
    /// Any other: the hash of all of it.
    Other(u128),
}

impl Asked {
    pub(super) fn new(memory_bytes_max: u64) -> Self {
        Self {
            memory_bytes_max,
            full: false,
            keys: [RandomState::new(), RandomState::new()],
            aspects: HashMap::new(),
            v4: Spans::new(),
            v6: Spans::new(),
            questions: HashSet::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Remembers a target. Returns whether it is asked for the first time.
    pub(super) fn take_one(&mut self, target: &Target, asks: &Asks<'_>) -> bool {
        match self.question(target, asks) {
            Question::OfAddress(address, rest) => {
                let span = ParsedTarget::Address(address).span();
                !self.take(rest, span).is_empty()
            }
            Question::Other(hash) => {
                if self.questions.contains(&hash) {
                    return false;
                }
                if self.has_room(QUESTION_BYTES) {
                    self.questions.insert(hash);
                }
                true
            }
        }
    }

    /// Remembers a target for each address of a range, of which `any` is one for any address.
    /// Returns the parts of the range that are asked for the first time.
    pub(super) fn take_span(
        &mut self,
        any: &Target,
        asks: &Asks<'_>,
        span: AddressRange,
    ) -> Vec<AddressRange> {
        let (Question::OfAddress(_, rest) | Question::Other(rest)) = self.question(any, asks);
        self.take(rest, span)
    }

    /// The end of the first parts of a range that were not asked before, which are at most
    /// [`PARTS_MAX`].
    pub(super) fn part_end(&self, any: &Target, asks: &Asks<'_>, span: AddressRange) -> u128 {
        let (Question::OfAddress(_, rest) | Question::Other(rest)) = self.question(any, asks);
        let Some(&aspect) = self.aspects.get(&rest) else {
            return span.last;
        };
        let (first, last) = (span.first, span.last);
        let (parts, end) = match span.family {
            AddressFamily::V4 => {
                let parts = self
                    .v4
                    .some_missing(aspect, first as u32, last as u32, PARTS_MAX);
                (parts.len(), parts.last().map(|(_, end)| u128::from(*end)))
            }
            AddressFamily::V6 => {
                let parts = self.v6.some_missing(aspect, first, last, PARTS_MAX);
                (parts.len(), parts.last().map(|(_, end)| *end))
            }
        };
        match end {
            Some(end) if parts == PARTS_MAX => end,
            _ => last,
        }
    }

    fn take(&mut self, rest: u128, span: AddressRange) -> Vec<AddressRange> {
        let family = span.family;
        let aspect = match self.aspects.get(&rest).copied() {
            Some(aspect) => aspect,
            None if !self.has_room(ASPECT_BYTES) => return vec![span],
            None => {
                let Ok(aspect) = Aspect::try_from(self.aspects.len()) else {
                    return vec![span];
                };
                self.aspects.insert(rest, aspect);
                aspect
            }
        };
        let range = |first, last| AddressRange {
            family,
            first,
            last,
        };
        match family {
            AddressFamily::V4 => {
                let (first, last) = (span.first as u32, span.last as u32);
                let missing = self.v4.missing(aspect, first, last);
                if !missing.is_empty() && self.has_room(V4_SPAN_BYTES) {
                    self.v4.insert(aspect, first, last);
                }
                let wide = |(first, last): (u32, u32)| range(first.into(), last.into());
                missing.into_iter().map(wide).collect()
            }
            AddressFamily::V6 => {
                let missing = self.v6.missing(aspect, span.first, span.last);
                if !missing.is_empty() && self.has_room(V6_SPAN_BYTES) {
                    self.v6.insert(aspect, span.first, span.last);
                }
                missing
                    .into_iter()
                    .map(|(first, last)| range(first, last))
                    .collect()
            }
        }
    }

    /// Whether so many bytes more may be remembered. Once there is no room, there is none for
    /// anything, so that the outcome does not depend on sizes.
    fn has_room(&mut self, bytes: u64) -> bool {
        let used = self.v4.len() as u64 * V4_SPAN_BYTES
            + self.v6.len() as u64 * V6_SPAN_BYTES
            + self.questions.len() as u64 * QUESTION_BYTES
            + self.aspects.len() as u64 * ASPECT_BYTES;
        self.full |= used + bytes > self.memory_bytes_max;
        !self.full
    }

    fn question(&self, target: &Target, asks: &Asks<'_>) -> Question {
        // What is asked of a name, or of the name of an address, by the DNS.
        let record_type = asks.record_type.unwrap_or(match asks.kind {
            TargetKind::Dns { types } => types.first().copied().unwrap_or(RecordType::A),
            _ => RecordType::PTR,
        });
        match target {
            Target::Address { address, .. } => {
                let rest = self.hash(&(Tag::Reverse, asks.resolver));
                Question::OfAddress(*address, rest)
            }
            Target::Name { name, .. } => match reverse_name_address(name) {
                Some(address) if record_type == RecordType::PTR => {
                    let rest = self.hash(&(Tag::Reverse, asks.resolver));
                    Question::OfAddress(address, rest)
                }
                _ => {
                    let name = folded(name);
                    Question::Other(self.hash(&(Tag::Name, name, record_type, asks.resolver)))
                }
            },
            Target::Endpoint { host, port, .. } => match host {
                Host::Address(address) => {
                    Question::OfAddress(*address, self.hash(&(Tag::Port, port, asks.probe)))
                }
                Host::Scoped(scoped) => {
                    let address = (scoped.address, scoped.scope_id);
                    Question::Other(self.hash(&(Tag::Port, address, port, asks.probe)))
                }
                Host::Name(name) => {
                    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
                    Question::Other(self.hash(&(Tag::Port, name, port, asks.probe)))
                }
            },
            Target::Url(target) => {
                let mut url = target.url.clone();
                url.set_fragment(None);
                let fallback = target.fallback.map(|fallback| fallback.port);
                let scope_id = target.scoped.as_ref().map(|scoped| scoped.scope_id);
                match Host::of_url(&url) {
                    Some(Host::Address(address)) if scope_id.is_none() => {
                        // Any address of one family stands for all.
                        let any = AddressFamily::V4.address(0);
                        url.set_ip_host(any)
                            .expect("a URL with an address has a host");
                        let rest = self.hash(&(Tag::Url, url.as_str(), &target.raw_path, fallback));
                        Question::OfAddress(address, rest)
                    }
                    _ => Question::Other(self.hash(&(
                        Tag::Url,
                        url.as_str(),
                        &target.raw_path,
                        fallback,
                        scope_id,
                    ))),
                }
            }
            Target::Unix { path, .. } => Question::Other(self.hash(&(Tag::Unix, path, asks.probe))),
            Target::Invalid { given, .. } => Question::Other(self.hash(&(Tag::Invalid, given))),
        }
    }

    fn hash(&self, question: &impl Hash) -> u128 {
        let [upper, lower] = &self.keys;
        u128::from(upper.hash_one(question)) << 64 | u128::from(lower.hash_one(question))
    }
}

/// The kind of a question, so that no two kinds are equal.
#[derive(Hash)]
enum Tag {
    Reverse,
    Name,
    Port,
    Url,
    Unix,
    Invalid,
}

/// A name without case (RFC 4343).
fn folded(name: &DnsName) -> Vec<u8> {
    name.wire().to_ascii_lowercase()
}
