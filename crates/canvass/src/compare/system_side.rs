//! The system's resolver as a side: libc's calls, which block, on one thread or on several.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use canvass_model::Target;
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo, getnameinfo};

use super::question::{Done, Found, Question};
use crate::exit::Failure;
use crate::shards::spawn;

/// Threads that call libc's resolver.
pub struct SystemSide {
    threads: Vec<Sender<Arc<Work>>>,
    done: Receiver<Vec<Done>>,
}

/// One block's work, which all threads take from.
struct Work {
    questions: Arc<[Question]>,
    places: Vec<u32>,
    next: AtomicUsize,
    until: Instant,
    stop: Arc<AtomicBool>,
}

impl SystemSide {
    /// Starts the threads. They end when this is dropped.
    pub fn start(threads: usize) -> Result<Self, Failure> {
        let (found, done) = unbounded();
        let threads = (0..threads)
            .map(|number| {
                let (give, take) = bounded::<Arc<Work>>(1);
                let found = found.clone();
                spawn(format!("system {number}"), move || serve(&take, &found))?;
                Ok(give)
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Self { threads, done })
    }

    /// Asks for these places, in order, as long as `until` is not reached. A call that has begun
    /// goes on to its end: libc knows no other way.
    pub fn ask(
        &self,
        questions: &Arc<[Question]>,
        places: Vec<u32>,
        until: Instant,
        stop: &Arc<AtomicBool>,
    ) -> Vec<Done> {
        let work = Arc::new(Work {
            questions: Arc::clone(questions),
            places,
            next: AtomicUsize::new(0),
            until,
            stop: Arc::clone(stop),
        });
        // A thread is there as long as its channel is; it has nothing that could panic.
        let given = self
            .threads
            .iter()
            .filter(|thread| thread.send(Arc::clone(&work)).is_ok())
            .count();
        self.done.iter().take(given).flatten().collect()
    }
}

fn serve(works: &Receiver<Arc<Work>>, found: &Sender<Vec<Done>>) {
    for work in works {
        let mut done = Vec::new();
        while Instant::now() < work.until && !work.stop.load(Ordering::Relaxed) {
            let at = work.next.fetch_add(1, Ordering::Relaxed);
            let Some(&place) = work.places.get(at) else {
                break;
            };
            let question = &work.questions[place as usize];
            let began = Instant::now();
            let found = ask(question);
            let latency_ns = began.elapsed().as_nanos() as u64;
            done.push(Done {
                place,
                latency_ns,
                found,
            });
        }
        if found.send(done).is_err() {
            return;
        }
    }
}

fn ask(question: &Question) -> Found {
    match question {
        Question::Names(address) => names_of(*address),
        // As it was typed: with a last dot libc would look no name up in /etc/hosts.
        Question::Addresses(Target::Name { given, .. }) => addresses_of(given),
        Question::Addresses(_) => Found::Nothing("no question for the system".into()),
    }
}

/// `getnameinfo` as a script calls it that wants a name or nothing. The port is not looked up.
fn names_of(address: IpAddr) -> Found {
    let flags = libc::NI_NAMEREQD | libc::NI_NUMERICSERV;
    match getnameinfo(&SocketAddr::new(address, 0), flags) {
        Ok((name, _)) => Found::names([name.as_str()]),
        Err(error) => nothing(&error),
    }
}

/// `getaddrinfo` for both kinds of addresses, whether this machine has them or not.
fn addresses_of(name: &str) -> Found {
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    match getaddrinfo(Some(name), None, Some(hints)) {
        Ok(entries) => Found::addresses(
            entries
                .filter_map(Result::ok)
                .map(|entry| entry.sockaddr.ip())
                .collect(),
        ),
        Err(error) => nothing(&error),
    }
}

fn nothing(error: &LookupError) -> Found {
    Found::Nothing(
        match error.kind() {
            LookupErrorKind::NoName => "EAI_NONAME",
            LookupErrorKind::NoData => "EAI_NODATA",
            LookupErrorKind::Again => "EAI_AGAIN",
            LookupErrorKind::Fail => "EAI_FAIL",
            LookupErrorKind::System => "EAI_SYSTEM",
            LookupErrorKind::Memory => "EAI_MEMORY",
            _ => "another error of the system's resolver",
        }
        .into(),
    )
}
