//! What the records of an answer must be.

use std::num::NonZeroU32;

use canvass_model::{Answer, Outcome, ProbeSpec, Rcode, Record, RecordType, Status, Unmet};

/// Texts (RFC 1035 §3.3.14).
const TXT: RecordType = RecordType(16);
/// Starts of authority (RFC 1035 §3.3.13).
const SOA: RecordType = RecordType(6);
/// The most records of an answer that are shown.
const RECORDS_SHOWN_MAX: usize = 4;
/// The most characters of a record that are shown.
const RECORD_CHARS_MAX: usize = 80;

/// What the records of the type that was asked for must be. The records of a `ptr` probe are its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordAssertions {
    /// Data that must be among them, each.
    pub contain: Vec<Box<str>>,
    /// The data that they must have, in any order and no others.
    pub equal: Option<Vec<Box<str>>>,
    /// How many there must be at least.
    pub count_min: Option<NonZeroU32>,
    /// The serial that a zone's must not be behind (RFC 1982). For questions of SOA records.
    pub serial_min: Option<u32>,
}

/// What a start of authority says of the versions of its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoaTimes {
    /// The version of the zone.
    pub serial: u32,
    /// How long a secondary waits before it asks for a newer one, in seconds.
    pub refresh_s: u32,
}

/// The data of the records that are judged.
struct Data<'a> {
    texts: Vec<&'a str>,
    /// Capitals count.
    is_exact: bool,
}

impl RecordAssertions {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.contain.is_empty()
            && self.equal.is_none()
            && self.count_min.is_none()
            && self.serial_min.is_none()
    }

    pub(super) fn unmet(&self, outcome: &Outcome) -> Option<Unmet> {
        if self.is_empty() {
            return None;
        }
        let data = Data::of(outcome)?;
        let unmet = |expected: String| Unmet {
            expected: expected.into(),
            seen: data.shown(outcome.status).into(),
        };
        if let Some(min) = self.count_min
            && data.texts.len() < min.get() as usize
        {
            let noun = if min.get() == 1 { "record" } else { "records" };
            return Some(unmet(format!("at least {min} {noun}")));
        }
        if let Some(missing) = self.contain.iter().find(|text| !data.has(text)) {
            return Some(unmet(format!("an answer with {missing:?}")));
        }
        if let Some(equal) = &self.equal {
            let is_expected = |seen: &&str| equal.iter().any(|text| data.is_same(seen, text));
            let are_equal =
                equal.iter().all(|text| data.has(text)) && data.texts.iter().all(is_expected);
            if !are_equal {
                return Some(unmet(format!("the answer {}", equal.join(", "))));
            }
        }
        let min = self.serial_min.filter(|_| asks_for(outcome, SOA))?;
        match soa(outcome) {
            Some(soa) if !is_behind(soa.serial, min) => None,
            Some(soa) => Some(Unmet {
                expected: format!("serial {min} or later").into(),
                seen: soa.serial.to_string().into(),
            }),
            None => Some(unmet(format!("serial {min} or later"))),
        }
    }
}

impl<'a> Data<'a> {
    /// The data of the records of the type that was asked for; `None` of a host.
    fn of(outcome: &'a Outcome) -> Option<Self> {
        match (&outcome.answer, outcome.job.spec) {
            (Answer::Ptr(answer), _) => Some(Self {
                texts: answer.names.iter().map(|name| &**name).collect(),
                is_exact: false,
            }),
            (Answer::Dns(answer), ProbeSpec::Dns { record_type }) => {
                let is_asked = |record: &&Record| {
                    record_type == RecordType::ANY || record.record_type == record_type
                };
                let records = answer.records.iter().filter(is_asked);
                Some(Self {
                    texts: records.map(|record| &*record.data).collect(),
                    is_exact: record_type == TXT,
                })
            }
            _ => None,
        }
    }

    /// Names have no case (RFC 4343 §2), but texts do.
    fn is_same(&self, one: &str, other: &str) -> bool {
        if self.is_exact {
            one == other
        } else {
            one.eq_ignore_ascii_case(other)
        }
    }

    fn has(&self, text: &str) -> bool {
        self.texts.iter().any(|seen| self.is_same(seen, text))
    }

    fn shown(&self, status: Status) -> String {
        if self.texts.is_empty() {
            return match status {
                Status::Rcode(Rcode::NOERROR) => "no such record".into(),
                status => status.to_string(),
            };
        }
        let shown = |text: &&str| -> String {
            let text = text.chars().flat_map(char::escape_debug);
            text.take(RECORD_CHARS_MAX).collect()
        };
        let mut texts: Vec<String> = self
            .texts
            .iter()
            .take(RECORDS_SHOWN_MAX)
            .map(shown)
            .collect();
        if self.texts.len() > RECORDS_SHOWN_MAX {
            texts.push(format!("... ({} records)", self.texts.len()));
        }
        texts.join(", ")
    }
}

fn asks_for(outcome: &Outcome, wanted: RecordType) -> bool {
    matches!(
        outcome.job.spec,
        ProbeSpec::Dns { record_type } if record_type == wanted || record_type == RecordType::ANY
    )
}

/// The start of authority in the answer of a `dns` probe.
pub fn soa(outcome: &Outcome) -> Option<SoaTimes> {
    let Answer::Dns(answer) = &outcome.answer else {
        return None;
    };
    let mut records = answer.records.iter();
    let record = records.find(|record| record.record_type == SOA)?;
    // MNAME RNAME SERIAL REFRESH ... (RFC 1035 §3.3.13).
    let mut numbers = record.data.split(' ').skip(2).map(str::parse);
    Some(SoaTimes {
        serial: numbers.next()?.ok()?,
        refresh_s: numbers.next()?.ok()?,
    })
}

/// Whether a serial is behind another one (RFC 1982 §3.2). Two that are half the circle apart, which
/// have no order there, are behind each other.
pub fn is_behind(serial: u32, other: u32) -> bool {
    (serial.wrapping_sub(other) as i32) < 0
}
