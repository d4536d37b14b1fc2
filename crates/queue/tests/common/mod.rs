//! What the tests of targets share.

// Each test file takes what it needs.
#![allow(dead_code)]

use std::num::NonZeroU32;
use std::sync::Arc;

use canvass_model::{Job, ModuleId, ProbeSpec, RecordType, Target};
use canvass_queue::{Exclusions, Ports, Protocol, Source, SourceError, TargetKind, TargetOptions};

pub(crate) fn ptr() -> TargetOptions {
    TargetOptions::new(TargetKind::Ptr {
        forward_confirm: false,
    })
}

pub(crate) fn dns(types: &[RecordType]) -> TargetOptions {
    TargetOptions::new(TargetKind::Dns {
        types: types.to_vec(),
    })
}

pub(crate) fn ports(text: &str) -> Ports {
    Ports::parse(text, Protocol::Tcp).unwrap()
}

pub(crate) fn http(listed: Option<&str>) -> TargetOptions {
    TargetOptions::new(TargetKind::Http {
        module: ModuleId(3),
        requests: NonZeroU32::MIN,
        ports: listed.map(ports),
        path_as_is: false,
    })
}

pub(crate) fn tcp(listed: Option<&str>) -> TargetOptions {
    TargetOptions::new(TargetKind::Tcp {
        module: ModuleId(4),
        ports: listed.map(ports),
        default_port: None,
    })
}

pub(crate) fn excluding(list: &[&str]) -> Arc<Exclusions> {
    Arc::new(Exclusions::read(list).unwrap())
}

/// Takes all jobs, at most `max` at once, and checks what holds for every source.
pub(crate) fn drain_by(max: usize, source: &mut impl Source) -> (Vec<Job>, Option<SourceError>) {
    let mut jobs = Vec::new();
    loop {
        let before = jobs.len();
        let remaining = source.remaining();
        let result = source.next(max, &mut jobs);
        let given = jobs.len() - before;
        assert!(given <= max);
        if let Some(remaining) = remaining {
            assert!(remaining >= given as u64);
            if remaining < u64::MAX {
                let now = source.remaining().unwrap();
                assert_eq!(now, remaining - given as u64, "after {} jobs", jobs.len());
            }
        }
        match result {
            Ok(true) => {}
            Ok(false) => {
                let end = jobs.len();
                assert!(!source.next(max, &mut jobs).unwrap());
                assert_eq!(jobs.len(), end, "jobs after the end");
                break;
            }
            Err(error) => {
                assert_eq!(given, 0, "jobs along with an error");
                assert!(!source.next(max, &mut jobs).unwrap());
                return (jobs, Some(error));
            }
        }
    }
    assert!(
        (0..).zip(&jobs).all(|(seq, job)| job.seq == seq),
        "the places are not dense"
    );
    (jobs, None)
}

pub(crate) fn drain(mut source: impl Source) -> Vec<Job> {
    let (jobs, error) = drain_by(7, &mut source);
    assert!(error.is_none(), "{error:?}");
    jobs
}

/// What a job asks, in words: the target, its type where it is a name, and why it is bad.
pub(crate) fn show(job: &Job) -> String {
    match (&job.target, job.spec) {
        (Target::Address { address, .. }, _) => address.to_string(),
        (Target::Name { given, .. }, ProbeSpec::Ptr { .. }) => given.to_string(),
        (Target::Name { given, .. }, ProbeSpec::Dns { record_type }) => {
            format!("{given} {record_type}")
        }
        (Target::Name { given, .. }, spec) => panic!("{given} has {spec:?}"),
        (Target::Url(target), _) => match target.fallback {
            Some(fallback) => format!("{} or http on {}", target.url, fallback.port),
            None => target.url.to_string(),
        },
        (Target::Endpoint { host, port, .. }, _) => format!("{host}:{port}"),
        (Target::Unix { given, .. }, _) => given.to_string(),
        (Target::Invalid { given, .. }, _) => format!("bad {given}"),
    }
}

pub(crate) fn shown(jobs: &[Job]) -> Vec<String> {
    jobs.iter().map(show).collect()
}

pub(crate) fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}
