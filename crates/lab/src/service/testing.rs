//! The other end of a service, for this crate's tests.

use canvass_model::Time;

use super::{Output, Said, Service, Tally};

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It goes on when something is said.
    Open,
    Closed,
    Reset,
    StartTls,
}

/// Takes all that a service says now, on a clock that is put forward where the service waits.
pub(crate) fn listen(service: &mut dyn Service, now: &mut Time) -> (Vec<u8>, Ending) {
    let (mut said, mut tally) = (Vec::new(), Tally::default());
    loop {
        match service.poll(*now, &mut said, &mut tally) {
            Said::Output(Output::Send) => {}
            Said::Output(Output::Wait(until)) => *now = until,
            Said::Output(Output::Idle) => return (said, Ending::Open),
            Said::Output(Output::Close) => return (said, Ending::Closed),
            Said::Output(Output::Reset) => return (said, Ending::Reset),
            Said::StartTls => return (said, Ending::StartTls),
        }
    }
}

/// Says all pieces one after the other, and returns all that is said back.
pub(crate) fn converse(mut service: impl Service, pieces: &[&[u8]]) -> (String, Ending) {
    let mut now = Time::ZERO;
    let (mut said, mut ending) = listen(&mut service, &mut now);
    for piece in pieces {
        service.received(piece);
        let (more, next) = listen(&mut service, &mut now);
        said.extend(more);
        ending = next;
    }
    (said.into_iter().map(char::from).collect(), ending)
}
