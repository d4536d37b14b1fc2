//! The listener and its thread.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use canvass_sweep::SweepReader;
use crossbeam_channel::Sender;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, watch};

use crate::accept::{self, CLIENTS_MAX};
use crate::access::Access;
use crate::hosts::AllowedHosts;
use crate::probe::Exporter;
use crate::reload::Reloader;
use crate::router::{self, Site};
use crate::web_config::WebConfig;

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is in use or not one of this machine, for example.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// Its thread cannot be started.
    #[error("cannot start the thread of the listener: {0}")]
    Thread(io::Error),
}

/// An address that clients can connect to. They are served once there is a sweep.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    hosts: AllowedHosts,
    web: Option<WebConfig>,
}

impl Listener {
    /// Listens on `address`; port 0 is a free port. `hosts` are the names that clients may use for
    /// it beside `localhost`.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn bind(
        address: SocketAddr,
        hosts: impl IntoIterator<Item = String>,
    ) -> Result<Self, ListenError> {
        let bind = |error| ListenError::Bind { address, error };
        let socket = TcpListener::bind(address).map_err(bind)?;
        socket.set_nonblocking(true).map_err(bind)?;
        Ok(Self {
            address: socket.local_addr().map_err(bind)?,
            socket,
            hosts: AllowedHosts::new(hosts),
            web: None,
        })
    }

    /// Lets in only the clients that a web configuration allows. `messages` receives why one that has
    /// changed is not used, as far as it has room.
    #[must_use]
    pub fn restricted(mut self, mut config: WebConfig, messages: Sender<String>) -> Self {
        config.set_messages(messages);
        self.web = Some(config);
        self
    }

    /// The address, with the port that was chosen if it was 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `sweep`, and what is probed on request, on a thread of its own.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn serve(
        self,
        sweep: SweepReader,
        exporter: Option<Exporter>,
        reloader: Reloader,
    ) -> Result<Server, ListenError> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(ListenError::Thread)?;
        let socket = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(self.socket).map_err(ListenError::Thread)?
        };
        let (stop, stopped) = watch::channel(false);
        let clients = Arc::new(Semaphore::new(CLIENTS_MAX));
        let access = Access::new(self.web).map_err(ListenError::Thread)?;
        let site = Site::new(
            sweep,
            self.hosts,
            access.clone(),
            Arc::clone(&clients),
            exporter,
            reloader,
        );
        let work = move || {
            runtime.block_on(accept::serve(
                socket,
                router::router(site),
                access,
                clients,
                stopped,
            ));
            // Probes that are still under way are not waited for.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new()
            .name("listener".into())
            .spawn(work)
            .map_err(ListenError::Thread)?;
        Ok(Server {
            stop,
            thread: Some(thread),
        })
    }
}

/// A listener that serves a sweep. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Accepts no more requests, and waits until those under way have their responses, at most for a
    /// second.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
