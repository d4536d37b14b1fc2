//! The expected results of DNS jobs.

use canvass_lab::{ResponseMode, Zone, expected_names};
use canvass_model::{Job, ProbeSpec, Rcode, Record, RecordType, Target, Transport};
use canvass_proto::dns::{Message, QueryOptions, Question};

/// The expected result of a DNS job, if it gets an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The target is invalid.
    Invalid,
    /// No resolver answers it.
    Unanswerable,
    /// Names.
    Names {
        /// NOERROR or NXDOMAIN.
        rcode: Rcode,
        /// In the order of the answer.
        names: Vec<String>,
        /// Whether forward lookups return the address.
        confirmed: Option<bool>,
    },
    /// Records.
    Records {
        /// NOERROR or NXDOMAIN.
        rcode: Rcode,
        /// In the order of the answer.
        records: Vec<Record>,
        /// Whether none has the queried type.
        negative: bool,
    },
}

/// Returns the expected result of a DNS job.
///
/// # Panics
/// If the answer of the zone cannot be parsed, which is always possible.
pub fn expected_of(zone: &Zone, job: &Job) -> Expected {
    let (name, record_type) = match (&job.target, job.spec) {
        (target, ProbeSpec::Ptr { .. }) => match (target.reverse_address(), target) {
            (Some(address), _) => {
                let truth = expected_names(address);
                return Expected::Names {
                    rcode: truth.rcode,
                    names: truth.names,
                    confirmed: truth.confirmed,
                };
            }
            (None, Target::Name { name, .. }) => (name, RecordType::PTR),
            (None, _) => return Expected::Invalid,
        },
        (Target::Name { name, .. }, ProbeSpec::Dns { record_type }) => (name, record_type),
        _ => return Expected::Invalid,
    };
    let mut query = Vec::new();
    Question::new(name, record_type).write_query(0, true, &QueryOptions::PLAIN, &mut query);
    let mut reply = Vec::new();
    let status = zone
        .respond(&query, Transport::Tcp, ResponseMode::Answer, &mut reply)
        .expect("a query is answered");
    if status.rcode != Rcode::NOERROR && status.rcode != Rcode::NXDOMAIN {
        return Expected::Unanswerable;
    }
    let message = Message::new(&reply).expect("a reply");
    let records = message.answer_records();
    let records: Vec<Record> = records
        .map(|record| record.presentation().expect("a whole record"))
        .collect();
    let is_wanted =
        |record: &Record| record.record_type == record_type || record_type == RecordType::ANY;
    Expected::Records {
        rcode: status.rcode,
        negative: status.rcode == Rcode::NXDOMAIN || !records.iter().any(is_wanted),
        records,
    }
}
