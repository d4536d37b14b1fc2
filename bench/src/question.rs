//! The queries of the floors: PTR of 10.0.0.0, 10.0.0.1 and so on.

use std::net::Ipv4Addr;

use canvass_model::reverse_name;

/// Octets of the longest query: header, name, type and class, OPT record.
pub(crate) const QUESTION_BYTES_MAX: usize = HEADER.len() + 74 + TAIL.len();

/// A header with one question and one additional record, recursion desired (RFC 1035 §4.1.1).
const HEADER: [u8; 12] = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
/// What follows the name: PTR, IN, and the OPT record of canvass for 1232 octets (RFC 6891 §6.1.2).
const TAIL: [u8; 15] = [0, 12, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];

/// The address of query `index`.
pub(crate) fn address(index: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 | index & 0x00ff_ffff)
}

/// Writes query `index`, whose id is the lower half of the index. Returns its length.
pub(crate) fn write(index: u32, out: &mut [u8; QUESTION_BYTES_MAX]) -> usize {
    out[..HEADER.len()].copy_from_slice(&HEADER);
    out[..2].copy_from_slice(&(index as u16).to_be_bytes());
    let mut name = [0; 74];
    let name_bytes = reverse_name(address(index).into(), &mut name);
    let name_end = HEADER.len() + name_bytes;
    out[HEADER.len()..name_end].copy_from_slice(&name[..name_bytes]);
    out[name_end..name_end + TAIL.len()].copy_from_slice(&TAIL);
    name_end + TAIL.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_lab::{Responder, ResponseMode, Zone};
    use canvass_model::{Rcode, Transport};

    #[test]
    fn the_lab_answers_every_kind_of_query() {
        let zone = Zone::default();
        let mut question = [0; QUESTION_BYTES_MAX];
        for (index, rcode) in [
            (0, Rcode::NOERROR),
            (7, Rcode::NXDOMAIN),
            (0x00ff_fffe, Rcode::NOERROR),
        ] {
            let question_bytes = write(index, &mut question);
            let mut reply = Vec::new();
            let status = zone
                .respond(
                    &question[..question_bytes],
                    Transport::Udp,
                    ResponseMode::Answer,
                    &mut reply,
                )
                .unwrap();
            assert_eq!(status.rcode, rcode);
            assert_eq!(reply[..2], question[..2]);
        }
    }

    #[test]
    fn queries_are_answered_once() {
        let mut question = [0; QUESTION_BYTES_MAX];
        let question_bytes = write(1, &mut question);
        let plan = Responder::new(canvass_lab::Impairments::default()).plan(
            canvass_model::Time::ZERO,
            std::net::Ipv4Addr::LOCALHOST.into(),
            Transport::Udp,
            &question[..question_bytes],
        );
        assert_eq!(plan.replies.len(), 1);
    }
}
