//! What a plan must satisfy, and the errors of one that does not.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use canvass_engine::AllowList;
use canvass_model::ModuleId;
use canvass_proto::{Module, ModuleKind};
use canvass_queue::{SchemeProbe, TargetKind};

use super::RESOLVERS_MAX;

/// Why a [`Plan`](crate::Plan) is invalid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The target kind needs a resolver, and there is none.
    #[error("there is no resolver")]
    NoResolver,
    /// More resolvers than [`RESOLVERS_MAX`].
    #[error("{count} resolvers are too many; at most {RESOLVERS_MAX} are supported")]
    TooManyResolvers {
        /// The number of resolvers.
        count: usize,
    },
    /// A resolver without a port.
    #[error("the resolver {resolver} has no port")]
    ResolverPort {
        /// The resolver.
        resolver: SocketAddr,
    },
    /// A resolver that cannot be reached from the local address of queries.
    #[error("the resolver {resolver} cannot be asked from {address}, which is of the other family")]
    SourceFamily {
        /// The local address.
        address: IpAddr,
        /// The resolver.
        resolver: SocketAddr,
    },
    /// A local address that is not one of this machine.
    #[error("cannot bind to {address}: {reason}")]
    Source {
        /// The local address.
        address: IpAddr,
        /// The error of the system.
        reason: Box<str>,
    },
    /// A resolver that may not be sent to.
    #[error("the resolver {resolver} is not among the addresses that may be sent to")]
    ResolverDenied {
        /// The resolver.
        resolver: SocketAddr,
    },
    /// Names are looked up by the system, which sends to whatever it is configured for, and not every
    /// address may be sent to.
    #[error("the system may not look up names where only some addresses may be sent to")]
    SystemNamesDenied,
    /// A rate that is not a number above 0.
    #[error("{input} is {rate}, which is not a number above 0")]
    Rate {
        /// The setter of [`PlanBuilder`](crate::PlanBuilder).
        input: &'static str,
        /// Its value.
        rate: f64,
    },
    /// A number that must be at least 1.
    #[error("{input} is 0; it must be at least 1")]
    Zero {
        /// The setter of [`PlanBuilder`](crate::PlanBuilder).
        input: &'static str,
    },
    /// A module of the target kind is missing, or is for another protocol.
    #[error("module {id} is missing, or is for another protocol than the targets")]
    Module {
        /// The [`ModuleId`].
        id: u16,
    },
}

/// Checks the number of resolvers and their ports.
pub(super) fn check_resolvers(
    kind: &TargetKind,
    resolvers: &[SocketAddr],
) -> Result<(), PlanError> {
    let asks = matches!(
        kind,
        TargetKind::Ptr { .. } | TargetKind::Dns { .. } | TargetKind::Lookups
    );
    match resolvers.len() {
        0 if asks => Err(PlanError::NoResolver),
        count if count > RESOLVERS_MAX => Err(PlanError::TooManyResolvers { count }),
        _ => match resolvers.iter().find(|resolver| resolver.port() == 0) {
            Some(&resolver) => Err(PlanError::ResolverPort { resolver }),
            None => Ok(()),
        },
    }
}

/// Checks that queries can be sent from `source`, to every one of `resolvers`.
pub(super) fn check_source(
    source: Option<SocketAddr>,
    resolvers: &[SocketAddr],
) -> Result<(), PlanError> {
    let Some(source) = source else {
        return Ok(());
    };
    let of_other_family = |resolver: &&SocketAddr| resolver.is_ipv4() != source.is_ipv4();
    if let Some(&resolver) = resolvers.iter().find(of_other_family) {
        return Err(PlanError::SourceFamily {
            address: source.ip(),
            resolver,
        });
    }
    UdpSocket::bind(source)
        .map(drop)
        .map_err(|error| PlanError::Source {
            address: source.ip(),
            reason: error.to_string().into(),
        })
}

/// Checks that the resolvers may be sent to.
pub(super) fn check_allowed(
    allowed: &AllowList,
    resolvers: &[SocketAddr],
    system_names: bool,
) -> Result<(), PlanError> {
    let is_denied = |resolver: &&SocketAddr| allowed.check(resolver.ip()).is_err();
    match resolvers.iter().find(is_denied) {
        Some(&resolver) => Err(PlanError::ResolverDenied { resolver }),
        None if system_names && !allowed.is_empty() => Err(PlanError::SystemNamesDenied),
        None => Ok(()),
    }
}

/// What targets are probed with: a protocol, and the module for it.
#[derive(Clone, Copy)]
enum Protocol {
    Http,
    Tcp,
    Udp,
}

/// The modules of targets of this kind.
fn modules_of(kind: &TargetKind) -> Vec<(Protocol, ModuleId)> {
    match kind {
        TargetKind::Ptr { .. } | TargetKind::Dns { .. } | TargetKind::Lookups => Vec::new(),
        TargetKind::Http { module, .. } => vec![(Protocol::Http, *module)],
        TargetKind::Tcp { module, .. } => vec![(Protocol::Tcp, *module)],
        TargetKind::Udp { module, .. } => vec![(Protocol::Udp, *module)],
        TargetKind::Endpoints { schemes } => {
            let modules = schemes.iter().map(|scheme| match scheme.probe {
                SchemeProbe::Http { module } => Some((Protocol::Http, module)),
                SchemeProbe::Tcp { module, .. } | SchemeProbe::Unix { module } => {
                    Some((Protocol::Tcp, module))
                }
                SchemeProbe::Udp { module, .. } => Some((Protocol::Udp, module)),
                SchemeProbe::Dns { .. } => None,
            });
            modules.flatten().collect()
        }
    }
}

/// Whether targets of this kind, or some of them, are probes of hosts.
pub(super) fn has_probes(kind: &TargetKind) -> bool {
    !modules_of(kind).is_empty()
}

/// Checks that every module of the target kind exists and is for its protocol.
pub(super) fn check_modules(kind: &TargetKind, modules: &[Module]) -> Result<(), PlanError> {
    for (protocol, ModuleId(id)) in modules_of(kind) {
        let fits = |module: &Module| {
            matches!(
                (protocol, &module.kind),
                (Protocol::Http, ModuleKind::Http { .. })
                    | (Protocol::Tcp, ModuleKind::Tcp { .. })
                    | (Protocol::Udp, ModuleKind::Udp { .. })
            )
        };
        if !modules.get(usize::from(id)).is_some_and(fits) {
            return Err(PlanError::Module { id });
        }
    }
    Ok(())
}
