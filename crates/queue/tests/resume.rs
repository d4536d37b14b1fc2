//! A source that is taken up again where another one was left.

mod common;

use std::io::{self, Write as _};
use std::num::NonZeroUsize;

use canvass_model::{Job, RecordType};
use canvass_queue::{
    FieldSelection, Partition, Position, SHUFFLE_BUFFER_LINES, Selection, Source, SourceError,
    TargetOptions, Targets, arguments, stream,
};
use common::{dns, drain, drain_by, http, ptr, strings};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

/// Arguments, then a list.
fn source(listed: &[&str], list: &str, options: &TargetOptions) -> Targets {
    let list = stream(io::Cursor::new(list.to_owned()), "list", options);
    arguments(strings(listed), options).unwrap().then(list)
}

fn rest(mut source: Targets, from: u64) -> Vec<Job> {
    source.skip_to(Position::before(from)).unwrap();
    assert_eq!(source.position().seq(), from);
    let mut jobs = Vec::new();
    while source.next(5, &mut jobs).unwrap() {}
    jobs
}

/// Takes the source up at every place, by a position that another one had there.
fn assert_resumes(make: impl Fn() -> Targets, case: &str) {
    let all = drain(make());
    let mut left = make();
    let mut given = Vec::new();
    loop {
        let position = left.position();
        assert_eq!(position.seq(), given.len() as u64, "{case}");
        assert_eq!(rest(make(), position.seq()), all[given.len()..], "{case}");
        if !left.next(1 + given.len() % 3, &mut given).unwrap() {
            break;
        }
    }
    assert_eq!(rest(make(), all.len() as u64), [], "{case}");
    let beyond = Position::before(all.len() as u64 + 1);
    let error = make().skip_to(beyond).unwrap_err();
    assert!(matches!(error, SourceError::TooShort { .. }), "{error}");
}

/// All orders of all parts, with a limit and without.
fn ways(options: TargetOptions) -> Vec<TargetOptions> {
    let mut ways = Vec::new();
    for shuffle in [None, Some(11)] {
        for partition in [Partition::WHOLE, Partition::new(2, 3).unwrap()] {
            for limit in [None, Some(17)] {
                ways.push(TargetOptions {
                    shuffle,
                    partition,
                    limit,
                    ..options.clone()
                });
            }
        }
    }
    ways
}

#[test]
fn every_source_goes_on_from_every_position() {
    let addresses = ["192.0.2.0/28", "2001:db8::1", "bad", "198.51.100.7"];
    let addresses_listed = "10.0.0.0/29\n# none\n\n10.9.9.9\nbad\n2001:db8::/125\n";
    for options in ways(ptr()) {
        let make = || source(&addresses, addresses_listed, &options);
        assert_resumes(make, &format!("{options:?}"));
    }
    let names = ["a.example", "b.example MX", "c.example"];
    let names_listed = "d.example\nbad name here\ne.example TXT\nf.example";
    for options in ways(dns(&[
        RecordType::A,
        RecordType::AAAA,
        "MX".parse().unwrap(),
    ])) {
        let make = || source(&names, names_listed, &options);
        assert_resumes(make, &format!("{options:?}"));
    }
    let pages = ["192.0.2.0/30", "https://a.example/", "b.example"];
    for options in ways(http(Some("80,443,8080"))) {
        let make = || source(&pages, "c.example\n192.0.2.8/30\n", &options);
        assert_resumes(make, &format!("{options:?}"));
    }
}

#[test]
fn fields_of_a_compressed_list_go_on_from_every_position() {
    let csv = "name,address\na,10.0.0.0/29\n\"b\nb\",10.9.9.9\nc\nd,\"2001:db8::/125\"\n";
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(csv.as_bytes()).unwrap();
    let bytes = encoder.finish().unwrap();
    let options = TargetOptions {
        selection: Some(Selection::Field(FieldSelection {
            number: NonZeroUsize::new(2).unwrap(),
            delimiter: ",".parse().unwrap(),
        })),
        lines_skipped: 1,
        ..ptr()
    };
    for options in ways(options) {
        let make = || stream(io::Cursor::new(bytes.clone()), "list", &options);
        assert_resumes(make, &format!("{options:?}"));
    }
}

#[test]
fn a_list_longer_than_the_shuffle_buffer_goes_on_in_the_same_order() {
    let lines = SHUFFLE_BUFFER_LINES as u32 + 5_000;
    let list: String = (0..lines)
        .map(|bits| format!("{}\n", std::net::Ipv4Addr::from_bits(bits)))
        .collect();
    let mut options = ptr();
    options.shuffle = Some(3);
    let make = || source(&["192.0.2.0/30"], &list, &options);
    let all = drain(make());
    for from in [1, 4, 100, 4_999, lines as usize - 7] {
        assert_eq!(rest(make(), from as u64), all[from..]);
    }
}

#[test]
fn a_block_of_any_size_is_passed_over_at_once() {
    let far = u64::MAX - 10;
    for shuffle in [None, Some(5)] {
        let mut options = ptr();
        options.shuffle = shuffle;
        let mut source = source(&["::/0"], "", &options);
        source.skip_to(Position::before(far)).unwrap();
        let mut jobs = Vec::new();
        source.next(3, &mut jobs).unwrap();
        let seqs: Vec<u64> = jobs.iter().map(|job| job.seq).collect();
        assert_eq!(seqs, [far, far + 1, far + 2]);
    }
    let mut source = source(&[], "192.0.2.1\n::/0\n", &ptr());
    source.skip_to(Position::before(far)).unwrap();
    let mut jobs = Vec::new();
    source.next(1, &mut jobs).unwrap();
    let address = std::net::Ipv6Addr::from_bits(u128::from(far) - 1);
    assert_eq!(jobs[0].target.reverse_address(), Some(address.into()));
}

#[test]
fn a_source_does_not_go_back() {
    let mut source = source(&["192.0.2.0/30"], "", &ptr());
    source.next(2, &mut Vec::new()).unwrap();
    let error = source.skip_to(Position::before(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot go back to target 1: 2 were given already"
    );
}

#[test]
fn a_bad_line_stops_a_strict_list_while_it_is_passed_over() {
    let mut options = ptr();
    options.strict = true;
    let mut source = source(&[], "192.0.2.0/30\nbad\n192.0.2.9\n", &options);
    let error = source.skip_to(Position::before(5)).unwrap_err();
    assert!(matches!(error, SourceError::BadLine { .. }), "{error}");
}

proptest! {
    #[test]
    fn what_was_passed_over_does_not_matter(
        shuffle: Option<u64>,
        sizes in prop::collection::vec(24_u32..=32, 1..5),
        steps in prop::collection::vec(1_u64..400, 1..5),
        max in 1_usize..40,
    ) {
        let mut options = ptr();
        options.shuffle = shuffle;
        let blocks: Vec<String> = (0..).zip(&sizes).map(|(at, size)| format!("10.0.{at}.0/{size}")).collect();
        let make = || {
            let (listed, list) = blocks.split_at(blocks.len() / 2);
            let list = stream(io::Cursor::new(list.join("\n")), "list", &options);
            arguments(listed.to_vec(), &options).unwrap().then(list)
        };
        let all = drain(make());
        let mut resumed = make();
        let mut from = 0;
        for step in steps {
            from = (from + step).min(all.len() as u64);
            resumed.skip_to(Position::before(from)).unwrap();
        }
        let (mut jobs, mut more) = (Vec::new(), true);
        while more {
            more = resumed.next(max, &mut jobs).unwrap();
        }
        prop_assert_eq!(&jobs[..], &all[from as usize..]);
        let (drained, _) = drain_by(max, &mut make());
        prop_assert_eq!(drained, all);
    }
}
