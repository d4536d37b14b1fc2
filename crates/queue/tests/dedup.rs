//! Repeated targets that are asked once.

mod common;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use canvass_model::{Job, RecordType};
use canvass_queue::{
    Dedup, Partition, Position, Source, TargetOptions, Targets, arguments, stream,
};
use common::{dns, drain, excluding, http, ptr, shown, strings, tcp};
use proptest::prelude::*;

/// Memory enough for every test.
const MEMORY: u64 = 1 << 24;

fn source(listed: &[&str], list: &str, options: &TargetOptions) -> Targets {
    let list = stream(io::Cursor::new(list.to_owned()), "list", options);
    arguments(strings(listed), options).unwrap().then(list)
}

/// The jobs, and how many were repeated.
fn once(listed: &[&str], list: &str, options: &TargetOptions) -> (Vec<Job>, u64) {
    let dedup = Arc::new(Dedup::new(MEMORY));
    let options = TargetOptions {
        dedup: Some(Arc::clone(&dedup)),
        ..options.clone()
    };
    let jobs = drain(source(listed, list, &options));
    assert!(!dedup.is_full());
    (jobs, dedup.repeated())
}

fn shown_once(listed: &[&str], list: &str, options: &TargetOptions) -> (Vec<String>, u64) {
    let (jobs, repeated) = once(listed, list, options);
    (shown(&jobs), repeated)
}

#[test]
fn addresses_are_compared_by_value() {
    let list = "192.0.2.1\n::ffff:192.0.2.1\n1.2.0.192.in-addr.arpa\n1.2.0.192.IN-ADDR.arpa.\n\
                2001:db8::1\n2001:DB8:0::1\n[2001:db8::1]\n192.0.2.2\nhome.arpa\nHOME.arpa.\n";
    let (targets, repeated) = shown_once(&["192.0.2.2"], list, &ptr());
    assert_eq!(
        targets,
        ["192.0.2.2", "192.0.2.1", "2001:db8::1", "home.arpa"]
    );
    assert_eq!(repeated, 7);
}

#[test]
fn ranges_and_addresses_are_compared() {
    let list = "192.0.2.2\n192.0.2.0/30\n192.0.2.1-192.0.2.5\n192.0.2.0/29\n";
    let (targets, repeated) = shown_once(&["192.0.2.4"], list, &ptr());
    let expected = [4, 2, 0, 1, 3, 5, 6, 7].map(|last| format!("192.0.2.{last}"));
    assert_eq!(targets, expected);
    assert_eq!(repeated, 1 + 5 - 1 + 6);
    // Of any size.
    let (jobs, repeated) = once(&["::/0", "2001:db8::/32", "::/1"], "", &{
        let mut options = ptr();
        options.limit = Some(3);
        options
    });
    assert_eq!((jobs.len(), repeated), (3, u64::MAX));
}

#[test]
fn a_range_with_many_holes_is_given_in_parts() {
    // Every other address of a /19, and then all of them.
    let mut list: String = (0..4_096u32)
        .map(|half| {
            format!(
                "{}\n",
                std::net::Ipv4Addr::from_bits((10 << 24) | (half * 2))
            )
        })
        .collect();
    list.push_str("10.0.0.0/19\n10.0.0.0/18\n");
    for shuffle in [None, Some(2)] {
        let options = TargetOptions { shuffle, ..ptr() };
        let (mut targets, repeated) = shown_once(&[], &list, &options);
        assert_eq!((targets.len(), repeated), (16_384, 4_096 + 8_192));
        targets.sort();
        targets.dedup();
        assert_eq!(targets.len(), 16_384);
    }
}

#[test]
fn excluded_addresses_are_not_counted_as_repeated() {
    let mut options = ptr();
    options.exclude = excluding(&["192.0.2.0/25"]);
    let (targets, repeated) = shown_once(&["192.0.2.0/24"], "192.0.2.0/24\n192.0.2.1\n", &options);
    assert_eq!((targets.len(), repeated), (128, 128));
}

#[test]
fn names_are_compared_with_type_and_resolver() {
    let options = dns(&[RecordType::A, RecordType::AAAA]);
    let list = "Example.NET.\nexample.net AAAA,MX\nexample.net MX\nexample.net MX @192.0.2.53\n\
                example.net mx @192.0.2.53:53\nexample.net MX @192.0.2.54\nm\u{fc}ller.example A\n\
                xn--mller-kva.example A\n";
    let (targets, repeated) = shown_once(&["example.net"], list, &options);
    assert_eq!(
        targets,
        [
            "example.net A",
            "example.net AAAA",
            "example.net MX",
            "example.net MX",
            "example.net MX",
            "m\u{fc}ller.example A",
        ]
    );
    assert_eq!(repeated, 2 + 1 + 1 + 1 + 1);
    let (targets, repeated) = shown_once(
        &["192.0.2.1 PTR"],
        "1.2.0.192.in-addr.arpa PTR\n192.0.2.0/31 PTR\n1.2.0.192.in-addr.arpa A\n",
        &options,
    );
    assert_eq!(
        targets,
        ["192.0.2.1", "192.0.2.0", "1.2.0.192.in-addr.arpa A"]
    );
    assert_eq!(repeated, 2);
}

#[test]
fn endpoints_are_compared_by_port() {
    let options = tcp(Some("80,443"));
    let list = "192.0.2.1:443\n192.0.2.0/31\nExample.net:80\nexample.net.\nexample.net\n\
                192.0.2.0/31\n[::ffff:192.0.2.1]:443\n";
    let (targets, repeated) = shown_once(&["192.0.2.1:80"], list, &options);
    assert_eq!(
        targets,
        [
            "192.0.2.1:80",
            "192.0.2.1:443",
            "192.0.2.0:80",
            "192.0.2.0:443",
            "example.net:80",
            "example.net.:443",
        ]
    );
    assert_eq!(repeated, 2 + 1 + 2 + 4 + 1);
}

#[test]
fn urls_are_compared_in_normal_form() {
    let list = "HTTPS://Example.NET:443/a#b\nhttps://example.net/a\nhttp://example.net/a\n\
                example.net/a\nhttp://192.0.2.1/\nhttp://[::ffff:192.0.2.1]:80\n192.0.2.0/30:80\n\
                unix:/run/a\nunix:/run/a\n";
    let (targets, repeated) = shown_once(&["https://example.net/a"], list, &http(None));
    assert_eq!(
        targets,
        [
            "https://example.net/a",
            "http://example.net/a",
            "https://example.net/a or http on 80",
            "http://192.0.2.1/",
            "http://192.0.2.0/",
            "http://192.0.2.2/",
            "http://192.0.2.3/",
            "unix:/run/a",
        ]
    );
    assert_eq!(repeated, 2 + 1 + 1 + 1);
}

#[test]
fn bad_lines_are_all_kept() {
    let (targets, repeated) = shown_once(&["bad"], "bad\nbad\n", &ptr());
    assert_eq!((targets.len(), repeated), (3, 0));
}

#[test]
fn partitions_of_a_list_without_repetitions_are_disjoint() {
    let arguments = ["192.0.2.0/28", "192.0.2.8-192.0.2.20", "bad"];
    let list = "192.0.2.3\n192.0.2.30\n192.0.2.0/27\nbad\n";
    for shuffle in [None, Some(9)] {
        let mut all: Vec<String> = Vec::new();
        for index in 1..=3 {
            let options = TargetOptions {
                shuffle,
                partition: Partition::new(index, 3).unwrap(),
                ..ptr()
            };
            let (targets, repeated) = shown_once(&arguments, list, &options);
            assert_eq!(repeated, 8 + 1 + 22);
            all.extend(targets);
        }
        all.sort();
        let mut expected: Vec<String> = (0..32).map(|last| format!("192.0.2.{last}")).collect();
        expected.extend(strings(&["bad bad"; 2]));
        expected.sort();
        assert_eq!(all, expected);
    }
}

#[test]
fn a_full_memory_loses_no_target() {
    let list: String = (0..2_000u32)
        .chain(0..2_000)
        .map(|number| format!("n{number}.example\n"))
        .collect();
    let dedup = Arc::new(Dedup::new(64_000));
    let options = TargetOptions {
        dedup: Some(Arc::clone(&dedup)),
        ..dns(&[RecordType::A])
    };
    let targets = shown(&drain(source(&[], &list, &options)));
    assert!(dedup.is_full());
    assert_eq!((targets.len(), dedup.repeated()), (3_000, 1_000));
    let distinct: BTreeSet<&String> = targets.iter().collect();
    assert_eq!(distinct.len(), 2_000);
}

#[test]
fn a_run_is_resumed_at_every_position() {
    let arguments = ["192.0.2.0/28", "192.0.2.8-192.0.2.20", "bad"];
    let list = "192.0.2.3\n192.0.2.30\n192.0.2.0/27\nbad\n192.0.2.77\n192.0.2.3 @192.0.2.53\n";
    for shuffle in [None, Some(3)] {
        let make = || {
            let options = TargetOptions {
                shuffle,
                dedup: Some(Arc::new(Dedup::new(MEMORY))),
                ..ptr()
            };
            source(&arguments, list, &options)
        };
        let all = drain(make());
        for from in 0..=all.len() {
            let mut resumed = make();
            resumed.skip_to(Position::before(from as u64)).unwrap();
            let mut jobs = Vec::new();
            while resumed.next(5, &mut jobs).unwrap() {}
            assert_eq!(jobs, all[from..], "{shuffle:?} {from}");
        }
    }
}

proptest! {
    #[test]
    fn each_target_is_asked_once(
        lines in prop::collection::vec((0u32..40, 0u32..9, 0u32..3), 0..20),
        split in 0usize..20,
        shuffle: Option<u64>,
    ) {
        let lines: Vec<String> = lines
            .into_iter()
            .map(|(first, length, form)| match form {
                0 => format!("192.0.2.{first}"),
                1 => format!("192.0.2.{first}-192.0.2.{}", first + length),
                _ => format!("192.0.2.{first}:80"),
            })
            .collect();
        let mut options = tcp(Some("80,443"));
        options.shuffle = shuffle;
        let (listed, list) = lines.split_at(split.min(lines.len()));
        let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
        let list = list.join("\n");
        let several = shown(&drain(source(&listed, &list, &options)));
        let (targets, repeated) = shown_once(&listed, &list, &options);
        let distinct: BTreeSet<&String> = several.iter().collect();
        prop_assert_eq!(targets.len() + repeated as usize, several.len());
        prop_assert_eq!(targets.iter().collect::<BTreeSet<_>>(), distinct.clone());
        prop_assert_eq!(targets.len(), distinct.len());
    }
}
