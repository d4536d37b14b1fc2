//! Targets of http, tcp and udp probes, through the public door.

mod common;

use std::io;
use std::num::{NonZeroU16, NonZeroU32};

use canvass_model::{Job, ModuleId, ProbeSpec, Target};
use canvass_queue::{Partition, Source, TargetKind, TargetOptions, arguments, stream};
use common::{drain, excluding, http, ports, shown, strings, tcp};
use proptest::prelude::*;

fn jobs(list: &[&str], options: &TargetOptions) -> Vec<Job> {
    drain(arguments(strings(list), options).unwrap())
}

fn given(list: &[&str], options: &TargetOptions) -> Vec<String> {
    shown(&jobs(list, options))
}

/// The same list as a stream.
fn streamed(list: &[&str], options: &TargetOptions) -> Vec<String> {
    shown(&drain(stream(
        io::Cursor::new(list.join("\n")),
        "list",
        options,
    )))
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

fn reasons(jobs: &[Job]) -> Vec<(&str, &str)> {
    jobs.iter()
        .map(|job| match &job.target {
            Target::Invalid { given, reason } => (&**given, &**reason),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn ports_follow_each_other_within_an_address() {
    let list = ["192.0.2.0/31", "a.example", "b.example:25", "[2001:db8::]"];
    assert_eq!(
        given(&list, &tcp(Some("443,ssh"))),
        [
            "192.0.2.0:443",
            "192.0.2.0:22",
            "192.0.2.1:443",
            "192.0.2.1:22",
            "a.example:443",
            "a.example:22",
            "b.example:25",
            "[2001:db8::]:443",
            "[2001:db8::]:22",
        ]
    );
}

#[test]
fn pages_say_what_is_tried() {
    let list = [
        "192.0.2.0/31",
        "a.example/x",
        "http://b.example/",
        "unix:/run/web",
    ];
    assert_eq!(
        given(&list, &http(None)),
        [
            "https://192.0.2.0/ or http on 80",
            "https://192.0.2.1/ or http on 80",
            "https://a.example/x or http on 80",
            "http://b.example/",
            "unix:/run/web",
        ]
    );
    assert_eq!(
        given(&list, &http(Some("www,8443"))),
        [
            "http://192.0.2.0/",
            "https://192.0.2.0:8443/ or http on 8443",
            "http://192.0.2.1/",
            "https://192.0.2.1:8443/ or http on 8443",
            "http://a.example/x",
            "https://a.example:8443/x or http on 8443",
            "http://b.example/",
            "unix:/run/web",
        ]
    );
}

#[test]
fn the_text_of_a_target_is_kept_where_the_target_does_not_say_it() {
    let texts = |list: &[&str], options| -> Vec<Option<String>> {
        jobs(list, &options)
            .into_iter()
            .map(|job| match job.target {
                Target::Url(target) => target.given.map(Into::into),
                Target::Endpoint { given, .. } => given.map(Into::into),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        texts(
            &["a.example:1", "A.example:1", "10.0.0.0/32:1", "10.0.0.1"],
            tcp(Some("2"))
        ),
        [None, some("A.example:1"), None, None]
    );
    assert_eq!(
        texts(
            &["http://u:p@a.example/", "A.example", "10.0.0.0/32"],
            http(None)
        ),
        [some("http://u:***@a.example/"), some("A.example"), None]
    );
    assert_eq!(
        texts(&["10.0.0.1", "a.example/x"], http(Some("80,81"))),
        [
            some("10.0.0.1:80"),
            None,
            some("a.example:80/x"),
            some("a.example:81/x")
        ]
    );
}

#[test]
fn jobs_carry_their_probe() {
    let module = ModuleId(9);
    let requests = NonZeroU32::new(5).unwrap();
    let spec = |kind, text| jobs(&[text], &TargetOptions::new(kind))[0].spec;
    let http = TargetKind::Http {
        module,
        requests,
        ports: None,
        path_as_is: false,
    };
    let asked = spec(http.clone(), "a.example");
    assert_eq!(asked, ProbeSpec::Http { module, requests });
    assert_eq!(asked.outcomes(), 5);
    // A bad line is said to be bad once.
    assert_eq!(spec(http, "a b").outcomes(), 1);
    let tcp = TargetKind::Tcp {
        module,
        ports: Some(ports("80")),
        default_port: None,
    };
    assert_eq!(spec(tcp, "a.example"), ProbeSpec::Tcp { module });
    let udp = TargetKind::Udp {
        module,
        ports: None,
        default_port: NonZeroU16::new(37),
    };
    assert_eq!(spec(udp.clone(), "a.example"), ProbeSpec::Udp { module });
    assert_eq!(
        given(&["a.example", "b.example:ntp"], &TargetOptions::new(udp)),
        ["a.example:37", "b.example:123"]
    );
}

#[test]
fn bad_lines_say_why_and_keep_passwords_to_themselves() {
    let jobs = jobs(
        &[
            "ftp://u:secret@a.example/",
            "http://010.1.2.3/",
            "10.0.0.1/8",
            "::/0",
        ],
        &http(Some("80,443")),
    );
    assert_eq!(
        reasons(&jobs),
        [
            (
                "ftp://u:***@a.example/",
                "the scheme is \"ftp\", and only http and https are probed"
            ),
            (
                "http://010.1.2.3/",
                "some programs read leading zeros as octal; if the address is decimal, write 10.1.2.3"
            ),
            ("10.0.0.1/8", "host bits are set; the network is 10.0.0.0/8"),
            (
                "::/0",
                "these are more than 2^128 targets; list fewer ports"
            ),
        ]
    );
    let mut options = http(None);
    options.strict = true;
    let Err(error) = arguments(strings(&["ftp://u:secret@a.example/"]), &options) else {
        panic!("it began");
    };
    assert_eq!(
        error.to_string(),
        "\"ftp://u:***@a.example/\": the scheme is \"ftp\", and only http and https are probed"
    );
    let long = format!("http://u:secret@{}/", "a".repeat(5000));
    let jobs = drain(stream(io::Cursor::new(long), "list", &http(None)));
    assert!(reasons(&jobs)[0].0.starts_with("http://u:***@aaa"));
}

#[test]
fn excluded_addresses_are_not_asked_however_they_are_written() {
    let list = [
        "http://192.0.2.7/",
        "192.0.2.7:8080/x",
        "192.0.2.7",
        "https://u:p@[::ffff:192.0.2.7]/",
        "192.0.2.254-192.0.3.0",
        "http://example.net/192.0.2.7",
        "unix:/run/192.0.2.7",
    ];
    for shuffle in [None, Some(5)] {
        let mut options = http(Some("81"));
        options.exclude = excluding(&["192.0.2.0/24"]);
        options.shuffle = shuffle;
        assert_eq!(
            sorted(given(&list, &options)),
            [
                "http://example.net/192.0.2.7",
                "https://192.0.3.0:81/ or http on 81",
                "unix:/run/192.0.2.7",
            ]
        );
    }
    let mut options = tcp(Some("80,81"));
    options.exclude = excluding(&["192.0.2.0/24", "2001:db8::/32"]);
    let list = ["192.0.2.7:1", "[2001:db8::1]", "192.0.2.7", "192.0.3.1:1"];
    assert_eq!(given(&list, &options), ["192.0.3.1:1"]);
}

#[test]
fn huge_grids_begin_at_once() {
    let list = ["10.0.0.0/8", "2001:db8::/32"];
    for shuffle in [None, Some(8)] {
        let mut options = tcp(Some("1-65535"));
        options.shuffle = shuffle;
        let mut source = arguments(strings(&list), &options).unwrap();
        assert_eq!(source.remaining(), Some(u64::MAX));
        let mut jobs = Vec::new();
        assert!(source.next(500, &mut jobs).unwrap());
        let mut texts = shown(&jobs);
        if shuffle.is_none() {
            assert_eq!(texts[..2], ["10.0.0.0:1", "10.0.0.0:2"]);
        }
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 500);
    }
    let options = tcp(Some("1-65535"));
    let source = arguments(strings(&["10.0.0.0/8"]), &options).unwrap();
    assert_eq!(source.remaining(), Some((1 << 24) * 65_535));
    // The last that fits the numbers, and the first that does not.
    assert!(given(&["::/1"], &tcp(Some("1-3")))[0].starts_with("bad"));
    let source = arguments(strings(&["::/1"]), &tcp(Some("1-2"))).unwrap();
    assert_eq!(source.remaining(), Some(u64::MAX));
}

#[test]
fn the_limit_counts_targets_of_a_grid() {
    let mut options = tcp(Some("1-3"));
    options.limit = Some(4);
    assert_eq!(
        given(&["10.0.0.0/8"], &options),
        ["10.0.0.0:1", "10.0.0.0:2", "10.0.0.0:3", "10.0.0.1:1"]
    );
    options.partition = Partition::new(2, 5).unwrap();
    assert_eq!(
        given(&["10.0.0.0/8"], &options),
        ["10.0.0.0:2", "10.0.0.2:1", "10.0.0.3:3", "10.0.0.5:2"]
    );
}

#[test]
fn ports_and_addresses_are_shuffled_together() {
    let mut options = tcp(Some("1-200"));
    options.shuffle = Some(3);
    for order in [
        given(&["10.0.0.0/24", "a.example"], &options),
        streamed(&["10.0.0.0/24"], &options),
    ] {
        let neighbours = order
            .windows(2)
            .filter(|pair| {
                let host = |text: &str| text.split(':').next().map(str::to_owned);
                host(&pair[0]) == host(&pair[1])
            })
            .count();
        // 200 are expected where the order is random; all but 256 where it is not.
        assert!(neighbours < 400, "{neighbours}");
    }
}

proptest! {
    #[test]
    fn a_grid_is_the_product_of_its_sides(
        first in 0u32..600,
        length in 0u32..40,
        holes in prop::collection::vec((0u32..700, 0u32..20), 0..4),
        listed in prop::collection::vec((1u16..2000, 0u16..6), 1..4),
        shards in 1u64..6,
        seed: Option<u64>,
        pages: bool,
        by_stream: bool,
    ) {
        let end = |bits| std::net::Ipv4Addr::from_bits(0x0a00_0000 + bits);
        let range = |first, length| format!("{}-{}", end(first), end(first + length));
        let text: Vec<String> = listed
            .iter()
            .map(|(first, more)| format!("{first}-{}", first + more))
            .collect();
        let text = text.join(",");
        let mut options = if pages { http(Some(&text)) } else { tcp(Some(&text)) };
        let out: Vec<String> = holes.iter().map(|(first, length)| range(*first, *length)).collect();
        options.exclude = excluding(&out.iter().map(String::as_str).collect::<Vec<_>>());

        let mut expected = Vec::new();
        for bits in first..=first + length {
            if options.exclude.contains(end(bits).into()) {
                continue;
            }
            for port in ports(&text).as_slice() {
                expected.push(match (pages, port) {
                    (false, _) => format!("{}:{port}", end(bits)),
                    (true, 80) => format!("http://{}/", end(bits)),
                    (true, 443) => format!("https://{}/", end(bits)),
                    (true, _) => format!("https://{}:{port}/ or http on {port}", end(bits)),
                });
            }
        }
        let block = range(first, length);
        prop_assert_eq!(&given(&[&block], &options), &expected);

        // A bad line and a name between two equal blocks, so that places do not begin at 0.
        let list = [&*block, "a b", "a.example:9", &block];
        let name = if pages { "https://a.example:9/ or http on 9" } else { "a.example:9" };
        let mut twice = expected.clone();
        twice.extend(expected);
        twice.push("bad a b".into());
        twice.push(name.into());
        options.shuffle = seed;
        let mut union = Vec::new();
        for index in 1..=shards {
            options.partition = Partition::new(index, shards).unwrap();
            union.extend(if by_stream { streamed(&list, &options) } else { given(&list, &options) });
        }
        prop_assert_eq!(sorted(union), sorted(twice));
    }

    #[test]
    fn every_line_is_one_target_or_more(
        lines in prop::collection::vec("[0-9a-f:./\\[\\]@?# -]{0,20}|\\PC{0,20}", 0..12),
        pages: bool,
    ) {
        let mut options = if pages { http(None) } else { tcp(Some("1")) };
        options.limit = Some(1000);
        let text = lines.join("\n");
        let jobs = drain(stream(io::Cursor::new(text.clone()), "list", &options));
        let lines = text.split('\n').count() as u64;
        prop_assert!(jobs.iter().all(|job| job.line.unwrap().get() <= lines));
    }
}
