//! A word that is none of those expected is answered with the nearest, and with all of them.

use crate::common::canvass;

#[test]
fn the_nearest_and_the_list_are_named() {
    for (args, nearest, list) in [
        (
            &["chek", "x"][..],
            "did you mean check?",
            "the commands are ptr, dns, http",
        ),
        (&["prt", "x"], "did you mean ptr?", "ptr, dns, http"),
        (
            &["campaign", "lst"],
            "did you mean list?",
            "the commands are list, attach",
        ),
        (
            &["dns", "x.lab.test", "--lab", "--type", "TXTT"],
            "did you mean TXT?",
            "TYPEnnn",
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
