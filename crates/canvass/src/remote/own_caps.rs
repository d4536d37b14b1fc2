//! The caps of one worker.

use super::travel::{Argument, TravellingPlan};
use crate::args::WorkerArgs;

/// The caps of one worker, by the flag that sets each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OwnCaps(Vec<(&'static str, f64)>);

/// How a worker follows its share of the caps of a campaign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ShareLimit {
    /// Whether the campaign has caps. Without any, a share means nothing.
    has_caps: bool,
    max: f64,
}

impl OwnCaps {
    pub(crate) fn new(args: &WorkerArgs) -> Self {
        let given = [
            ("rate", args.rate),
            ("rate-per-resolver", args.rate_per_resolver),
            ("rate-per-host", args.rate_per_host),
            ("concurrency", args.concurrency.map(f64::from)),
        ];
        let given = given.into_iter();
        Self(given.filter_map(|(flag, cap)| Some((flag, cap?))).collect())
    }

    /// The flags and values for caps that a campaign does not have.
    pub(super) fn beside<'a>(
        &'a self,
        plan: &'a TravellingPlan,
    ) -> impl Iterator<Item = (&'static str, f64)> + 'a {
        let own = self.0.iter().copied();
        own.filter(|(flag, _)| cap_of(plan, flag).is_none())
    }

    /// How the share of a campaign is limited, so that it keeps to the caps that both have.
    ///
    /// A share is one number for all caps, so that the tightest of them decides, and caps that the campaign
    /// does not have shrink with it if it has others.
    pub(crate) fn share_limit(&self, plan: &TravellingPlan) -> ShareLimit {
        let parts = self
            .0
            .iter()
            .filter_map(|(flag, own)| Some(own / cap_of(plan, flag)?));
        let flags = ["rate", "rate-per-resolver", "rate-per-host", "concurrency"];
        ShareLimit {
            has_caps: flags.iter().any(|flag| cap_of(plan, flag).is_some()),
            max: parts.fold(1.0, f64::min),
        }
    }
}

impl ShareLimit {
    /// The part of the caps to use, of the share that is granted.
    pub(crate) fn of(self, granted: f64) -> f64 {
        match self.has_caps {
            true => granted.min(self.max),
            false => 1.0,
        }
    }
}

/// A cap of a campaign.
fn cap_of(plan: &TravellingPlan, flag: &str) -> Option<f64> {
    let mut arguments = plan.arguments.iter().rev();
    arguments.find_map(|argument| match argument {
        Argument::Value { flag: name, value } if name == flag => value.parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(caps: &[(&str, &str)]) -> TravellingPlan {
        let arguments = caps.iter().map(|(flag, value)| Argument::Value {
            flag: (*flag).to_owned(),
            value: (*value).to_owned(),
        });
        TravellingPlan {
            command: "ptr".into(),
            arguments: arguments.collect(),
            lab: None,
            needs_resolvers: true,
            keep_parts: None,
        }
    }

    #[test]
    fn own_caps_limit_the_share_or_stand_beside_it() {
        let own = OwnCaps(vec![("rate", 500.0), ("concurrency", 10.0)]);
        let free = plan(&[("retries", "3")]);
        assert_eq!(own.beside(&free).count(), 2);
        assert_eq!(own.share_limit(&free).of(0.1), 1.0);
        let capped = plan(&[("rate", "2000"), ("rate-per-host", "1")]);
        let beside: Vec<_> = own.beside(&capped).collect();
        assert_eq!(beside, [("concurrency", 10.0)]);
        let limit = own.share_limit(&capped);
        assert_eq!((limit.of(0.1), limit.of(0.5)), (0.1, 0.25));
        let limit = OwnCaps::default().share_limit(&capped);
        assert_eq!(limit.of(0.5), 0.5);
    }
}
