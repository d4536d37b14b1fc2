//! Configurations, right and wrong.

mod reload;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use canvass_proto::expect::TlsExpectations;
use canvass_proto::tls::{TlsClient, TlsOptions};
use canvass_queue::TargetOptions;
use canvass_run::{Assertions, EndpointModules, EndpointSettings};
use tempfile::TempDir;

use super::*;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sweep-example.toml");
const PACE: Pace = Pace {
    interval: Duration::from_secs(60),
    jitter: Duration::ZERO,
    thresholds: Thresholds {
        down: std::num::NonZeroU32::MIN,
        up: std::num::NonZeroU32::MIN,
    },
};

fn defaults() -> ModuleDefaults {
    let tls = TlsClient::new(&TlsOptions::default()).unwrap();
    ModuleDefaults {
        endpoints: EndpointSettings {
            http: Arc::default(),
            https: tls.clone(),
            tls,
            expect: None,
            expect_tls: TlsExpectations::default(),
            talk: None,
            credentials: None,
            loopback_resolvers_only: false,
        },
        tls: TlsOptions::default(),
        assertions: Assertions::default(),
    }
}

fn load(path: &Path) -> Result<(ConfiguredTargets, Vec<WatchedTarget>), ConfigError> {
    let config = Config::read(path)?;
    let defaults = defaults();
    let mut modules = EndpointModules::new(&defaults.endpoints);
    let planned = config.plan(&defaults, &mut modules)?;
    let usual = Usual {
        options: TargetOptions::new(modules.kind()),
        modules: defaults,
        pace: PACE,
    };
    ConfiguredTargets::read(config, planned, usual)
}

/// A directory with a configuration and a list.
fn directory(text: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("sweep.toml"), text).unwrap();
    let list = "# hosts\ntcp://a.example.net:1\n\ntcp://b.example.net:2\n";
    fs::write(directory.path().join("list.txt"), list).unwrap();
    directory
}

/// The error of a configuration, without the directory.
fn error(text: &str) -> String {
    let directory = directory(text);
    let error = load(&directory.path().join("sweep.toml")).err();
    let error = error
        .unwrap_or_else(|| panic!("{text} is right"))
        .to_string();
    error.replace(&format!("{}/", directory.path().display()), "")
}

#[test]
fn the_example_is_right() {
    let (configured, targets) = load(Path::new(EXAMPLE)).unwrap();
    assert_eq!((configured.groups(), targets.len()), (6, 9));
    let find = |key: &str| targets.iter().find(|target| &*target.key == key).unwrap();
    let page = find("https://www.example.net/");
    assert_eq!(page.interval, Duration::from_secs(10));
    assert_eq!(page.module.as_deref(), Some("page"));
    assert_eq!(page.depends_on.as_deref(), Some("tcp://192.0.2.1:22"));
    assert_eq!(page.labels.as_ref().unwrap()["team"], "web".into());
    assert_eq!(page.thresholds, Thresholds::default());
    assert_eq!(
        page.assertions.as_ref().unwrap().outcome.latency_max.len(),
        2
    );
    let api = find("https://api.example.net/v1/ping");
    assert_eq!(api.interval, Duration::from_secs(30));
    assert_eq!((api.thresholds.down.get(), &api.assertions), (2, &None));
    assert_ne!(api.spec, page.spec, "each module has its own probe");
    let question = find("dns://192.0.2.53/example.net?type=MX");
    assert!(
        !question
            .assertions
            .as_ref()
            .unwrap()
            .outcome
            .records
            .is_empty()
    );
    // Those without a module have the probe of the flags.
    assert_eq!(find("smtp://mail.example.net").module, None);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mut others = Vec::new();
    let group = "[[groups]]\nname = \"a\"\ntargets = [\"tcp://a.example.net:1\"]\n";
    for (text, expected) in [
        ("interval = \"30\"\n".into(), "sweep.toml:1:12: \"30\" is not a time such as"),
        ("interval = \"0s\"\n".into(), "sweep.toml:1:12: \"0s\" is not longer than zero"),
        ("interval =\n".into(), "sweep.toml:1:11: "),
        ("down_after = 0\n".into(), "sweep.toml:1:14: "),
        (
            "[modules.x]\nexpect_sttus = 200\n".into(),
            "sweep.toml:2:1: unknown key \"expect_sttus\"; did you mean expect_status? the keys are",
        ),
        ("intervall = \"1s\"\n".into(), "sweep.toml:1:1: unknown key \"intervall\"; did you mean interval?"),
        ("[[groups]]\nname = \"a\"\nwhat = 1\n".into(), "sweep.toml:3:1: unknown key \"what\"; the keys are"),
        ("[[groups]]\ntargets = []\n".into(), "sweep.toml:1:1: missing field `name`"),
        (
            "[modules.x]\n  expect_status = [200, \"2x\"]\n".into(),
            "sweep.toml:2:25: \"2x\" is not a status code",
        ),
        ("[modules.x]\nexpect_body = \"a(\"\n".into(), "sweep.toml:2:15: not a regular expression"),
        (
            "[modules.x]\nmax_latency = { dsn = \"1s\" }\n".into(),
            "sweep.toml:2:17: \"dsn\" is no phase; the phases are total, wait, dns,",
        ),
        (
            "[modules.x]\nanswers_min = 1\nfollow = 2\n".into(),
            "sweep.toml:3:10: follow is for endpoints of http and https, and answers_min of the same module for those of dns",
        ),
        ("[modules.x]\ntalk = \"sssh\"\n".into(), "sweep.toml:2:8: neither a preset nor a script: cannot read sssh"),
        ("[modules.x]\ntls_min = 1.1\n".into(), "sweep.toml:2:11: \"1.1\" is not 1.2 or 1.3"),
        (
            "[modules.x]\ncacert = \"none.pem\"\n".into(),
            "sweep.toml:2:10: cannot read none.pem",
        ),
        (
            "[modules.page]\n[[groups]]\nname = \"a\"\nmodule = \"pge\"\n".into(),
            "sweep.toml:4:10: there is no module \"pge\"; did you mean page?",
        ),
        (format!("{group}{group}"), "sweep.toml:5:8: there is a group \"a\" already: sweep.toml:2:8"),
        (
            "[[groups]]\nname = \"a\"\ntargets = [\n  \"tcp://a.example.net:1\",\n  \"tcp://\u{e9}\",\n]\n".into(),
            "sweep.toml:5:3: \"tcp://\u{e9}\": the port is missing",
        ),
        (
            format!("{group}[[groups]]\nname = \"b\"\nfiles = [\"list.txt\"]\n"),
            "list.txt:2: \"tcp://a.example.net:1\" is watched already: sweep.toml:3:12",
        ),
        (
            "[[groups]]\nname = \"b\"\nfiles = [\"no.txt\"]\n".into(),
            "sweep.toml:3:10: ",
        ),
        (
            format!("{group}depends_on = \"tcp://a.example.net:2\"\n"),
            "sweep.toml:4:14: \"tcp://a.example.net:2\" is no target of this file; did you mean tcp://a.example.net:1?",
        ),
        (
            format!(
                "{group}depends_on = \"tcp://b.example.net:1\"\n[[groups]]\nname = \"b\"\n\
                 targets = [\"tcp://b.example.net:1\"]\ndepends_on = \"tcp://a.example.net:1\"\n"
            ),
            "sweep.toml:4:14: \"tcp://b.example.net:1\" depends on itself",
        ),
        (
            "[modules.x]\nfollow = 2\n[[groups]]\nname = \"a\"\nmodule = \"x\"\ntargets = [\"tcp://a:1\"]\n".into(),
            "sweep.toml:6:12: \"tcp://a:1\": module \"x\" is for endpoints of http and https only",
        ),
        (
            "[modules.x]\ntalk = \"smtp\"\n[[groups]]\nname = \"a\"\nmodule = \"x\"\ntargets = [\"udp://a:1\"]\n".into(),
            "sweep.toml:6:12: \"udp://a:1\": module \"x\" speaks smtp, which does not work over UDP",
        ),
        (format!("{group}labels = {{ group = \"x\" }}\n"), "sweep.toml:4:12: every target has a label \"group\""),
        (format!("{group}labels = {{ a-b = \"x\" }}\n"), "sweep.toml:4:12: \"a-b\" is not a name of a label"),
        (
            format!("{group}[[maintenance]]\ntimezone = \"Europe/Berln\"\n"),
            "sweep.toml:5:12: \"Europe/Berln\" is not a time zone",
        ),
        (format!("{group}[[maintenance]]\ndays = \"so\"\n"), "sweep.toml:5:8: \"so\" is not a day"),
        (format!("{group}[[maintenance]]\nfrom = \"2am\"\n"), "sweep.toml:5:8: \"2am\" is not a time of the day"),
        (format!("{group}[[maintenance]]\nfrom = \"02:00\"\n"), "sweep.toml:4:1: a window needs start and end, or"),
        (
            format!("{group}[[maintenance]]\nstart = \"2027-01-01T00:00:00\"\n"),
            "sweep.toml:5:9: \"2027-01-01T00:00:00\" is not a point in time",
        ),
        (
            format!("{group}[[maintenance]]\nstart = 2027-01-02T00:00:00Z\nend = 2027-01-01T00:00:00Z\n"),
            "sweep.toml:4:1: the window ends before it starts",
        ),
        (
            format!("{group}[[maintenance]]\ngroups = [\"b\"]\nstart = 2027-01-01T00:00:00Z\nend = 2027-01-02T00:00:00Z\n"),
            "sweep.toml:5:11: there is no group \"b\"",
        ),
        (
            format!("{group}[[maintenance]]\ntargets = [\"b\"]\nstart = 2027-01-01T00:00:00Z\nend = 2027-01-02T00:00:00Z\n"),
            "sweep.toml:5:12: \"b\" is no target of this file",
        ),
        ("interval = \"1s\"\n".into(), "sweep.toml: there is no target to watch"),
        (
            format!("jitter = \"90s\"\n{group}"),
            "sweep.toml:1:10: longer than the interval of the group \"a\", 60s",
        ),
        (
            "[modules.x]\nserial_lag_max = \"1m\"\n".into(),
            "sweep.toml:2:18: serial_lag_max is for serial_not_behind, which is not there",
        ),
        (
            "[modules.x]\nserial_min = 1\n[[groups]]\nname = \"b\"\nmodule = \"x\"\ntargets = [\"dns://192.0.2.1/a?type=MX\"]\n".into(),
            "sweep.toml:6:12: \"dns://192.0.2.1/a?type=MX\": module \"x\" expects a serial, so it is for questions of SOA",
        ),
        (
            "[modules.x]\nserial_not_behind = \"dns://192.0.2.9/a?type=SOA\"\n[[groups]]\nname = \"b\"\nmodule = \"x\"\ntargets = [\"dns://192.0.2.1/a?type=SOA\"]\n".into(),
            "sweep.toml:2:21: \"dns://192.0.2.9/a?type=SOA\" is no target of this file; did you mean",
        ),
        (
            "[modules.x]\nexpect_json = \"status == 1\"\n".into(),
            "sweep.toml:2:15: \"status\" is not a path of RFC 9535",
        ),
    ] {
        let error = error(&text);
        if !error.starts_with(expected) {
            others.push(format!("{text}\n{error}\n{expected}\n"));
        }
    }
    assert!(others.is_empty(), "{}", others.concat());
}

#[test]
fn assertions_of_a_module_stand_beside_those_of_the_flags() {
    let text = "[modules.soa]\nserial_not_behind = \"dns://192.0.2.1/example.net?type=SOA\"\n\
                serial_lag_max = \"5m\"\n\
                [[groups]]\nname = \"zone\"\nmodule = \"soa\"\n\
                targets = [\"dns://192.0.2.1/example.net?type=SOA\", \"dns://192.0.2.2/example.net?type=SOA\"]\n\
                [[groups]]\nname = \"other\"\njitter = \"10s\"\ntargets = [\"tcp://a:1\"]\n";
    let directory = directory(text);
    let config = Config::read(&directory.path().join("sweep.toml")).unwrap();
    let mut defaults = defaults();
    defaults.assertions.records.serial_min = Some(7);
    let mut modules = EndpointModules::new(&defaults.endpoints);
    let planned = config.plan(&defaults, &mut modules).unwrap();
    let usual = Usual {
        options: TargetOptions::new(modules.kind()),
        modules: defaults,
        pace: PACE,
    };
    let (_, targets) = ConfiguredTargets::read(config, planned, usual).unwrap();
    let of = |at: usize| targets[at].assertions.as_deref().unwrap();
    assert_eq!(of(0).outcome.records.serial_min, Some(7));
    let primary = of(1).primary.as_ref().unwrap();
    assert_eq!(*primary.key, *targets[0].key);
    assert_eq!(primary.lag_max, Some(Duration::from_secs(300)));
    assert_eq!(of(2).primary, None);
    assert_eq!(targets[2].jitter, Duration::from_secs(10));
    assert_eq!(targets[0].jitter, Duration::ZERO);
}

/// The windows of a configuration with a group `mail` and a group `web`.
fn windows(text: &str) -> (Maintenance, [WatchedTarget; 2]) {
    let groups = "[[groups]]\nname = \"mail\"\ntargets = [\"tcp://a:1\"]\n\
                  [[groups]]\nname = \"web\"\ntargets = [\"tcp://b:1\"]\n";
    let directory = directory(&format!("{groups}[[maintenance]]\n{text}"));
    let (configured, targets) = load(&directory.path().join("sweep.toml")).unwrap();
    (
        configured.maintenance().clone(),
        targets.try_into().unwrap(),
    )
}

/// When a window for mail is open from this time on, minute by minute.
fn open_minutes(text: &str, from: &str, hours: i64) -> Vec<String> {
    let (maintenance, [mail, web]) = windows(text);
    let from: jiff::Timestamp = from.parse().unwrap();
    let minutes = (0..hours * 60).map(|minute| from + jiff::SignedDuration::from_mins(minute));
    let mut edges = Vec::new();
    let mut was_open = false;
    for minute in minutes {
        let open = maintenance.open(SystemTime::from(minute));
        assert!(!open.cover(&web));
        if open.cover(&mail) != was_open {
            was_open = !was_open;
            edges.push(minute.to_string());
        }
    }
    edges
}

#[test]
fn windows_follow_the_clocks_of_their_zone_over_changes_to_summer_time() {
    let text = "groups = [\"mail\"]\ntimezone = \"Europe/Berlin\"\ndays = \"sun\"\n\
                from = \"02:30\"\nto = \"04:00\"\n";
    // Three Sundays: in winter, when 02:30 does not exist, and in summer.
    assert_eq!(
        open_minutes(text, "2027-03-20T00:00:00Z", 15 * 24 + 24),
        [
            "2027-03-21T01:30:00Z",
            "2027-03-21T03:00:00Z",
            "2027-03-28T01:30:00Z",
            "2027-03-28T02:00:00Z",
            "2027-04-04T00:30:00Z",
            "2027-04-04T02:00:00Z",
        ]
    );
    // The first of both 02:30 in autumn.
    assert_eq!(
        open_minutes(text, "2027-10-30T00:00:00Z", 48),
        ["2027-10-31T00:30:00Z", "2027-10-31T03:00:00Z"]
    );
}

#[test]
fn windows_may_cross_midnight_or_be_there_once() {
    let night = "targets = [\"tcp://a:1\"]\ntimezone = \"America/New_York\"\n\
                 days = [\"fri\"]\nfrom = \"23:00\"\nto = \"01:00\"\n";
    assert_eq!(
        open_minutes(night, "2027-01-07T00:00:00Z", 72),
        ["2027-01-09T04:00:00Z", "2027-01-09T06:00:00Z"]
    );
    let day = "groups = [\"mail\"]\ntimezone = \"UTC\"\ndays = \"thu\"\nfrom = \"00:00\"\nto = \"24:00\"\n";
    assert_eq!(
        open_minutes(day, "2027-01-06T00:00:00Z", 72),
        ["2027-01-07T00:00:00Z", "2027-01-08T00:00:00Z"]
    );
    let once = "groups = [\"mail\"]\nstart = 2027-01-07T10:00:00+01:00\n\
                end = \"2027-01-07T12:00:00+01:00[Europe/Berlin]\"\n";
    assert_eq!(
        open_minutes(once, "2027-01-07T00:00:00Z", 24),
        ["2027-01-07T09:00:00Z", "2027-01-07T11:00:00Z"]
    );
    let (maintenance, targets) =
        windows("start = 2027-01-07T10:00:00Z\nend = 2027-01-07T11:00:00Z\n");
    let at: jiff::Timestamp = "2027-01-07T10:30:00Z".parse().unwrap();
    let open = maintenance.open(at.into());
    assert!(targets.iter().all(|target| open.cover(target)), "all");
}
