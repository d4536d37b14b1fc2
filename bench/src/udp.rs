//! The UDP floor.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::Value;

use crate::question::{self, QUESTION_BYTES_MAX};
use crate::usage::Stopwatch;

/// After such a silence, what is outstanding counts as lost.
const SILENCE: Duration = Duration::from_millis(250);
/// Silences in a row after which there is no server.
const SILENCES_MAX: u32 = 20;
/// Octets a reply may have here; what is longer is cut by the kernel, and counts all the same.
const REPLY_BYTES_MAX: usize = 2048;

/// Asks until `queries` answers have come, with `window` outstanding.
///
/// # Errors
/// The server cannot be reached, or is silent for five seconds.
pub fn run(server: SocketAddr, queries: u32, window: u32) -> io::Result<Value> {
    let any = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(SILENCE))?;
    let stopwatch = Stopwatch::start();
    let lost = exchange(&socket, queries, window)?;
    Ok(stopwatch.stop().to_json(queries.into(), lost))
}

/// Returns how many queries had no answer.
fn exchange(socket: &UdpSocket, queries: u32, window: u32) -> io::Result<u64> {
    let mut query = [0; QUESTION_BYTES_MAX];
    let mut reply = [0; REPLY_BYTES_MAX];
    let (mut answered, mut outstanding, mut index) = (0, 0, 0_u32);
    let mut lost = 0;
    let mut silences = 0;
    while answered < queries {
        while outstanding < window.min(queries - answered) {
            let query_bytes = question::write(index, &mut query);
            socket.send(&query[..query_bytes])?;
            index = index.wrapping_add(1);
            outstanding += 1;
        }
        match socket.recv(&mut reply) {
            Ok(_) => {
                answered += 1;
                // After a silence an answer may come that was given up.
                outstanding = outstanding.saturating_sub(1);
                silences = 0;
            }
            Err(error) if is_timeout(&error) && silences < SILENCES_MAX => {
                lost += u64::from(outstanding);
                outstanding = 0;
                silences += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(lost)
}

/// Linux says one of the two when `SO_RCVTIMEO` runs out.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_lab::{Lab, LabConfig};

    fn lab(impairments: &str) -> Lab {
        Lab::start(LabConfig {
            impairments: impairments.parse().unwrap(),
            ..LabConfig::default()
        })
        .unwrap()
    }

    #[test]
    fn every_query_is_answered_once() {
        let lab = lab("");
        let told = run(lab.address(), 1000, 64).unwrap();
        assert_eq!(told["queries"], 1000);
        assert_eq!(told["lost"], 0);
        assert_eq!(lab.report().counts.queries_udp, 1000);
    }

    #[test]
    fn lost_packets_are_survived_and_counted() {
        let lab = lab("loss=20%");
        let told = run(lab.address(), 200, 64).unwrap();
        let lost = told["lost"].as_u64().unwrap();
        assert!(lost > 0);
        assert_eq!(lab.report().counts.lost, lost);
    }

    #[test]
    fn a_closed_port_is_an_error() {
        let closed = {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.local_addr().unwrap()
        };
        let error = run(closed, 10, 4).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
}
