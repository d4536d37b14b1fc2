//! The modules of probes.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use canvass_lab::{PASSWORD, USER};
use canvass_proto::http::HttpSettings;
use canvass_proto::talk::{Credentials, Preset, Script};
use canvass_proto::tls::{TlsClient, TlsOptions};
use canvass_proto::{Module, ModuleKind, Reach, Timeouts};

use super::UNIX_AT_ZERO;
use crate::truth::TALKS;

/// A module for http with these settings.
pub fn http(settings: HttpSettings) -> Module {
    module(ModuleKind::Http {
        settings: Arc::new(settings),
        tls: tls(),
        expect: None,
    })
}

/// A module for tcp, with the script of this name, if any: a preset, or one of the simulator.
///
/// # Panics
/// If there is no script of this name.
pub fn tcp(script: Option<&str>) -> Module {
    module(ModuleKind::Tcp {
        script: script.map(read),
        credentials: Some(credentials()),
        tls: tls(),
        tls_from_start: false,
        certificate: None,
    })
}

/// A module for udp with the script of this name: a preset, or one of the simulator. With `window`,
/// replies of all hosts are received for this time.
///
/// # Panics
/// If there is no script of this name.
pub fn udp(script: &str, window: Option<Duration>) -> Module {
    module(ModuleKind::Udp {
        script: read(script),
        credentials: Some(credentials()),
        window,
    })
}

fn module(kind: ModuleKind) -> Module {
    let second = Duration::from_secs(1);
    Module {
        kind,
        reach: Reach::default(),
        timeouts: Timeouts {
            resolve: 2 * second,
            connect: 2 * second,
            tls: 2 * second,
            first_byte: 2 * second,
            transfer: 2 * second,
            deadline: 10 * second,
        },
        retries: 0,
        trace: false,
        unix_ns_at_zero: UNIX_AT_ZERO.as_nanos() as i128,
    }
}

fn read(name: &str) -> Arc<Script> {
    let text = TALKS
        .iter()
        .find(|plan| plan.name == name)
        .and_then(|plan| plan.text);
    Arc::new(match text {
        Some(text) => Script::parse(text, name).expect("a script"),
        None => Script::preset(name).map(Preset::script).expect("a preset"),
    })
}

fn credentials() -> Arc<Credentials> {
    Arc::new(Credentials::new(USER, PASSWORD).expect("what the lab knows is sound"))
}

/// Modules need a TLS client, although no run uses it. It is shared because loading roots takes
/// long.
fn tls() -> TlsClient {
    static TLS: OnceLock<TlsClient> = OnceLock::new();
    TLS.get_or_init(|| TlsClient::new(&TlsOptions::default()).expect("the usual options"))
        .clone()
}
