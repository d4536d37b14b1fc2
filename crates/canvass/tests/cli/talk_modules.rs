//! Modules of blackbox_exporter: without a conversation, and several in a file.

use crate::common::canvass;
use crate::probe_peers::TcpPeer;
use crate::probing::{probe, reached, script, verdict};

const FILE: &str = r#"
modules:
  http_2xx:
    prober: http
    http: {fail_if_header_matches: [{header: Server, regexp: x}]}
  tcp_connect:
    prober: tcp
    timeout: 5s
  tls_connect:
    prober: tcp
    tcp: {tls: true}
  tls_any:
    prober: tcp
    tcp:
      tls: true
      tls_config: {insecure_skip_verify: true}
  tls_named:
    prober: tcp
    tcp:
      tls: true
      tls_config: {server_name: good.lab.test}
  ftp:
    prober: tcp
    tcp:
      query_response: [{expect: "^220 (?P<banner>.*)"}]
"#;

#[test]
fn a_module_without_a_conversation_is_a_connection() {
    let directory = tempfile::tempdir().unwrap();
    let file = script(directory.path(), "blackbox.yml", FILE);
    let module = |name: &str| format!("{file}#{name}");
    let talk = |target: &str, name: &str| probe(&["tcp", target, "--lab", "--talk", &module(name)]);
    let object = talk("good.lab.test:22", "tcp_connect");
    assert_eq!(
        (&object["status"], &object["tls"]),
        (&"OPEN".into(), &().into()),
        "{object}"
    );
    assert_eq!(reached(&object), ["resolve", "connect"]);
    let object = talk("good.lab.test:465", "tls_connect");
    assert_eq!(object["status"], "OPEN", "{object}");
    assert_eq!(object["tls"]["verified"], true);
    assert_eq!(reached(&object), ["resolve", "connect", "tls"]);
    let object = talk("expired.lab.test:465", "tls_connect");
    assert_eq!(verdict(&object)[..3], ["TLS", "tls", "expired"], "{object}");
    let object = talk("expired.lab.test:465", "tls_any");
    assert_eq!(
        (&object["status"], &object["tls"]["verified"]),
        (&"OPEN".into(), &false.into())
    );
    let object = talk("www.lab.test:465", "tls_named");
    assert_eq!(
        object["tls"]["subject"], "CN=good.lab.test,O=canvass lab",
        "{object}"
    );
    let object = talk("good.lab.test:21", "ftp");
    assert_eq!(object["captures"]["banner"], "canvass-lab FTP server ready");
}

#[test]
fn a_file_with_several_modules_wants_one_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = script(directory.path(), "blackbox.yml", FILE);
    for (name, words) in [
        (
            file.clone(),
            "there are several modules: name one as in FILE#NAME",
        ),
        (
            format!("{file}#tcp_conect"),
            "there is no module `tcp_conect`",
        ),
        (
            format!("{file}#http_2xx"),
            "only `prober: tcp` holds conversations",
        ),
    ] {
        canvass(&["tcp", "127.0.0.1:1", "--talk", &name])
            .exits(2)
            .says(words)
            .says(&file);
    }
    // The only one for conversations needs no name, and a file may have a # in its own.
    let text = "modules: {web: {prober: http}, it: {prober: tcp}}";
    let file = script(directory.path(), "one#two.yml", text);
    let peer = TcpPeer::saying(b"");
    let object = probe(&["tcp", &peer.target(), "--talk", &file]);
    assert_eq!(object["status"], "OPEN", "{object}");
}
