//! Looks up host names with the system's resolver, on its own threads because it blocks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use canvass_engine::{NameAnswer, NameRequest, NameService, Waker};
use canvass_model::{Cause, Rcode, Status, Time};
use canvass_proto::ResolveFault;
use crossbeam_channel::{Receiver, Sender, unbounded};
use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};

/// The maximum number of threads that look up names for one event loop, in a plan with
/// [`system_names`](crate::PlanBuilder::system_names): no more than it may have targets under way. Each
/// uses descriptors during a lookup.
pub const SYSTEM_NAME_THREADS: usize = 16;

/// The work of one thread that looks up names.
#[derive(Clone)]
pub(crate) struct NameWorker {
    requests: Receiver<NameRequest>,
    answers: Sender<NameAnswer>,
    waker: Arc<Waker>,
    began: Instant,
}

/// Creates the name service of one event loop that has at most `targets_max` targets under way, and the
/// work of its threads, which ends with the loop.
pub(crate) fn service(
    waker: &Arc<Waker>,
    began: Instant,
    targets_max: usize,
) -> (NameService, Vec<NameWorker>) {
    let (request_sender, requests) = unbounded();
    let (answer_sender, answers) = unbounded();
    let worker = NameWorker {
        requests,
        answers: answer_sender,
        waker: Arc::clone(waker),
        began,
    };
    let service = NameService {
        requests: request_sender,
        answers,
    };
    (service, vec![worker; SYSTEM_NAME_THREADS.min(targets_max)])
}

impl NameWorker {
    pub(crate) fn run(&self) {
        for NameRequest { name, give_up } in &self.requests {
            // The event loop has given it up already. Skipped, so that it does not delay the others.
            let late = self.began.elapsed() >= give_up.since(Time::ZERO);
            let addresses = if late {
                Err(ResolveFault {
                    status: Status::Timeout,
                    cause: Cause::Timeout,
                    message: "the system's resolver is overloaded".into(),
                })
            } else {
                look_up(&name)
            };
            if self.answers.send(NameAnswer { name, addresses }).is_err() {
                return;
            }
            self.waker.wake();
        }
    }
}

fn look_up(name: &str) -> Result<Vec<IpAddr>, ResolveFault> {
    system_addresses(name).map_err(|error| {
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

/// Looks up a name with `getaddrinfo`, which blocks. Returns the addresses of both families, also of one
/// that this machine does not use.
///
/// # Errors
/// Those of `getaddrinfo`.
pub fn system_addresses(name: &str) -> Result<Vec<IpAddr>, LookupError> {
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
