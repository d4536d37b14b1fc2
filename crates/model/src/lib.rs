//! The data types that all crates of canvass share: what to ask ([`Job`]) and the result
//! ([`Outcome`]).
//!
//! This crate does no IO, reads no clock and starts no thread. A [`Time`] is a number that is given
//! to it.
//!
//! A job and its outcome can be saved with serde and read back by the same version: the form is that of
//! the types and no contract. Lines are the form for others.

mod answer;
mod class;
mod details;
mod errno;
mod fault;
mod host;
mod job;
mod keyword;
mod mnemonics;
mod name;
mod outcome;
mod phases;
mod record_type;
mod report;
mod saved;
mod status;
mod subnet;
mod suggestion;
mod target;
mod time;
mod warning;

pub use answer::{
    AddressVerdict, CertificateFacts, Favicon, Header, Hop, HopDetails, HttpAnswer, HttpExtras,
    TalkAnswer, TalkReply, TlsFacts, TraceEvent, Unmet,
};
pub use class::{Class, ClassError};
pub use details::{ExtendedError, HeaderFlags, Nsid, ResponseDetails, Sections};
pub use errno::Errno;
pub use fault::{Cause, Fault, Phase};
pub use host::{Host, Remote, ScopedAddress};
pub use job::{Job, ModuleId, ProbeSpec};
pub use keyword::KeywordError;
pub use name::{DnsName, NameError, write_label};
pub use outcome::{
    Answer, Confirmation, DnsAnswer, Outcome, PtrAnswer, PtrExtra, Record, Transport, Verdict,
};
pub use phases::Phases;
pub use record_type::{RecordType, RecordTypeError};
pub use report::{
    ConnectionReport, Health, LOOP_SAMPLES_MAX, LaneVerdict, LatenessHistogram, LocalFaults,
    LoopSample, Losses, ShardReport, StreamFlaw, UpstreamReport, WindowReport,
};
pub use status::{Rcode, Status};
pub use subnet::{ClientSubnet, ClientSubnetError};
pub use suggestion::suggestion;
pub use target::{HttpFallback, Target, UrlTarget, reverse_name, reverse_name_address};
pub use time::Time;
/// URLs, and positions in them.
pub use url::{Position, Url};
pub use warning::{HttpWarning, HttpWarnings};

/// The example of the README is compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
