//! Probes through proxies, and the header of the PROXY protocol.

use std::sync::Arc;

use canvass_model::{Phase, Status};

use super::rig::*;
use crate::http::HttpSettings;
use crate::probe::*;
use crate::tunnel::{Proxies, Proxy, ProxyProtocol};

fn through(mut module: Module, proxy: &str) -> Module {
    let proxies = Proxies::all(Proxy::parse(proxy).unwrap());
    module.reach.proxies = Some(Arc::new(proxies));
    module
}

fn sent(rig: &Rig) -> String {
    String::from_utf8_lossy(&rig.written).into()
}

#[test]
fn a_page_of_http_is_asked_of_the_proxy_itself() {
    let module = through(http_module(HttpSettings::default()), "u:p@192.0.2.9:3128");
    let mut rig = Rig::new(http_job("http://far.test:8080/a?b", 1), module);
    assert_eq!(rig.opened[0].1, "192.0.2.9:3128");
    rig.connected();
    let request = sent(&rig);
    assert!(
        request.starts_with("GET http://far.test:8080/a?b HTTP/1.1\r\nHost: far.test:8080\r\n")
    );
    assert!(
        request.contains("\r\nProxy-Authorization: Basic dTpw\r\n"),
        "{request}"
    );
    rig.receive(OK);
    let outcome = rig.finish();
    assert_eq!(
        page(&outcome).proxy.as_deref(),
        Some("http://192.0.2.9:3128")
    );
}

#[test]
fn a_tunnel_comes_before_the_protocol_and_its_rest_is_the_servers() {
    let module = through(tcp_module(Some("[{expect: '^220 '}]")), "192.0.2.9:3128");
    let mut rig = Rig::new(endpoint_job("far.test", 25, false), module);
    rig.connected();
    assert!(sent(&rig).starts_with("CONNECT far.test:25 HTTP/1.1\r\n"));
    rig.pass_ms(3);
    rig.receive(b"HTTP/1.1 200 OK\r\n\r\n220 hello\r\n");
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Matched);
    assert_eq!(rig.took_ms(&outcome, Phase::Connect), Some(3));
    assert_eq!(
        talked(&outcome).proxy.as_deref(),
        Some("http://192.0.2.9:3128")
    );
    assert_eq!(talked(&outcome).received_bytes, 11);
}

#[test]
fn a_proxy_that_does_not_answer_is_blamed_in_the_time_of_the_connection() {
    let module = through(tcp_module(None), "192.0.2.9:3128");
    let mut rig = Rig::new(endpoint_job("far.test", 25, false), module);
    rig.pass_ms(500);
    rig.connected();
    rig.pass_wait();
    let outcome = rig.finish();
    assert_eq!(cause(&outcome), (Phase::Connect, Cause::Timeout));
    assert_eq!(
        &*outcome.fault.as_ref().unwrap().message,
        "the proxy 192.0.2.9:3128 did not connect to far.test:25 in time"
    );
    assert_eq!(rig.took_ms(&outcome, Phase::Connect), Some(2_000));
}

#[test]
fn socks5_is_given_an_address_and_then_the_next_one() {
    let module = through(tcp_module(None), "socks5://proxy.test");
    let mut rig = Rig::new(endpoint_job("far.test", 25, false), module);
    // First the server's addresses, all of them, and then the proxy's.
    assert_eq!(rig.probe.name(), Some("far.test"));
    rig.resolved(AddressFamily::V6, &["2001:db8::1"]);
    assert_eq!(rig.probe.name(), Some("far.test"));
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    assert_eq!(rig.probe.name(), Some("proxy.test"));
    for family in AddressFamily::BOTH {
        let all: &[&str] = match family {
            AddressFamily::V4 => &["192.0.2.9"],
            AddressFamily::V6 => &[],
        };
        rig.resolved(family, all);
    }
    assert_eq!(rig.opened[0].1, "192.0.2.9:1080");
    rig.connected();
    rig.receive(&[5, 0]);
    assert_eq!(rig.written[3..7], [5, 1, 0, 4]);
    rig.receive(&[5, 4, 0]);
    // The proxy is looked up for the next connection, too.
    rig.resolved(AddressFamily::V6, &[]);
    rig.resolved(AddressFamily::V4, &["192.0.2.9"]);
    rig.written.clear();
    rig.connected();
    rig.receive(&[5, 0]);
    assert_eq!(rig.written[3..11], [5, 1, 0, 1, 192, 0, 2, 1]);
    rig.receive(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(rig.finish().status, Status::Open);
    assert_eq!(rig.closed.len(), 2);
}

#[test]
fn a_proxy_header_comes_first() {
    let mut module = http_module(HttpSettings::default());
    module.reach.proxy_protocol = Some(ProxyProtocol::V1);
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), module);
    assert!(rig.probe.needs_local_address());
    rig.probe
        .local_address("198.51.100.7:40000".parse().unwrap());
    rig.connected();
    let start = "PROXY TCP4 198.51.100.7 192.0.2.1 40000 80\r\nGET / HTTP/1.1\r\n";
    assert!(sent(&rig).starts_with(start), "{}", sent(&rig));
}

#[test]
fn an_open_port_gets_the_header_before_the_end() {
    let mut module = through(tcp_module(None), "192.0.2.9:3128");
    module.reach.proxy_protocol = Some(ProxyProtocol::V1);
    let mut rig = Rig::new(endpoint_job("far.test", 25, false), module);
    rig.connected();
    rig.receive(b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(
        sent(&rig).ends_with("\r\n\r\nPROXY UNKNOWN\r\n"),
        "{}",
        sent(&rig)
    );
    assert_eq!(rig.finish().status, Status::Open);
}
