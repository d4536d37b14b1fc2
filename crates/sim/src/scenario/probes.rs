//! Draws probes and their hosts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use canvass_engine::Probing;
use canvass_lab::ServiceKind;
use canvass_model::{Host, HttpFallback, Job, ModuleId, ProbeSpec, Target, Time, Url, UrlTarget};
use canvass_proto::http::HttpSettings;
use canvass_proto::{Module, ModuleKind};
use rand::RngExt;
use rand::rngs::SmallRng;

use super::draw::one_of;
use super::{CutAt, Reach, Site, Then, http, tcp, udp};
use crate::truth::{GOOD_PATHS, TALKS, paths};

/// The addresses of names under `lab.test`.
const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];
/// The addresses of the unreachable name of the lab's zone.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The number of hosts, each of which has an address and a name.
const HOSTS_MAX: u8 = 12;
/// The number of modules for http, which are the first ones.
const HTTP_MODULES: u16 = 3;

/// The drawn parts of a run.
pub(super) struct Drawn {
    pub jobs: Vec<Job>,
    pub sites: Vec<Site>,
    pub probing: Probing,
}

/// The profile of the probes of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile {
    /// Whether no host is impaired.
    pub clean: bool,
    /// Whether the limits of time and sockets are generous.
    pub generous: bool,
    pub count: u32,
    /// The percentage of tcp and udp probes.
    pub talk_percent: u32,
    /// The percentage of http probes with a faulty response.
    pub broken_percent: u32,
    /// The number of names of this machine.
    pub names: u32,
    /// The number of requests per http probe.
    pub requests: u32,
    pub due_interval_ns: Option<u64>,
}

/// Draws hosts and probes.
pub(super) fn draw(rng: &mut SmallRng, profile: &Profile) -> Drawn {
    let modules = draw_modules(rng, profile);
    let mut probing = Probing {
        modules: modules.into_iter().map(Arc::new).collect(),
        sockets_max: one_of(rng, &[5, 40, 1_000]),
        per_host_max: one_of(rng, &[1, 2, 6, 6]),
        rate_per_host_max_per_second: one_of(rng, &[None, None, None, Some(20.0), Some(500.0)]),
        ..Probing::default()
    };
    if profile.generous {
        (probing.sockets_max, probing.per_host_max) = (1_000, 6);
        probing.rate_per_host_max_per_second = None;
    }
    Drawn {
        sites: draw_sites(rng, profile.clean),
        jobs: (0..profile.count)
            .map(|index| draw_job(rng, profile, index))
            .collect(),
        probing,
    }
}

/// A job with one request by module 0.
///
/// # Panics
/// If `url` is not a URL.
pub fn url_job(seq: u64, url: &str) -> Job {
    Job {
        seq,
        line: None,
        target: Target::Url(Box::new(UrlTarget {
            scoped: None,
            url: Url::parse(url).expect("a URL"),
            raw_path: None,
            fallback: None,
            given: Some(url.into()),
        })),
        spec: ProbeSpec::Http {
            module: ModuleId(0),
            requests: NonZeroU32::MIN,
        },
        due: None,
        resolver: None,
    }
}

/// A job for a tcp or a udp probe.
///
/// # Panics
/// If `host` is not a host.
pub fn endpoint_job(seq: u64, host: &str, port: u16, spec: ProbeSpec) -> Job {
    Job {
        seq,
        line: None,
        target: Target::Endpoint {
            host: Host::parse(host).expect("a host"),
            port,
            given: None,
        },
        spec,
        due: None,
        resolver: None,
    }
}

/// The modules for http, for an open port, and for every talk in order.
fn draw_modules(rng: &mut SmallRng, profile: &Profile) -> Vec<Module> {
    let pages = (0..HTTP_MODULES).map(|_| {
        http(HttpSettings {
            follow_max: 0,
            body_bytes_max: 30_000,
            head_bytes_max: 4_096,
            keep_alive: profile.requests > 1,
            ..HttpSettings::default()
        })
    });
    let mut modules: Vec<Module> = pages.collect();
    modules.push(tcp(None));
    for plan in TALKS {
        modules.push(if plan.datagrams {
            udp(plan.name, None)
        } else {
            tcp(Some(plan.name))
        });
    }
    let window = Duration::from_millis(one_of(rng, &[50, 500]));
    modules.push(udp("time", Some(window)));
    let retries = one_of(rng, &[0, 0, 1, 3]);
    let mut deadline = Duration::from_millis(one_of(rng, &[1_500, 10_000, 10_000]));
    let mut part = Duration::from_millis(one_of(rng, &[400, 2_000, 2_000]));
    if profile.generous {
        (deadline, part) = (Duration::from_secs(10), Duration::from_secs(2));
    }
    for (index, module) in modules.iter_mut().enumerate() {
        module.retries = retries;
        let timeouts = &mut module.timeouts;
        timeouts.deadline = deadline;
        (timeouts.resolve, timeouts.connect) = (part, part);
        (timeouts.first_byte, timeouts.transfer) = (part, part);
        let asks_all = !profile.clean && index > 0 && rng.random_bool(0.1);
        module.reach.all_addresses = asks_all;
        if let ModuleKind::Http { settings, .. } = &mut module.kind {
            Arc::make_mut(settings).follow_max = one_of(rng, &[0, 2, 10]);
        }
    }
    modules
}

fn draw_sites(rng: &mut SmallRng, clean: bool) -> Vec<Site> {
    let mut sites = Vec::new();
    for address in LOOPBACK {
        for kind in ServiceKind::ALL.iter().filter(|kind| !kind.is_tls()) {
            sites.push(Site::new(address, *kind));
        }
    }
    for last in 1..=HOSTS_MAX {
        sites.push(Site::new(host_address(last), ServiceKind::Http));
        sites.push(Site::new(host_address(last), ServiceKind::Time));
    }
    let mut nowhere = Site::new(NOWHERE, ServiceKind::Http);
    nowhere.reach = Reach::Unroutable;
    sites.push(nowhere);
    if !clean {
        for site in &mut sites {
            if rng.random_bool(0.4) {
                draw_trouble(rng, site);
            }
        }
    }
    sites
}

fn draw_trouble(rng: &mut SmallRng, site: &mut Site) {
    let octets = Some(rng.random_range(0..300));
    let cut = |then| Some(CutAt { octets, then });
    let delay_ms = one_of(rng, &[1, 20, 150, 900]);
    let text = match rng.random_range(0..13) {
        0 => return site.reach = Reach::Closed,
        1 => return site.reach = Reach::Unroutable,
        2 => return site.reach = Reach::Blackhole,
        3 => return site.reach = Reach::Down,
        4 => return site.cut = cut(Then::Stop),
        5 => return site.cut = cut(Then::Close),
        6 => return site.cut = cut(Then::Reset),
        7 => return site.cut = cut(Then::Pause(Duration::from_millis(delay_ms))),
        8 => format!("delay={delay_ms}ms,jitter={delay_ms}ms"),
        9 => format!("trickle={}ms", one_of(rng, &[1, 10, 300])),
        10 => "tcp-silent".to_owned(),
        11 => format!("late=20%,late-by={delay_ms}ms"),
        _ => format!("outage-after=100ms,outage={delay_ms}ms"),
    };
    *site = site.clone().impaired(&text);
    site.impairments.seed = rng.random();
}

fn draw_job(rng: &mut SmallRng, profile: &Profile, index: u32) -> Job {
    let mut job = if rng.random_range(0..100) < profile.talk_percent {
        draw_talk(rng, profile, index)
    } else {
        draw_page(rng, profile, index)
    };
    job.due = profile
        .due_interval_ns
        .map(|interval_ns| Time::from_nanos(u64::from(index) * interval_ns));
    job
}

fn draw_page(rng: &mut SmallRng, profile: &Profile, index: u32) -> Job {
    let broken = rng.random_range(0..100) < profile.broken_percent;
    let path = if broken {
        let count = paths().count() - GOOD_PATHS;
        paths().nth(GOOD_PATHS + rng.random_range(0..count))
    } else {
        paths().nth(rng.random_range(0..GOOD_PATHS))
    };
    let host = draw_host(rng, profile);
    let elsewhere = host_address(rng.random_range(1..=HOSTS_MAX));
    let path = match rng.random_range(0..12) {
        0 => "/redirect/2".to_owned(),
        1 => "/redirect/5".to_owned(),
        2 => "/redirect-loop".to_owned(),
        3 => format!("/redirect-to?url=http://{elsewhere}/bytes/3000"),
        _ => path.unwrap_or("/").to_owned(),
    };
    let mut job = url_job(u64::from(index), &format!("http://{host}{path}"));
    job.spec = ProbeSpec::Http {
        module: ModuleId(rng.random_range(0..HTTP_MODULES)),
        requests: NonZeroU32::new(one_of(rng, &[1, profile.requests])).unwrap_or(NonZeroU32::MIN),
    };
    if rng.random_bool(0.03) {
        job.target = Target::Unix {
            path: std::path::Path::new("/nowhere.sock").into(),
            given: "unix:/nowhere.sock".into(),
        };
    } else if rng.random_bool(0.03) {
        job.target = Target::Invalid {
            given: "http://".into(),
            reason: "no host".into(),
        };
    } else if rng.random_bool(0.05)
        && let Target::Url(target) = &mut job.target
    {
        // A host without a scheme. No site supports https.
        let _ = target.url.set_scheme("https");
        target.fallback = Some(HttpFallback { port: 80 });
    }
    job
}

fn draw_talk(rng: &mut SmallRng, profile: &Profile, index: u32) -> Job {
    let seq = u64::from(index);
    let first = HTTP_MODULES + 1;
    if rng.random_bool(0.1) {
        let module = ModuleId(HTTP_MODULES);
        let port = one_of(rng, &[80, 110, 9]);
        return endpoint_job(
            seq,
            &draw_host(rng, profile),
            port,
            ProbeSpec::Tcp { module },
        );
    }
    if rng.random_bool(0.05) {
        let module = ModuleId(first + TALKS.len() as u16);
        let host = one_of(rng, &["255.255.255.255", "v4.lab.test"]);
        let port = ServiceKind::Time.usual_port();
        return endpoint_job(seq, host, port, ProbeSpec::Udp { module });
    }
    let at = rng.random_range(0..TALKS.len());
    let plan = &TALKS[at];
    let module = ModuleId(first + at as u16);
    let mut port = plan.service.usual_port();
    let spec = if plan.datagrams {
        ProbeSpec::Udp { module }
    } else {
        if plan.name == "pop3-stat" && rng.random_bool(0.2) {
            port = ServiceKind::Line.usual_port();
        }
        ProbeSpec::Tcp { module }
    };
    let host = draw_name(rng, profile);
    endpoint_job(seq, &host, port, spec)
}

/// A host with an http service.
fn draw_host(rng: &mut SmallRng, profile: &Profile) -> String {
    let last = rng.random_range(1..=HOSTS_MAX);
    match rng.random_range(0..10) {
        0..5 => draw_name(rng, profile),
        5..7 => host_address(last).to_string(),
        _ => format!("host-10-77-0-{last}.example.net"),
    }
}

/// A host with all services.
fn draw_name(rng: &mut SmallRng, profile: &Profile) -> String {
    match rng.random_range(0..20) {
        0 => "nodata.lab.test".into(),
        1 => "nxdomain.lab.test".into(),
        2 => "unreachable.lab.test".into(),
        3 if !profile.clean => "servfail.lab.test".into(),
        4 | 5 => "v4.lab.test".into(),
        6 | 7 => "v6.lab.test".into(),
        8 => "127.0.0.1".into(),
        9 => "localhost".into(),
        _ => format!("n{}.lab.test", rng.random_range(0..profile.names)),
    }
}

fn host_address(last: u8) -> IpAddr {
    IpAddr::from([10, 77, 0, last])
}
