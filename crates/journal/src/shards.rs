//! Whether the runs of several shards cover a list exactly once.

use crate::record::Record;

/// What may differ between the shards of a list: a target belongs to a shard by its place in the list,
/// whatever the order in which they are asked.
const OF_EACH_SHARD: [&str; 6] = [
    "--shard",
    "--shuffle",
    "--output",
    "--hlog",
    "--hgrm",
    "--html",
];
/// What leaves a part of the list out on purpose.
const LIMIT: &str = "--limit";

/// What the journals of several shards prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The number of shards of the list.
    pub shards: u64,
    /// The number of targets that are done in all journals.
    pub targets: u64,
    /// Why they do not prove that the list is covered exactly once; empty if they do.
    pub problems: Vec<String>,
}

/// Examines journals, each with its name. They prove that their list is covered exactly once if all of
/// them have the same list and the same question, each shard has one journal, and each is finished.
pub fn verify_shards(journals: &[(&str, &Record)]) -> Coverage {
    let mut coverage = Coverage {
        shards: 0,
        targets: 0,
        problems: Vec::new(),
    };
    let Some((first_name, first)) = journals.first() else {
        coverage.problems.push("there is no journal".into());
        return coverage;
    };
    coverage.shards = first.shard.count;
    for (name, record) in journals {
        coverage.targets += record.progress.done.count();
        let mut problem = |text: String| coverage.problems.push(format!("{name}: {text}"));
        if let Some(text) = unfinished(record) {
            problem(text);
        }
        let limit = record.binding.shown().find(|(name, _)| *name == LIMIT);
        if let Some((_, limit)) = limit {
            problem(format!("{LIMIT} {limit} leaves targets out"));
        }
        for text in differences(first_name, first, record) {
            problem(text);
        }
    }
    let count = first.shard.count;
    let alike = journals
        .iter()
        .filter(|(_, record)| record.shard.count == count);
    let of_shard = |index| {
        alike
            .clone()
            .filter(move |(_, record)| record.shard.index == index)
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
    };
    let mut missing = Vec::new();
    for index in 1..=count {
        match of_shard(index)[..] {
            [] => missing.push(index),
            [_] => {}
            [..] => coverage.problems.push(format!(
                "shard {index}/{count} is there more than once: {}",
                of_shard(index).join(", ")
            )),
        }
        if missing.len() > MISSING_MAX {
            break;
        }
    }
    for index in missing.iter().take(MISSING_MAX) {
        let text = format!("shard {index}/{count} is missing");
        coverage.problems.push(text);
    }
    if missing.len() > MISSING_MAX {
        coverage.problems.push("further shards are missing".into());
    }
    coverage
}

/// The number of missing shards that are named.
const MISSING_MAX: usize = 100;

fn unfinished(record: &Record) -> Option<String> {
    let done = &record.progress.done;
    if record.finished.is_none() {
        return Some(format!(
            "shard {}/{} is not finished: {} targets are done; go on with --resume",
            record.shard.index,
            record.shard.count,
            done.count()
        ));
    }
    // What a finished run can hold only if its journal was changed.
    (!done.is_whole()).then(|| "it is finished, and targets in it are not done".into())
}

/// How a journal differs from the first one in what must be the same for all shards.
fn differences(first_name: &str, first: &Record, record: &Record) -> Vec<String> {
    let mut texts = Vec::new();
    if record.shard.count != first.shard.count {
        texts.push(format!(
            "it is one of {} shards, and {first_name} one of {}",
            record.shard.count, first.shard.count
        ));
    }
    let differ = first.binding.differences_shown(&record.binding);
    let differ = differ
        .iter()
        .filter(|differ| !OF_EACH_SHARD.contains(&differ.name.as_str()));
    texts.extend(differ.map(|differ| {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "not given".into());
        format!(
            "{} is {} in {first_name}, and {} here",
            differ.name,
            shown(&differ.recorded),
            shown(&differ.given)
        )
    }));
    if first.progress.list != record.progress.list {
        texts.push(format!(
            "its list from standard input is not that of {first_name}"
        ));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Shard;
    use crate::record::tests::record;
    use crate::{Binding, BoundValue, Done};

    /// The finished journal of a shard of three.
    fn shard(index: u64, list: &str) -> Record {
        let mut record = record(9);
        record.shard = Shard { index, count: 3 };
        record.progress.done = Done {
            watermark: 100,
            ..Done::default()
        };
        record.finished = Some(0);
        let values = [
            BoundValue::new("list", list, list),
            BoundValue::new("--shard", format!("{index}/3"), "x"),
        ];
        record.binding = Binding::new(index.to_string(), values);
        record
    }

    fn problems(records: &[&Record]) -> Vec<String> {
        let names = ["a", "b", "c", "d"];
        let journals: Vec<_> = names.into_iter().zip(records.iter().copied()).collect();
        verify_shards(&journals).problems
    }

    #[test]
    fn shards_that_cover_a_list_once_are_proven() {
        let [one, two, three] = [1, 2, 3].map(|index| shard(index, "l"));
        let journals = [("c", &three), ("a", &one), ("b", &two)];
        let coverage = verify_shards(&journals);
        assert_eq!(coverage.problems, [""; 0]);
        assert_eq!((coverage.shards, coverage.targets), (3, 300));
    }

    #[test]
    fn what_is_missing_doubled_unfinished_or_of_another_list_is_named() {
        let [one, two, three] = [1, 2, 3].map(|index| shard(index, "l"));
        assert_eq!(problems(&[&one, &three]), ["shard 2/3 is missing"]);
        assert_eq!(
            problems(&[&one, &two, &three, &two]),
            ["shard 2/3 is there more than once: b, d"]
        );
        let other = shard(2, "m");
        assert_eq!(
            problems(&[&one, &other, &three]),
            ["b: list is l in a, and m here"]
        );
        let mut open = shard(2, "l");
        open.finished = None;
        let text = &problems(&[&one, &open, &three])[0];
        assert!(
            text.starts_with("b: shard 2/3 is not finished: 100 targets"),
            "{text}"
        );
        let mut of_two = shard(2, "l");
        of_two.shard.count = 2;
        let texts = problems(&[&one, &of_two, &three]);
        assert_eq!(texts[0], "b: it is one of 2 shards, and a one of 3");
        assert_eq!(texts[1], "shard 2/3 is missing");
        let mut limited = shard(1, "l");
        limited.binding = Binding::new("".into(), [BoundValue::new(LIMIT, "5", "5")]);
        limited.shard.count = 1;
        assert_eq!(problems(&[&limited]), ["a: --limit 5 leaves targets out"]);
        assert_eq!(problems(&[]), ["there is no journal"]);
    }
}
