//! Answers in pieces, and incomplete ones: each is cut after every octet.

mod common;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use canvass_lab::ServiceKind;
use canvass_model::{Answer, Cause, ModuleId, Outcome, ProbeSpec, Status, Url, Verdict};
use canvass_proto::Module;
use canvass_proto::http::{HttpFault, Progress, Request, ResponseReader, corpus};
use canvass_sim::{CutAt, Scenario, Site, Then, Voice, endpoint_job, http, tcp, url_job};
use common::run_named;

/// Longer responses are cut after every octet up to this one, and after some further ones.
const EVERY_OCTET_MAX: usize = 700;
const FURTHER_STEP: usize = 61;
const PAUSE: Then = Then::Pause(Duration::from_millis(40));

/// What is compared: verdict, status, cause and content.
type End = (Verdict, Option<Cause>, Option<u16>, Vec<u8>);

#[test]
fn an_answer_in_two_pieces_is_the_same_answer() {
    check_corpus(PAUSE);
}

#[test]
fn an_answer_that_stops_is_waited_for_in_vain() {
    check_corpus(Then::Stop);
}

#[test]
fn an_answer_that_is_closed_on_is_what_came_of_it() {
    check_corpus(Then::Close);
}

#[test]
fn an_answer_that_is_reset_is_reset() {
    check_corpus(Then::Reset);
}

fn check_corpus(then: Then) {
    for case in corpus::cases() {
        let response = case.response();
        let mut module = http(corpus::settings(case.method));
        module.timeouts.first_byte = Duration::from_secs(1);
        module.timeouts.transfer = Duration::from_secs(1);
        let offsets = offsets(response.len());
        let voice = Voice::Canned(response.as_slice().into());
        let outcomes = run_cuts(voice, 80, module, then, &offsets, |seq, address| {
            url_job(seq, &format!("http://{address}/"))
        });
        for (offset, outcome) in offsets.iter().zip(&outcomes) {
            let expected = expected_end(case, &response, *offset, then);
            assert_eq!(
                end_of(outcome),
                expected,
                "{}, {then:?} behind {offset}",
                case.name
            );
        }
    }
}

fn offsets(length: usize) -> Vec<usize> {
    let beginning = 0..=length.min(EVERY_OCTET_MAX);
    let further = (EVERY_OCTET_MAX..length).step_by(FURTHER_STEP).skip(1);
    beginning.chain(further).collect()
}

/// Runs a job per offset, at a host that is cut there. Returns the outcomes in order.
fn run_cuts(
    voice: Voice,
    port: u16,
    module: Module,
    then: Then,
    offsets: &[usize],
    job: impl Fn(u64, String) -> canvass_model::Job,
) -> Vec<Outcome> {
    let jobs = offsets.iter().map(|offset| {
        let [_, _, high, low] = (*offset as u32).to_be_bytes();
        job(*offset as u64, format!("10.0.{high}.{low}"))
    });
    let first: IpAddr = [10, 0, 0, 0].into();
    let mut site = Site::new(first, ServiceKind::Http).up_to([10, 0, 255, 255].into());
    site.port = port;
    site.voice = voice;
    site.cut = Some(CutAt { octets: None, then });
    let mut scenario = Scenario::plain(1, jobs.collect(), Vec::new());
    scenario.fair = false;
    scenario.sites = vec![site];
    scenario.probing.sockets_max = 10_000;
    scenario.probing.modules = vec![Arc::new(module)];
    let result = run_named(&scenario);
    assert_eq!(result.violations, [""; 0]);
    let mut outcomes = result.outcomes;
    outcomes.sort_by_key(|outcome| outcome.job.seq);
    outcomes
}

fn end_of(outcome: &Outcome) -> End {
    let cause = outcome.fault.as_ref().map(|fault| fault.cause);
    let Answer::Http(page) = &outcome.answer else {
        panic!("{outcome:?}");
    };
    let body = page.body.clone().filter(|_| cause.is_none());
    (outcome.verdict, cause, page.code, body.unwrap_or_default())
}

/// What must come of a response that is cut at an offset: an answer that is there is there, and
/// what breaks the rules does so at once. What was cut is another matter for each kind of cut.
fn expected_end(case: &corpus::Case, response: &[u8], offset: usize, then: Then) -> End {
    let settings = Arc::new(corpus::settings(case.method));
    let url = Url::parse("http://10.0.0.0/").expect("a URL");
    let mut reader = ResponseReader::new(&Request::new(&settings, &url));
    let mut progress = reader.received(&response[..offset]);
    if matches!(progress, Ok(Progress::Head | Progress::Body)) {
        match then {
            Then::Pause(_) => {
                progress = reader.received(&response[offset..]);
                if matches!(progress, Ok(Progress::Head | Progress::Body)) {
                    progress = reader.ended();
                }
            }
            Then::Close => progress = reader.ended(),
            Then::Stop => return failed(Cause::Timeout, &reader),
            Then::Reset => return failed(Cause::Reset, &reader),
        }
    }
    match progress {
        Ok(_) => {
            let code = reader.status().map(|(_, code)| code);
            let body = reader.take_body().unwrap_or_default();
            (Verdict::Answered, None, code, body)
        }
        Err(HttpFault { cause, .. }) => failed(cause, &reader),
    }
}

fn failed(cause: Cause, reader: &ResponseReader) -> End {
    let code = reader.status().map(|(_, code)| code);
    (Verdict::Failed, Some(cause), code, Vec::new())
}

#[test]
fn a_whole_response_comes_to_what_the_corpus_says() {
    for case in corpus::cases() {
        let response = case.response();
        let whole = expected_end(case, &response, response.len(), Then::Close);
        match case.expected {
            corpus::Expected::Answer { code, body, .. } => {
                let expected = (Verdict::Answered, None, Some(code), body.to_vec());
                assert_eq!(whole, expected, "{}", case.name);
            }
            corpus::Expected::Fault { cause, .. } => {
                assert_eq!(whole.1, Some(cause), "{}", case.name);
            }
        }
    }
}

/// Runs a talk script, cut after every octet of the peer.
fn check_talk(name: &str, kind: ServiceKind) {
    let job = |seq, address: String| {
        let module = ModuleId(0);
        endpoint_job(seq, &address, kind.usual_port(), ProbeSpec::Tcp { module })
    };
    let run = |then, offsets: &[usize]| {
        let mut module = tcp(Some(name));
        module.timeouts.first_byte = Duration::from_secs(1);
        module.timeouts.transfer = Duration::from_secs(1);
        run_cuts(
            Voice::Service(kind),
            kind.usual_port(),
            module,
            then,
            offsets,
            job,
        )
    };
    let talk = |outcome: &Outcome| match &outcome.answer {
        Answer::Talk(talk) => (**talk).clone(),
        other => panic!("{other:?}"),
    };
    let whole = &run(PAUSE, &[60_000])[0];
    assert_eq!(whole.status, Status::Matched, "{name}");
    let whole = talk(whole);
    let offsets: Vec<usize> = (0..=whole.received_bytes as usize).collect();
    for then in [PAUSE, Then::Stop, Then::Close, Then::Reset] {
        for (offset, outcome) in offsets.iter().zip(run(then, &offsets)) {
            let what = format!("{name}, {then:?} behind {offset}: {outcome:?}");
            let matched = outcome.status == Status::Matched;
            let cause = outcome.fault.as_ref().map(|fault| fault.cause);
            assert!(matched || then != PAUSE, "{what}");
            // The close ends the last line, and silence the line of a banner.
            let same = talk(&outcome).captures == whole.captures;
            let ends = then == Then::Close || then == Then::Stop && name == "banner";
            assert!(!matched || same || ends, "{what}");
            assert!(!matched || *offset > 0 || then == PAUSE, "{what}");
            let told = match then {
                Then::Pause(_) => cause.is_none(),
                Then::Stop => cause.is_none_or(|cause| cause == Cause::Timeout),
                Then::Close => {
                    cause.is_none_or(|cause| matches!(cause, Cause::Closed | Cause::Truncated))
                }
                Then::Reset => cause.is_none_or(|cause| cause == Cause::Reset),
            };
            assert!(told, "{what}");
        }
    }
}

#[test]
fn talks_in_pieces_are_the_same_talks_and_those_that_break_off_are_none() {
    for (name, kind) in [
        ("banner", ServiceKind::Fortune),
        ("smtp-plain", ServiceKind::Smtp),
        ("pop3-stat", ServiceKind::Pop3),
        ("plain imap", ServiceKind::Imap),
        ("ssh", ServiceKind::Ssh),
        ("ftp", ServiceKind::Ftp),
        ("reversed", ServiceKind::Line),
        ("checked", ServiceKind::Checker),
    ] {
        check_talk(name, kind);
    }
}
