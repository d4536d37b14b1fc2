//! A server that only greets.

use super::dialogue::{After, Dialogue};

/// What it says, over several lines.
pub const FORTUNE: &str = "A probe that is not answered\r\n\
    has still learned something:\r\n\
    how long it was willing to wait.\r\n";

/// Says a few lines and closes.
#[derive(Debug)]
pub(super) struct Fortune;

impl Dialogue for Fortune {
    fn greet(&mut self, out: &mut Vec<u8>) -> After {
        out.extend_from_slice(FORTUNE.as_bytes());
        After::Close
    }

    fn line(&mut self, _line: &[u8], _out: &mut Vec<u8>) -> After {
        After::Close
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::dialogue::Talking;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn it_speaks_and_leaves() {
        let said = converse(Talking::new(Fortune), &[]);
        assert_eq!(said, (FORTUNE.to_owned(), Ending::Closed));
    }
}
