//! A lab that runs out of descriptors. In a file of its own because the limit is that of the
//! process.

mod client;

use std::io::{Read, Write};
use std::net::TcpStream;

use canvass_lab::{Lab, LabConfig, ServiceConfig, ServiceKind};
use client::{READ_TIMEOUT, wait_until};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections to open, and free descriptors for both of their ends. The number is odd, so that the
/// lab cannot accept the last connection even if it accepts all others at once.
const CONNECTIONS: usize = 40;
const DESCRIPTORS: u64 = 51;

#[test]
fn connections_that_find_no_descriptor_wait_and_are_served() {
    let lab = Lab::start(LabConfig {
        services: vec![ServiceConfig::on_port(ServiceKind::Http, 0)],
        ..LabConfig::default()
    })
    .unwrap();
    // One of them is that of the directory, which is closed again.
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
    let limit = Rlimit {
        current: Some(open + DESCRIPTORS),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    let address = lab.service_address(ServiceKind::Http).unwrap();
    let mut streams = Vec::new();
    while streams.len() < CONNECTIONS {
        // The lab may have used the last descriptor. It frees none before a request arrives.
        match TcpStream::connect(address) {
            Ok(stream) => streams.push(stream),
            Err(_) => break,
        }
    }
    assert!(streams.len() >= DESCRIPTORS as usize / 2);
    let connected = streams.len() as u64;
    wait_until(|| lab.report().services[0].counts.accept_errors > 0);
    for stream in &mut streams {
        stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
            .unwrap();
    }
    for mut stream in streams {
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    let counts = lab.stop().unwrap().services[0].counts;
    assert_eq!(
        (counts.connections, counts.requests),
        (connected, connected)
    );
}
