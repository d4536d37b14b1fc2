use std::collections::BTreeSet;

use clap::{Command as Clap, CommandFactory, Parser};

use super::heading::ORDER;
use super::{Cli, heading};

/// The width of a terminal that every help has to fit.
const COLUMNS: usize = 80;

/// The first words that the help of a flag may have.
const VERBS: &str = "\
    Accept Answer Ask Begin Bind Call Choose Close Collect Compare Connect Corrupt Delay Draw \
    Duplicate Enable Exit Expect Follow Forge Forward Go Hold Ignore Keep Let Limit Listen Look Lose \
    Offer Present Print Probe Queue Read Record Repeat Run Send Serve Set Show Skip Stop \
    Take Trust Try Use Vary Verify Write";

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

/// Every command as it is built for the parser, the top level first.
fn commands() -> Vec<Clap> {
    let mut cli = Cli::command().term_width(COLUMNS);
    cli.build();
    let subcommands: Vec<_> = cli
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
        .cloned()
        .collect();
    [vec![cli], subcommands].concat()
}

/// The name of every command, with its `-h` and its `--help`.
fn helps() -> Vec<(String, [String; 2])> {
    let render = |mut command: Clap| {
        let name = command.get_name().to_owned();
        let short = command.render_help().to_string();
        (name, [short, command.render_long_help().to_string()])
    };
    commands().into_iter().map(render).collect()
}

#[test]
fn help_fits_a_terminal() {
    for (name, texts) in helps() {
        for line in texts.iter().flat_map(|text| text.lines()) {
            assert!(line.chars().count() <= COLUMNS, "{name}: {line}");
        }
    }
}

#[test]
fn groups_have_one_order() {
    for (name, texts) in helps() {
        for text in texts {
            let places: Vec<_> = text
                .lines()
                .filter_map(|line| line.strip_suffix(':'))
                .filter(|title| !title.starts_with(' '))
                .filter(|title| !["Commands", "Arguments", "Examples"].contains(title))
                .map(|title| {
                    let place = ORDER.iter().position(|known| *known == title);
                    place.unwrap_or_else(|| panic!("{name}: {title} is not a known group"))
                })
                .collect();
            assert!(places.is_sorted(), "{name}: {places:?}");
            assert_eq!(places.last(), Some(&(ORDER.len() - 1)), "{name}");
        }
    }
}

#[test]
fn every_flag_has_a_group_and_an_imperative() {
    let mut verbs = BTreeSet::new();
    for command in commands() {
        for flag in command.get_arguments().filter(|arg| !arg.is_positional()) {
            let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
            let place = format!("{} --{}: {help}", command.get_name(), flag.get_id());
            assert!(flag.get_help_heading().is_some(), "{place}");
            assert!(!help.ends_with('.'), "{place}");
            let verb = help.split(' ').next().unwrap_or_default().to_owned();
            assert!(VERBS.split(' ').any(|known| known == verb), "{place}");
            verbs.insert(verb);
        }
    }
    let unused: Vec<_> = VERBS
        .split(' ')
        .filter(|verb| !verbs.contains(*verb))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// A flag that needs two lines makes its whole group twice as long.
#[test]
fn short_help_has_one_line_for_each_flag() {
    for (command, (name, [short, _])) in commands().into_iter().zip(helps()) {
        let flags = command
            .get_arguments()
            .filter(|arg| !arg.is_positional())
            .count();
        let shown = short
            .lines()
            .skip_while(|line| !line.starts_with("Usage:"))
            .filter(|line| line.starts_with("  ") && line.trim_start().starts_with('-'))
            .count();
        assert_eq!(shown, flags, "{name}");
        let continued = short.lines().find(|line| line.starts_with("        "));
        assert!(
            continued.is_none_or(|line| line.trim_start().starts_with('-')),
            "{name}: {continued:?}"
        );
    }
}

#[test]
fn long_help_ends_with_examples_that_parse() {
    for (name, [short, long]) in helps() {
        assert!(!short.contains("Examples:"), "{name}");
        let (_, examples) = long.split_once("\nExamples:\n").expect(&name);
        let lines: Vec<_> = examples
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .collect();
        assert!((2..=4).contains(&lines.len()), "{name}");
        for line in lines {
            let words = words(line);
            assert!(name == "canvass" || words[1] == name, "{name}: {line}");
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{line}: {error}");
            }
        }
    }
}

/// Every command line in the documentation is valid.
#[test]
fn commands_of_the_documentation_parse() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut parsed = 0;
    for page in ["README.md", "docs/GUIDE.md"] {
        let text = std::fs::read_to_string(format!("{root}/{page}")).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            // Without what belongs to the shell.
            let end = [" | ", " |", " > ", " < ", " &"]
                .iter()
                .filter_map(|mark| line.find(mark))
                .min();
            let command = &line[..end.unwrap_or(line.len())];
            if command.starts_with("canvass ") {
                if let Err(error) = Cli::try_parse_from(words(command)) {
                    panic!("{page}: {command}: {error}");
                }
                parsed += 1;
            }
        }
    }
    assert!(parsed > 50, "{parsed}");
}

/// A line cut into words as a shell does it; single quotes are the only ones in examples.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (place, part) in line.split('\'').enumerate() {
        let quoted = place % 2 == 1;
        for (at, piece) in part.split(' ').enumerate() {
            match words.last_mut() {
                Some(word) if at == 0 => word.push_str(piece),
                Some(word) if quoted => {
                    word.push(' ');
                    word.push_str(piece);
                }
                _ => words.push(piece.to_owned()),
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn a_wrong_value_is_answered_with_the_right_ones() {
    for (line, expected) in [
        ("ptr --format xml", "text, ndjson, csv"),
        ("ptr --progress maybe", "auto, always, never"),
        ("ptr --transport quic", "udp, tcp, auto"),
        ("ptr --deadline 5", "such as 500ms, 2s or 1m"),
        ("ptr --rate 0", "a number above 0"),
        ("ptr --fail-below 101", "from 0 to 100"),
        ("ptr --shard 4/3", "such as 1/4"),
        ("ptr --lab=rain=1", "delay, jitter, loss"),
        ("dns -t BOGUS", "TYPEnnn"),
        ("dns --class XX", "IN, CH, HS, NONE, ANY or CLASSnnn"),
        ("ptr --subnet 192.0.2.0/33", "such as 192.0.2.0/24"),
        (
            "dns --no-edns --nsid",
            "'--no-edns' cannot be used with '--nsid'",
        ),
        ("http --body-max 1T", "such as 500, 64k, 16M or 1G"),
        ("http --roots none", "webpki, system"),
        ("http --tls-min 1.1", "1.2, 1.3"),
        ("http --linger 1", "0..=0"),
        ("lab --serve gopher", "http, https, line"),
        ("lab --serve http=99999", "from 0 to 65535"),
        (
            "lab --forward localhost",
            "such as 127.0.0.1:53 or [::1]:53",
        ),
    ] {
        let arguments = std::iter::once("canvass").chain(line.split(' '));
        let error = Cli::try_parse_from(arguments).expect_err(line).to_string();
        assert!(error.contains(expected), "{line}: {error}");
    }
}

#[test]
fn headings_are_told_apart() {
    assert_eq!(BTreeSet::from(ORDER).len(), ORDER.len());
    assert_eq!(ORDER.last(), Some(&heading::HELP));
}
