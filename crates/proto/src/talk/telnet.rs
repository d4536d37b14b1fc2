//! Telnet commands (RFC 854), removed from what is received, and options refused.

/// Interprets octets as a command.
const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
/// A subnegotiation begins.
const SB: u8 = 250;
/// A subnegotiation ends.
const SE: u8 = 240;

/// Separates text from commands, and refuses every option: a peer without options is a Network
/// Virtual Terminal, which each telnet server has to serve.
#[derive(Clone, Debug, Default)]
pub(super) struct Telnet {
    state: State,
    /// The options of the peer that were refused. Each is refused once, so that no peer and this one
    /// answer each other for ever (RFC 1143 §2).
    refused_will: Options,
    /// The options of this side that were refused.
    refused_do: Options,
    replies: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind a carriage return, of which a NUL is the rest (RFC 854, "The NVT Printer").
    Return,
    /// Behind an IAC.
    Command,
    /// Behind WILL, WONT, DO or DONT.
    Option(u8),
    Subnegotiation,
    /// Behind an IAC in a subnegotiation.
    SubnegotiationCommand,
}

/// A set of option codes.
#[derive(Clone, Copy, Debug, Default)]
struct Options([u128; 2]);

impl Telnet {
    /// Reads octets that were received, and appends the text in them to `text`.
    pub(super) fn read(&mut self, octets: &[u8], text: &mut Vec<u8>) {
        for &octet in octets {
            self.state = match (self.state, octet) {
                (State::Text | State::Return, IAC) => State::Command,
                (State::Return, 0) => State::Text,
                (State::Text | State::Return, octet) => {
                    text.push(octet);
                    if octet == b'\r' {
                        State::Return
                    } else {
                        State::Text
                    }
                }
                // An octet of text that is written twice.
                (State::Command, IAC) => {
                    text.push(IAC);
                    State::Text
                }
                (State::Command, WILL..=DONT) => State::Option(octet),
                (State::Command, SB) => State::Subnegotiation,
                (State::Command, _) => State::Text,
                (State::Option(verb), option) => {
                    self.refuse(verb, option);
                    State::Text
                }
                (State::Subnegotiation, IAC) => State::SubnegotiationCommand,
                (State::SubnegotiationCommand, SE) => State::Text,
                (State::Subnegotiation | State::SubnegotiationCommand, _) => State::Subnegotiation,
            };
        }
    }

    /// Takes the replies that are to be sent.
    pub(super) fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    fn refuse(&mut self, verb: u8, option: u8) {
        // WONT and DONT name what is so already, and are not answered (RFC 854, "General
        // Considerations").
        let (refused, refusal) = match verb {
            WILL => (&mut self.refused_will, DONT),
            DO => (&mut self.refused_do, WONT),
            _ => return,
        };
        if refused.insert(option) {
            self.replies.extend([IAC, refusal, option]);
        }
    }
}

impl Options {
    /// Adds an option. Returns whether it was not in the set.
    fn insert(&mut self, option: u8) -> bool {
        let half = &mut self.0[usize::from(option / 128)];
        let bit = 1 << (option % 128);
        let is_new = *half & bit == 0;
        *half |= bit;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text and the replies, however the octets are cut in two.
    fn read(octets: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let run = |pieces: &[&[u8]]| {
            let (mut telnet, mut text) = (Telnet::default(), Vec::new());
            for piece in pieces {
                telnet.read(piece, &mut text);
            }
            (text, telnet.take_replies())
        };
        let whole = run(&[octets]);
        for cut in 0..=octets.len() {
            assert_eq!(run(&[&octets[..cut], &octets[cut..]]), whole, "{cut}");
        }
        whole
    }

    #[test]
    fn options_are_refused_and_text_stays() {
        let (text, replies) = read(
            b"\xff\xfd\x18\xff\xfd\x20\xff\xfb\x01\xff\xfb\x03\r\nlogin: \xff\xfc\x05\xff\xfe\x06",
        );
        assert_eq!(text, b"\r\nlogin: ");
        assert_eq!(replies, b"\xff\xfc\x18\xff\xfc\x20\xff\xfe\x01\xff\xfe\x03");
    }

    #[test]
    fn an_option_is_refused_once_for_each_side() {
        let (_, replies) = read(b"\xff\xfd\x01\xff\xfd\x01\xff\xfb\x01\xff\xfb\x01\xff\xfd\xff");
        assert_eq!(replies, b"\xff\xfc\x01\xff\xfe\x01\xff\xfc\xff");
    }

    #[test]
    fn other_commands_are_no_text() {
        for (octets, text) in [
            (&b"a\xff\xf9b\xff\xf1c"[..], &b"abc"[..]),
            (b"a\xff\xfa\x18\x01\xff\xff\xff\xf0b", b"ab"),
            (b"a\xff\xffb", b"a\xffb"),
            (b"a\r\0b\r\n\0c", b"a\rb\r\n\0c"),
            (b"\r\xff\xf9\n", b"\r\n"),
            (b"a\xff", b"a"),
            (b"\xff\xfa\x18", b""),
        ] {
            assert_eq!(read(octets), (text.to_vec(), Vec::new()), "{octets:?}");
        }
    }
}
