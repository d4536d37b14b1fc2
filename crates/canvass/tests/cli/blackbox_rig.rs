//! blackbox_exporter, which is not part of canvass, beside canvass: the same modules and targets, metric
//! by metric.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::blackbox_differences::{ADDED, KNOWN, TIMES};
use crate::common::{PATIENCE, Run, canvass};
use crate::exporter_rig::{Exporter, Response, get};
use crate::nginx::free_port;

const PROGRAM: &str = "/usr/bin/prometheus-blackbox-exporter";
/// What Debian's package has of the file that blackbox_exporter shows as an example.
pub(crate) const EXAMPLE: &str = "/usr/share/doc/prometheus-blackbox-exporter/examples/example.yml";
/// How often to try other ports: another process may take one in the meantime.
const PORT_TRIES: usize = 10;
const LOOK: Duration = Duration::from_millis(20);

/// Modules beside those of the example. `CERTIFICATE` is that of nginx.
const MODULES: &str = include_str!("blackbox_modules.yml");

/// A blackbox_exporter. It is killed when this goes out of scope.
pub(crate) struct BlackboxExporter {
    child: Child,
    address: SocketAddr,
}

impl BlackboxExporter {
    #[track_caller]
    pub(crate) fn start(modules: &Path) -> Self {
        (0..PORT_TRIES)
            .find_map(|_| Self::start_on(modules, free_port()))
            .expect("blackbox_exporter does not start: see its messages above")
    }

    /// `None` if another process took the port.
    fn start_on(modules: &Path, port: u16) -> Option<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut child = Command::new(PROGRAM)
            .arg(format!("--config.file={}", modules.display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("blackbox_exporter is missing: scripts/test-deps installs it");
        let begun = Instant::now();
        while TcpStream::connect_timeout(&address, LOOK).is_err() {
            assert!(begun.elapsed() < PATIENCE, "it does not listen");
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            thread::sleep(LOOK);
        }
        Some(Self { child, address })
    }

    /// The response to a request for `path`.
    pub(crate) fn get(&self, path: &str, fields: &str) -> Response {
        get(self.address, path, fields)
    }
}

impl Drop for BlackboxExporter {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gauges and their descriptions.
#[derive(Debug, Default)]
struct Metrics {
    /// Values by name and labels. Labels that were added since are left out.
    values: BTreeMap<String, String>,
    descriptions: BTreeSet<String>,
}

impl Metrics {
    fn parse(text: &str) -> Self {
        let mut metrics = Self::default();
        for line in text.lines() {
            if line.starts_with('#') {
                metrics.descriptions.insert(line.to_owned());
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect("a series has a value");
            metrics
                .values
                .insert(without_serial_number(series), value.to_owned());
        }
        metrics
    }

    fn is_success(&self) -> bool {
        self.values.get("probe_success").map(String::as_str) == Some("1")
    }
}

/// The label that version 0.26 added.
fn without_serial_number(series: &str) -> String {
    match series.split_once(",serialnumber=\"") {
        Some((before, rest)) => {
            let after = rest.split_once('"').map_or("", |(_, after)| after);
            let number = rest.len() - after.len() - 1;
            assert!(number > 1, "{series}");
            // The labels are sorted, and this one is not the last.
            format!("{before}{after}")
        }
        None => series.to_owned(),
    }
}

fn name(series: &str) -> &str {
    series.split_once('{').map_or(series, |(name, _)| name)
}

/// The files of a test, and both exporters.
pub(crate) struct Bench {
    theirs: BlackboxExporter,
    ours: Exporter,
    modules: String,
    differences: Vec<String>,
    _directory: TempDir,
}

/// How often a peer is probed by [`Bench::compare`].
pub(crate) const PROBES: usize = 3;

impl Bench {
    /// `certificate` is that of nginx.
    pub(crate) fn new(certificate: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("modules.yml");
        let example = fs::read_to_string(EXAMPLE).expect("the package has an example");
        let more = MODULES.replace("CERTIFICATE", certificate);
        fs::write(&path, format!("{example}{more}")).unwrap();
        let modules = path.display().to_string();
        Self {
            theirs: BlackboxExporter::start(&path),
            ours: Exporter::start(&modules, &[]),
            modules,
            differences: Vec::new(),
            _directory: directory,
        }
    }

    /// Probes a target with both, and notes every difference that is not known: of `canvass probe`, and
    /// of `/probe`. Nothing in the target has to be encoded.
    pub(crate) fn compare(&mut self, module: &str, target: &str) {
        let path = format!("/probe?module={module}&target={target}");
        let place = format!("{module} {target}");
        let theirs = Metrics::parse(&self.theirs.get(&path, "").ok().body);
        let run = probe(&self.modules, module, target);
        assert_eq!(run.err, "", "{place}");
        let ours = Metrics::parse(&run.out);
        assert_eq!(run.code == Some(0), ours.is_success(), "{place}");
        self.note(&place, module, &theirs, &ours);
        let ours = Metrics::parse(&self.ours.get(&path, "").ok().body);
        self.note(&format!("/probe {place}"), module, &theirs, &ours);
    }

    /// Compares a response to a request that both refuse.
    #[track_caller]
    pub(crate) fn compare_refusal(&self, path: &str, fields: &str) {
        let theirs = self.theirs.get(path, fields);
        let ours = self.ours.get(path, fields);
        assert!(theirs.status >= 400, "{path}: {theirs:?}");
        assert_eq!(
            (ours.status, &ours.body),
            (theirs.status, &theirs.body),
            "{path}"
        );
    }

    fn note(&mut self, place: &str, module: &str, theirs: &Metrics, ours: &Metrics) {
        let known = |series: &str| {
            ADDED.contains(&name(series))
                || KNOWN
                    .iter()
                    .any(|known| known.module == module && series.starts_with(known.series))
        };
        let all: BTreeSet<_> = theirs.values.keys().chain(ours.values.keys()).collect();
        for series in all.into_iter().filter(|series| !known(series)) {
            let (their, our) = (theirs.values.get(series), ours.values.get(series));
            let is_time = TIMES.contains(&name(series));
            if their.is_some() != our.is_some() || !is_time && their != our {
                let line = format!("{place}: {series}: {their:?}, and ours {our:?}");
                self.differences.push(line);
            }
        }
        for line in theirs.descriptions.symmetric_difference(&ours.descriptions) {
            let name = line.split(' ').nth(2).unwrap_or_default();
            if !known(name) {
                self.differences.push(format!("{place}: {line}"));
            }
        }
    }

    #[track_caller]
    pub(crate) fn end(self) {
        assert!(
            self.differences.is_empty(),
            "{}",
            self.differences.join("\n")
        );
    }
}

/// Probes a target with `canvass probe`.
pub(crate) fn probe(modules: &str, module: &str, target: &str) -> Run {
    canvass(&["probe", "--modules", modules, "--module", module, target])
}
