//! What a session takes from the message that answers its question.

use canvass_model::{Answer, DnsAnswer, ProbeSpec, PtrAnswer, PtrExtra, Rcode, ResponseDetails};

use crate::dns::{Answers, Message, QueryOptions, RecordView};

/// The answer to a job's question, or to that about the target of an alias.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) negative: bool,
    pub(super) rcode: Rcode,
    pub(super) answer: Answer,
    pub(super) details: Option<Box<ResponseDetails>>,
}

impl Settled {
    /// Reads the answer to a job of this kind; `None` if the answer section is broken.
    #[inline]
    pub(super) fn read(
        spec: ProbeSpec,
        answers: &Answers<'_>,
        message: Message<'_>,
        options: &QueryOptions,
    ) -> Option<Self> {
        Some(Self {
            negative: !answers.has_wanted(),
            rcode: answers.rcode(),
            answer: read_answer(spec, answers)?,
            details: kept_details(spec, message, options),
        })
    }
}

/// Reads the answer out of a message; `None` when the answer section is broken.
fn read_answer(spec: ProbeSpec, answers: &Answers<'_>) -> Option<Answer> {
    if let ProbeSpec::Dns { .. } = spec {
        return Some(Answer::Dns(DnsAnswer {
            records: answers.presentation()?,
            unmet: None,
        }));
    }
    // Separate calls, so that the usual case is compiled to a plain walk.
    let mut ptr = match answers.only_wanted() {
        Some(records) => read_names(records)?,
        None => read_names(answers.wanted())?,
    };
    if let Some(target) = answers.alias_target() {
        ptr.extra = Some(Box::new(PtrExtra {
            cname: Some(target.to_string().into()),
            ..PtrExtra::default()
        }));
    }
    Some(Answer::Ptr(ptr))
}

/// What is kept of a response besides the answer. Nothing of an ordinary response to a `ptr` job.
fn kept_details(
    spec: ProbeSpec,
    message: Message<'_>,
    options: &QueryOptions,
) -> Option<Box<ResponseDetails>> {
    let is_wanted = matches!(spec, ProbeSpec::Dns { .. }) || options.keeps_details();
    if !is_wanted && !message.may_have_options() {
        return None;
    }
    let details = message.details(options);
    (is_wanted || !details.errors.is_empty()).then(|| Box::new(details))
}

fn read_names<'a>(records: impl Iterator<Item = RecordView<'a>>) -> Option<PtrAnswer> {
    let mut ptr = PtrAnswer::default();
    let mut name = String::with_capacity(64);
    for record in records {
        name.clear();
        record.write_data_name(0, &mut name)?;
        ptr.names.push(name.as_str().into());
        ptr.ttl_s = Some(ptr.ttl_s.map_or(record.ttl_s, |ttl| ttl.min(record.ttl_s)));
    }
    Some(ptr)
}
