//! The header of the PROXY protocol, as nginx reads it.

use std::fs;
use std::net::SocketAddr;

use crate::common::canvass;
use crate::http_rig::probe;
use crate::nginx::Nginx;
use crate::probe_peers::TcpPeer;

/// An nginx that wants the header on its ports, and answers with what it has read.
fn configuration(http: u16, https: u16) -> String {
    let text = "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr \
                $proxy_protocol_server_port $remote_port";
    format!(
        "daemon off; master_process off; pid nginx.pid; error_log error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    default_type text/plain;
    server {{
        listen 127.0.0.1:{http} proxy_protocol;
        listen [::1]:{http} proxy_protocol;
        listen 127.0.0.1:{https} ssl proxy_protocol;
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        location / {{ return 200 '{text}'; }}
    }}
}}
"
    )
}

#[test]
fn nginx_reads_both_ends() {
    let nginx = Nginx::configured(configuration);
    let ca = nginx.file("certificate.pem");
    for version in ["v1", "v2"] {
        for (url, host, port) in [
            (nginx.url("127.0.0.1", "/"), "127.0.0.1", nginx.http),
            (nginx.url("[::1]", "/"), "::1", nginx.http),
            (nginx.secure_url("127.0.0.1", "/"), "127.0.0.1", nginx.https),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let save = directory.path().to_str().unwrap();
            let args = ["--proxy-protocol", version, "--save", save, "--cacert", &ca];
            let object = probe(&args, &url);
            assert_eq!(object["status"], "200", "{version} {object}");
            let text = fs::read_to_string(directory.path().join("0.body")).unwrap();
            let words: Vec<&str> = text.split(' ').collect();
            let [from, from_port, to, to_port, remote_port] = words[..] else {
                panic!("{text:?}");
            };
            assert_eq!((from, to), (host, host), "{text}");
            assert_eq!(to_port, port.to_string(), "{text}");
            assert_eq!(from_port, remote_port, "{text}");
        }
        let object = probe(&[], &nginx.url("127.0.0.1", "/"));
        assert_ne!(object["outcome"], "answered", "{object}");
    }
}

#[test]
fn an_open_port_gets_the_header() {
    let peer = TcpPeer::serve(|mut stream| {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stream, &mut text).unwrap();
        let ends = [stream.peer_addr(), stream.local_addr()].map(Result::unwrap);
        (text, ends)
    });
    canvass(&["tcp", "--proxy-protocol", "v1", &peer.target()]).exits(0);
    let (text, [from, to]) = peer.result();
    let (ip, port) = (|end: SocketAddr| end.ip(), |end: SocketAddr| end.port());
    assert_eq!(
        text,
        format!(
            "PROXY TCP4 {} {} {} {}\r\n",
            ip(from),
            ip(to),
            port(from),
            port(to)
        )
    );
    canvass(&["tcp", "--proxy-protocol", "v3", "127.0.0.1:1"])
        .exits(2)
        .says("neither v1 nor v2");
}
