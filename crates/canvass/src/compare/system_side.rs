//! The system's resolver as a side: libc's calls, which block, on one thread or on several.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use canvass_run::system_addresses;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use dns_lookup::{LookupError, LookupErrorKind, getnameinfo};

use super::question::{Asked, Done, Found, Question};
use crate::exit::Failure;

/// How often it is looked whether somebody has said to stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long calls that are out are waited for then.
const STOP_WAIT: Duration = Duration::from_secs(1);

/// Threads that call libc's resolver.
pub(super) struct SystemSide {
    threads: Vec<Sender<Arc<Work>>>,
    done: Receiver<Share>,
}

/// What one thread did of a block, and how long it was at it.
struct Share {
    done: Vec<Done>,
    busy: Duration,
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
    pub(super) fn start(threads: usize) -> Result<Self, Failure> {
        let (found, done) = unbounded();
        let threads = (0..threads)
            .map(|number| {
                let (give, take) = bounded::<Arc<Work>>(1);
                let found = found.clone();
                thread::Builder::new()
                    .name(format!("system {number}"))
                    .spawn(move || serve(&take, &found))
                    .map_err(|error| Failure::stopped(format!("cannot start a thread: {error}")))?;
                Ok(give)
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Self { threads, done })
    }

    /// Asks for these places, in order, as long as `until` is not reached. A call that has begun
    /// goes on to its end: libc knows no other way.
    pub(super) fn ask(
        &self,
        questions: &Arc<[Question]>,
        places: Vec<u32>,
        until: Instant,
        stop: &Arc<AtomicBool>,
    ) -> Asked {
        let work = Arc::new(Work {
            questions: Arc::clone(questions),
            places,
            next: AtomicUsize::new(0),
            until,
            stop: Arc::clone(stop),
        });
        // A thread is there as long as its channel is; it has nothing that could panic.
        let mut working = self
            .threads
            .iter()
            .filter(|thread| thread.send(Arc::clone(&work)).is_ok())
            .count();
        let mut asked = Asked::default();
        let mut per_second = 0.0;
        let mut stopped = None;
        while working > 0 {
            match self.done.recv_timeout(LOOK) {
                Ok(Share { done, busy }) => {
                    working -= 1;
                    per_second += done.len() as f64 / busy.as_secs_f64().max(1e-9);
                    asked.done.extend(done);
                }
                Err(RecvTimeoutError::Timeout) if stop.load(Ordering::Relaxed) => {
                    let since = *stopped.get_or_insert_with(Instant::now);
                    if since.elapsed() > STOP_WAIT {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // Each thread counts for as long as it was at it: one call that waits for ever at the end
        // must not make the others look slow.
        if !asked.done.is_empty() {
            asked.wall = Duration::from_secs_f64(asked.done.len() as f64 / per_second);
        }
        asked
    }
}

fn serve(works: &Receiver<Arc<Work>>, shares: &Sender<Share>) {
    for work in works {
        let mut done = Vec::new();
        let at_it = Instant::now();
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
        let busy = at_it.elapsed();
        if shares.send(Share { done, busy }).is_err() {
            return;
        }
    }
}

fn ask(question: &Question) -> Found {
    match question {
        Question::Names(address) => names_of(*address),
        // As it was typed: with a last dot libc would look no name up in /etc/hosts.
        Question::Addresses { given, .. } => match system_addresses(given) {
            Ok(addresses) => Found::addresses(addresses),
            Err(error) => nothing(&error),
        },
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

fn nothing(error: &LookupError) -> Found {
    let why = match error.kind() {
        LookupErrorKind::NoName => return Found::Nothing("EAI_NONAME".into()),
        LookupErrorKind::NoData => return Found::Nothing("EAI_NODATA".into()),
        LookupErrorKind::Again => "EAI_AGAIN",
        LookupErrorKind::Fail => "EAI_FAIL",
        LookupErrorKind::System => "EAI_SYSTEM",
        LookupErrorKind::Memory => "EAI_MEMORY",
        _ => "another error of the system's resolver",
    };
    Found::Failed(why.into())
}
