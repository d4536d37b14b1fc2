use super::*;
use crate::fixture;
use canvass_model::Time;
use proptest::prelude::*;

#[test]
fn places_and_lists_of_statuses_agree() {
    for (index, status) in OTHER_STATUSES.into_iter().enumerate() {
        assert_eq!(status_index(status), index);
    }
}

#[test]
fn each_kind_is_counted_where_it_belongs() {
    let mut tally = Tally::default();
    let mut no_data = fixture::ptr_negative();
    no_data.status = Status::Rcode(Rcode::NOERROR);
    let mut odd = fixture::ptr_timeout();
    odd.status = Status::Rcode(Rcode(3841));
    tally.record_all(&[
        fixture::ptr_answered(),
        fixture::ptr_answered(),
        fixture::ptr_negative(),
        no_data,
        odd,
        fixture::ptr_timeout(),
        fixture::local_failure(),
        fixture::ptr_confirmed(Some(true)),
        fixture::ptr_confirmed(Some(false)),
        fixture::ptr_confirmed(None),
    ]);
    assert_eq!(tally.total(), 10);
    assert_eq!(tally.verdict(Verdict::Answered), 5);
    assert_eq!(tally.verdict(Verdict::Negative), 2);
    assert_eq!(tally.verdict(Verdict::Failed), 3);
    assert_eq!(tally.no_data(), 1);
    let statuses = tally.statuses();
    assert_eq!(statuses[0], (Status::Rcode(Rcode::NOERROR), 6));
    assert!(statuses.contains(&(Status::Rcode(Rcode(3841)), 1)));
    assert!(statuses.contains(&(Status::Timeout, 1)));
    assert_eq!(
        tally.causes(),
        [(Cause::Timeout, 2), (Cause::Descriptors, 1)]
    );
    assert_eq!(tally.cause(Cause::Timeout), 2);
    assert_eq!((tally.attempts(), tally.attempts_max()), (25, 8));
    assert_eq!(tally.answered_after_retry(), 2);
    assert_eq!(tally.stalled(), 2);
    assert_eq!(
        tally.confirmations(),
        Confirmations {
            confirmed: 1,
            unconfirmed: 1,
            unknown: 1
        }
    );
}

#[test]
fn faults_are_counted_by_phase_cause_and_errno() {
    let mut tally = Tally::default();
    tally.record_all(&[
        fixture::tcp_refused(),
        fixture::http_expired(),
        fixture::tcp_refused(),
        fixture::http_answered(),
        fixture::tcp_matched(),
        fixture::ptr_timeout(),
        fixture::local_failure(),
        fixture::ptr_answered(),
        fixture::tcp_refused(),
        fixture::ptr_timeout(),
    ]);
    assert_eq!(tally.of_hosts(), 6);
    let faults = tally.faults();
    let actual: Vec<_> = faults
        .iter()
        .map(|fault| (fault.phase, fault.cause, fault.errno, fault.count))
        .collect();
    assert_eq!(
        actual,
        [
            (Phase::Connect, Cause::Refused, Some(Errno(111)), 3),
            (Phase::Dns, Cause::Timeout, None, 2),
            (Phase::Wait, Cause::Descriptors, Some(Errno(24)), 1),
            (Phase::Tls, Cause::Expired, None, 1),
        ]
    );
    let statuses = tally.statuses();
    assert_eq!(statuses[0], (Status::ConnRefused, 3));
    assert!(statuses.contains(&(Status::Http(200), 1)));
    assert!(statuses.contains(&(Status::Matched, 1)));
    assert_eq!(tally.answered_after_retry(), 0);
}

#[test]
fn certificates_that_end_soon_are_counted_once_a_target() {
    let mut tally = Tally::default();
    let mut again = fixture::http_redirected(2);
    let Answer::Http(answer) = &mut again.answer else {
        panic!("the fixture is of an http probe");
    };
    answer.repeat = Some(2);
    tally.record_all(&[
        fixture::http_redirected(CERTIFICATE_DAYS_FEW + 1),
        fixture::http_redirected(CERTIFICATE_DAYS_FEW),
        fixture::http_redirected(2),
        again,
        fixture::http_redirected(3),
        fixture::http_expired(),
    ]);
    let ending = tally.ending_certificates();
    assert_eq!(ending.targets, 3);
    assert_eq!(ending.first, Some(("http://example.net/".into(), 2)));
}

#[test]
fn a_start_counts_as_late_only_where_there_is_a_schedule() {
    let mut tally = Tally::default();
    let mut outcome = fixture::ptr_answered();
    outcome.first_send = Some(Time::from_nanos(700_000_000));
    tally.record(&outcome);
    assert_eq!(tally.late_starts(), 0);
    outcome.job.due = Some(Time::from_nanos(600_000_001));
    tally.record(&outcome);
    assert_eq!(tally.late_starts(), 0);
    outcome.job.due = Some(Time::from_nanos(600_000_000));
    tally.record(&outcome);
    outcome.job.due = Some(Time::ZERO);
    tally.record(&outcome);
    assert_eq!(tally.late_starts(), 2);
    assert_eq!(tally.late_start_max(), Duration::from_millis(700));
}

proptest! {
    #[test]
    fn every_outcome_is_counted_once(outcomes in prop::collection::vec(fixture::any_outcome(), 0..20)) {
        let mut tally = Tally::default();
        tally.record_all(&outcomes);
        prop_assert_eq!(tally.total(), outcomes.len() as u64);
        let statuses: u64 = tally.statuses().iter().map(|&(_, count)| count).sum();
        prop_assert_eq!(statuses, outcomes.len() as u64);
        let causes: u64 = tally.causes().iter().map(|&(_, count)| count).sum();
        let faults = outcomes.iter().filter(|outcome| outcome.fault.is_some()).count();
        prop_assert_eq!(causes, faults as u64);
    }
}

#[test]
fn an_unmet_expectation_is_not_good_and_no_data_of_a_lookup_is() {
    let mut tally = Tally::default();
    tally.record_all(&[
        fixture::ptr_negative(),
        fixture::ptr_timeout(),
        fixture::http_answered(),
        fixture::http_unexpected(),
        fixture::http_unexpected(),
        fixture::tcp_unmatched(),
        fixture::dns_unexpected(),
    ]);
    assert_eq!((tally.total(), tally.good()), (7, 2));
    assert_eq!(tally.verdict(Verdict::Negative), 5);
    assert_eq!(tally.no_data(), 0);
    let unmet = tally.unmet();
    assert_eq!(unmet.len(), 3);
    assert_eq!(unmet[0].expected.as_deref(), Some("status 200-399,401"));
    assert_eq!((unmet[0].count, &*unmet[0].seen[0].seen), (2, "503"));
}
