//! Replies of time servers (RFC 5905 §7.3).

use super::rfc868::{self, ServerTime};

/// The octets of a packet without extensions.
pub(super) const PACKET_OCTETS: usize = 48;
const STRATUM_AT: usize = 1;
const TRANSMIT_TIMESTAMP_AT: usize = 40;

/// What a reply says of the server's clock.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The number of servers between it and a reference clock, with itself.
    pub(super) stratum: u8,
    pub(super) time: ServerTime,
}

/// Decodes a reply that was received at `unix_ns` (nanoseconds since 1970). Its drift includes the
/// time that the reply was under way.
pub(super) fn read(packet: &[u8; PACKET_OCTETS], unix_ns: i128) -> Reply {
    let word = |at: usize| {
        let octets = [packet[at], packet[at + 1], packet[at + 2], packet[at + 3]];
        u32::from_be_bytes(octets)
    };
    let seconds = word(TRANSMIT_TIMESTAMP_AT);
    let fraction = i128::from(word(TRANSMIT_TIMESTAMP_AT + 4));
    let nanos = (fraction * rfc868::NANOS_PER_S) >> 32;
    Reply {
        stratum: packet[STRATUM_AT],
        time: rfc868::server_time(seconds, nanos, unix_ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transmit_timestamp_is_the_clock() {
        let mut packet = [0; PACKET_OCTETS];
        (packet[0], packet[1]) = (0x24, 2);
        let seconds = (1_700_000_000_i128 + 2_208_988_800) as u32;
        packet[40..44].copy_from_slice(&seconds.to_be_bytes());
        packet[44..48].copy_from_slice(&(1_u32 << 31).to_be_bytes());
        let reply = read(&packet, 1_700_000_000_250_000_000);
        assert_eq!(
            (
                reply.stratum,
                reply.time.time.as_str(),
                reply.time.drift_s.as_str()
            ),
            (2, "2023-11-14T22:13:20Z", "0.250")
        );
    }
}
