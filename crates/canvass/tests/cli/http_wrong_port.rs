//! http to a port of TLS, and https to one without.

use std::io::Write;

use crate::http_peers::{Server, ok};
use crate::http_rig::{WebLab, fault, message, probe};

#[test]
fn plain_http_to_a_tls_port_is_told_from_the_alert() {
    let lab = WebLab::local();
    let object = probe(&[], &format!("http://{}/", lab.https));
    assert_eq!(fault(&object).0, "MALFORMED", "{object}");
    let text = message(&object);
    assert!(
        text.contains("the peer sent \"\\x15\\x03")
            && text.ends_with("a TLS alert: it expects https"),
        "{text}"
    );
}

#[test]
fn another_protocol_is_quoted() {
    let server = Server::start(|mut caller| {
        let _ = caller.stream.write_all(b"220 mail.test ESMTP \x1b[2J\r\n");
        let _ = caller.request();
    });
    let object = probe(&[], &server.url("/"));
    assert_eq!(fault(&object).0, "MALFORMED", "{object}");
    let quoted = "not http at octet 0: the peer sent \"220 mail.test ESMTP \\x1b[2J\"";
    assert!(message(&object).ends_with(quoted), "{object}");
}

#[test]
fn https_to_a_plain_port_is_told_from_what_comes() {
    // One that speaks first, and one that answers what it cannot read.
    let banner = Server::start(|mut caller| {
        let _ = caller.stream.write_all(b"220 mail.test ESMTP\r\n");
        // The handshake is no text.
        let _ = std::io::Read::read(&mut caller.stream, &mut [0; 1024]);
    });
    let http = Server::start(|mut caller| {
        let _ = std::io::Read::read(&mut caller.stream, &mut [0; 1024]);
        let _ = caller.stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    for (server, quoted) in [
        (&banner, "220 mail.test ESMTP"),
        (&http, "HTTP/1.1 400 Bad Request"),
    ] {
        let object = probe(&["--insecure"], &format!("https://{}/", server.address));
        assert_eq!(
            (fault(&object).0, fault(&object).2),
            ("TLS", "handshake"),
            "{object}"
        );
        let text = format!("the peer answered \"{quoted}\", which is not TLS");
        assert!(message(&object).contains(&text), "{object}");
    }
}

#[test]
fn what_a_server_says_of_its_tls_port_is_a_warning() {
    let notice =
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let object = probe(&[], &Server::saying(notice).url("/"));
    assert_eq!(object["status"], "400", "{object}");
    assert_eq!(object["warnings"], serde_json::json!(["tls_port"]));
    // A page about it is none, nor is another error.
    let page = ok("Client sent an HTTP request to an HTTPS server.");
    let object = probe(&[], &Server::saying(page).url("/"));
    assert_eq!(object.get("warnings"), None, "{object}");
}
