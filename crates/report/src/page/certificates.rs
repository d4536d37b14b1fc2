//! The certificates that end soon.

use std::fmt::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use super::table::{Column, Table};
use super::text::{TEXT_CHARS_MAX, counted, day, foreign, grouped};
use crate::notable::{CERTIFICATE_DAYS_MAX, CertificateEnds};

/// Appends the certificates, those that end first before the others.
pub(super) fn write(certificates: &CertificateEnds, out: &mut String) -> fmt::Result {
    let mut table = Table::new([
        ("target", Column::Prose),
        ("days left", Column::Number),
        ("ends", Column::Text),
    ])
    .aligned_as("certificates");
    for one in certificates.first() {
        let line = one.line.map(|line| format!(" <small>line {line}</small>"));
        let ends = u64::try_from(one.not_after_s).unwrap_or_default();
        let ends = UNIX_EPOCH.checked_add(Duration::from_secs(ends));
        table.row([
            foreign(&one.target, TEXT_CHARS_MAX) + &line.unwrap_or_default(),
            days(one.days_left),
            match one.not_after_s {
                0 => String::new(),
                _ => ends.map(day).unwrap_or_default(),
            },
        ]);
    }
    table.write(out)?;
    let unnamed = certificates.targets() - certificates.first().len() as u64;
    let more = match unnamed {
        0 => String::new(),
        more => format!(", and {} more of them are not named", grouped(more)),
    };
    let verb = if certificates.targets() == 1 {
        "has"
    } else {
        "have"
    };
    writeln!(
        out,
        "<p class=\"note\">{} of {} with a certificate {verb} fewer than {CERTIFICATE_DAYS_MAX} days \
         left{more}.</p>",
        grouped(certificates.targets()),
        counted(certificates.seen(), "target", "targets"),
    )
}

fn days(left: i64) -> String {
    match left {
        0.. => grouped(left.unsigned_abs()),
        -1 => "expired 1 day ago".to_owned(),
        ..-1 => format!("expired {} days ago", grouped(left.unsigned_abs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NotableTargets, fixture};

    #[test]
    fn a_certificate_has_its_days_and_its_end() {
        let mut notable = NotableTargets::default();
        for outcome in [
            fixture::http_redirected(9),
            fixture::http_redirected(90),
            fixture::http_expired(),
        ] {
            notable.record(&outcome);
        }
        let mut out = String::new();
        write(notable.certificates(), &mut out).unwrap();
        for part in [
            "expired 3 days ago",
            "2026-01-11",
            "2 of 3 targets with a certificate have fewer than 30 days left.",
        ] {
            assert!(out.contains(part), "{part}: {out}");
        }
        assert!(out.find("expired 3 days").unwrap() < out.find("2026-01-11").unwrap());
    }
}
