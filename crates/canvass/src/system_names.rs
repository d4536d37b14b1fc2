//! Names of hosts by the system's own resolver (`--resolve system`), which blocks: it has threads
//! of its own.

use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use canvass_engine::{NameAnswer, NameRequest, NameService, Waker};
use canvass_model::{Cause, Rcode, Status, Time};
use canvass_proto::ResolveFault;
use crossbeam_channel::{Receiver, Sender, unbounded};
use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};

use crate::exit::Failure;

/// Names looked up at once for one shard.
pub const THREADS: usize = 16;

/// Starts the threads, and gives the shard its door to them. They end when the shard does.
pub fn door(bell: Arc<Waker>, began: Instant) -> Result<NameService, Failure> {
    let (requests, wanted) = unbounded();
    let (found, answers) = unbounded();
    for number in 0..THREADS {
        let (wanted, found, bell) = (wanted.clone(), found.clone(), Arc::clone(&bell));
        thread::Builder::new()
            .name(format!("names {number}"))
            .spawn(move || serve(&wanted, &found, &bell, began))
            .map_err(|error| Failure::stopped(format!("cannot start a thread: {error}")))?;
    }
    Ok(NameService { requests, answers })
}

fn serve(wanted: &Receiver<NameRequest>, found: &Sender<NameAnswer>, bell: &Waker, began: Instant) {
    for NameRequest { name, give_up } in wanted {
        // Those who waited are gone: the names behind it are not kept waiting for them.
        let late = began.elapsed() >= give_up.since(Time::ZERO);
        let addresses = if late {
            Err(ResolveFault {
                status: Status::Timeout,
                cause: Cause::Timeout,
                message: "the system's resolver has too much to do".into(),
            })
        } else {
            look_up(&name)
        };
        if found.send(NameAnswer { name, addresses }).is_err() {
            return;
        }
        bell.wake();
    }
}

fn look_up(name: &str) -> Result<Vec<IpAddr>, ResolveFault> {
    addresses(name).map_err(|error| {
        let (status, cause) = match error.kind() {
            LookupErrorKind::NoName => (Status::Rcode(Rcode::NXDOMAIN), Cause::NxDomain),
            LookupErrorKind::NoData => (Status::Rcode(Rcode::NOERROR), Cause::NoData),
            LookupErrorKind::Again => (Status::Timeout, Cause::Timeout),
            LookupErrorKind::Fail => (Status::Rcode(Rcode::SERVFAIL), Cause::Rcode),
            _ => (Status::Local, Cause::System),
        };
        let text = std::io::Error::from(error).to_string();
        ResolveFault {
            status,
            cause,
            message: format!("the system's resolver: {text}").into(),
        }
    })
}

/// The addresses of both kinds that `getaddrinfo` has for a name, whether this machine has such
/// itself or not.
pub fn addresses(name: &str) -> Result<Vec<IpAddr>, LookupError> {
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let entries = getaddrinfo(Some(name), None, Some(hints))?;
    Ok(entries
        .filter_map(Result::ok)
        .map(|entry| entry.sockaddr.ip())
        .collect())
}
