//! Lists of mixed endpoints, through the public door.

mod common;

use std::io;
use std::num::NonZeroU16;
use std::sync::Arc;

use canvass_model::{Job, ModuleId, ProbeSpec, RecordType, Target};
use canvass_queue::{
    Dedup, Scheme, SchemeProbe, Source, SourceError, TargetKind, TargetOptions, arguments, stream,
};
use common::{drain, excluding, strings};

const TCP: ModuleId = ModuleId(0);
const HTTP: ModuleId = ModuleId(1);
const SMTP: ModuleId = ModuleId(2);

const LIST: &str = "\
# web
https://www.example.net/   # the front page

dns://192.0.2.53/example.net?type=MX
tcp://192.0.2.1:25
smtp://192.0.2.1
www.example.net
dns:///192.0.2.1?type=PTR
unix:/run/x
smpt://mail.example.net
https://a!b/
";

fn options() -> TargetOptions {
    let schemes = [
        (
            "tcp",
            SchemeProbe::Tcp {
                module: TCP,
                default_port: None,
            },
        ),
        ("https", SchemeProbe::Http { module: HTTP }),
        (
            "smtp",
            SchemeProbe::Tcp {
                module: SMTP,
                default_port: NonZeroU16::new(25),
            },
        ),
        ("unix", SchemeProbe::Unix { module: TCP }),
        (
            "dns",
            SchemeProbe::Dns {
                loopback_only: false,
            },
        ),
    ];
    TargetOptions::new(TargetKind::Endpoints {
        schemes: schemes
            .map(|(name, probe)| Scheme { name, probe })
            .into_iter()
            .collect(),
    })
}

/// The targets as they were given.
fn given(jobs: &[Job]) -> Vec<&str> {
    jobs.iter()
        .map(|job| match &job.target {
            Target::Url(target) => target.given.as_deref().unwrap(),
            Target::Address { given, .. } | Target::Endpoint { given, .. } => {
                given.as_deref().unwrap()
            }
            Target::Name { given, .. }
            | Target::Unix { given, .. }
            | Target::Invalid { given, .. } => given,
        })
        .collect()
}

fn listed(options: &TargetOptions) -> Vec<Job> {
    drain(stream(io::Cursor::new(LIST), "list", options))
}

#[test]
fn every_line_is_one_job_with_the_probe_of_its_scheme() {
    let jobs = listed(&options());
    let read: Vec<(u64, u64, &str)> = jobs
        .iter()
        .map(|job| (job.seq, job.line.unwrap().get(), job.spec.probe()))
        .collect();
    assert_eq!(
        read,
        [
            (0, 2, "http"),
            (1, 4, "dns"),
            (2, 5, "tcp"),
            (3, 6, "tcp"),
            (4, 7, "tcp"),
            (5, 8, "dns"),
            (6, 9, "tcp"),
            (7, 10, "tcp"),
            (8, 11, "http"),
        ]
    );
    assert_eq!(
        given(&jobs)[..4],
        [
            "https://www.example.net/",
            "dns://192.0.2.53/example.net?type=MX",
            "tcp://192.0.2.1:25",
            "smtp://192.0.2.1",
        ]
    );
    assert_eq!(
        jobs[1].spec,
        ProbeSpec::Dns {
            record_type: RecordType(15)
        }
    );
    let resolvers: Vec<_> = jobs.iter().map(|job| job.resolver.is_some()).collect();
    assert_eq!(resolvers.iter().filter(|named| **named).count(), 1);
    assert!(resolvers[1]);
    assert_eq!(jobs[2].spec, ProbeSpec::Tcp { module: TCP });
    assert_eq!(jobs[3].spec, ProbeSpec::Tcp { module: SMTP });
    assert!(matches!(jobs[5].target, Target::Address { .. }));
    for (index, part) in [
        (4, "begins with its scheme"),
        (7, "did you mean smtp?"),
        (8, "contains '!'"),
    ] {
        match &jobs[index].target {
            Target::Invalid { reason, .. } => assert!(reason.contains(part), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_endpoint_is_skipped_as_one_job() {
    let mut source = stream(io::Cursor::new(LIST), "list", &options());
    let mut first = Vec::new();
    while first.len() < 3 {
        source.next(3 - first.len(), &mut first).unwrap();
    }
    let position = source.position();
    let mut other = stream(io::Cursor::new(LIST), "list", &options());
    other.skip_to(position).unwrap();
    let mut rest = Vec::new();
    while other.next(100, &mut rest).unwrap() {}
    assert_eq!(rest, listed(&options())[3..]);
    let mut shuffled = options();
    shuffled.shuffle = Some(1);
    let mut jobs = drain(arguments(strings(&["tcp://a:1", "smtp://b", "x"]), &shuffled).unwrap());
    assert_eq!(jobs.len(), 3);
    jobs.sort_by_key(|job| job.spec.probe() != "tcp");
    assert!(
        jobs.iter()
            .any(|job| job.spec == ProbeSpec::Tcp { module: SMTP })
    );
}

#[test]
fn a_bad_endpoint_ends_a_strict_list() {
    let mut options = options();
    options.strict = true;
    let mut source = stream(io::Cursor::new(LIST), "list", &options);
    let mut jobs = Vec::new();
    let error = loop {
        match source.next(100, &mut jobs) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SourceError::BadLine { line, .. } if line.get() == 7));
}

#[test]
fn endpoints_are_repeated_if_the_probe_is_the_same() {
    let list = [
        "tcp://192.0.2.1:25",
        "smtp://192.0.2.1",
        "smtp://192.0.2.1:smtp",
        "tcp://Mail.example.net:25",
        "smtp://mail.example.net",
        "tcp://mail.example.net.:25",
        "dns:///example.net",
        "dns:EXAMPLE.net.?type=A",
        "dns://192.0.2.53/example.net",
        "https://example.net",
        "https://example.net:443/",
        "unix:/run/x",
        "unix:/run/x",
    ];
    let mut options = options();
    let dedup = Arc::new(Dedup::new(1 << 20));
    options.dedup = Some(Arc::clone(&dedup));
    let jobs = drain(arguments(strings(&list), &options).unwrap());
    assert_eq!(
        given(&jobs),
        [0, 1, 3, 4, 6, 8, 9, 11].map(|index| list[index])
    );
    assert_eq!(dedup.repeated(), 5);
}

#[test]
fn a_host_is_excluded_whatever_is_asked_of_it() {
    let list = [
        "https://192.0.2.1/",
        "tcp://192.0.2.1:25",
        "dns://192.0.2.1/example.net",
        "dns:///192.0.2.1?type=PTR",
        "dns://192.0.2.2/example.net",
    ];
    let mut options = options();
    options.exclude = excluding(&["192.0.2.1"]);
    let jobs = drain(arguments(strings(&list), &options).unwrap());
    assert_eq!(given(&jobs), ["dns://192.0.2.2/example.net"]);
}

#[test]
fn without_a_resolver_only_questions_that_name_none_are_bad() {
    let mut options = options();
    options.no_resolver = Some("the run has none".into());
    let list = [
        "dns:///example.net?type=MX",
        "dns://192.0.2.53/example.net",
        "tcp://example.net:1",
    ];
    let jobs = drain(arguments(strings(&list), &options).unwrap());
    assert!(
        matches!(&jobs[0].target, Target::Invalid { reason, .. } if &**reason == "the run has none")
    );
    assert_eq!(
        jobs[0].spec,
        ProbeSpec::Dns {
            record_type: RecordType(15)
        }
    );
    assert!(matches!(jobs[1].target, Target::Name { .. }));
    assert!(matches!(jobs[2].target, Target::Endpoint { .. }));
}
