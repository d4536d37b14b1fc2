//! Which targets a client may have probed.

use canvass_blackbox::Destination;
use canvass_model::{Host, Target};
use canvass_sweep::{SweepReader, WatchedTarget};

/// Which targets `/probe` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeTargets {
    /// Any.
    Any,
    /// Those that the sweep watches.
    Listed,
}

/// Whether the sweep watches what a probe would connect to.
pub(super) fn is_listed(sweep: &SweepReader, destination: &Destination) -> bool {
    sweep.look(|watch| {
        let mut targets = watch.targets().map(|(_, watched)| &watched.target);
        targets.any(|target| is_of(target, destination))
    })
}

/// Whether `target` is at this destination: the same URL, the same port of the same host, or a question
/// to the same name server.
fn is_of(target: &WatchedTarget, destination: &Destination) -> bool {
    match (destination, &target.target) {
        (Destination::Url(url), Target::Url(listed)) => *url == listed.url,
        (Destination::Port(host, port), Target::Url(listed)) => {
            listed.url.port_or_known_default() == Some(*port)
                && Host::of_url(&listed.url).as_ref() == Some(host)
        }
        (
            Destination::Port(host, port),
            Target::Endpoint {
                host: listed,
                port: at,
                ..
            },
        ) => port == at && host == listed,
        (Destination::NameServer(host, port), _) => target
            .resolver
            .as_ref()
            .is_some_and(|at| at.port() == *port && host.address() == Some(at.ip())),
        _ => false,
    }
}
