//! Looks up the names of a network in the lab, a DNS server on loopback, and prints them.

use canvass_lab::{Lab, LabConfig};
use canvass_run::{Columns, Format, LineSink, Plan, Run, TargetKind, arguments};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::start(LabConfig::default())?;
    let kind = TargetKind::Ptr {
        forward_confirm: false,
    };
    let plan = Plan::builder(kind).resolvers([lab.address()]).build()?;
    let targets = arguments(["10.1.2.0/24".to_owned()], &plan.target_options())?;
    let (out, epoch) = (std::io::stdout(), plan.epoch());
    let lines = LineSink::new(out, "stdout", Format::Text, Columns::Dns, epoch);
    let run = Run::start(plan, targets, vec![Box::new(lines)])?;
    run.join().into_result()?;
    Ok(())
}
