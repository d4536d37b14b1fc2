//! Targets from the command line, through the public door.

mod common;

use canvass_model::{RecordType, Target};
use canvass_queue::{Partition, Source, TargetOptions, arguments};
use common::{dns, drain, drain_by, excluding, ptr, shown, strings};
use proptest::prelude::*;

fn given(list: &[&str], options: &TargetOptions) -> Vec<String> {
    shown(&drain(arguments(strings(list), options).unwrap()))
}

/// The union of all shards, in order of the text.
fn union(list: &[&str], count: u64, options: &TargetOptions) -> Vec<String> {
    let mut all = Vec::new();
    for index in 1..=count {
        let mut options = options.clone();
        options.partition = Partition::new(index, count).unwrap();
        all.extend(given(list, &options));
    }
    all.sort();
    all
}

#[test]
fn the_order_given_is_kept() {
    let list = [
        "192.0.2.254-192.0.3.1",
        "2001:db8::/127",
        " 1.2.0.192.in-addr.arpa",
        "192.0.2.254",
    ];
    assert_eq!(
        given(&list, &ptr()),
        [
            "192.0.2.254",
            "192.0.2.255",
            "192.0.3.0",
            "192.0.3.1",
            "2001:db8::",
            "2001:db8::1",
            "1.2.0.192.in-addr.arpa",
            "192.0.2.254",
        ]
    );
    assert!(given(&[], &ptr()).is_empty());
}

#[test]
fn bad_arguments_are_jobs_of_their_own() {
    let jobs = drain(arguments(strings(&["10.0.0.1/8", "", "192.0.2.1"]), &ptr()).unwrap());
    assert_eq!(shown(&jobs), ["bad 10.0.0.1/8", "bad ", "192.0.2.1"]);
    assert!(jobs.iter().all(|job| job.line.is_none()));
    match &jobs[0].target {
        Target::Invalid { reason, .. } => {
            assert_eq!(&**reason, "host bits are set; the network is 10.0.0.0/8");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_strict_run_does_not_begin_with_a_bad_argument() {
    let mut options = ptr();
    options.strict = true;
    let Err(error) = arguments(strings(&["192.0.2.1", "10.0.0.1/8"]), &options) else {
        panic!("it began");
    };
    assert_eq!(
        error.to_string(),
        "\"10.0.0.1/8\": host bits are set; the network is 10.0.0.0/8"
    );
    let Err(error) = arguments(strings(&["example.net"]), &options) else {
        panic!("it began");
    };
    assert_eq!(
        error.to_string(),
        "\"example.net\" is not an address, a CIDR, a range or an .arpa name; to look up names use canvass dns"
    );
}

#[test]
fn each_name_is_asked_for_each_type() {
    let options = dns(&[RecordType::A, RecordType::AAAA, RecordType::A]);
    let list = ["a.example", "b.example MX", "c..example", "d.example"];
    let expected = [
        "a.example A",
        "a.example AAAA",
        "a.example A",
        "b.example MX",
        "bad c..example",
        "d.example A",
        "d.example AAAA",
        "d.example A",
    ];
    for max in 1..10 {
        let mut source = arguments(strings(&list), &options).unwrap();
        assert_eq!(source.remaining(), Some(8));
        assert_eq!(shown(&drain_by(max, &mut source).0), expected);
        assert_eq!((source.produced(), source.remaining()), (8, Some(0)));
    }
    let mut limited = options.clone();
    limited.limit = Some(2);
    assert_eq!(given(&list, &limited), expected[..2]);
    assert_eq!(union(&list, 3, &options), {
        let mut all = expected;
        all.sort();
        all
    });
}

#[test]
fn huge_blocks_begin_at_once() {
    for (cidr, first) in [
        ("10.0.0.0/8", "10.0.0.0"),
        ("2001:db8::/96", "2001:db8::"),
        ("::/0", "::"),
    ] {
        let mut jobs = Vec::new();
        let mut source = arguments(strings(&[cidr, cidr]), &ptr()).unwrap();
        assert!(source.next(3, &mut jobs).unwrap());
        assert_eq!(shown(&jobs)[0], first);
        assert_eq!(jobs.len(), 3);
    }
    let whole = |shuffle| {
        let mut options = ptr();
        options.shuffle = shuffle;
        arguments(strings(&["::/0"]), &options).unwrap()
    };
    assert_eq!(whole(None).remaining(), Some(u64::MAX));
    let mut jobs = Vec::new();
    assert!(whole(Some(1)).next(300, &mut jobs).unwrap());
    let mut texts = shown(&jobs);
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 300);
}

#[test]
fn more_than_can_be_numbered_is_not_shuffled() {
    let mut options = ptr();
    options.shuffle = Some(1);
    let Err(error) = arguments(strings(&["::/0", "192.0.2.1"]), &options) else {
        panic!("it was shuffled");
    };
    assert!(error.to_string().contains("2^128"));
    options.partition = Partition::new(2, 2).unwrap();
    assert!(arguments(strings(&["::/0", "192.0.2.1"]), &options).is_ok());
}

#[test]
fn a_large_hole_in_a_large_block_costs_nothing() {
    let mut options = ptr();
    options.exclude = excluding(&["::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffd", "10.0.0.0/8"]);
    for shuffle in [None, Some(3)] {
        options.shuffle = shuffle;
        let mut left = given(
            &["::/0", "9.255.255.255-11.0.0.0", "10.0.0.0/9", "10.1.1.1"],
            &options,
        );
        left.sort();
        assert_eq!(
            left,
            [
                "11.0.0.0",
                "9.255.255.255",
                "::",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            ]
        );
    }
}

#[test]
fn exclusion_reaches_reverse_names() {
    let mut options = ptr();
    options.exclude = excluding(&["192.0.2.0/24", "2001:db8::/32"]);
    let list = [
        "7.2.0.192.in-addr.arpa",
        "2.0.192.in-addr.arpa",
        "1.0/25.2.0.192.in-addr.arpa",
        "192.0.2.7",
        "2001:DB8::1",
        "192.0.3.7",
    ];
    assert_eq!(
        given(&list, &options),
        [
            "2.0.192.in-addr.arpa",
            "1.0/25.2.0.192.in-addr.arpa",
            "192.0.3.7"
        ]
    );
}

#[test]
fn the_limit_counts_what_is_left_of_a_shard() {
    let mut options = ptr();
    options.exclude = excluding(&["10.0.0.0/24"]);
    options.partition = Partition::new(2, 10).unwrap();
    options.limit = Some(3);
    assert_eq!(
        given(&["10.0.0.0/8"], &options),
        ["10.0.1.1", "10.0.1.11", "10.0.1.21"]
    );
    options.shuffle = Some(9);
    assert_eq!(given(&["10.0.0.0/8"], &options).len(), 3);
    options.limit = Some(0);
    assert!(given(&["10.0.0.0/8"], &options).is_empty());
}

#[test]
fn a_shuffled_list_is_the_same_list_in_another_order() {
    let list = [
        "192.0.2.0/24",
        "bad",
        "2001:db8::/120",
        "198.51.100.1-198.51.100.9",
    ];
    let order = |seed| {
        let mut options = ptr();
        options.shuffle = seed;
        given(&list, &options)
    };
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(order(Some(5)), order(Some(5)));
    assert_ne!(order(Some(5)), order(Some(6)));
    assert_ne!(order(Some(5)), order(None));
    assert_eq!(sorted(order(Some(5))), sorted(order(None)));
    let six = order(Some(5))[..100]
        .iter()
        .filter(|text| text.contains(':'))
        .count();
    assert!(
        (25..75).contains(&six),
        "the blocks are not mixed: {six} of 100"
    );
}

#[test]
fn the_text_of_an_address_is_kept_where_it_differs() {
    let jobs =
        drain(arguments(strings(&["2001:DB8::1", "2001:db8::1", "::1/128"]), &ptr()).unwrap());
    let given: Vec<_> = jobs
        .iter()
        .map(|job| match &job.target {
            Target::Address { given, .. } => given.as_deref(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(given, [Some("2001:DB8::1"), None, None]);
}

proptest! {
    #[test]
    fn shards_cover_the_list_once(
        count in 1u64..8,
        seed: Option<u64>,
        blocks in prop::collection::vec((0u32..600, 0u32..90), 0..6),
        holes in prop::collection::vec((0u32..700, 0u32..60), 0..6),
    ) {
        let range = |(first, length): &(u32, u32)| {
            let end = |bits| std::net::Ipv4Addr::from_bits(0x0a00_0000 + bits);
            format!("{}-{}", end(*first), end(first + length))
        };
        let list: Vec<String> = blocks.iter().map(range).collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let mut options = ptr();
        let mut expected: Vec<String> = given(&list, &options);
        let out: Vec<String> = holes.iter().map(range).collect();
        options.exclude = excluding(&out.iter().map(String::as_str).collect::<Vec<_>>());
        expected.retain(|text| !options.exclude.contains(text.parse().unwrap()));
        prop_assert_eq!(&given(&list, &options), &expected);
        options.shuffle = seed;
        expected.sort();
        prop_assert_eq!(union(&list, count, &options), expected);
    }
}
