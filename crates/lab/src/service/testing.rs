//! A client of services, for tests.

use canvass_model::Time;

use super::{Activity, Output, Service, ServiceOutput};

/// The state of a connection after its output was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Open, waiting for input.
    Open,
    Closed,
    Reset,
    StartTls,
}

/// Returns all output of a service, and advances the clock where the service waits.
pub(crate) fn read_all(service: &mut dyn Service, now: &mut Time) -> (Vec<u8>, Ending) {
    let (mut received, mut activity) = (Vec::new(), Activity::default());
    loop {
        match service.poll(*now, &mut received, &mut activity) {
            ServiceOutput::Output(Output::Send) => {}
            ServiceOutput::Output(Output::Wait(until)) => *now = until,
            ServiceOutput::Output(Output::Idle) => return (received, Ending::Open),
            ServiceOutput::Output(Output::Close) => return (received, Ending::Closed),
            ServiceOutput::Output(Output::Reset) => return (received, Ending::Reset),
            ServiceOutput::StartTls => return (received, Ending::StartTls),
        }
    }
}

/// Sends all pieces one after the other, and returns all output.
pub(crate) fn converse(mut service: impl Service, pieces: &[&[u8]]) -> (String, Ending) {
    let mut now = Time::ZERO;
    let (mut received, mut ending) = read_all(&mut service, &mut now);
    for piece in pieces {
        service.received(piece);
        let (more, next) = read_all(&mut service, &mut now);
        received.extend(more);
        ending = next;
    }
    (received.into_iter().map(char::from).collect(), ending)
}
