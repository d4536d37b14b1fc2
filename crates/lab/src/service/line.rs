//! A server that reverses lines.

use super::dialogue::{After, Dialogue};

const GREETING: &[u8] = b"Welcome to the reversing service\r\n";
/// The line that ends it.
const END: &[u8] = b"END";

/// Greets, gives every line back reversed, and ends on `END`.
#[derive(Debug)]
pub(super) struct Line;

impl Dialogue for Line {
    fn greet(&mut self, out: &mut Vec<u8>) -> After {
        out.extend_from_slice(GREETING);
        After::Go
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> After {
        if line == END {
            return After::Close;
        }
        out.extend(line.iter().rev());
        out.extend_from_slice(b"\r\n");
        After::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::dialogue::Talking;
    use crate::service::testing::{Ending, converse};

    #[test]
    fn lines_come_back_reversed_until_the_end() {
        let (said, ending) = converse(Talking::new(Line), &[b"hello\n", b"a b\r\nEND\n"]);
        assert_eq!(said, "Welcome to the reversing service\r\nolleh\r\nb a\r\n");
        assert_eq!(ending, Ending::Closed);
    }
}
