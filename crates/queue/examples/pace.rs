//! How long the making of one job takes. Run it with `--release`.

#![expect(
    clippy::disallowed_methods,
    reason = "this measures, so it reads the clock"
)]

use std::error::Error;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use canvass_model::{ModuleId, RecordType, Time};
use canvass_queue::{
    Exclusions, Feeder, Ports, Protocol, TargetKind, TargetOptions, Targets, arguments, stream,
};

const JOBS: u64 = 8_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = TargetOptions::new(TargetKind::Ptr {
        forward_confirm: false,
    });
    options.limit = Some(JOBS);
    let list = |cidr: &str, options: &TargetOptions| arguments([cidr.to_owned()], options);

    measure(
        "10.0.0.0/8",
        list("10.0.0.0/8", &options)?,
        None,
        NonZeroUsize::MIN,
    );
    measure(
        "10.0.0.0/8 at a rate",
        list("10.0.0.0/8", &options)?,
        Some(1e5),
        NonZeroUsize::MIN,
    );
    measure(
        "2001:db8::/96",
        list("2001:db8::/96", &options)?,
        None,
        NonZeroUsize::MIN,
    );
    options.shuffle = Some(7);
    measure(
        "10.0.0.0/8 shuffled",
        list("10.0.0.0/8", &options)?,
        None,
        NonZeroUsize::MIN,
    );
    measure(
        "2001:db8::/64 shuffled",
        list("2001:db8::/64", &options)?,
        None,
        NonZeroUsize::MIN,
    );
    options.exclude = Arc::new(Exclusions::read((0..100_000u32).map(|hole| {
        format!(
            "10.{}.{}.{}",
            hole >> 11 & 255,
            hole >> 3 & 255,
            (hole & 7) << 5
        )
    }))?);
    measure(
        "10.0.0.0/8 shuffled, 100,000 holes",
        list("10.0.0.0/8", &options)?,
        None,
        NonZeroUsize::MIN,
    );
    options.shuffle = None;
    measure(
        "10.0.0.0/8 with 100,000 holes",
        list("10.0.0.0/8", &options)?,
        None,
        NonZeroUsize::MIN,
    );

    options.exclude = Arc::default();
    let addresses: String = (0..JOBS / 8)
        .map(|line| format!("10.{}.{}.{}\n", line >> 16, line >> 8 & 255, line & 255))
        .collect();
    measure_lines("lines of addresses", &addresses, &options);
    options.shuffle = Some(7);
    measure_lines("lines of addresses, shuffled", &addresses, &options);
    options.shuffle = None;
    options.kind = TargetKind::Dns {
        types: vec![RecordType::A],
    };
    let names: String = (0..JOBS / 8)
        .map(|line| format!("host-{line}.example.net\n"))
        .collect();
    measure_lines("lines of names", &names, &options);

    options.kind = TargetKind::Tcp {
        module: ModuleId(0),
        ports: Some(Ports::parse("22,80,443", Protocol::Tcp)?),
        default_port: None,
    };
    options.limit = Some(JOBS / 8);
    let one_shard = NonZeroUsize::MIN;
    let two_shards = NonZeroUsize::MIN.saturating_add(1);
    let cidr = || list("10.0.0.0/8", &options);
    measure("10.0.0.0/8 on three ports", cidr()?, None, one_shard);
    measure("the same to two shards", cidr()?, None, two_shards);
    measure_lines("lines of names on three ports", &names, &options);
    options.kind = TargetKind::Http {
        module: ModuleId(0),
        requests: NonZeroU32::MIN,
        ports: None,
        path_as_is: false,
    };
    let cidr = || list("10.0.0.0/8", &options);
    measure("10.0.0.0/8 as pages", cidr()?, None, one_shard);
    measure("the same to two shards", cidr()?, None, two_shards);
    measure_lines("lines of hosts as pages", &names, &options);
    let urls: String = (0..JOBS / 8)
        .map(|line| format!("https://host-{line}.example.net/index.html\n"))
        .collect();
    measure_lines("lines of URLs", &urls, &options);
    Ok(())
}

fn measure_lines(what: &str, text: &str, options: &TargetOptions) {
    let reader = std::io::Cursor::new(text.to_owned());
    measure(
        what,
        stream(reader, "list", options),
        None,
        NonZeroUsize::MIN,
    );
}

fn measure(what: &str, source: Targets, rate_per_second: Option<f64>, shards: NonZeroUsize) {
    let feeder = Feeder {
        source,
        rate_per_second,
        start: Time::ZERO,
        batch_jobs_max: 512,
        shards,
        ledger: Arc::default(),
    };
    let began = Instant::now();
    let end = feeder.run(
        &mut |_, batch| {
            std::hint::black_box(batch);
            Ok(())
        },
        &AtomicBool::new(false),
    );
    let nanos = began.elapsed().as_nanos() as f64 / end.produced as f64;
    println!("{what:<36} {nanos:6.1} ns a job");
}
