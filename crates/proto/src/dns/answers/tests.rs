use super::*;

/// The question `wrong.test A`.
fn question() -> Question {
    Question::new(&"wrong.test".parse().unwrap(), RecordType::A)
}

fn name(text: &str) -> Vec<u8> {
    let name: canvass_model::DnsName = text.parse().unwrap();
    name.wire().to_vec()
}

fn record(owner: &str, record_type: RecordType, class: u16, data: &[u8]) -> Vec<u8> {
    let mut wire = name(owner);
    wire.extend_from_slice(&record_type.0.to_be_bytes());
    wire.extend_from_slice(&class.to_be_bytes());
    wire.extend_from_slice(&[0, 0, 0, 60]);
    wire.extend_from_slice(&(data.len() as u16).to_be_bytes());
    wire.extend_from_slice(data);
    wire
}

fn a(owner: &str, last: u8) -> Vec<u8> {
    record(owner, RecordType::A, 1, &[192, 0, 2, last])
}

fn cname(owner: &str, target: &str) -> Vec<u8> {
    record(owner, RecordType::CNAME, 1, &name(target))
}

fn signature(owner: &str, signed: RecordType) -> Vec<u8> {
    let data = [&signed.0.to_be_bytes()[..], &[0; 20]].concat();
    record(owner, RecordType::RRSIG, 1, &data)
}

fn reply(rcode: u8, records: &[Vec<u8>]) -> Vec<u8> {
    let mut wire = vec![
        0,
        1,
        0x81,
        0x80 | rcode,
        0,
        1,
        0,
        records.len() as u8,
        0,
        0,
        0,
        0,
    ];
    wire.extend_from_slice(question().wire());
    wire.extend(records.concat());
    wire
}

/// The last octets of the addresses, and the number of records that count.
fn taken(rcode: u8, records: &[Vec<u8>]) -> Result<(Vec<u8>, usize), AnswerError> {
    let wire = reply(rcode, records);
    let answers = Message::new(&wire).unwrap().answers_to(&question())?;
    let (addresses, _) = answers.addresses().unwrap();
    let last = |address: &IpAddr| address.to_string().rsplit('.').next().unwrap().parse();
    Ok((
        addresses
            .iter()
            .map(|address| last(address).unwrap())
            .collect(),
        answers.records().count(),
    ))
}

#[test]
fn only_records_of_the_question_and_its_aliases_count() {
    use AnswerError::{Loop, Unrelated};
    let dname = record("test", RecordType::DNAME, 1, &name("example"));
    for (records, expected) in [
        (vec![], Ok((vec![], 0))),
        (
            vec![a("wrong.test", 1), a("WRONG.test", 2)],
            Ok((vec![1, 2], 2)),
        ),
        (vec![a("other.example", 1)], Err(Unrelated)),
        (
            vec![a("wrong.test", 1), a("other.example", 2)],
            Ok((vec![1], 1)),
        ),
        (
            vec![record("wrong.test", RecordType::A, 3, &[1; 4])],
            Err(Unrelated),
        ),
        // The target may stand before its alias.
        (
            vec![
                a("b.test", 2),
                cname("a.test", "b.test"),
                cname("wrong.test", "a.test"),
            ],
            Ok((vec![2], 3)),
        ),
        // An address beside an alias is not what the alias leads to.
        (vec![cname("wrong.test", "a.test")], Ok((vec![], 1))),
        (
            vec![cname("wrong.test", "a.test"), a("other.example", 1)],
            Ok((vec![], 1)),
        ),
        (
            vec![cname("wrong.test", "a.test"), cname("a.test", "wrong.test")],
            Err(Loop),
        ),
        (vec![cname("wrong.test", "wrong.test")], Err(Loop)),
        // Signatures belong to what they sign, and are not what was asked for.
        (
            vec![
                dname.clone(),
                signature("test", RecordType::DNAME),
                signature("test", RecordType::A),
                a("wrong.example", 7),
                signature("wrong.example", RecordType::A),
            ],
            Ok((vec![7], 4)),
        ),
        (vec![dname.clone(), a("wrong.example", 7)], Ok((vec![7], 2))),
        (
            vec![
                dname,
                cname("wrong.test", "wrong.example"),
                a("wrong.example", 7),
            ],
            Ok((vec![7], 3)),
        ),
    ] {
        assert_eq!(taken(0, &records), expected, "{records:?}");
    }
}

#[test]
fn a_name_that_does_not_exist_has_no_records() {
    assert_eq!(taken(3, &[a("wrong.test", 1)]), Ok((vec![], 1)));
    assert_eq!(taken(3, &[a("other.test", 1)]), Err(AnswerError::Unrelated));
}

#[test]
fn a_type_that_differs_by_case_of_its_octets_is_another_question() {
    // TYPE65 is HTTPS; 65 and 97 are the octets of A and a.
    let name = "wrong.test".parse().unwrap();
    let mut wire = vec![0, 1, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];
    wire.extend_from_slice(Question::new(&name, RecordType(97)).wire());
    let message = Message::new(&wire).unwrap();
    assert!(message.answers(&Question::new(&name, RecordType(97))));
    assert!(!message.answers(&Question::new(&name, RecordType(65))));
}

#[test]
fn records_count_in_the_class_that_was_asked_for() {
    let records = [
        record("wrong.test", RecordType::A, 3, &[192, 0, 2, 3]),
        record("wrong.test", RecordType::A, 1, &[192, 0, 2, 1]),
    ];
    for (class, count) in [(1, 1), (3, 1), (4, 0), (255, 2)] {
        let mut wire = reply(0, &records);
        let mut question = question();
        question.set_class(Class(class));
        wire[12..12 + question.wire().len()].copy_from_slice(question.wire());
        let answers = Message::new(&wire).unwrap().answers_to(&question);
        let wanted = answers.map(|answers| answers.wanted().count());
        let expected = if count == 0 {
            Err(AnswerError::Unrelated)
        } else {
            Ok(count)
        };
        assert_eq!(wanted, expected, "{class}");
    }
}
