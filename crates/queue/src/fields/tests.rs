use super::*;
use crate::records::Records;
use crate::{Selection, TargetKind, TargetOptions};
use proptest::prelude::*;

/// The target of every line that has one, or why it is bad, with the number of the line.
fn targets(list: &[u8], number: usize, delimiter: &str) -> Vec<(u64, String)> {
    let delimiter = match delimiter {
        "" => Delimiter::Blanks,
        text => text.parse().unwrap(),
    };
    let mut options = TargetOptions::new(TargetKind::Lookups);
    options.selection = Some(Selection::Field(FieldSelection {
        number: NonZeroUsize::new(number).unwrap(),
        delimiter,
    }));
    let mut records = Records::new(list, &options);
    let mut all = Vec::new();
    loop {
        let Some(record) = records.next_buffered() else {
            if records.is_at_end() {
                return all;
            }
            records.read().unwrap();
            continue;
        };
        let number = record.number.get();
        match record.content {
            Ok(None) => {}
            Ok(Some(text)) => all.push((number, text.to_owned())),
            Err(bad) => all.push((number, format!("{}: {}", bad.given, bad.reason))),
        }
    }
}

fn good(list: &str, number: usize, delimiter: &str) -> Vec<String> {
    let targets = targets(list.as_bytes(), number, delimiter);
    targets.into_iter().map(|(_, target)| target).collect()
}

#[test]
fn blanks_separate_as_in_awk() {
    let list = "\u{feff}a b c\r\n  d \t e\tf  # g h\n\n# x y\n";
    for (number, expected) in [(1, ["a", "d"]), (2, ["b", "e"]), (3, ["c", "f"])] {
        assert_eq!(good(list, number, ""), expected);
    }
    assert_eq!(
        targets(list.as_bytes(), 4, "")[1],
        (
            2,
            "d \t e\tf  # g h: the line has 3 fields, and the target is field 4".to_owned()
        )
    );
    assert_eq!(
        good("a", 2, ""),
        ["a: the line has 1 field, and the target is field 2"]
    );
}

#[test]
fn a_character_separates_every_field() {
    assert_eq!(
        good("a||c\n|e f|\n", 2, "|"),
        ["a||c: field 2 is empty", "e f"]
    );
    assert_eq!(good("a\t\"b\tc\"\n", 2, "\\t"), ["\"b"]);
    assert_eq!(good("a:b # c\n", 2, ":"), ["b"]);
    for bad in ["", "ab", "\"", "\u{e9}", "\n"] {
        assert!(bad.parse::<Delimiter>().is_err(), "{bad:?}");
    }
}

#[test]
fn csv_has_quotes() {
    let list = "1,\"192.0.2.1\",x\r\n2,\"a\"\"b, c\",x\n3,d,\"an open\n\nrecord # 1\"\n4,e\n5,\"f \"\n#,g\n6,h \"i\"\n";
    let expected = [
        (1, "192.0.2.1"),
        (2, "a\"b, c"),
        (3, "d"),
        (6, "e"),
        (7, "f"),
        (9, "h \"i\""),
    ];
    let expected = expected.map(|(number, text)| (number, text.to_owned()));
    assert_eq!(targets(list.as_bytes(), 2, ","), expected);
    assert_eq!(good("a;\"b;c\"\n", 2, ";"), ["b;c"]);
}

#[test]
fn a_field_after_a_line_end_belongs_to_the_first_line() {
    let list = "\"a\nb\",c\n\"d\n\ne\"";
    assert_eq!(
        targets(list.as_bytes(), 2, ","),
        [
            (1, "c".to_owned()),
            (
                3,
                "\"d: the line has 1 field, and the target is field 2".to_owned()
            )
        ]
    );
}

#[test]
fn a_quote_that_is_never_closed_costs_its_line_only() {
    let unclosed = "a quote is not closed in this line or in those that follow";
    assert_eq!(
        targets(b"a,1\nb,\"2\nc,3\nd,4", 2, ","),
        [
            (1, "1".to_owned()),
            (2, format!("b,\"2: {unclosed}")),
            (3, "3".to_owned()),
            (4, "4".to_owned())
        ]
    );
    // Far from the end, too.
    let lines = 3 * RECORD_BYTES_MAX / 4;
    let list = format!("\"0\n{}", "1,2\n".repeat(lines));
    let all = targets(list.as_bytes(), 1, ",");
    assert_eq!(all.len(), lines + 1);
    assert_eq!(all[0], (1, format!("\"0: {unclosed}")));
    assert!(all[1..].iter().all(|(_, text)| text == "1"));
}

#[test]
fn a_record_has_at_most_256_lines() {
    for (lines, is_record) in [(256, true), (257, false)] {
        let list = format!("a,\"{}\"\nb,c\n", "x\n".repeat(lines - 1));
        let all = targets(list.as_bytes(), 1, ",");
        if is_record {
            assert_eq!(all, [(1, "a".into()), (lines as u64 + 1, "b".into())]);
        } else {
            assert!(all[0].1.contains("not closed"), "{:?}", all[0]);
            assert_eq!(all.last(), Some(&(lines as u64 + 1, "b".into())));
        }
    }
}

#[test]
fn only_the_field_must_be_text() {
    let list = b"a\xff\0,b\nc,\xff\nd,e\0";
    assert_eq!(
        targets(list, 2, ","),
        [
            (1, "b".to_owned()),
            (2, "\u{fffd}: the line is not UTF-8".to_owned()),
            (3, "e\0: the line has a NUL byte in it".to_owned())
        ]
    );
}

#[test]
fn a_line_of_fields_may_be_long() {
    let long = "x".repeat(RECORD_BYTES_MAX - 4);
    for delimiter in [",", ""] {
        let blank = if delimiter.is_empty() { " " } else { "," };
        let list = format!("a{blank}{long}\nb{blank}{long}xxxx\nc{blank}d\n");
        let all = targets(list.as_bytes(), 1, delimiter);
        assert_eq!(all[0], (1, "a".to_owned()));
        assert!(all[1].1.ends_with("more than 65536 bytes"), "{}", all[1].1);
        assert_eq!(all[2], (3, "c".to_owned()));
    }
}

proptest! {
    #[test]
    fn every_line_is_taken_once(lines in prop::collection::vec("[a,\" #]{0,8}", 0..12), number in 1usize..4) {
        let list = lines.join("\n");
        let plain = targets(list.as_bytes(), number, "|");
        prop_assert!(plain.is_sorted_by(|a, b| a.0 < b.0));
        let quoted = targets(list.as_bytes(), number, ",");
        prop_assert!(quoted.is_sorted_by(|a, b| a.0 < b.0), "{:?}", quoted);
    }

    #[test]
    fn fields_that_were_written_are_read(
        rows in prop::collection::vec(prop::collection::vec("[a-z,;\"\\n ]{0,6}", 3..5), 1..8),
        number in 1usize..4,
    ) {
        let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
        let list: String = rows
            .iter()
            .map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n")
            .collect();
        let read = targets(list.as_bytes(), number, ",");
        prop_assert_eq!(read.len(), rows.len());
        for ((_, read), row) in read.iter().zip(&rows) {
            let expected = row[number - 1].trim();
            if expected.is_empty() {
                prop_assert!(read.ends_with("is empty"), "{}", read);
            } else {
                prop_assert_eq!(read, expected);
            }
        }
    }
}
