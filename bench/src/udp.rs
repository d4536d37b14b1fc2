//! The UDP floor.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::Value;

use crate::question::{self, QUESTION_BYTES_MAX};
use crate::usage::Stopwatch;

/// If no answer arrives for this time, outstanding queries count as lost.
const SILENCE: Duration = Duration::from_millis(250);
/// The server is considered gone after this many timeouts in a row.
const TIMEOUTS_MAX: u32 = 20;
/// The buffer for a reply. The kernel cuts longer ones, which count as well.
const REPLY_BYTES_MAX: usize = 2048;

/// Sends queries until `queries` answers have been received, with at most `window` outstanding.
///
/// # Errors
/// The server cannot be reached, or sends nothing for five seconds.
pub(crate) fn run(server: SocketAddr, queries: u32, window: u32) -> io::Result<Value> {
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

/// Returns the number of queries without an answer.
fn exchange(socket: &UdpSocket, queries: u32, window: u32) -> io::Result<u64> {
    let mut query = [0; QUESTION_BYTES_MAX];
    let mut reply = [0; REPLY_BYTES_MAX];
    let (mut answered, mut outstanding, mut index) = (0, 0, 0_u32);
    let mut lost = 0;
    let mut timeouts = 0;
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
                // After a timeout an answer may arrive that was counted as lost.
                outstanding = outstanding.saturating_sub(1);
                timeouts = 0;
            }
            Err(error) if is_timeout(&error) && timeouts < TIMEOUTS_MAX => {
                lost += u64::from(outstanding);
                outstanding = 0;
                timeouts += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(lost)
}

/// Linux returns one of the two if `SO_RCVTIMEO` expires.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
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
        let report = run(lab.address(), 1000, 64).unwrap();
        assert_eq!(report["queries"], 1000);
        assert_eq!(report["lost"], 0);
        assert_eq!(lab.report().counts.queries_udp, 1000);
    }

    #[test]
    fn lost_packets_are_counted() {
        let lab = lab("loss=20%");
        let report = run(lab.address(), 200, 64).unwrap();
        let lost = report["lost"].as_u64().unwrap();
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
