//! The listener of a sweep.

use std::net::SocketAddr;

use canvass_serve::{Exporter, Listener, Reloader, Server, SweepReader, WebConfig};
use crossbeam_channel::Sender;

use crate::args::ListenArgs;
use crate::exit::Failure;
use crate::message::message;
use crate::plan::PlannedExporter;
use crate::same_file::NamedFiles;

/// A listener that is asked for.
pub(crate) struct PlannedListener {
    address: SocketAddr,
    hosts: Vec<String>,
    web_config: Option<WebConfig>,
}

impl PlannedListener {
    /// The listener of `--listen`, if it is given, with its web configuration.
    pub(crate) fn new(args: &ListenArgs, files: &mut NamedFiles) -> Result<Option<Self>, Failure> {
        let Some(address) = args.listen else {
            return Ok(None);
        };
        let web_config = args.web_config.as_deref().map(|path| {
            files.reads("--web-config", path);
            WebConfig::read(path).map_err(|error| Failure::usage(format!("--web-config: {error}")))
        });
        Ok(Some(Self {
            address,
            hosts: args.listen_host.clone(),
            web_config: web_config.transpose()?,
        }))
    }

    /// Binds its address. `messages` receives what becomes of its web configuration.
    pub(crate) fn bind(
        self,
        exporter: Option<&PlannedExporter>,
        messages: Sender<String>,
    ) -> Result<BoundListener, Failure> {
        let address = self.address;
        let listener = Listener::bind(address, self.hosts).map_err(Failure::stopped)?;
        let is_restricted = self
            .web_config
            .as_ref()
            .is_some_and(WebConfig::is_restricted);
        let has_tls = self.web_config.as_ref().is_some_and(WebConfig::has_tls);
        if !address.ip().is_loopback() {
            let warning = match (is_restricted, has_tls) {
                (true, true) => None,
                (true, false) => Some("passwords and what is read are sent without TLS"),
                (false, _) => Some(
                    "everyone who can reach it can read the targets and their states, and probe them \
                     (--web-config asks for passwords)",
                ),
            };
            if let Some(warning) = warning {
                message(format_args!(
                    "canvass: --listen {address} is not a loopback address: {warning}"
                ));
            }
            if exporter.is_some_and(|planned| planned.exporter.takes_any_target()) {
                message(
                    "canvass: --probe-targets any: they can have any target probed from here, too",
                );
            }
        }
        let listener = match self.web_config {
            Some(config) => listener.restricted(config, messages),
            None => listener,
        };
        Ok(BoundListener {
            listener,
            scheme: if has_tls { "https" } else { "http" },
        })
    }
}

/// A listener whose clients wait for the sweep.
pub(crate) struct BoundListener {
    listener: Listener,
    scheme: &'static str,
}

impl BoundListener {
    /// Serves `sweep` and what is probed on request, and says where.
    pub(crate) fn serve(
        self,
        sweep: SweepReader,
        exporter: Option<Exporter>,
        reloader: Reloader,
    ) -> Result<Server, Failure> {
        let address = self.listener.address();
        let server = self
            .listener
            .serve(sweep, exporter, reloader)
            .map_err(Failure::stopped)?;
        message(format_args!("listening on {}://{address}/", self.scheme));
        Ok(server)
    }
}
