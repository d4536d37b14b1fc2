//! The origin of the figures: command, version, shards and event loop.

use std::fmt::{self, Write};

use canvass_model::{LatenessHistogram, ShardReport};

use super::table::{Column, Table};
use super::text::{COMMAND_CHARS_MAX, TEXT_CHARS_MAX, calendar, counted, foreign, grouped};
use crate::Origin;
use crate::human::seconds;

/// Appends the origin and further lines (name and HTML).
pub(super) fn write_origin(
    origin: &Origin,
    further: &[(&str, String)],
    out: &mut String,
) -> fmt::Result {
    let command = origin
        .command
        .as_deref()
        .map(|command| format!("<code>{}</code>", foreign(command, COMMAND_CHARS_MAX)));
    let made_by = origin
        .version
        .as_deref()
        .map(|version| format!("canvass {}", foreign(version, TEXT_CHARS_MAX)));
    let file = origin
        .file
        .as_deref()
        .map(|file| format!("<code>{}</code>", foreign(file, COMMAND_CHARS_MAX)));
    let list = origin
        .list
        .as_deref()
        .map(|list| foreign(list, TEXT_CHARS_MAX));
    out.push_str("<dl class=\"origin\">\n");
    for (name, value) in [
        ("command", command),
        ("list", list),
        ("made by", made_by),
        ("read from", file),
        ("started", origin.began.map(calendar)),
    ] {
        if let Some(value) = value {
            writeln!(out, "<dt>{name}</dt><dd>{value}</dd>")?;
        }
    }
    for (name, value) in further {
        writeln!(out, "<dt>{name}</dt><dd>{value}</dd>")?;
    }
    out.push_str("</dl>\n");
    Ok(())
}

/// The figures of the shards, as lines for [`write_origin`].
pub(super) fn of_shards(shards: &[ShardReport]) -> Vec<(&'static str, String)> {
    let sum = |pick: fn(&ShardReport) -> u64| shards.iter().map(pick).sum::<u64>();
    let mut lines = vec![
        (
            "event loops",
            counted(shards.len() as u64, "shard", "shards"),
        ),
        ("max in flight", grouped(sum(|shard| shard.in_flight_max))),
    ];
    let stalls = sum(|shard| shard.stalls);
    if stalls > 0 {
        let longest = shards.iter().map(|shard| shard.stall_max).max();
        let times = counted(stalls, "time", "times");
        let longest = seconds(longest.unwrap_or_default());
        lines.push(("held up", format!("{times}, at most {longest}")));
    }
    let opened = sum(|shard| shard.connections.opened);
    if opened > 0 {
        let open_max = sum(|shard| shard.connections.open_max);
        let open_limit = sum(|shard| shard.connections.open_limit);
        lines.push((
            "connections",
            format!(
                "{} opened, at most {} at once, limit {}",
                grouped(opened),
                grouped(open_max),
                grouped(open_limit)
            ),
        ));
    }
    let needed = sum(|shard| shard.connections.names_needed);
    if needed > 0 {
        let looked_up = sum(|shard| shard.connections.names_looked_up);
        lines.push((
            "names",
            format!(
                "{} needed, {} looked up",
                grouped(needed),
                grouped(looked_up)
            ),
        ));
    }
    lines
}

/// Appends how late the event loops were, if it was measured.
pub(super) fn write_lag(shards: &[ShardReport], out: &mut String) -> fmt::Result {
    let summed = |pick: fn(&ShardReport) -> &LatenessHistogram| {
        let mut sum = LatenessHistogram::default();
        shards.iter().for_each(|shard| sum.add(pick(shard)));
        sum
    };
    let mut table = Table::new([
        ("event loop", Column::Text),
        ("times", Column::Number),
        ("p50", Column::Number),
        ("p99", Column::Number),
        ("max", Column::Number),
    ]);
    for (name, lags) in [
        ("woke late by", summed(|shard| &shard.late_wakes)),
        ("away from its sockets for", summed(|shard| &shard.turns)),
    ] {
        if let (Some(p50), Some(p99)) = (lags.quantile(0.5), lags.quantile(0.99)) {
            table.row([
                name.to_owned(),
                grouped(lags.total()),
                format!("≤ {}", seconds(p50)),
                format!("≤ {}", seconds(p99)),
                seconds(lags.max()),
            ]);
        }
    }
    if table.is_empty() {
        return Ok(());
    }
    table.write(out)
}
