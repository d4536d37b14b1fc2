//! What each question to resolvers must come to, whatever the network does.

use canvass_lab::{ResponseMode, Zone, expected_names};
use canvass_model::{Job, ProbeSpec, Rcode, Record, RecordType, Target, Transport};
use canvass_proto::dns::{Message, Question};

/// What a question to resolvers must come to when it comes to anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is no job.
    Invalid,
    /// No resolver of this world answers it.
    Unanswerable,
    /// These names.
    Names {
        /// NOERROR or NXDOMAIN.
        rcode: Rcode,
        /// In the order they come.
        names: Vec<String>,
        /// Whether they lead back to the address.
        confirmed: Option<bool>,
    },
    /// These records.
    Records {
        /// NOERROR or NXDOMAIN.
        rcode: Rcode,
        /// In the order they come.
        records: Vec<Record>,
        /// None is of the type asked for.
        negative: bool,
    },
}

/// What `job`, which asks resolvers, must come to.
///
/// # Panics
/// When the zone has no answer that can be read, which it always has.
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
    Question::new(name, record_type).write_query(0, true, &mut query);
    let mut reply = Vec::new();
    let status = zone
        .respond(&query, Transport::Tcp, ResponseMode::Answer, &mut reply)
        .expect("a query is answered");
    if status.rcode != Rcode::NOERROR && status.rcode != Rcode::NXDOMAIN {
        return Expected::Unanswerable;
    }
    let message = Message::new(&reply).expect("a reply");
    Expected::Records {
        rcode: status.rcode,
        records: message.answer_section().expect("whole records"),
        negative: !message.has_answer(record_type),
    }
}
