//! The system's resolver as a side: blocking calls of libc, on one or more threads.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use canvass_run::system_addresses;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use dns_lookup::{LookupError, LookupErrorKind, getnameinfo};

use super::question::{BlockResult, LookupResult, Question, TargetResult};
use crate::exit::Failure;

/// How often the stop flag is checked.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// How long to wait for calls under way after it was set.
const STOP_WAIT: Duration = Duration::from_secs(1);

/// Threads that call libc's resolver.
pub(super) struct SystemSide {
    threads: Vec<Sender<Arc<Work>>>,
    results: Receiver<ThreadResult>,
}

/// The targets that one thread completed in a block, and how long it worked.
struct ThreadResult {
    targets: Vec<TargetResult>,
    busy: Duration,
}

/// The work of one block, shared by all threads.
struct Work {
    questions: Arc<[Question]>,
    indices: Vec<u32>,
    next: AtomicUsize,
    until: Instant,
    stop: Arc<AtomicBool>,
}

impl SystemSide {
    /// Starts the threads. They end when this is dropped.
    pub(super) fn start(threads: usize) -> Result<Self, Failure> {
        let (result_sender, results) = unbounded();
        let threads = (0..threads)
            .map(|number| {
                let (work_sender, work) = bounded::<Arc<Work>>(1);
                let result_sender = result_sender.clone();
                thread::Builder::new()
                    .name(format!("system {number}"))
                    .spawn(move || run_thread(&work, &result_sender))
                    .map_err(|error| Failure::stopped(format!("cannot start a thread: {error}")))?;
                Ok(work_sender)
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Self { threads, results })
    }

    /// Looks up the questions at these indices, in order, and starts no more after `until`. A call of
    /// libc that has begun cannot be cancelled.
    pub(super) fn ask(
        &self,
        questions: &Arc<[Question]>,
        indices: Vec<u32>,
        until: Instant,
        stop: &Arc<AtomicBool>,
    ) -> BlockResult {
        let work = Arc::new(Work {
            questions: Arc::clone(questions),
            indices,
            next: AtomicUsize::new(0),
            until,
            stop: Arc::clone(stop),
        });
        // A thread runs as long as its channel is open; nothing in it panics.
        let mut working = self
            .threads
            .iter()
            .filter(|thread| thread.send(Arc::clone(&work)).is_ok())
            .count();
        let mut result = BlockResult::default();
        let mut per_second = 0.0;
        let mut stopped = None;
        while working > 0 {
            match self.results.recv_timeout(STOP_CHECK_INTERVAL) {
                Ok(ThreadResult { targets, busy }) => {
                    working -= 1;
                    per_second += targets.len() as f64 / busy.as_secs_f64().max(1e-9);
                    result.targets.extend(targets);
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
        // The rates of the threads are added, each over its own time: one slow call at the end must
        // not make the others look slow.
        if !result.targets.is_empty() {
            result.wall = Duration::from_secs_f64(result.targets.len() as f64 / per_second);
        }
        result
    }
}

fn run_thread(works: &Receiver<Arc<Work>>, results: &Sender<ThreadResult>) {
    for work in works {
        let mut targets = Vec::new();
        let start = Instant::now();
        while Instant::now() < work.until && !work.stop.load(Ordering::Relaxed) {
            let at = work.next.fetch_add(1, Ordering::Relaxed);
            let Some(&index) = work.indices.get(at) else {
                break;
            };
            let question = &work.questions[index as usize];
            let began = Instant::now();
            let result = look_up(question);
            let latency_ns = began.elapsed().as_nanos() as u64;
            targets.push(TargetResult {
                index,
                latency_ns,
                result,
            });
        }
        let busy = start.elapsed();
        if results.send(ThreadResult { targets, busy }).is_err() {
            return;
        }
    }
}

fn look_up(question: &Question) -> LookupResult {
    match question {
        Question::Names(address) => names_of(*address),
        // As given: libc does not find names with a final dot in /etc/hosts.
        Question::Addresses { given, .. } => match system_addresses(given) {
            Ok(addresses) => LookupResult::addresses(addresses),
            Err(error) => error_result(&error),
        },
    }
}

/// Calls `getnameinfo` for a name only: an address without one is an error, and the port is not looked
/// up.
fn names_of(address: IpAddr) -> LookupResult {
    let flags = libc::NI_NAMEREQD | libc::NI_NUMERICSERV;
    match getnameinfo(&SocketAddr::new(address, 0), flags) {
        Ok((name, _)) => LookupResult::names([name.as_str()]),
        Err(error) => error_result(&error),
    }
}

fn error_result(error: &LookupError) -> LookupResult {
    let why = match error.kind() {
        LookupErrorKind::NoName => return LookupResult::Empty("EAI_NONAME".into()),
        LookupErrorKind::NoData => return LookupResult::Empty("EAI_NODATA".into()),
        LookupErrorKind::Again => "EAI_AGAIN",
        LookupErrorKind::Fail => "EAI_FAIL",
        LookupErrorKind::System => "EAI_SYSTEM",
        LookupErrorKind::Memory => "EAI_MEMORY",
        _ => "another error of the system's resolver",
    };
    LookupResult::Failed(why.into())
}
