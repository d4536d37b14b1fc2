//! The plan of `canvass compare`.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_proto::TransportPolicy;
use canvass_queue::TargetKind;
use canvass_run::Plan;

use super::{Invocation, lookups};
use crate::args::{AgainstArg, CompareArgs};
use crate::exit::Failure;
use crate::resolvers;

/// The plan of a comparison.
pub(crate) struct ComparePlan {
    /// The first side.
    pub first: Invocation,
    /// The sides it is compared with.
    pub others: Vec<Other>,
    /// The time limit of the other sides together.
    pub budget: Duration,
    pub seed: u64,
    /// Reasons why the comparison is weak, known before it begins.
    pub warnings: Vec<String>,
}

/// A side that canvass is compared with.
pub(crate) enum Other {
    /// libc's resolver, called from this many threads.
    System { threads: usize },
    /// canvass with other settings.
    Engine(Box<Plan>),
}

/// The plan of `canvass compare`.
pub(crate) fn compare(args: CompareArgs) -> Result<ComparePlan, Failure> {
    let CompareArgs {
        targets,
        against,
        system_threads,
        budget,
        seed,
        common,
    } = args;
    if common.trace {
        return Err(Failure::usage(
            "compare does not support --trace: writing the trace would be measured too",
        ));
    }
    if common.lab.is_some() && against == AgainstArg::System {
        return Err(Failure::usage(
            "the system's resolver cannot use --lab; compare with a resolver or a transport \
             (--against tcp), or point resolv.conf to a server (scripts/compare-lab does)",
        ));
    }
    if budget.is_zero() {
        return Err(Failure::usage("--budget 0 leaves the other side no time"));
    }
    let capped =
        common.rate.is_some() || common.rate_per_resolver.is_some() || common.concurrency.is_some();
    let mut first = lookups::lookups("compare", TargetKind::Lookups, targets, common)?;
    // A side pauses while another is measured, and would fall behind a schedule.
    first.plan = first.plan.unscheduled();
    let plan = &first.plan;
    let mut warnings = Vec::new();
    if capped {
        warnings.push("canvass was limited by --rate, --rate-per-resolver or --concurrency".into());
    }
    let others = match against {
        AgainstArg::System => {
            warnings.extend(resolvers_differ(plan.resolvers()));
            let mut others = vec![Other::System { threads: 1 }];
            if system_threads > 1 {
                others.push(Other::System {
                    threads: system_threads.into(),
                });
            }
            others
        }
        AgainstArg::Udp => vec![with_transport(plan, TransportPolicy::Udp)],
        AgainstArg::Tcp => vec![with_transport(plan, TransportPolicy::Tcp)],
        AgainstArg::Resolver(resolver) => {
            let resolvers = resolvers::read(&[resolver], first.quiet)?;
            let other = plan.clone().with_resolvers(resolvers);
            vec![Other::Engine(Box::new(other.map_err(Failure::usage)?))]
        }
    };
    Ok(ComparePlan {
        first,
        others,
        budget,
        seed: seed.unwrap_or_else(rand::random),
        warnings,
    })
}

fn with_transport(plan: &Plan, transport: TransportPolicy) -> Other {
    Other::Engine(Box::new(plan.clone().with_transport(transport)))
}

/// The warning if the two sides do not use the same resolvers.
fn resolvers_differ(ours: &[SocketAddr]) -> Option<String> {
    let system = resolvers::read(&[], true).unwrap_or_default();
    // libc uses the first three (resolv.conf(5)).
    let system = &system[..system.len().min(3)];
    let same = ours.iter().all(|resolver| system.contains(resolver));
    (!same).then(|| {
        let shown: Vec<String> = system.iter().map(SocketAddr::to_string).collect();
        format!(
            "the sides do not use the same resolvers: those of the system are {}",
            if shown.is_empty() {
                "none".to_owned()
            } else {
                shown.join(", ")
            }
        )
    })
}
