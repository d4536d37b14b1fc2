//! What the windows of all resolvers allow together.

use canvass_model::{Time, Transport};
use canvass_proto::UpstreamId;

use super::resolver::Upstream;
use super::window::Allowance;

/// Lanes examined at a time, so that tens of thousands of resolvers do not delay a turn.
const LANES_PER_LOOK_MAX: usize = 512;

/// The lanes that were ever asked, and what they allowed when they were last examined.
#[derive(Debug, Default)]
pub(super) struct Allowances {
    lanes: Vec<(UpstreamId, Transport)>,
    /// How many of them this round has examined, and what those allow.
    seen: usize,
    seen_sum: Allowance,
    /// The sum of the last complete round.
    sum: Allowance,
}

impl Allowances {
    /// A lane is asked for the first time.
    pub(super) fn on_first_sent(&mut self, id: UpstreamId, transport: Transport) {
        self.lanes.push((id, transport));
    }

    /// What all lanes allow now. If there are too many to examine at a time, it is what they
    /// allowed during the last few calls.
    pub(super) fn look(&mut self, now: Time, upstreams: &[Upstream]) -> Allowance {
        let unseen = &self.lanes[self.seen..];
        let unseen = &unseen[..unseen.len().min(LANES_PER_LOOK_MAX)];
        for (id, transport) in unseen {
            let one = upstreams[usize::from(id.0)].allowance(now, *transport);
            self.seen_sum.rate_per_second += one.rate_per_second;
            self.seen_sum.in_flight += one.in_flight;
        }
        self.seen += unseen.len();
        if self.seen == self.lanes.len() {
            self.sum = std::mem::take(&mut self.seen_sum);
            self.seen = 0;
        }
        self.sum
    }
}
