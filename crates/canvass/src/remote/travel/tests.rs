//! A plan that has travelled is the plan that was packed.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches};
use tempfile::TempDir;

use super::*;
use crate::args::{Cli, Command};
use crate::exit::Failure;
use crate::journal::GivenFlags;
use crate::plan::{Site, Work, work};

/// Files that command lines name.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("body", "a=1");
        files.write("resolvers", "127.0.0.1:5301\n127.0.0.2\n");
        files.write("script.yaml", "- expect: \"ready\"\n");
        let lab = canvass_lab::Lab::start(canvass_lab::LabConfig {
            services: vec![canvass_lab::ServiceConfig::on_port(
                canvass_lab::ServiceKind::Https,
                0,
            )],
            ..canvass_lab::LabConfig::default()
        })
        .unwrap();
        files.write("ca.pem", lab.ca_pem().unwrap());
        files.write("client.pem", lab.client_pem().unwrap());
        files.write("credentials", "me\nhunter2\n");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// A command line in which `%` stands for the directory.
    fn parsed(&self, line: &str) -> (Command, GivenFlags) {
        let line = line.replace('%', &self.0.path().display().to_string());
        let words = std::iter::once("canvass").chain(line.split(' '));
        let matches = Cli::command().try_get_matches_from(words).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        (cli.command, GivenFlags::of(&matches))
    }

    fn direct(&self, line: &str) -> Work {
        work(self.parsed(line).0, Site::Submitter).unwrap()
    }

    fn packed(&self, line: &str) -> Result<TravellingPlan, Failure> {
        let plan = &self.direct(line).plan;
        let packing = Packing {
            plan,
            lab: None,
            keep_parts: None,
        };
        pack(&self.parsed(line).1, packing)
    }

    fn refusal(&self, line: &str) -> String {
        let refused = self.packed(line).map(drop);
        refused.expect_err(line).to_string()
    }
}

/// The plan as text, without the times at which it was made.
fn shown(work: &Work) -> String {
    let text = format!("{:?}", work.plan);
    let (text, _) = text.split_once(", clock: ").expect("the clock stands last");
    format!(
        "{text} {:?} {:?} {:?}",
        work.format, work.columns, work.deadline
    )
}

fn own(files: &Files) -> OwnSettings {
    OwnSettings {
        credentials: Some(files.path("credentials")),
        identity: Some((files.path("client.pem"), files.path("client.pem"))),
        ..OwnSettings::default()
    }
}

const LINES: [&str; 14] = [
    "ptr -i list -r 127.0.0.1:5300",
    "ptr 192.0.2.1 @127.0.0.1 --forward-confirm --retries 2 --timeout 1s -f csv",
    "ptr 192.0.2.0/24 -r %/resolvers --rate 50 --rate-per-resolver 9 --transport tcp --limit 5",
    "dns example.net MX -r 127.0.0.1 --dnssec --nsid --sections",
    "dns -i list -t A,AAAA -r 127.0.0.1 --class CH --subnet 192.0.2.0/24 --answers-min 2",
    "dns -i list mx ns -r 127.0.0.1 --max-latency 50ms --follow-cname",
    "http -i list -r 127.0.0.1 -X PUT -d @%/body --cacert %/ca.pem --follow 3 --ports 80,8443",
    "http https://x.example -r 127.0.0.1 -H Accept:text/plain -H Cookie: -d a=1 --expect-status 2xx --repeat 3",
    "http -i list -r 127.0.0.1 --basic --proxy socks5://127.0.0.1:9 --rate-per-host 3 --favicon",
    "http -i list -r 127.0.0.1 --credentials %/credentials --cert %/client.pem --key %/client.pem",
    "tcp -i list -r 127.0.0.1 --talk smtp --quiet-after 1s --ports 25 --linger 0 --ttl 9",
    "tcp -i list -r 127.0.0.1 --talk %/script.yaml --tls --tls-min 1.3 -4 --concurrency 7",
    "udp -i list -r 127.0.0.1 --talk time --window 1s --per-host 2 --deadline 3s -v",
    "check -i list -r 127.0.0.1 --credentials %/credentials --expect-body ok --connect-timeout 1s -q",
];

#[test]
fn the_plan_of_a_worker_is_that_of_the_command_line() {
    let files = Files::new();
    let own = own(&files);
    for line in LINES {
        let packed = files
            .packed(line)
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        let octets = postcard::to_stdvec(&packed).unwrap();
        assert!(
            !String::from_utf8_lossy(&octets).contains("hunter2"),
            "{line}"
        );
        let packed = postcard::from_bytes(&octets).unwrap();
        let unpacked = unpack(&packed, &own).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(shown(&unpacked), shown(&files.direct(line)), "{line}");
    }
}

/// What a plan does not show of itself, as it has bodies and headers.
#[test]
fn every_value_that_travels_arrives() {
    let files = Files::new();
    for line in LINES {
        let given = files.parsed(line).1;
        let packed = files.packed(line).unwrap();
        for flag in given
            .flags
            .iter()
            .filter(|flag| flags::of(&flag.name) == flags::Travel::AsIs)
        {
            let is_there = |value: &str| {
                packed.arguments.iter().any(|argument| match argument {
                    Argument::Switch(name) => *name == flag.name,
                    Argument::Value {
                        flag: name,
                        value: found,
                    } => *name == flag.name && found == value,
                    _ => false,
                })
            };
            for value in &flag.values {
                let value = value.to_str().unwrap();
                let is_set = !flag.is_switch || value == "true";
                assert_eq!(is_there(value), is_set, "{line}: {} {value}", flag.name);
            }
        }
    }
    let packed = files.packed("http -i list -d @%/body -H A:b").unwrap();
    let header = Argument::Value {
        flag: "header".into(),
        value: "A:b".into(),
    };
    assert!(packed.arguments.contains(&header));
    let body = packed.arguments.iter().find(|one| one.flag() == "data");
    let Some(Argument::File { file, .. }) = body else {
        panic!("{body:?}");
    };
    assert_eq!((&*file.octets, &*file.before), (&b"a=1"[..], "@"));
}

#[test]
fn credentials_and_what_is_of_this_machine_are_refused_by_name() {
    let files = Files::new();
    for (line, flag) in [
        ("http -i l --user me", "--user"),
        (
            "http -i l -H Authorization:hunter2",
            "--header Authorization",
        ),
        ("http -i l -H X-Auth-Token:hunter2", "--header X-Auth-Token"),
        ("check -i l -H Cookie:hunter2", "--header Cookie"),
        (
            "http -i l --proxy http://me:hunter2@192.0.2.1:80",
            "--proxy",
        ),
        ("http -i l --save %", "--save"),
        ("http -i l --unix-socket /run/x", "--unix-socket"),
        ("ptr -i l -r 127.0.0.1 --trace", "--trace"),
        ("ptr -i l -r 127.0.0.1 --recheck", "--recheck"),
        ("ptr -i l -r 127.0.0.1 --bind 127.0.0.1", "--bind"),
    ] {
        let refusal = files.refusal(line);
        let expected = format!("{flag} cannot be used with --workers: ");
        assert!(refusal.starts_with(&expected), "{line}: {refusal}");
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
}

#[test]
fn a_worker_without_credentials_says_what_it_lacks() {
    let files = Files::new();
    let bare = OwnSettings::default();
    for (line, missing) in [
        (
            "check -i l --credentials %/credentials",
            "--credentials FILE",
        ),
        ("http -i l --credentials %/credentials", "CANVASS_USER"),
        (
            "http -i l --cert %/client.pem --key %/client.pem",
            "--cert and --key",
        ),
    ] {
        let packed = files.packed(line).unwrap();
        let refusal = unpack(&packed, &bare)
            .map(drop)
            .expect_err(line)
            .to_string();
        assert!(refusal.contains(missing), "{line}: {refusal}");
    }
}

#[test]
fn a_worker_takes_no_argument_that_writes_reads_or_leads_elsewhere() {
    let files = Files::new();
    let value = |flag: &str, value: &str| Argument::Value {
        flag: flag.into(),
        value: value.into(),
    };
    let file = |flag: &str, before: &str, after: &str| Argument::File {
        flag: flag.into(),
        file: FileContent {
            name: "../../x".into(),
            octets: b"a".to_vec(),
            before: before.into(),
            after: after.into(),
        },
    };
    for argument in [
        value("output", "/tmp/x"),
        value("journal", "/tmp/x"),
        value("save", "/tmp/x"),
        value("input", "/etc/passwd"),
        value("data", "@/etc/passwd"),
        value("cacert", "/etc/passwd"),
        value("talk", "/etc/passwd"),
        value("resolver", "/etc/passwd"),
        value("credentials", "/etc/passwd"),
        value("unix-socket", "/run/x"),
        value("workers", "redis://192.0.2.1"),
        value("no-such-flag", "x"),
        Argument::Switch("lab".into()),
        Argument::Switch("trace".into()),
        file("data", "@/etc/passwd#", ""),
        file("cacert", "/etc/", ""),
        file("cacert", "", "/../x"),
        file("output", "", ""),
        Argument::OwnOfWorker("output".into()),
    ] {
        let mut packed = files.packed("http -i l").unwrap();
        packed.arguments.push(argument.clone());
        let refusal = unpack(&packed, &own(&files)).map(drop);
        let refusal = refusal.expect_err(argument.flag()).to_string();
        assert!(
            refusal.contains("is not for workers"),
            "{argument:?}: {refusal}"
        );
    }
    // The name of a file leads nowhere.
    let mut packed = files.packed("http -i l").unwrap();
    packed.arguments.push(file("data", "@", ""));
    assert!(unpack(&packed, &own(&files)).is_ok());
    assert!(!Path::new(&files.path("../x")).exists());
    packed.command = "sweep".into();
    assert!(unpack(&packed, &own(&files)).is_err());
}

#[test]
fn the_jobs_of_check_mean_the_same_on_both_sides() {
    let files = Files::new();
    let line = "check -i l -r 127.0.0.1";
    let direct = files.direct(line);
    let unpacked = unpack(&files.packed(line).unwrap(), &own(&files)).unwrap();
    let jobs = |work: &Work| {
        let endpoints = [
            "https://x.example",
            "tcp://192.0.2.1:9",
            "smtp://x.example",
            "dns:///x",
        ];
        let endpoints = endpoints.map(str::to_owned);
        let options = work.plan.target_options();
        let mut source = canvass_queue::arguments(endpoints, &options).unwrap();
        let mut jobs = Vec::new();
        while canvass_queue::Source::next(&mut source, 10, &mut jobs).unwrap() {}
        format!("{jobs:?}")
    };
    assert_eq!(jobs(&direct), jobs(&unpacked));
}

#[test]
fn own_resolvers_and_a_lab_take_the_place_of_those_of_the_plan() {
    let files = Files::new();
    let mut packed = files.packed("ptr -i l -r 127.0.0.1").unwrap();
    let resolvers = |packed: &TravellingPlan, own: &OwnSettings| {
        let work = unpack(packed, own).unwrap();
        work.plan.resolvers().to_vec()
    };
    let own = OwnSettings {
        resolvers: vec!["127.0.0.9:5".into()],
        ..OwnSettings::default()
    };
    assert_eq!(resolvers(&packed, &own), ["127.0.0.9:5".parse().unwrap()]);
    let lab = canvass_lab::Lab::start(canvass_lab::LabConfig::default()).unwrap();
    packed.lab = Some(LabPeers::of(&lab));
    let found = resolvers(&packed, &OwnSettings::default());
    assert_eq!(found, [lab.address()]);
}
