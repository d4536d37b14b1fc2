//! The blocks of the schedule in the order they were run.

use std::fmt::{self, Write};

use super::super::chart::{Chart, Place, beside_px, percent};
use super::super::over_time::time_axis;
use super::super::scale::{Axis, Scale};
use super::super::table::{Column, Table};
use super::super::text::{count_tick, escaped, grouped, per_second, since_start};
use super::LetteredSide;
use crate::Block;
use crate::human::seconds;
use crate::write::nanos;

/// The height of the chart of a side, in CSS pixels.
const HEIGHT_PX: f64 = 84.0;
/// The maximum number of blocks shown for each side.
const BLOCKS_MAX: usize = 500;

/// Appends a chart for each side, on a common axis of time.
pub(super) fn write(sides: &[LetteredSide<'_>], out: &mut String) -> fmt::Result {
    let all = || sides.iter().flat_map(|side| shown(side));
    let began_ns = all().map(|block| block.began.as_nanos()).min().unwrap_or(0);
    let end_ns = |block: &Block| block.began.as_nanos().saturating_add(nanos(block.wall));
    let ended_ns = all().map(end_ns).max().unwrap_or(0);
    let x = time_axis(ended_ns.saturating_sub(began_ns) as f64);
    let axes: Vec<Axis> = sides
        .iter()
        .map(|side| {
            let rates = shown(side).iter().filter_map(Block::per_second);
            Scale::from_zero(rates.fold(0.0, f64::max)).axis(count_tick)
        })
        .collect();
    let beside_px = beside_px(&axes.iter().collect::<Vec<_>>());
    for (place, side) in sides.iter().enumerate() {
        let y = &axes[place];
        writeln!(
            out,
            "<p class=\"panel\">{}: targets per second in each block</p>",
            side.heading()
        )?;
        let chart = Chart {
            about: &format!("targets per second in each block of side {}", side.letter),
            height_px: HEIGHT_PX,
            x: &x,
            y,
            beside_px,
            labels: Place::below_last(place + 1 == sides.len()),
            is_filled: false,
            marks: &[],
            shapes: "",
            over: &bars(side, began_ns, &x, y),
        };
        chart.write(out)?;
    }
    out.push_str("<p class=\"unit end\">time since the start of the first block</p>\n");
    table(sides, began_ns).write_folded("Data: blocks in order", out)
}

fn shown<'a>(side: &LetteredSide<'a>) -> &'a [Block] {
    let blocks = &side.side.blocks;
    &blocks[..blocks.len().min(BLOCKS_MAX)]
}

fn bars(side: &LetteredSide<'_>, began_ns: u64, x: &Axis, y: &Axis) -> String {
    let mut shapes = String::new();
    for block in shown(side) {
        let Some(rate) = block.per_second() else {
            continue;
        };
        let from_ns = block.began.as_nanos().saturating_sub(began_ns) as f64;
        let from = x.scale.at(from_ns);
        let to = x.scale.at(from_ns + nanos(block.wall) as f64);
        let height = (y.scale.at(rate) * HEIGHT_PX * 10.0).round() / 10.0;
        shapes.push_str(&format!(
            "<rect class=\"block s{}\" x=\"{}\" width=\"{}\" y=\"{}\" height=\"{height}\">\
             <title>{}: {} in {}, {}</title></rect>\n",
            side.style,
            percent(from),
            percent(to - from),
            HEIGHT_PX - height,
            side.letter,
            grouped(block.targets),
            escaped(&seconds(block.wall)),
            per_second(rate)
        ));
    }
    shapes
}

fn table(sides: &[LetteredSide<'_>], began_ns: u64) -> Table {
    let mut blocks: Vec<(&LetteredSide<'_>, &Block)> = sides
        .iter()
        .flat_map(|side| shown(side).iter().map(move |block| (side, block)))
        .collect();
    blocks.sort_by_key(|(_, block)| block.began);
    let mut table = Table::new([
        ("side", Column::Text),
        ("start", Column::Number),
        ("took", Column::Number),
        ("targets", Column::Number),
        ("rate", Column::Number),
        ("CPU", Column::Number),
        ("asked", Column::Text),
    ]);
    for (side, block) in blocks {
        let rate = block.per_second().map(per_second);
        table.row([
            side.badge(),
            since_start(block.began.as_nanos().saturating_sub(began_ns)),
            seconds(block.wall),
            grouped(block.targets),
            rate.unwrap_or_else(|| "–".to_owned()),
            seconds(block.cpu),
            if block.asked_first { "first" } else { "second" }.to_owned(),
        ]);
    }
    table
}
