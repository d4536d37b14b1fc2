//! Probes through proxies: tinyproxy and microsocks, which are not part of canvass, and proxies that
//! misbehave.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{CANVASS, PATIENCE, Run, canvass, until};
use crate::http_peers::{Server, header, ok, read_request};
use crate::http_rig::{WebLab, fault, message, probe, reached};
use crate::peers::closed_port;
use crate::probe_peers::TcpPeer;

/// How often to try other ports: another process may take one in the meantime.
const PORT_TRIES: usize = 10;

/// A proxy of another make. It is killed when this goes out of scope.
struct Proxy {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Proxy {
    /// Starts `program` with the arguments for a free port of 127.0.0.1.
    #[track_caller]
    fn start(program: &str, args: impl Fn(&TempDir, u16) -> Vec<String>) -> Self {
        let started = (0..PORT_TRIES).find_map(|_| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            drop(listener);
            let directory = tempfile::tempdir().unwrap();
            let child = Command::new(program)
                .args(args(&directory, address.port()))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| {
                    panic!("{program}: {error}; scripts/test-deps installs what the tests need")
                });
            let mut proxy = Self {
                child,
                address,
                _directory: directory,
            };
            let mut listens = false;
            until(program, || {
                listens = TcpStream::connect(address).is_ok();
                listens || proxy.child.try_wait().unwrap().is_some()
            });
            listens.then_some(proxy)
        });
        started.unwrap_or_else(|| panic!("{program} does not start"))
    }

    /// tinyproxy, which permits CONNECT to these ports.
    #[track_caller]
    fn http(ports: &[u16], more: &str) -> Self {
        Self::start("tinyproxy", |directory, port| {
            let path = directory.path().join("tinyproxy.conf");
            let mut text =
                format!("Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\n{more}");
            for port in ports {
                text.push_str(&format!("ConnectPort {port}\n"));
            }
            fs::write(&path, text).unwrap();
            vec!["-d".into(), "-c".into(), path.display().to_string()]
        })
    }

    #[track_caller]
    fn socks(args: &[&str]) -> Self {
        Self::start("microsocks", |_, port| {
            let port = port.to_string();
            let own = ["-i", "127.0.0.1", "-p", &port];
            own.iter().chain(args).map(ToString::to_string).collect()
        })
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `canvass` with only these variables about proxies in its environment.
fn canvass_with(variables: &[(&str, &str)], args: &[&str]) -> Run {
    let mut command = assert_cmd::Command::new(CANVASS);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let output = command
        .args(args)
        .envs(variables.iter().copied())
        .timeout(PATIENCE)
        .output()
        .expect("the command can be run");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("output is UTF-8"),
        err: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

#[track_caller]
fn tcp(args: &[&str]) -> Value {
    let run = canvass(&[&["tcp", "-f", "ndjson", "--retries", "0"], args].concat());
    run.whole(1).remove(0)
}

#[test]
fn tinyproxy_leads_to_http_to_https_and_to_ports() {
    let lab = WebLab::local();
    let proxy = Proxy::http(&[lab.https.port(), lab.http.port()], "");
    let (url, shown) = (proxy.address.to_string(), proxy.url("http"));
    let object = probe(&["-x", &url, "-L"], &lab.url("127.0.0.1", "/redirect/2"));
    assert_eq!(object["status"], "200", "{object}");
    assert_eq!(
        (&object["proxy"], &object["remote"]),
        (&json!(shown), &json!(url))
    );
    assert_eq!(
        reached(&object),
        ["wait", "connect", "first_byte", "transfer"]
    );

    // The name is not looked up here: there is nobody to ask.
    let nobody = closed_port().to_string();
    let ca = lab.ca();
    let pin = format!("good.lab.test::127.0.0.1:{}", lab.https.port());
    let args = [
        "-x",
        &url,
        "-r",
        &nobody,
        "--cacert",
        &ca,
        "--connect-to",
        &pin,
    ];
    let object = probe(&args, "https://good.lab.test/status/204");
    assert_eq!(object["status"], "204", "{object}");
    assert_eq!(object["tls"]["verified"], true);
    assert_eq!(object["proxy"], shown);
    assert_eq!(
        reached(&object),
        ["wait", "connect", "tls", "first_byte", "transfer"]
    );

    let object = tcp(&["-x", &url, &lab.http.to_string()]);
    assert_eq!(
        (&object["status"], &object["proxy"]),
        (&json!("OPEN"), &json!(shown))
    );
    // It does not permit this port.
    let closed = closed_port().to_string();
    let object = tcp(&["-x", &url, &closed]);
    assert_eq!(fault(&object), ("UNREACHABLE", "connect", "proxy"));
    let said = format!("the proxy {shown}, asked to connect to {closed}, answered with 403");
    assert!(message(&object).starts_with(&said), "{object}");
}

#[test]
fn tinyproxy_gets_a_user_and_a_password() {
    let server = Server::start(|mut caller| {
        while caller.request().is_some() {
            caller.say(&ok("page"));
        }
    });
    let proxy = Proxy::http(&[server.address.port()], "BasicAuth us hunter2\n");
    let with = format!("http://us:hunter2@{}", proxy.address);
    let target = server.address.to_string();
    let run = canvass(&["http", "-v", "-f", "ndjson", "-x", &with, &server.url("/")]).exits(0);
    assert!(!run.out.contains("hunter2") && !run.err.contains("hunter2"));
    assert_eq!(run.whole(1)[0]["proxy"], proxy.url("http"));
    assert_eq!(tcp(&["-x", &with, &target])["status"], "OPEN");
    assert_eq!(header(&server.requests()[0], "Proxy-Authorization"), None);
    // A request in absolute form is answered by the proxy; a tunnel is not opened.
    let without = proxy.url("http");
    assert_eq!(probe(&["-x", &without], &server.url("/"))["status"], "407");
    let object = tcp(&["-x", &without, &target]);
    assert_eq!(fault(&object), ("UNREACHABLE", "connect", "proxy"));
    assert!(
        message(&object).contains("answered with 407 (it wants a user"),
        "{object}"
    );
}

#[test]
fn microsocks_leads_to_addresses_and_to_names() {
    let lab = WebLab::local();
    let proxy = Proxy::socks(&["-u", "us", "-P", "hunter2"]);
    let with = |scheme: &str| format!("{scheme}://us:hunter2@{}", proxy.address);
    let nobody = closed_port().to_string();
    let url = lab.url("localhost", "/status/201");
    for scheme in ["socks5h", "socks5"] {
        let object = probe(&["-x", &with(scheme), "-r", &nobody], &url);
        assert_eq!(object["status"], "201", "{scheme} {object}");
        assert_eq!(object["proxy"], proxy.url(scheme));
        assert_eq!(object["remote"], proxy.address.to_string());
    }
    // One looks the name up here, and one does not.
    let (resolver, ca) = (lab.resolver(), lab.ca());
    let secure = lab.secure_url("good.lab.test", "/");
    let args = ["-x", &with("socks5"), "-r", &resolver, "--cacert", &ca];
    let object = probe(&args, &secure);
    assert_eq!(
        (&object["status"], &object["tls"]["verified"]),
        (&json!("200"), &json!(true))
    );
    assert!(reached(&object).contains(&"resolve"), "{object}");
    // Both the server and the proxy are looked up.
    let named = with("socks5").replace("127.0.0.1", "v4.lab.test");
    let args = ["-x", &named, "-r", &resolver];
    let object = probe(&args, &lab.url("good.lab.test", "/"));
    assert_eq!(object["status"], "200", "{object}");
    let port = proxy.address.port();
    assert_eq!(object["proxy"], format!("socks5://v4.lab.test:{port}"));
    let args = ["-x", &with("socks5h"), "-r", &resolver, "--retries", "0"];
    let object = probe(&args, &lab.url("good.lab.test", "/"));
    assert_eq!(object["error"]["phase"], "connect", "{object}");
    assert!(
        message(&object).contains("asked to connect to good.lab.test:"),
        "{object}"
    );

    let closed = closed_port().to_string();
    let object = tcp(&["-x", &with("socks5"), &closed]);
    assert_eq!(fault(&object), ("CONNREFUSED", "connect", "refused"));
    assert!(
        message(&object).ends_with("answered with reply 5, connection refused"),
        "{object}"
    );
    let object = tcp(&["-x", &proxy.url("socks5"), &closed]);
    assert_eq!(fault(&object), ("UNREACHABLE", "connect", "proxy"));
    assert!(
        message(&object).contains("without a user and a password"),
        "{object}"
    );
    let wrong = with("socks5").replace("hunter2", "hunter3");
    let object = tcp(&["-x", &wrong, &closed]);
    assert_eq!(fault(&object), ("UNREACHABLE", "connect", "proxy"));
    assert!(
        message(&object).contains("does not accept the user"),
        "{object}"
    );
    assert!(!object.to_string().contains("hunter"), "{object}");
}

#[test]
fn what_a_bad_proxy_does_is_told() {
    for (answer, cause, words) in [
        (
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            "proxy",
            "answered with 502 (it could not connect)",
        ),
        (
            "HTTP/1.1 2",
            "truncated",
            "closed the connection in the middle of its answer",
        ),
        ("", "closed", "closed the connection without an answer"),
        ("\u{5}\u{0}\r\n", "malformed", "sent no valid answer"),
    ] {
        let server = Server::saying(answer);
        let proxy = server.url("").replace("http://", "");
        let object = tcp(&["-x", &proxy, "far.test:25"]);
        assert_eq!(object["error"]["phase"], "connect", "{object}");
        assert_eq!(object["error"]["cause"], cause, "{object}");
        let start = format!("the proxy http://{proxy}, asked to connect to far.test:25, {words}");
        assert!(message(&object).starts_with(&start), "{object}");
    }
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for scheme in ["http", "socks5h"] {
        let proxy = format!("{scheme}://{address}");
        let object = tcp(&["-x", &proxy, "--connect-timeout", "200ms", "far.test:25"]);
        assert_eq!(fault(&object), ("TIMEOUT", "connect", "timeout"));
        let said = format!("the proxy {address} did not connect to far.test:25 in time");
        assert_eq!(message(&object), said);
    }
    let closed = closed_port().to_string();
    let object = tcp(&["-x", &closed, "far.test:25"]);
    assert_eq!(fault(&object), ("CONNREFUSED", "connect", "refused"));
    let said = format!("the proxy {closed} refused the connection");
    assert!(message(&object).starts_with(&said), "{object}");
    for (args, words) in [
        (
            &["-x", "https://u:hunter2@127.0.0.1"][..],
            "a proxy that needs TLS itself",
        ),
        (&["-x", "ftp://u:hunter2@127.0.0.1"], "scheme ftp://"),
        (
            &["-x", "127.0.0.1", "--all-addresses"],
            "cannot be used with",
        ),
        (
            &["-x", "127.0.0.1", "--proxy-from-environment"],
            "cannot be used with",
        ),
    ] {
        let run = canvass(&[&["http", "http://far.test/"], args].concat()).exits(2);
        let run = run.says(words);
        assert!(!run.err.contains("hunter2"), "{}", run.err);
    }
}

#[test]
fn a_banner_in_the_same_packet_is_the_servers() {
    let peer = TcpPeer::serve(|mut stream| {
        let request = read_request(&mut stream).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n220 hello\r\n";
        stream.write_all(answer).unwrap();
        // Until the client is done.
        let _ = stream.read(&mut [0]);
        request
    });
    let proxy = format!("http://{}", peer.target());
    let object = tcp(&["-x", &proxy, "--talk", "banner", "far.test:25"]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["received_bytes"], 11);
    assert!(
        peer.result()
            .starts_with("CONNECT far.test:25 HTTP/1.1\r\n")
    );
}

#[test]
fn the_environments_proxies_are_used_when_asked_for() {
    let server = Server::saying(ok("direct"));
    let proxy = Server::saying(ok("proxy"));
    let url = server.url("/");
    let through = proxy.url("").replace("://", "://u:hunter2@");
    let flag = "--proxy-from-environment";
    let near = ("no_proxy", "far.test, 127.0.0.0/8");
    for (variables, args, is_used) in [
        (
            &[("http_proxy", &*through), ("all_proxy", &through)][..],
            &[][..],
            false,
        ),
        (&[("http_proxy", &through)], &[flag], true),
        (&[("all_proxy", &through)], &[flag], true),
        (&[("ALL_PROXY", &through)], &[flag], true),
        // In a CGI program, this is a header of the client.
        (&[("HTTP_PROXY", &through)], &[flag], false),
        (&[("https_proxy", &through)], &[flag], false),
        (&[("http_proxy", &through), near], &[flag], false),
        (
            &[("http_proxy", &through), ("no_proxy", "*")],
            &[flag],
            false,
        ),
        (
            &[("http_proxy", &through), ("no_proxy", "other.test")],
            &[flag],
            true,
        ),
    ] {
        let run = canvass_with(variables, &[&["http", "-f", "ndjson", &url], args].concat());
        let object = run.exits(0).whole(1).remove(0);
        let shown = if is_used {
            json!(proxy.url(""))
        } else {
            Value::Null
        };
        assert_eq!(object["proxy"], shown, "{variables:?}");
    }
    let bad = [("http_proxy", "https://u:hunter2@far.test")];
    let run = canvass_with(&bad, &["http", &url, flag])
        .exits(2)
        .says("http_proxy: ");
    assert!(!run.err.contains("hunter2"), "{}", run.err);
}

#[test]
fn unix_sockets_need_no_proxy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket").display().to_string();
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream).unwrap();
        stream.write_all(&ok("here")).unwrap();
    });
    let object = probe(&["-x", "192.0.2.1:3128"], &format!("unix:{path}"));
    assert_eq!(object["status"], "200", "{object}");
    assert_eq!(object.get("proxy"), None);
    server.join().unwrap();
}
