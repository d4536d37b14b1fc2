//! A word that is none of those expected is answered with the nearest, and with all of them.

use crate::common::canvass;

#[test]
fn the_nearest_and_the_list_are_named() {
    for (args, nearest, list) in [
        (
            &["chek", "x"][..],
            "a similar subcommand exists: 'check'",
            "the commands are ptr, dns, http",
        ),
        (
            &["frobnicate"],
            "unrecognized subcommand 'frobnicate'",
            "the commands are ptr, dns, http",
        ),
        (
            &["ptr", "--retires", "1"],
            "a similar argument exists: '--retries'",
            "--help",
        ),
        (
            &["tcp", "--talk", "smpt", "--lab", "x"],
            "did you mean smtp?",
            "banner",
        ),
        (&["ptr", "--lab=dealy=1s"], "did you mean delay?", "jitter"),
        (&["lab", "--serve", "htp"], "did you mean http?", "smtp"),
        (
            &["ptr", "--format", "ndjsn"],
            "a similar value exists: 'ndjson'",
            "text, ndjson, csv",
        ),
        (
            &["check", "htps://x.lab.test", "--lab", "--strict"],
            "did you mean https",
            "smtp",
        ),
    ] {
        canvass(args).exits(2).says(nearest).says(list);
    }
}
