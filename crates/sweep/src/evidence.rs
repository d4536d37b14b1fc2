//! What an outcome says of its target.

use canvass_model::{Cause, Outcome, Phase, ProbeSpec, Unmet, Verdict};

/// What an outcome says of its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The target answered as expected.
    Good,
    /// It did not, for this reason.
    Bad(Box<str>),
    /// Nothing, since something else failed.
    None(Blame, Box<str>),
}

/// What failed in place of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Blame {
    /// This machine: it had no descriptor or port, or was too busy.
    ThisMachine,
    /// The network of this machine, or the gateway to the target.
    Network,
    /// The resolver of the host's name.
    Resolver,
}

impl Evidence {
    /// What `outcome` says of its target.
    ///
    /// That a resolver does not answer says nothing of a host whose name it was asked for. That the
    /// name does not exist or has no address does.
    pub fn of(outcome: &Outcome) -> Self {
        let Some(fault) = outcome.fault.as_deref() else {
            return match outcome.verdict {
                Verdict::Answered => Self::Good,
                Verdict::Negative | Verdict::Failed => Self::Bad(match outcome.answer.unmet() {
                    Some(unmet) => reason(unmet),
                    None => outcome.status.to_string().into(),
                }),
            };
        };
        let is_host = !matches!(
            outcome.job.spec,
            ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. }
        );
        let message = fault.message.clone();
        match fault.cause {
            Cause::Descriptors
            | Cause::Ports
            | Cause::System
            | Cause::Interrupted
            | Cause::Quarantined
            | Cause::Denied => Self::None(Blame::ThisMachine, message),
            Cause::Timeout if outcome.stalled => Self::None(Blame::ThisMachine, message),
            Cause::NxDomain | Cause::NoData => Self::Bad(message),
            _ if is_host && fault.phase == Phase::Resolve => Self::None(Blame::Resolver, message),
            _ => Self::Bad(message),
        }
    }
}

fn reason(unmet: &Unmet) -> Box<str> {
    format!("expected {}, seen {}", unmet.expected, unmet.seen).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::{Fault, Host, Job, ModuleId, Status, Target, Time};

    fn outcome(phase: Phase, cause: Cause, stalled: bool) -> Outcome {
        let job = Job {
            seq: 0,
            line: None,
            target: Target::Endpoint {
                host: Host::Name("a.example.net".into()),
                port: 25,
                given: None,
            },
            spec: ProbeSpec::Tcp {
                module: ModuleId(0),
            },
            due: None,
            resolver: None,
        };
        let fault = Fault {
            phase,
            cause,
            message: "why".into(),
            errno: None,
        };
        Outcome {
            stalled,
            ..Outcome::unbegun(job, Time::ZERO, Status::Timeout, fault)
        }
    }

    #[test]
    fn only_what_the_target_did_counts_against_it() {
        let machine = Evidence::None(Blame::ThisMachine, "why".into());
        let resolver = Evidence::None(Blame::Resolver, "why".into());
        let bad = Evidence::Bad("why".into());
        for (phase, cause, stalled, expected) in [
            (Phase::Connect, Cause::Timeout, false, &bad),
            (Phase::Connect, Cause::Refused, true, &bad),
            (Phase::Connect, Cause::Timeout, true, &machine),
            (Phase::Connect, Cause::Descriptors, false, &machine),
            (Phase::Connect, Cause::Ports, false, &machine),
            (Phase::Transfer, Cause::Interrupted, false, &machine),
            (Phase::Connect, Cause::Denied, false, &machine),
            (Phase::Resolve, Cause::Timeout, false, &resolver),
            (Phase::Resolve, Cause::Rcode, false, &resolver),
            (Phase::Resolve, Cause::NxDomain, false, &bad),
            (Phase::Resolve, Cause::NoData, false, &bad),
            (Phase::Tls, Cause::Expired, false, &bad),
        ] {
            let seen = Evidence::of(&outcome(phase, cause, stalled));
            assert_eq!(&seen, expected, "{phase} {cause} {stalled}");
        }
    }
}
