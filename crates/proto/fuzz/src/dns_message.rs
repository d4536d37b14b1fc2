//! The laws of the DNS message view: what any octets must do as a reply to a question.

use canvass_model::{Class, DnsName, Rcode, RecordType, Time};
use canvass_proto::dns::{
    Answers, Finding, Message, OptRecord, QueryOptions, Question, RecordView,
};
use canvass_proto::{
    AddressFamily, Limits, NameLookup, Output, QuestionId, Reply, ReplyClass, Sent,
    TransportPolicy, UpstreamId,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Octets of a header (RFC 1035 §4.1.1).
const HEADER_OCTETS: usize = 12;
/// The least octets that a record takes: the root as its owner, and the fixed fields.
const RECORD_OCTETS_MIN: usize = 11;
/// The most octets a name can have in presentation form: each of 255 as `\DDD`.
const NAME_TEXT_MAX: usize = 4 * 255;
/// Octets of text that an octet of data may become, and those that any record may have besides.
/// An octet of a type bitmap (RFC 4034 §4.1.2) names eight types.
const TEXT_PER_OCTET_MAX: usize = 128;
const TEXT_MAX: usize = 4 * NAME_TEXT_MAX;

/// The extended errors kept of a message, and the characters of their texts, a cut mark among them.
const EXTENDED_ERRORS_MAX: usize = 16;
const EXTRA_TEXT_CHARS_MAX: usize = 1_003;

const LIMITS: Limits = Limits {
    retries: 7,
    deadline: Duration::from_secs(10),
    timeout: Duration::from_secs(2),
    transport: TransportPolicy::Auto,
    alternatives: false,
    follow_cname: false,
    trace: false,
    query: QueryOptions::PLAIN,
};

/// Reads a message as a reply to a question. The input is the length of a name, that name, and the
/// message; if the message begins with two zero octets, it is turned into a reply with that very
/// question, so that what lies behind it is reached.
///
/// # Panics
/// If a law does not hold.
pub fn check(input: &[u8]) {
    let Some((&length, rest)) = input.split_first() else {
        return;
    };
    let (name, bytes) = rest.split_at(usize::from(length).min(rest.len()));
    let Some(name) = name_of(name) else {
        return;
    };
    let mut bytes = bytes.to_vec();
    if bytes.starts_with(&[0, 0]) && bytes.len() >= HEADER_OCTETS {
        let question = Question::new(&name, RecordType::A);
        bytes[2] = 0x81 | bytes[2] & 0x04;
        bytes[4..6].copy_from_slice(&[0, 1]);
        bytes.splice(
            HEADER_OCTETS..HEADER_OCTETS,
            question.wire().iter().copied(),
        );
    }
    match Message::new(&bytes) {
        None => assert!(bytes.len() < HEADER_OCTETS || bytes[2] & 0x80 == 0),
        Some(message) => {
            check_question(message, &bytes, &name);
            check_records(message, &bytes);
            check_answers(message, &bytes, &name);
            check_details(message, &bytes);
            check_lookup(message, &name);
        }
    }
}

/// A name with these octets as labels of at most 7.
fn name_of(octets: &[u8]) -> Option<DnsName> {
    let mut wire = Vec::new();
    for label in octets.chunks(7) {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label);
    }
    wire.push(0);
    DnsName::from_wire(&wire)
}

/// A message answers no question but the one it repeats.
fn check_question(message: Message<'_>, bytes: &[u8], name: &DnsName) {
    let asked = [RecordType::A, RecordType::AAAA, RecordType::PTR];
    let mut answered = 0;
    for record_type in asked {
        let question = Question::new(name, record_type);
        if message.answers(&question) && bytes[4..6] == [0, 0] {
            // An error without its question.
            assert!(!matches!(message.rcode(), Rcode::NOERROR | Rcode::NXDOMAIN));
        } else if message.answers(&question) {
            answered += 1;
            let wire = question.wire();
            let repeated = &bytes[HEADER_OCTETS..HEADER_OCTETS + wire.len()];
            assert!(repeated.eq_ignore_ascii_case(wire));
            assert_eq!(bytes[4..6], [0, 1]);
        }
    }
    assert!(answered <= 1, "one message answers {answered} questions");
}

/// All records can be walked in bounded work, and what they write is bounded.
fn check_records(message: Message<'_>, bytes: &[u8]) {
    let records: Vec<RecordView<'_>> = message.answer_records().collect();
    assert!(HEADER_OCTETS + records.len() * RECORD_OCTETS_MIN <= bytes.len());
    assert!(records.len() <= usize::from(message.answer_count()));
    for record in &records {
        let mut owner = String::new();
        let has_owner = record.write_owner(&mut owner).is_some();
        assert!(owner.len() <= NAME_TEXT_MAX);
        let mut data = String::new();
        for skip in 0..=record.data().len() {
            data.clear();
            let _ = record.write_data_name(skip, &mut data);
            assert!(data.len() <= NAME_TEXT_MAX);
        }
        let shown = record.presentation();
        assert_eq!(shown.is_some(), has_owner);
        if let Some(shown) = shown {
            let most = TEXT_MAX + TEXT_PER_OCTET_MAX * record.data().len();
            assert!(shown.data.len() <= most, "{} octets", shown.data.len());
            assert_eq!(shown.record_type, record.record_type);
        }
    }
}

/// An answer section is believed for one question, and for no more than it holds.
fn check_answers(message: Message<'_>, bytes: &[u8], name: &DnsName) {
    let all = message.answer_records().count();
    for wanted in [RecordType::A, RecordType::CNAME, RecordType::ANY] {
        let Ok(answers) = message.answers_to(&Question::new(name, wanted)) else {
            assert!(message.answer_count() > 0, "there is nothing to disbelieve");
            continue;
        };
        assert_eq!(all, usize::from(message.answer_count()));
        let kept = answers.records().count();
        assert!(kept <= all && (kept > 0 || all == 0));
        assert!(answers.records().all(|record| record.class == Class::IN));
        assert!(answers.wanted().count() <= kept);
        assert_eq!(answers.has_wanted(), answers.wanted().count() > 0);
        check_finding(&answers, bytes);
        for record in answers.wanted() {
            assert!(wanted == RecordType::ANY || record.record_type == wanted);
            assert_ne!(message.rcode(), Rcode::NXDOMAIN);
        }
    }
}

/// What a message says besides its answer is bounded, and OPT is no record of a section.
fn check_details(message: Message<'_>, bytes: &[u8]) {
    let options = QueryOptions {
        opt: Some(OptRecord::new(true, true, None)),
        sections: true,
        ..QueryOptions::PLAIN
    };
    let details = message.details(&options);
    let has_opt = details.edns.expect("the query needed an OPT record");
    let has_options = details.nsid.is_some() || details.subnet.is_some();
    assert!(has_opt || !has_options && details.errors.is_empty());
    assert!(details.errors.len() <= EXTENDED_ERRORS_MAX);
    for error in &details.errors {
        let text = error.text.as_deref().unwrap_or("none");
        assert!(!text.is_empty() && text.chars().count() <= EXTRA_TEXT_CHARS_MAX);
        assert!(!error.to_string().chars().any(char::is_control));
    }
    let sections = details.sections.as_ref().expect("sections are kept");
    let count = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    assert!(sections.authority.len() <= count(8));
    assert!(sections.additional.len() + usize::from(has_opt) <= count(10));
    let mut additional = sections.additional.iter();
    assert!(additional.all(|record| record.record_type != RecordType::OPT));
    let plain = message.details(&QueryOptions::PLAIN);
    assert_eq!((plain.flags, plain.errors), (details.flags, details.errors));
    assert!(plain.edns.is_none() && plain.sections.is_none());
}

/// A server without authority that does not recurse is not believed to have nothing, unless it
/// names the zone; and an alias is only what has no answer.
fn check_finding(answers: &Answers<'_>, bytes: &[u8]) {
    let (is_authoritative, recurses) = (bytes[2] & 0x04 != 0, bytes[3] & 0x80 != 0);
    let has_authority_section = bytes[8..10] != [0, 0];
    let finding = answers.finding();
    assert!(!answers.has_wanted() || finding == Finding::Whole);
    match finding {
        Finding::Whole => {
            assert!(answers.has_wanted() || is_authoritative || recurses || has_authority_section)
        }
        Finding::Alias => assert!(answers.alias_target().is_some() && !recurses),
        Finding::Lame => assert!(!is_authoritative && !recurses),
    }
    if answers.ends_at_alias() {
        assert!(answers.alias_target().is_some() && !answers.has_wanted());
    }
}

/// A lookup takes any message, and believes no address of one that is no answer.
fn check_lookup(message: Message<'_>, name: &DnsName) {
    let now = Time::ZERO;
    let mut rng = StdRng::seed_from_u64(1);
    let deadline = now + LIMITS.deadline;
    let mut lookup = NameLookup::new(name, AddressFamily::V4, deadline, &LIMITS);
    if !message.answers(lookup.question()) {
        return;
    }
    assert!(matches!(lookup.poll(now, &LIMITS), Output::Send(_)));
    let request = lookup.request().expect("a query is to be sent");
    let (upstream, resolver) = (UpstreamId(0), SocketAddr::from((Ipv4Addr::LOCALHOST, 53)));
    let sent = Sent {
        question: QuestionId(0),
        upstream,
        resolver,
        transport: request.transport,
        patience: LIMITS.timeout,
    };
    lookup.sent(now, &sent, &LIMITS, &mut rng);
    let reply = Reply {
        question: QuestionId(0),
        upstream,
        resolver,
        transport: request.transport,
        edns: true,
        late: false,
        message,
    };
    let class = lookup.reply(now, &reply, &LIMITS, &mut rng);
    let has_ended = matches!(lookup.poll(now, &LIMITS), Output::Finish);
    let is_last = matches!(class, ReplyClass::Answer | ReplyClass::Lame);
    assert_eq!(has_ended, is_last);
    if class == ReplyClass::Answer {
        assert!(!message.truncated());
        assert!(matches!(message.rcode(), Rcode::NOERROR | Rcode::NXDOMAIN));
        let answers = message.answers_to(&Question::new(name, RecordType::A));
        let whole = answers.as_ref().map(Answers::finding);
        assert_eq!(whole, Ok(Finding::Whole));
        let addresses = answers.ok().and_then(|all| Some(all.addresses()?.0));
        match lookup.finish() {
            Ok((found, _)) => assert_eq!(Some(found), addresses),
            Err(_) => assert_eq!(addresses, Some(Vec::new())),
        }
    } else {
        assert!(lookup.finish().is_err());
    }
}
