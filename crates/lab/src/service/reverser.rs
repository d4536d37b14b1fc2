//! A service that reverses lines.

use super::line_protocol::{LineProtocol, NextStep};

const GREETING: &[u8] = b"Welcome to the reversing service\r\n";
/// The line that ends the connection.
const END: &[u8] = b"END";

/// Greets, answers every line with its reverse, and closes after `END`.
#[derive(Debug)]
pub(super) struct Reverser;

impl LineProtocol for Reverser {
    fn greet(&mut self, out: &mut Vec<u8>) -> NextStep {
        out.extend_from_slice(GREETING);
        NextStep::Continue
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> NextStep {
        if line == END {
            return NextStep::Close;
        }
        out.extend(line.iter().rev());
        out.extend_from_slice(b"\r\n");
        NextStep::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::line_protocol::LineService;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn lines_come_back_reversed_until_the_end() {
        let (received, ending) =
            converse(LineService::new(Reverser), &[b"hello\n", b"a b\r\nEND\n"]);
        assert_eq!(
            received,
            "Welcome to the reversing service\r\nolleh\r\nb a\r\n"
        );
        assert_eq!(ending, Ending::Closed);
    }
}
