//! The expected results of DNS jobs.

use canvass_lab::{Impairments, NameFate, ResponseMode, Zone, expected_names};
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
    if let (Some(address), ProbeSpec::Ptr { .. }) = (job.target.reverse_address(), job.spec) {
        let truth = expected_names(address);
        return Expected::Names {
            rcode: truth.rcode,
            names: truth.names,
            confirmed: truth.confirmed,
        };
    }
    let Some((question, record_type)) = question_of(job) else {
        return Expected::Invalid;
    };
    let query = query_for(&question);
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

/// Returns the expected result of a DNS job by a resolver that answers NXDOMAIN for its name
/// although the zone has it (`nxdomain`). `None` if this one does not.
pub(crate) fn missing_by(impairments: &Impairments, job: &Job) -> Option<Expected> {
    let (question, _) = question_of(job)?;
    let query = query_for(&question);
    (impairments.fate_of(&query) == NameFate::NxDomain).then(|| {
        let rcode = Rcode::NXDOMAIN;
        match (job.spec, job.target.reverse_address()) {
            (ProbeSpec::Ptr { .. }, Some(_)) => Expected::Names {
                rcode,
                names: Vec::new(),
                confirmed: None,
            },
            _ => Expected::Records {
                rcode,
                records: Vec::new(),
                negative: true,
            },
        }
    })
}

/// The question of a DNS job and its type, if it is valid.
fn question_of(job: &Job) -> Option<(Question, RecordType)> {
    match (&job.target, job.spec) {
        (target, ProbeSpec::Ptr { .. }) => {
            let question = match (target.reverse_address(), target) {
                (Some(address), _) => Question::reverse(address),
                (None, Target::Name { name, .. }) => Question::new(name, RecordType::PTR),
                (None, _) => return None,
            };
            Some((question, RecordType::PTR))
        }
        (Target::Name { name, .. }, ProbeSpec::Dns { record_type }) => {
            Some((Question::new(name, record_type), record_type))
        }
        _ => None,
    }
}

fn query_for(question: &Question) -> Vec<u8> {
    let mut query = Vec::new();
    question.write_query(0, true, &QueryOptions::PLAIN, &mut query);
    query
}
