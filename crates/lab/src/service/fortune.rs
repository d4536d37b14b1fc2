//! A service that only greets.

use super::line_protocol::{LineProtocol, NextStep};

/// Its greeting.
pub const FORTUNE: &str = "A probe that is not answered\r\n\
    has still learned something:\r\n\
    how long it was willing to wait.\r\n";

/// Sends a few lines and closes.
#[derive(Debug)]
pub(super) struct Fortune;

impl LineProtocol for Fortune {
    fn greet(&mut self, out: &mut Vec<u8>) -> NextStep {
        out.extend_from_slice(FORTUNE.as_bytes());
        NextStep::Close
    }

    fn line(&mut self, _line: &[u8], _out: &mut Vec<u8>) -> NextStep {
        NextStep::Close
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::line_protocol::LineService;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn it_greets_and_closes() {
        let received = converse(LineService::new(Fortune), &[]);
        assert_eq!(received, (FORTUNE.to_owned(), Ending::Closed));
    }
}
