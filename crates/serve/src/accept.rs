//! Accepts connections, and limits what each can take.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::access::Access;

/// The maximum number of open connections. Further ones wait in the kernel until one is closed.
pub const CLIENTS_MAX: usize = 256;
/// The maximum time of a TLS handshake.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// The maximum time from when a request may begin until its header is complete. It also ends
/// connections that are kept open without requests.
const HEADER_TIME_MAX: Duration = Duration::from_secs(10);
/// The age of a connection from which it is closed after the response under way, and how long that
/// response may still take.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(60);
const LAST_RESPONSE_TIME_MAX: Duration = Duration::from_secs(120);
/// The maximum size of a header, in octets, and the maximum number of its fields.
const HEADER_SIZE_MAX: usize = 16 * 1024;
const HEADER_FIELDS_MAX: usize = 64;
/// How long responses under way may still take when the listener stops.
const STOP_TIME_MAX: Duration = Duration::from_millis(900);
/// The pause after a connection could not be accepted, as when there is no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `stop` changes. Each holds one of the permits of `clients`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    access: Access,
    clients: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &clients) => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, permit)) => {
                let tls = access.tls().map(TlsAcceptor::from);
                tokio::spawn(open(stream, tls, router.clone(), permit, stop.clone()));
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    // Every permit is back once all connections are closed.
    let all_closed = clients.acquire_many(CLIENTS_MAX as u32);
    let _ = timeout(STOP_TIME_MAX, all_closed).await;
}

async fn accept(
    listener: &TcpListener,
    clients: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(clients).acquire_owned().await;
    let permit = permit.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// Opens one connection, with a TLS handshake if there is TLS, and serves its requests.
async fn open(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    _permit: OwnedSemaphorePermit,
    mut stop: watch::Receiver<bool>,
) {
    let Some(tls) = tls else {
        return converse(stream, router, stop).await;
    };
    let handshake = timeout(HANDSHAKE_TIME_MAX, tls.accept(stream));
    let opened = tokio::select! {
        opened = handshake => opened,
        _ = stop.changed() => return,
    };
    if let Ok(Ok(stream)) = opened {
        converse(stream, router, stop).await;
    }
}

/// Serves the requests of one connection.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX)
        .max_header_size(HEADER_SIZE_MAX)
        .max_headers(HEADER_FIELDS_MAX);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = sleep(CONNECTION_AGE_MAX) => {}
        _ = stop.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST_RESPONSE_TIME_MAX, connection).await;
}
