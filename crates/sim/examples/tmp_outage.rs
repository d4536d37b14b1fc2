//! Scratch.
use canvass_sim::*;
fn main() {
    let s = Scenario::plain(1, addresses(50_000), vec![Peer::impaired(0, "delay=1ms,rate-cap=10000,outage-after=1s,outage=5s")]);
    run_scenario(&s, Telling::Everything);
}
