//! The plan of `canvass compare`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use canvass_proto::TransportPolicy;
use canvass_queue::TargetKind;
use canvass_run::Plan;

use super::{Invocation, lookups};
use crate::args::{AgainstArg, CompareArgs};
use crate::compare::OTHER_TABLES;
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
        different_resolvers,
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
    let names_resolvers = !common.resolver.is_empty();
    let capped =
        common.rate.is_some() || common.rate_per_resolver.is_some() || common.concurrency.is_some();
    let builder = Plan::builder(TargetKind::Lookups);
    let mut first = lookups::lookups("compare", builder, &OTHER_TABLES, targets, common)?;
    // A side pauses while another is measured, and would fall behind a schedule.
    first.plan = first.plan.unscheduled();
    let mut warnings = Vec::new();
    if against == AgainstArg::System {
        let system = system_resolvers();
        if !names_resolvers {
            first.plan = with_resolvers(&first.plan, system)?;
        } else if let Some(difference) = difference(first.plan.resolvers(), &system) {
            if !different_resolvers {
                return Err(Failure::usage(format!(
                    "{difference}; leave --resolver out, compare two resolvers (--against ADDR), or \
                     allow the difference (--different-resolvers)"
                )));
            }
            warnings.push(difference);
        }
    }
    // By itself canvass may use streams too, which would be compared with themselves.
    if against == AgainstArg::Tcp && first.plan.transport() == TransportPolicy::Auto {
        first.plan = first.plan.with_transport(TransportPolicy::Udp);
    }
    let plan = &first.plan;
    if capped {
        warnings.push("canvass was limited by --rate, --rate-per-resolver or --concurrency".into());
    }
    let others = match against {
        AgainstArg::System => {
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
            vec![Other::Engine(Box::new(with_resolvers(plan, resolvers)?))]
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

fn with_resolvers(plan: &Plan, resolvers: Vec<SocketAddr>) -> Result<Plan, Failure> {
    let plan = plan.clone().with_resolvers(resolvers);
    plan.map_err(Failure::usage)
}

/// The resolvers that libc uses: the first three, or one on this machine if there is none
/// (resolv.conf(5)).
fn system_resolvers() -> Vec<SocketAddr> {
    let mut system = resolvers::read(&[], true).unwrap_or_default();
    system.truncate(3);
    if system.is_empty() {
        system.push((Ipv4Addr::LOCALHOST, 53).into());
    }
    system
}

/// The resolvers of both sides, as text, if canvass asks one that libc does not use.
fn difference(ours: &[SocketAddr], system: &[SocketAddr]) -> Option<String> {
    let shown = |resolvers: &[SocketAddr]| match resolvers {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        few => {
            let few: Vec<String> = few.iter().map(SocketAddr::to_string).collect();
            few.join(", ")
        }
    };
    let same = ours.iter().all(|resolver| system.contains(resolver));
    (!same).then(|| {
        format!(
            "the sides do not ask the same resolvers: canvass asks {}, and libc asks {} \
             (/etc/resolv.conf)",
            shown(ours),
            shown(system)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        text.split_whitespace()
            .map(|address| address.parse().unwrap())
            .collect()
    }

    #[test]
    fn each_resolver_of_canvass_must_be_one_of_libc() {
        for (ours, system, differ) in [
            ("192.0.2.1:53", "192.0.2.1:53", false),
            ("192.0.2.2:53", "192.0.2.1:53 192.0.2.2:53", false),
            ("192.0.2.1:5300", "192.0.2.1:53", true),
            ("192.0.2.1:53 192.0.2.3:53", "192.0.2.1:53", true),
        ] {
            let difference = difference(&addresses(ours), &addresses(system));
            assert_eq!(difference.is_some(), differ, "{difference:?}");
        }
        let many: Vec<SocketAddr> = (1..=5).map(|last| ([192, 0, 2, last], 53).into()).collect();
        let text = difference(&many, &addresses("127.0.0.53:53")).unwrap();
        assert!(
            text.contains("192.0.2.3:53 and 2 more") && text.contains("127.0.0.53:53"),
            "{text}"
        );
    }
}
