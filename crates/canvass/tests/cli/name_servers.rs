//! BIND and Unbound, each serving on a free port of loopback until it goes out of scope.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::common::PATIENCE;
use crate::peers::closed_port;

/// How many ports are tried: another process may take one before the server binds it.
const PORT_TRIES: usize = 10;
/// How long to wait before asking again whether it answers.
const PAUSE: Duration = Duration::from_millis(50);

/// A name server that is not part of canvass.
pub(crate) struct NameServer {
    child: Child,
    pub(crate) address: SocketAddr,
    _directory: TempDir,
}

impl NameServer {
    /// BIND with authority for these zones (origin and text), which does not recurse.
    #[track_caller]
    pub(crate) fn bind(zones: &[(&str, &str)]) -> Self {
        Self::bind_with("", zones)
    }

    /// The same with more options.
    #[track_caller]
    pub(crate) fn bind_with(options: &str, zones: &[(&str, &str)]) -> Self {
        Self::start("/usr/sbin/named", &["-fc"], |directory, address| {
            let path = directory.display();
            let (ip, port) = (address.ip(), address.port());
            let mut text = format!(
                "options {{ directory \"{path}\"; pid-file \"{path}/pid\"; \
                 session-keyfile \"{path}/key\"; listen-on port {port} {{ {ip}; }}; \
                 listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; \
                 {options} }};\n\
                 controls {{ }};\n"
            );
            for (index, (origin, zone)) in zones.iter().enumerate() {
                let file = directory.join(format!("{index}.zone"));
                fs::write(&file, zone).unwrap();
                text.push_str(&format!(
                    "zone \"{origin}\" {{ type primary; file \"{}\"; check-names ignore; }};\n",
                    file.display()
                ));
            }
            text
        })
    }

    /// Unbound with these lines of its `server` clause.
    #[track_caller]
    pub(crate) fn unbound(lines: &[&str]) -> Self {
        Self::start("/usr/sbin/unbound", &["-dc"], |directory, address| {
            let path = directory.display();
            let (ip, port) = (address.ip(), address.port());
            let lines = lines.join("\n  ");
            format!(
                "server:\n  interface: {ip}@{port}\n  directory: \"{path}\"\n  chroot: \"\"\n  \
                 username: \"\"\n  pidfile: \"\"\n  use-syslog: no\n  logfile: \"log\"\n  \
                 do-ip6: no\n  module-config: \"iterator\"\n  {lines}\n\
                 remote-control:\n  control-enable: no\n"
            )
        })
    }

    /// Starts a program whose last argument is its configuration.
    #[track_caller]
    fn start(
        program: &str,
        arguments: &[&str],
        configuration: impl Fn(&Path, SocketAddr) -> String,
    ) -> Self {
        (0..PORT_TRIES)
            .find_map(|_| Self::start_on(closed_port(), program, arguments, &configuration))
            .unwrap_or_else(|| panic!("{program} does not start"))
    }

    /// `None` if another process took the port.
    fn start_on(
        address: SocketAddr,
        program: &str,
        arguments: &[&str],
        configuration: impl Fn(&Path, SocketAddr) -> String,
    ) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("configuration");
        fs::write(&file, configuration(directory.path(), address)).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{program}: {error}; scripts/test-deps installs what the tests need")
            });
        let mut server = Self {
            child,
            address,
            _directory: directory,
        };
        server.answers().then_some(server)
    }

    /// Waits until it replies to anything; `false` if it ended instead.
    fn answers(&mut self) -> bool {
        let begun = Instant::now();
        while !self.dig_output(".", "SOA").status.success() {
            assert!(
                begun.elapsed() < PATIENCE,
                "the name server does not answer"
            );
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }

    /// Its address as `--resolver` takes it.
    pub(crate) fn resolver(&self) -> String {
        self.address.to_string()
    }

    /// The data that dig shows for a name and a type.
    pub(crate) fn dig(&self, name: &str, record_type: &str) -> Vec<String> {
        let text = String::from_utf8(self.dig_output(name, record_type).stdout).unwrap();
        text.lines()
            .filter(|line| line.starts_with(name))
            .map(|line| {
                // Owner, TTL, class and type, with blanks and tabs between them.
                let mut rest = line;
                for _ in 0..4 {
                    rest = rest.split_once([' ', '\t']).map_or("", |(_, rest)| rest);
                    rest = rest.trim_start();
                }
                rest.to_owned()
            })
            .collect()
    }

    fn dig_output(&self, name: &str, record_type: &str) -> std::process::Output {
        let server = format!("@{}", self.address.ip());
        let port = self.address.port().to_string();
        Command::new("dig")
            .args([&server, "-p", &port, "+noall", "+answer", "+nosplit"])
            .args(["+norec", "+time=1", "+tries=1", name, record_type])
            .output()
            .expect("dig is missing: scripts/test-deps installs what the tests need")
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
