//! Defaults for flags: the configuration, the environment, and which of them counts.

use std::fs;
use std::path::Path;

use crate::common::{CANVASS, PATIENCE, Run};

/// A place for configurations, and runs that see no other.
struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path().join("canvass")).unwrap();
        fs::write(home.config(), config).unwrap();
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn config(&self) -> std::path::PathBuf {
        self.path().join("canvass/config.toml")
    }

    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Run {
        let output = assert_cmd::Command::new(CANVASS)
            .args(args)
            .env("XDG_CONFIG_HOME", self.path())
            .envs(variables.iter().copied())
            .timeout(PATIENCE)
            .output()
            .unwrap();
        Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What `-v` says of defaults.
    fn defaults(&self, args: &[&str], variables: &[(&str, &str)]) -> String {
        let run = self
            .run(&[args, &["-v", "--dry-run"]].concat(), variables)
            .exits(0);
        let config = self.config().display().to_string();
        let found = run
            .err
            .lines()
            .find_map(|line| line.strip_prefix("defaults: "));
        found.unwrap_or_default().replace(&config, "FILE")
    }
}

const PTR: [&str; 3] = ["ptr", "10.0.0.1", "--lab"];

#[test]
fn the_command_line_counts_more_than_the_environment_and_that_more_than_the_file() {
    let home = Home::new(
        "rate = 100\nretries = 3\nformat = \"csv\"\n[ptr]\nretries = 4\n[dns]\nretries = 5\n",
    );
    for (args, variables, expected) in [
        (
            &[][..],
            &[][..],
            "--retries=4 (FILE:5); --format=csv (FILE:3); --rate=100 (FILE:1)",
        ),
        (
            &["--rate", "7"],
            &[("CANVASS_OPT_RETRIES", "2"), ("CANVASS_OPT_INTERVAL", "1s")],
            "--retries=2 (CANVASS_OPT_RETRIES); --format=csv (FILE:3)",
        ),
        (
            &["--rate", "7", "--retries", "1", "-f", "text"],
            &[("CANVASS_OPT_RATE", "8")],
            "",
        ),
        (&["--no-config"], &[("CANVASS_OPT_RATE", "8")], ""),
    ] {
        assert_eq!(
            home.defaults(&[&PTR[..], args].concat(), variables),
            expected,
            "{args:?}"
        );
    }
    let run = home.run(&PTR, &[]).exits(0);
    assert!(run.out.starts_with("seq,line,target,"), "{}", run.out);
    let run = home
        .run(&["--no-config", "ptr", "10.0.0.1", "--lab"], &[])
        .exits(0);
    assert!(run.out.starts_with("10.0.0.1\t"), "{}", run.out);
}

#[test]
fn another_file_can_be_named() {
    let home = Home::new("this is no configuration");
    let other = home.path().join("other.toml");
    fs::write(&other, "format = \"ndjson\"\n").unwrap();
    let other = other.to_str().unwrap();
    for args in [
        &["--config", other, "ptr", "10.0.0.1", "--lab"][..],
        &["ptr", "10.0.0.1", "--lab", "--config", other],
    ] {
        assert_eq!(home.run(args, &[]).exits(0).objects().len(), 1);
    }
    home.run(&[&PTR[..], &["--config", "/nowhere/c"]].concat(), &[])
        .exits(2)
        .says("--config: cannot read /nowhere/c");
    home.run(&PTR, &[]).exits(2).says("config.toml:1: ");
    home.run(&[&PTR[..], &["--no-config"]].concat(), &[])
        .exits(0);
    // What has no flags needs no defaults.
    home.run(&["explain", "ECONNREFUSED"], &[]).exits(0);
    home.run(&["ptr", "--help"], &[]).exits(0);
}

#[test]
fn a_default_gives_way_to_what_it_cannot_be_used_with() {
    let home = Home::new(
        "quiet = true\nresolver = [\"192.0.2.1\", \"192.0.2.2\"]\ndelimiter = \",\"\n[http]\nhead = true\n",
    );
    // -v of the command line, which quiet cannot be used with, and --lab, as resolver.
    assert_eq!(home.defaults(&PTR, &[]), "");
    let list = ["ptr", "10.0.0.1", "-r", "192.0.2.9"];
    assert_eq!(home.defaults(&list, &[]), "");
    // A delimiter needs a field.
    let shown = home.defaults(&["ptr", "10.0.0.1", "--field", "2"], &[]);
    assert!(
        shown.ends_with("--delimiter=, (FILE:3)") || shown.starts_with("--delimiter=, (FILE:3)"),
        "{shown}"
    );
    assert!(
        shown.contains("--resolver=192.0.2.1 --resolver=192.0.2.2 (FILE:2)"),
        "{shown}"
    );
    let post = ["http", "http://www.lab.test/", "--lab", "--data", "x"];
    assert_eq!(home.defaults(&post, &[]), "");
    // One of the environment counts more than one of the file.
    let shown = home.defaults(&["ptr", "10.0.0.1"], &[("CANVASS_OPT_LAB", "true")]);
    assert_eq!(shown, "--lab (CANVASS_OPT_LAB)");
    let run = home.run(&PTR, &[]).exits(0);
    assert_eq!(run.err, "");
    let run = home.run(&PTR, &[("CANVASS_OPT_QUIET", "off")]).exits(0);
    run.balance();
}

#[test]
fn two_defaults_of_a_file_that_do_not_go_together_are_an_error() {
    let home = Home::new("lab = true\nresolver = \"192.0.2.1\"\n");
    home.run(&["ptr", "10.0.0.1", "--dry-run"], &[])
        .exits(2)
        .says("config.toml:2: resolver: it cannot be used with lab, of ");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_the_nearest() {
    for (config, args, message) in [
        (
            "\nretires = 1\n",
            &PTR[..],
            "config.toml:2: unknown key \"retires\"; did you mean retries?",
        ),
        (
            "[ptr]\nfollow = 1\n",
            &PTR,
            "config.toml:2: unknown key of [ptr] \"follow\"",
        ),
        (
            "[prt]\nrate = 1\n",
            &PTR,
            "config.toml:1: unknown table [prt]; did you mean ptr?",
        ),
        (
            "rate = 1\ndeadline = 5\n",
            &PTR,
            "config.toml:2: deadline: invalid value '5' for '--deadline <D>': expected a number and a unit",
        ),
        (
            "format = \"xml\"\n",
            &PTR,
            "config.toml:1: format: invalid value 'xml'",
        ),
        (
            "rate = [1, 2]\n",
            &PTR,
            "config.toml:1: rate: it takes one value, not a list",
        ),
        (
            "quiet = 1\n",
            &PTR,
            "config.toml:1: quiet: it takes no value: true or false",
        ),
        (
            "rate = true\n",
            &PTR,
            "config.toml:1: rate: it takes a value, and true is none",
        ),
        ("rate = \n", &PTR, "config.toml:1: "),
        ("config = \"x\"\n", &PTR, "unknown key \"config\""),
        (
            "[http]\nheader = \"secret\"\n",
            &["http", "--lab", "x.lab.test"],
            "config.toml:2: header: its value is not valid",
        ),
    ] {
        let run = Home::new(config).run(args, &[]).exits(2).says(message);
        assert!(!run.err.contains("secret"), "{}", run.err);
    }
    let home = Home::new("");
    home.run(&PTR, &[("CANVASS_OPT_RETIRES", "1")])
        .exits(2)
        .says("unknown variable \"CANVASS_OPT_RETIRES\"; did you mean CANVASS_OPT_RETRIES?");
    home.run(&PTR, &[("CANVASS_OPT_DEADLINE", "5")])
        .exits(2)
        .says("CANVASS_OPT_DEADLINE: deadline: invalid value '5'");
}

#[test]
fn secrets_are_not_shown() {
    let home = Home::new(
        "[http]\nheader = [\"Cookie: hunter2\"]\nproxy = \"http://me:hunter2@127.0.0.1:1\"\n",
    );
    let shown = home.defaults(&["http", "--lab", "http://www.lab.test/"], &[]);
    assert!(shown.contains("--header=*** (FILE:2)"), "{shown}");
    assert!(
        shown.contains("--proxy=http://***@127.0.0.1:1 (FILE:3)"),
        "{shown}"
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_journal_binds_what_is_in_effect() {
    let home = Home::new("format = \"ndjson\"\n");
    let at = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (lines, journal) = (at("lines"), at("journal"));
    let args = ["ptr", "10.0.0.1", "--lab", "-o", &lines];
    home.run(&[&args[..], &["--journal", &journal]].concat(), &[])
        .exits(0);
    let resume = [&args[..], &["--resume", &journal]].concat();
    home.run(&resume, &[]).exits(0);
    home.run(&resume, &[("CANVASS_OPT_FORMAT", "text")])
        .exits(2)
        .says("--format");
}

#[test]
fn no_output_overwrites_the_configuration() {
    let home = Home::new("rate = 100\n");
    let config = home.config();
    home.run(&[&PTR[..], &["-o", config.to_str().unwrap()]].concat(), &[])
        .exits(2)
        .says("would overwrite the file that --config ");
    assert_eq!(fs::read_to_string(config).unwrap(), "rate = 100\n");
}

#[test]
fn a_sweep_has_defaults_and_its_silences_have_none() {
    let home = Home::new("[sweep]\ninterval = \"7s\"\nonce = true\n");
    let run = home
        .run(&["sweep", "--lab", "http://www.lab.test/", "-v"], &[])
        .exits(0);
    assert!(run.err.contains("--interval=7s"), "{}", run.err);
    let states = home.path().join("states");
    let args = [
        "sweep",
        "silence",
        "--state",
        states.to_str().unwrap(),
        "--list",
    ];
    home.run(&args, &[]).exits(0);
}
