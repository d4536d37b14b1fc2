//! Writes example pages to the folder given, to be looked at in a browser.
//!
//! Run it with `cargo run -p canvass-report --example page -- FOLDER`. The figures are made up from a
//! fixed seed, so that two versions of a page can be laid side by side.

mod outcomes;
mod shards;
mod sides;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use canvass_model::{Outcome, Time};
use canvass_report::{
    Bin, LatencyRecorder, NotableTargets, Origin, ResolverCounts, RunReport, Tally, Timeline,
    comparison_page, run_page,
};
use outcomes::{http_outcome, ptr_outcome};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shards::{http_shard, ptr_shard};
use sides::comparison;

const SEED: u64 = 20_260_102;
const RESOLVERS: [&str; 4] = [
    "192.0.2.53:53",
    "198.51.100.53:53",
    "[2001:db8::53]:53",
    "203.0.113.7:53",
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("no folder was given")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;

    let ptr = Run::of(120_000, Duration::from_secs(6), ptr_outcome);
    let shards = [ptr_shard(0), ptr_shard(1)];
    let warnings = [
        "the kernel dropped 12 replies for want of room in socket buffers; raise \
         net.core.rmem_max or lower --concurrency"
            .to_owned(),
    ];
    let mut report = ptr.report(
        "ptr",
        "canvass ptr -i addresses.txt -r resolvers.txt --html p.html",
    );
    report.shards = Some(&shards);
    report.warnings = &warnings;
    std::fs::write(folder.join("ptr.html"), run_page(&report))?;

    let mut later = ptr.report("ptr", "");
    later.origin.command = None;
    later.origin.list = None;
    later.origin.file = Some("out.ndjson".to_owned());
    later.cpu = None;
    later.resolvers = Some(&ptr.resolvers);
    std::fs::write(folder.join("ndjson.html"), run_page(&later))?;
    let unjudged = without_verdicts(&ptr.timeline);
    later.timeline = &unjudged;
    later.tally = None;
    later.resolvers = None;
    later.notable = None;
    later.wall = None;
    std::fs::write(folder.join("hlog.html"), run_page(&later))?;

    let http = Run::of(20_000, Duration::from_secs(45), http_outcome);
    let shards = [http_shard()];
    let mut report = http.report(
        "http",
        "canvass http -i urls.txt --rate 500 --html http.html",
    );
    report.shards = Some(&shards);
    std::fs::write(folder.join("http.html"), run_page(&report))?;

    let one = Run::of(1, Duration::from_millis(3), ptr_outcome);
    std::fs::write(
        folder.join("one.html"),
        run_page(&one.report("ptr", "canvass ptr 192.0.2.1")),
    )?;
    let none = Run::of(0, Duration::from_millis(1), ptr_outcome);
    let absurd = "canvass ptr '<script>alert(1)</script>' \u{202e}אבג ".repeat(400);
    std::fs::write(
        folder.join("none.html"),
        run_page(&none.report("ptr", &absurd)),
    )?;

    let origin = Origin {
        command: Some(
            "canvass compare -i addresses.txt --system-threads 32 --budget 30s".to_owned(),
        ),
        version: Some("0.1.0".to_owned()),
        file: None,
        list: Some("addresses.txt".to_owned()),
        began: Some(began()),
    };
    std::fs::write(
        folder.join("compare.html"),
        comparison_page(&comparison(), &origin),
    )?;
    Ok(())
}

/// What an interval log knows of a timeline.
fn without_verdicts(timeline: &Timeline) -> Timeline {
    let mut unjudged = Timeline::new(timeline.origin());
    for (place, bin) in (0..).zip(timeline.bins()) {
        let bin = Bin {
            ended: bin.ended,
            phases_ns: bin.phases_ns,
            ..Bin::default()
        };
        unjudged.add(timeline.origin() + timeline.width() * place, &bin);
    }
    unjudged
}

fn began() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_323_045)
}

/// What a run leaves behind.
struct Run {
    tally: Tally,
    latency: LatencyRecorder,
    timeline: Timeline,
    resolvers: ResolverCounts,
    notable: NotableTargets,
    wall: Duration,
}

impl Run {
    fn of(outcomes: u64, span: Duration, made: fn(u64, Time, &mut StdRng) -> Outcome) -> Self {
        let mut run = Self {
            tally: Tally::default(),
            latency: LatencyRecorder::new(),
            timeline: Timeline::new(Time::ZERO),
            resolvers: ResolverCounts::default(),
            notable: NotableTargets::default(),
            wall: Duration::ZERO,
        };
        let mut rng = StdRng::seed_from_u64(SEED);
        for seq in 0..outcomes {
            // The rate rises for a tenth of the run, as a window does that looks for its limit.
            let part = seq as f64 / outcomes as f64;
            let at = if part < 0.05 {
                (part / 0.05).sqrt() * 0.1
            } else {
                part * 0.947 + 0.053
            };
            let due = Time::ZERO + span.mul_f64(at);
            let outcome = made(seq, due, &mut rng);
            run.tally.record(&outcome);
            run.latency.record(&outcome);
            run.timeline.record(&outcome);
            run.resolvers.record(&outcome);
            run.notable.record(&outcome);
            run.wall = run.wall.max(outcome.finished.since(Time::ZERO));
        }
        run
    }

    fn report(&self, probes: &str, command: &str) -> RunReport<'_> {
        RunReport {
            origin: Origin {
                command: Some(command.to_owned()),
                version: Some("0.1.0".to_owned()),
                file: None,
                list: command.split(' ').nth(3).map(str::to_owned),
                began: Some(began()),
            },
            probes: probes.to_owned(),
            tally: Some(&self.tally),
            latency: &self.latency,
            timeline: &self.timeline,
            notable: Some(&self.notable),
            shards: None,
            resolvers: None,
            wall: Some(self.wall),
            cpu: Some(Duration::from_millis(412)),
            remaining: None,
            interrupted: false,
            warnings: &[],
        }
    }
}

/// A span whose logarithm is spread about that of `median_us`, like a sum of dice.
fn spread(rng: &mut StdRng, median_us: f64, decades: f64) -> Duration {
    let dice: f64 = (0..6).map(|_| rng.random_range(-1.0..1.0_f64)).sum();
    Duration::from_secs_f64(median_us / 1e6 * 10_f64.powf(dice / 3.0 * decades))
}
