//! Arguments in the form of dig: a record type beside the names, and `@ADDR`.

use std::net::IpAddr;

use canvass_model::RecordType;

use crate::message::message;

/// Removes the arguments `@ADDR`, and returns what follows the sign, as values of `--resolver`.
pub(crate) fn take_resolvers(targets: &mut Vec<String>) -> Vec<String> {
    let mut resolvers = Vec::new();
    targets.retain(|target| match target.strip_prefix('@') {
        Some(resolver) => {
            resolvers.push(resolver.to_owned());
            false
        }
        None => true,
    });
    resolvers
}

/// Removes the record types that stand after the names, or before them, and returns them. At least
/// one argument remains, unless there is a list of names beside them.
pub(crate) fn take_types(targets: &mut Vec<String>, is_listed: bool) -> Vec<RecordType> {
    let names_min = usize::from(!is_listed);
    let mut names = targets.len();
    while names > names_min && types_of(&targets[names - 1]).is_some() {
        names -= 1;
    }
    let words = if names < targets.len() {
        targets.split_off(names)
    } else if targets.len() > 1 && types_of(&targets[0]).is_some() {
        vec![targets.remove(0)]
    } else {
        Vec::new()
    };
    words
        .iter()
        .filter_map(|word| types_of(word))
        .flatten()
        .collect()
}

/// Prints which record types were taken from the arguments.
pub(super) fn say_types(types: &[RecordType]) {
    let words: Vec<String> = types.iter().map(RecordType::to_string).collect();
    message(format_args!(
        "canvass: asking for {}, as with -t {}; a name of one label is written with a dot: {}.",
        words.join(" and "),
        words.join(","),
        words[0].to_ascii_lowercase()
    ));
}

/// Prints that the first address among the arguments is asked as a name, unless only PTR is asked for.
pub(super) fn say_address(targets: &[String], types: &[RecordType]) {
    let is_address = |target: &&String| target.parse::<IpAddr>().is_ok();
    if let (Some(address), false) = (targets.iter().find(is_address), *types == [RecordType::PTR]) {
        message(format_args!(
            "canvass: {address} is asked as if it were a name; for its reverse name use -t PTR, or \
             canvass ptr"
        ));
    }
}

/// The record types of an argument `TYPE,...`; `None` if it is anything else.
fn types_of(word: &str) -> Option<Vec<RecordType>> {
    word.split(',').map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(words: &str, is_listed: bool) -> (String, String) {
        let mut targets: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let types = take_types(&mut targets, is_listed);
        let types: Vec<String> = types.iter().map(RecordType::to_string).collect();
        (targets.join(" "), types.join(" "))
    }

    #[test]
    fn types_stand_beside_names() {
        for (words, names, types) in [
            ("example.net", "example.net", ""),
            ("example.net MX", "example.net", "MX"),
            (
                "example.net www.example.net mx",
                "example.net www.example.net",
                "MX",
            ),
            ("example.net A AAAA", "example.net", "A AAAA"),
            ("example.net A,type65", "example.net", "A HTTPS"),
            ("MX example.net", "example.net", "MX"),
            ("mx", "mx", ""),
            ("mx.", "mx.", ""),
            ("example.net mx.", "example.net mx.", ""),
            ("mx ns", "mx", "NS"),
            (
                "example.net mx example.org",
                "example.net mx example.org",
                "",
            ),
            ("A MX example.net", "MX example.net", "A"),
            ("example.net bogus", "example.net bogus", ""),
        ] {
            assert_eq!(taken(words, false), (names.into(), types.into()), "{words}");
        }
        assert_eq!(taken("MX", true), (String::new(), "MX".into()));
        assert_eq!(
            taken("example.net", true),
            ("example.net".into(), String::new())
        );
    }

    #[test]
    fn arguments_with_an_at_sign_are_resolvers() {
        let mut targets = ["example.net", "@192.0.2.1#53", "user@example", "@"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(take_resolvers(&mut targets), ["192.0.2.1#53", ""]);
        assert_eq!(targets, ["example.net", "user@example"]);
    }
}
