//! Interval logs, read back.

use super::*;

#[test]
fn an_interval_log_adds_up_to_the_run() {
    let mut outcomes = one_of_each();
    outcomes.pop();
    for (second, outcome) in outcomes.iter_mut().enumerate() {
        let spent = outcome.response();
        outcome.due = Time::from_nanos(second as u64 * 3_000_000_000);
        outcome.first_send = outcome.first_send.map(|_| outcome.due);
        outcome.finished = outcome.due + spent;
    }
    outcomes.sort_by_key(|outcome| outcome.finished);
    let run = read(&log_of(&outcomes));
    let (report, live) = (run.report(), live(&outcomes));
    assert!(report.tally.is_none() && report.resolvers.is_none());
    same_latency(report.latency, &live.latency);
    assert_eq!(report.probes, "dns http ptr tcp udp");
    // The head of a log has milliseconds.
    let began = fixture::epoch().wall - Duration::from_micros(456);
    assert_eq!(report.origin.began, Some(began));
    let ended = outcomes.last().unwrap().finished;
    let wall = report.wall.unwrap();
    assert!(
        wall.abs_diff(ended - Time::ZERO) < Duration::from_millis(1),
        "{wall:?}"
    );
    assert!(!report.timeline.has_verdicts());
    let total = |bins: &[crate::Bin]| -> (u64, Vec<u64>) {
        let phases = 0..bins[0].phases_ns.len();
        (
            bins.iter().map(|bin| bin.ended).sum(),
            phases
                .map(|phase| bins.iter().map(|bin| bin.phases_ns[phase].1).sum())
                .collect(),
        )
    };
    assert_eq!(total(report.timeline.bins()), total(live.timeline.bins()));
    // Sums are the histograms' means, and those are within a thousandth.
    for phase in 0..7 {
        let sum =
            |bins: &[crate::Bin]| -> u64 { bins.iter().map(|bin| bin.phases_ns[phase].0).sum() };
        let (read, live) = (sum(report.timeline.bins()), sum(live.timeline.bins()));
        assert!(read.abs_diff(live) <= live / 1000 + 1, "{read} for {live}");
    }
}

#[test]
fn an_interval_is_spread_evenly() {
    let outcomes: Vec<Outcome> = (0..1000)
        .map(|place| {
            let mut outcome = fixture::ptr_answered();
            // All in the first half of the second, and one to begin the next.
            outcome.due = Time::from_nanos(place * 500_000);
            outcome.first_send = Some(outcome.due);
            outcome.finished = outcome.due.plus_nanos(400_000);
            outcome
        })
        .chain([{
            let mut last = fixture::ptr_answered();
            last.finished = Time::from_nanos(1_500_000_000);
            last
        }])
        .collect();
    let run = read(&log_of(&outcomes));
    let bins = run.report().timeline.bins();
    let ended: Vec<u64> = bins.iter().map(|bin| bin.ended).collect();
    assert_eq!(run.report().timeline.width(), Duration::from_millis(10));
    assert_eq!(ended[..100], [10; 100]);
    assert_eq!(ended[100..].iter().sum::<u64>(), 1);
}

#[test]
fn values_beyond_what_is_kept_count_as_the_longest() {
    use base64::Engine as _;
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer, V2Serializer};

    let mut values = hdrhistogram::Histogram::<u64>::new_with_bounds(1, u64::MAX / 2, 2).unwrap();
    values.record_n(1_000_000, 3).unwrap();
    values.record_n(u64::MAX / 4, 2).unwrap();
    let (mut plain, mut compressed) = (Vec::new(), Vec::new());
    V2Serializer::new().serialize(&values, &mut plain).unwrap();
    V2DeflateSerializer::new()
        .serialize(&values, &mut compressed)
        .unwrap();
    for payload in [plain, compressed] {
        let payload = base64::engine::general_purpose::STANDARD.encode(payload);
        let text = format!("Tag=tcp.response,5.000,1.000,1.0,{payload}\n");
        let run = read(text.as_bytes());
        let response = run.report().latency.distribution(Measure::Response);
        assert_eq!(response.len(), 5);
        assert!(response.equivalent(response.max(), crate::LATENCY_MAX_NS));
        // Two digits are a hundredth.
        assert!(response.min().abs_diff(1_000_000) <= 10_000);
        // A log that does not say when it began begins with its first interval.
        assert_eq!(run.report().origin.began, None);
        assert_eq!(run.report().wall, Some(Duration::from_secs(1)));
    }
}

#[test]
fn a_payload_cannot_ask_for_more_room_than_it_fills() {
    use base64::Engine as _;
    use std::io::Write as _;

    let mut plain = vec![0x1c, 0x84, 0x93, 0x13];
    plain.extend(u32::MAX.to_be_bytes());
    plain.resize(60, 0);
    let mut zeros = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        zeros.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let mut compressed = vec![0x1c, 0x84, 0x93, 0x14, 0, 0, 0, 0];
    compressed.extend(zeros.finish().unwrap());
    for (payload, reason) in [
        (plain, "its histogram is cut off, or too large"),
        (compressed, "its histogram cannot be read"),
        (
            vec![0x1c, 0x84, 0x93, 0x14],
            "its histogram cannot be decompressed",
        ),
        (vec![0x1c], "its histogram is cut off, or too large"),
    ] {
        let payload = base64::engine::general_purpose::STANDARD.encode(payload);
        let message = refused(format!("Tag=tcp.response,5.000,1.000,1.0,{payload}\n").as_bytes());
        assert!(message.contains(reason), "{message}");
    }
    let message = refused(b"Tag=tcp.response,5.000,1.000,1.0,?\n");
    assert!(message.contains("its histogram is no base64"), "{message}");
    let message = refused(b"Tag=tcp.response,5,1,1.0,\n");
    assert!(
        message.contains("it is neither an interval nor a comment"),
        "{message}"
    );
}
