//! Targets from a list that is read as it comes, through the public door.

mod common;

use std::io::{self, Read, Write as _};

use canvass_model::{RecordType, Target};
use canvass_queue::{
    Partition, SHUFFLE_BUFFER_LINES, Source, TargetOptions, Targets, arguments, open, stream,
};
use common::{dns, drain, drain_by, excluding, ptr, show, shown, strings};
use proptest::prelude::*;

fn list(text: &str, options: &TargetOptions) -> Targets {
    stream(io::Cursor::new(text.to_owned()), "list", options)
}

fn given(text: &str, options: &TargetOptions) -> Vec<String> {
    shown(&drain(list(text, options)))
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

/// Gives one piece a call, and counts the calls.
struct Pieces {
    pieces: std::vec::IntoIter<&'static str>,
    reads: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.pieces.next().unwrap_or("").as_bytes().read(buffer)
    }
}

#[test]
fn lines_keep_their_numbers() {
    let text = "\u{feff}# list\r\n192.0.2.0/31\r\n\r\n  2001:db8::1 # one\r\n10.0.0.1/8\r\n1.2.0.192.in-addr.arpa";
    let jobs = drain(list(text, &ptr()));
    let lines: Vec<_> = jobs
        .iter()
        .map(|job| (job.line.unwrap().get(), show(job)))
        .collect();
    let expected = [
        (2, "192.0.2.0"),
        (2, "192.0.2.1"),
        (4, "2001:db8::1"),
        (5, "bad 10.0.0.1/8"),
        (6, "1.2.0.192.in-addr.arpa"),
    ];
    assert_eq!(lines, expected.map(|(line, text)| (line, text.to_owned())));
    assert!(given("", &ptr()).is_empty());
    assert!(given("# nothing\n\n", &ptr()).is_empty());
}

#[test]
fn what_is_complete_is_given_before_the_reader_is_asked_again() {
    let reads = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let pieces = vec!["192.0.2.1\n192.0.2.2\n192.0", ".2.3", "\n192.0.2.4"];
    let reader = Pieces {
        pieces: pieces.into_iter(),
        reads: reads.clone(),
    };
    let mut source = stream(reader, "list", &ptr());
    let mut jobs = Vec::new();
    for (reads_done, jobs_given) in [(1, 2), (2, 2), (3, 3), (4, 4)] {
        source.next(512, &mut jobs).unwrap();
        assert_eq!(reads.load(std::sync::atomic::Ordering::Relaxed), reads_done);
        assert_eq!(jobs.len(), jobs_given);
    }
    assert!(!source.next(512, &mut jobs).unwrap());
    assert_eq!(shown(&jobs)[3], "192.0.2.4");
    assert_eq!(source.remaining(), Some(0));
}

#[test]
fn a_line_overrides_the_types() {
    let options = dns(&[RecordType::A, RecordType::AAAA]);
    let jobs = drain(list(
        "a.example\nb.example PTR\na.example BOGUS\n",
        &options,
    ));
    assert_eq!(
        shown(&jobs),
        [
            "a.example A",
            "a.example AAAA",
            "b.example PTR",
            "bad a.example BOGUS"
        ]
    );
    let lines: Vec<u64> = jobs.iter().map(|job| job.line.unwrap().get()).collect();
    assert_eq!(lines, [1, 1, 2, 3]);
}

#[test]
fn a_strict_list_ends_at_its_first_bad_line() {
    let text = "192.0.2.0/29\n# fine\n300.1.1.1\n192.0.2.9\n";
    for shuffle in [None, Some(4)] {
        for shard in [Partition::WHOLE, Partition::new(2, 3).unwrap()] {
            let mut options = ptr();
            options.strict = true;
            options.shuffle = shuffle;
            options.partition = shard;
            let (jobs, error) = drain_by(100, &mut list(text, &options));
            assert_eq!(jobs.len() as u64, 8u64.div_ceil(shard.count()));
            assert_eq!(
                error.unwrap().to_string(),
                "list:3: \"300.1.1.1\": the octet 300 is over 255"
            );
        }
    }
    let mut options = ptr();
    options.strict = true;
    options.limit = Some(8);
    assert_eq!(given(text, &options).len(), 8);
}

#[test]
fn a_line_without_end_becomes_one_bad_target() {
    let reader = io::repeat(b'a').take(1 << 26).chain(&b"\n192.0.2.1"[..]);
    let jobs = drain(stream(reader, "list", &ptr()));
    assert_eq!(jobs.len(), 2);
    match &jobs[0].target {
        Target::Invalid { given, reason } => {
            assert_eq!(&**given, "a".repeat(100) + "...");
            assert_eq!(&**reason, "the line has more than 4096 bytes");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        (jobs[1].line.unwrap().get(), show(&jobs[1])),
        (2, "192.0.2.1".to_owned())
    );
}

#[test]
fn arguments_come_first_and_numbers_go_on() {
    let mut options = ptr();
    let both = |options: &TargetOptions| {
        let first = arguments(strings(&["192.0.2.0/30"]), options).unwrap();
        first.then(list("198.51.100.0/30\n", options))
    };
    let mut source = both(&options);
    assert_eq!(source.remaining(), None);
    let (jobs, error) = drain_by(3, &mut source);
    assert!(error.is_none());
    assert_eq!(jobs.len(), 8);
    assert_eq!(shown(&jobs)[4], "198.51.100.0");
    assert_eq!(source.produced(), 8);
    options.limit = Some(5);
    assert_eq!(drain(both(&options)).len(), 5);
    options.limit = None;
    let mut union = Vec::new();
    for index in 1..=3 {
        options.partition = Partition::new(index, 3).unwrap();
        union.extend(shown(&drain(both(&options))));
    }
    assert_eq!(sorted(union), sorted(shown(&jobs)));
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none"), folder.path().to_owned()] {
        let path = path.to_str().unwrap();
        let Err(error) = open(path, &ptr()) else {
            panic!("{path} was opened");
        };
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot read {path}: "))
        );
    }
    let path = folder.path().join("list");
    std::fs::File::create(&path)
        .unwrap()
        .write_all(b"192.0.2.1")
        .unwrap();
    let source = open(path.to_str().unwrap(), &ptr()).unwrap();
    assert_eq!(shown(&drain(source)), ["192.0.2.1"]);

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    for shuffle in [None, Some(1)] {
        let mut options = ptr();
        options.shuffle = shuffle;
        let reader = (&b"192.0.2.1\n192.0.2.2\n"[..]).chain(Broken);
        let (jobs, error) = drain_by(100, &mut stream(reader, "list", &options));
        assert_eq!(jobs.len(), if shuffle.is_some() { 0 } else { 2 });
        assert!(error.unwrap().to_string().starts_with("cannot read list: "));
    }
}

#[test]
fn a_shuffled_list_is_whole_and_does_not_depend_on_the_reader() {
    let lines = SHUFFLE_BUFFER_LINES + 5000;
    let text: String = (0..lines)
        .map(|line| format!("n{line}.example\n"))
        .collect();
    let mut options = dns(&[RecordType::A]);
    let in_order = given(&text, &options);
    options.shuffle = Some(11);
    let order = given(&text, &options);
    assert_ne!(order, in_order);
    assert_eq!(sorted(order.clone()), sorted(in_order));
    options.shuffle = Some(12);
    assert_ne!(given(&text, &options), order);
    options.shuffle = Some(11);
    let slow = io::Cursor::new(text.clone());
    struct Slow(io::Cursor<String>);
    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let few = buffer.len().min(1000);
            self.0.read(&mut buffer[..few])
        }
    }
    let mut source = stream(Slow(slow), "list", &options);
    assert_eq!(shown(&drain_by(512, &mut source).0), order);
}

#[test]
fn blocks_in_a_shuffled_list_are_mixed() {
    let mut options = ptr();
    options.shuffle = Some(2);
    let text = "10.0.0.0/8\n2001:db8::/64\n10.0.0.0/8\n";
    let mut jobs = Vec::new();
    let mut source = list(text, &options);
    while jobs.len() < 600 {
        assert!(source.next(600 - jobs.len(), &mut jobs).unwrap());
    }
    for line in 1..=3 {
        let mut of_line: Vec<_> = jobs
            .iter()
            .filter(|job| job.line.unwrap().get() == line)
            .map(show)
            .collect();
        assert!(
            (140..260).contains(&of_line.len()),
            "{} of line {line}",
            of_line.len()
        );
        let in_order = of_line.clone();
        of_line.sort();
        assert_ne!(of_line, in_order);
        of_line.dedup();
        assert_eq!(of_line.len(), in_order.len(), "an address came twice");
    }
    let by_line = |line| -> Vec<String> {
        jobs.iter()
            .filter(|job| job.line.unwrap().get() == line)
            .map(show)
            .take(5)
            .collect()
    };
    assert_ne!(by_line(1), by_line(3), "equal blocks run in step");
}

#[test]
fn a_shuffled_block_is_whole() {
    let text = "192.0.2.0/24\nbad\n2001:db8::/121\n192.0.2.64-192.0.2.130\n";
    let mut options = ptr();
    options.exclude = excluding(&["192.0.2.100/30", "2001:db8::7"]);
    let expected = sorted(given(text, &options));
    assert_eq!(expected.len(), 252 + 1 + 127 + 63);
    options.shuffle = Some(77);
    assert_eq!(sorted(given(text, &options)), expected);
}

proptest! {
    #[test]
    fn every_line_that_is_not_blank_is_one_target(
        lines in prop::collection::vec("[0-9a-f:.%\\[\\] #\u{e9}-]{0,30}", 0..20),
        strict: bool,
    ) {
        let text = lines.join("\n");
        let mut options = dns(&[RecordType::A]);
        options.strict = strict;
        let asked: Vec<u64> = (1..)
            .zip(&lines)
            .filter(|(_, line)| !line.trim_ascii().is_empty() && !line.trim_ascii().starts_with('#'))
            .map(|(number, _)| number)
            .collect();
        let (jobs, error) = drain_by(3, &mut list(&text, &options));
        let lines: Vec<u64> = jobs.iter().map(|job| job.line.unwrap().get()).collect();
        if error.is_some() {
            prop_assert!(strict);
            prop_assert_eq!(&lines[..], &asked[..lines.len()]);
        } else {
            prop_assert_eq!(lines, asked);
        }
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut options = ptr();
        options.limit = Some(2000);
        let lines = bytes.split(|byte| *byte == b'\n').count();
        let reader = io::Cursor::new(bytes);
        let jobs = drain(stream(reader, "list", &options));
        prop_assert!(jobs.iter().all(|job| job.line.unwrap().get() <= lines as u64));
    }

    #[test]
    fn shards_of_a_list_cover_it_once(
        count in 1u64..6,
        seed: Option<u64>,
        blocks in prop::collection::vec((0u32..99, 0u32..40), 0..12),
    ) {
        let end = |bits| std::net::Ipv4Addr::from_bits(0x0a00_0000 + bits);
        let text: String = blocks
            .iter()
            .map(|(first, length)| format!("{}-{}\nbad\n", end(*first), end(first + length)))
            .collect();
        let mut options = ptr();
        options.exclude = excluding(&["10.0.0.32/29", "10.0.0.50-10.0.0.77"]);
        let expected = sorted(given(&text, &options));
        options.shuffle = seed;
        let mut union = Vec::new();
        for index in 1..=count {
            options.partition = Partition::new(index, count).unwrap();
            union.extend(given(&text, &options));
        }
        prop_assert_eq!(sorted(union), expected);
    }
}
