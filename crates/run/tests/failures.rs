//! Runs that fail, and invalid plans.

mod common;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use canvass_model::ModuleId;
use canvass_run::{
    Job, Outcome, Plan, PlanError, Position, Run, RunError, Sink, SinkError, Source, SourceError,
    TargetKind, stream,
};
use common::{Calling, PTR, lab, ptr, targets};

/// Fails or panics after a few batches.
struct Failing {
    after: usize,
    panics: bool,
    finished: Arc<AtomicUsize>,
}

impl Sink for Failing {
    fn record(&mut self, _outcomes: &[Outcome]) -> Result<(), SinkError> {
        self.after -= 1;
        match (self.after, self.panics) {
            (0, true) => panic!("a sink has a fault"),
            (0, false) => Err(SinkError::new(
                "list.csv",
                io::ErrorKind::StorageFull.into(),
            )),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.finished.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn failing(after: usize, panics: bool, finished: &Arc<AtomicUsize>) -> Box<dyn Sink> {
    Box::new(Failing {
        after,
        panics,
        finished: Arc::clone(finished),
    })
}

#[test]
fn a_sink_that_fails_ends_the_run_with_its_error_and_the_others_are_finished() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let finished = Arc::new(AtomicUsize::new(0));
    let sinks = [usize::MAX, 3, usize::MAX].map(|after| failing(after, false, &finished));
    // The list is endless, so only the error can end the run.
    let source = targets(&plan, "::/0");
    let report = Run::start(plan, source, sinks.into()).unwrap().join();
    assert_eq!(finished.load(Ordering::SeqCst), 2);
    let Err(RunError::Sink(error)) = report.into_result() else {
        panic!("no error of a sink")
    };
    assert!(error.to_string().contains("list.csv"), "{error}");
}

#[test]
fn a_sink_that_panics_ends_the_run_with_an_error() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let source = targets(&plan, "::/0");
    let sink = failing(2, true, &Arc::default());
    let report = Run::start(plan, source, vec![sink]).unwrap().join();
    let error = report.error.unwrap();
    assert_eq!(
        error.to_string(),
        "the thread \"collector\" panicked: a sink has a fault"
    );
}

/// Gives the jobs of another source, and then panics.
struct Panicking<S>(S);

impl<S: Source> Source for Panicking<S> {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        let more = self.0.next(max, out)?;
        assert!(more, "a source has a {}", "fault");
        Ok(more)
    }

    fn remaining(&self) -> Option<u64> {
        None
    }

    fn position(&self) -> Position {
        self.0.position()
    }
}

#[test]
fn a_source_that_panics_ends_the_run_with_an_error() {
    let lab = lab(&[("never", "100%")]);
    let plan = ptr(&lab).build().unwrap();
    let source = Panicking(targets(&plan, "10.0.0.0/20"));
    let report = Run::start(plan, source, vec![]).unwrap().join();
    let error = report.error.unwrap();
    assert_eq!(
        error.to_string(),
        "the thread \"feeder\" panicked: a source has a fault"
    );
}

#[test]
fn what_came_before_a_bad_line_is_asked() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let mut options = plan.target_options();
    options.strict = true;
    let source = stream(&b"10.1.0.0/28\nbad\n10.1.1.1\n"[..], "list", &options);
    let report = Run::start(plan, source, vec![]).unwrap().join();
    assert_eq!(report.tally.total(), 16);
    let error = report.error.unwrap();
    assert!(error.to_string().starts_with("list:2: "), "{error}");
}

#[test]
fn a_dropped_run_stops_to_ask() {
    let lab = lab(&[]);
    let plan = ptr(&lab).build().unwrap();
    let source = targets(&plan, "::/0");
    let (dropped, is_dropped) = crossbeam_channel::bounded::<()>(0);
    let sink = Calling(move |_: &[Outcome]| {
        let _alive = &dropped;
        Ok(())
    });
    drop(Run::start(plan, source, vec![Box::new(sink)]).unwrap());
    // The sink is dropped when the run ends.
    assert!(is_dropped.recv().is_err());
}

#[test]
fn a_plan_that_cannot_be_names_the_input() {
    let resolver = "127.0.0.1:53".parse().unwrap();
    let with = || Plan::builder(PTR).resolvers([resolver]);
    let http = TargetKind::Http {
        module: ModuleId(0),
        requests: std::num::NonZeroU32::MIN,
        ports: None,
    };
    for (builder, text) in [
        (Plan::builder(PTR), "there is no resolver"),
        (
            with().resolvers(["192.0.2.1:0".parse().unwrap()]),
            "the resolver 192.0.2.1:0 has no port",
        ),
        (
            with().rate(Some(0.0)),
            "rate is 0, which is not a number above 0",
        ),
        (
            with().rate_per_resolver(Some(f64::NAN)),
            "rate_per_resolver is NaN, which is not a number above 0",
        ),
        (
            with().concurrency(Some(0)),
            "concurrency is 0; it must be at least 1",
        ),
        (
            with().event_loops(0),
            "event_loops is 0; it must be at least 1",
        ),
        (
            Plan::builder(http),
            "module 0 is missing, or is for another protocol than the targets",
        ),
    ] {
        let error: PlanError = builder.build().unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let plan = with().event_loops(8).concurrency(Some(3)).build().unwrap();
    assert_eq!((plan.event_loops(), plan.concurrency()), (3, 3));
}
