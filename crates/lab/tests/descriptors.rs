//! A lab that runs out of descriptors. A file of its own, since the limit is the whole process's.

mod client;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use canvass_lab::{Lab, LabConfig, ServiceConfig, ServiceKind};
use client::PATIENCE;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections that are made, and descriptors that are left for both ends of them. The number is
/// odd, so that the lab is left with one it cannot accept even if it is never behind.
const CONNECTIONS: usize = 40;
const DESCRIPTORS: u64 = 51;

#[test]
fn connections_that_find_no_descriptor_wait_and_are_served() {
    let lab = Lab::start(LabConfig {
        services: vec![ServiceConfig::on_port(ServiceKind::Http, 0)],
        ..LabConfig::default()
    })
    .unwrap();
    // One of those counted is the folder's own, which is closed again.
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
    let limit = Rlimit {
        current: Some(open + DESCRIPTORS),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    let address = lab.service_address(ServiceKind::Http).unwrap();
    let mut streams = Vec::new();
    while streams.len() < CONNECTIONS {
        // The lab may have taken the last one; it gives none back before it is asked something.
        match TcpStream::connect(address) {
            Ok(stream) => streams.push(stream),
            Err(_) => break,
        }
    }
    assert!(streams.len() >= DESCRIPTORS as usize / 2);
    let connected = streams.len() as u64;
    let began = Instant::now();
    while lab.report().services[0].counts.accept_errors == 0 {
        assert!(began.elapsed() < PATIENCE, "the lab found a descriptor");
        std::thread::yield_now();
    }
    for stream in &mut streams {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
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
