//! Web servers that send what a test wants, and record the requests they receive.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::common::PATIENCE;

/// A server whose connections a test handles itself. It ends when this goes out of scope.
pub(crate) struct Server {
    pub address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    /// Requests that wait for their answer, now and at most.
    waiting: usize,
    waiting_max: usize,
    requests: Vec<String>,
}

/// One connection as a [`Server`] sees it.
pub(crate) struct Caller {
    pub stream: TcpStream,
    /// From 1.
    pub number: usize,
    state: Arc<State>,
}

impl Server {
    /// On 127.0.0.1; `talk` has a thread for each connection.
    pub(crate) fn start(talk: impl Fn(Caller) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self::on(listener, talk)
    }

    pub(crate) fn on(listener: TcpListener, talk: impl Fn(Caller) + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let (talk, shared) = (Arc::new(talk), Arc::clone(&state));
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let number = {
                    let mut seen = shared.seen.lock().unwrap();
                    seen.connections += 1;
                    seen.connections
                };
                // A client that is gone must not block the thread for ever.
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let caller = Caller {
                    stream,
                    number,
                    state: Arc::clone(&shared),
                };
                let talk = Arc::clone(&talk);
                thread::spawn(move || talk(caller));
            }
        });
        Self {
            address,
            state,
            thread: Some(thread),
        }
    }

    /// Answers every request with these octets and closes.
    pub(crate) fn saying(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |mut caller| {
            if caller.request().is_some() {
                caller.say(&response);
            }
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.seen.lock().unwrap().connections
    }

    /// The most requests that waited for their answer at once.
    pub(crate) fn waiting_max(&self) -> usize {
        self.state.seen.lock().unwrap().waiting_max
    }

    /// Every request so far, heads with their bodies.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.seen.lock().unwrap().requests.clone()
    }

    /// Waits until so many requests came.
    #[track_caller]
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let seen = self.state.seen.lock().unwrap();
        let (_seen, wait) = self
            .state
            .changed
            .wait_timeout_while(seen, PATIENCE, |seen| seen.requests.len() < count)
            .unwrap();
        assert!(!wait.timed_out(), "{count} requests did not come");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        self.state.changed.notify_all();
        // A connection wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Caller {
    /// The next request, head and body as text; `None` at the end of the connection.
    pub(crate) fn request(&mut self) -> Option<String> {
        let request = read_request(&mut self.stream)?;
        let mut seen = self.state.seen.lock().unwrap();
        seen.requests.push(request.clone());
        seen.waiting += 1;
        seen.waiting_max = seen.waiting_max.max(seen.waiting);
        self.state.changed.notify_all();
        Some(request)
    }

    /// Answers a request.
    pub(crate) fn say(&mut self, octets: &[u8]) {
        // Before the client can know, so that its next request never counts beside this one.
        self.state.seen.lock().unwrap().waiting -= 1;
        // The client may be gone.
        let _ = self.stream.write_all(octets);
    }

    /// Waits until so many requests have come to the server in all, or `longest` is over.
    pub(crate) fn wait_for_others(&self, count: usize, longest: Duration) {
        let seen = self.state.seen.lock().unwrap();
        let _ = self
            .state
            .changed
            .wait_timeout_while(seen, longest, |seen| {
                seen.requests.len() < count && !self.state.stop.load(Ordering::SeqCst)
            })
            .unwrap();
    }

    /// Ends the connection with a reset instead of an orderly close.
    pub(crate) fn reset(self) {
        let linger = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
        linger.expect("a socket of this system can be closed hard");
    }
}

/// A request, head and body, off a stream; `None` at its end.
pub(crate) fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut request = Vec::new();
    let mut octet = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet).ok()?;
        request.push(octet[0]);
    }
    let head = String::from_utf8(request).expect("heads are ASCII");
    let length = header(&head, "Content-Length").map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).expect("bodies of tests are text"))
}

/// The value of a header of a request.
pub(crate) fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let head = request.split("\r\n\r\n").next()?;
    head.lines().skip(1).find_map(|line| {
        let (is, value) = line.split_once(':')?;
        is.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// An answer with this body.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}
