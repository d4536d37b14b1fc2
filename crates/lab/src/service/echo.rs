//! The echo protocol (RFC 862).

use canvass_model::Time;

use super::{Activity, Output, Service, ServiceOutput};

/// No more input is accepted while this many octets are unsent.
const UNSENT_BYTES_MAX: usize = 64 << 10;

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Echo {
    unsent: Vec<u8>,
    ended: bool,
}

impl Service for Echo {
    fn received(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
    }

    fn ended(&mut self) {
        self.ended = true;
    }

    fn poll(&mut self, _now: Time, out: &mut Vec<u8>, activity: &mut Activity) -> ServiceOutput {
        ServiceOutput::Output(if !self.unsent.is_empty() {
            activity.requests += 1;
            out.append(&mut self.unsent);
            Output::Send
        } else if self.ended {
            Output::Close
        } else {
            Output::Idle
        })
    }

    fn wants_input(&self) -> bool {
        self.unsent.len() < UNSENT_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::{Ending, converse, read_all};

    #[test]
    fn input_and_end_are_returned() {
        let (received, ending) = converse(Echo::default(), &[b"a", b"bc\0\xff"]);
        assert_eq!((received.as_str(), ending), ("abc\0\u{ff}", Ending::Open));
        let mut echo = Echo::default();
        echo.received(b"last");
        echo.ended();
        assert_eq!(
            read_all(&mut echo, &mut Time::ZERO.clone()),
            (b"last".to_vec(), Ending::Closed)
        );
    }
}
