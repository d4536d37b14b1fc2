//! The listener of a sweep.

use canvass_serve::{Exporter, Listener, Reloader, Server, SweepReader};

use crate::args::ListenArgs;
use crate::exit::Failure;
use crate::message::message;
use crate::plan::PlannedExporter;

/// Binds the address of `--listen`, if it is given.
pub(crate) fn bind(
    args: ListenArgs,
    exporter: Option<&PlannedExporter>,
) -> Result<Option<Listener>, Failure> {
    let Some(address) = args.listen else {
        return Ok(None);
    };
    let listener = Listener::bind(address, args.listen_host).map_err(Failure::stopped)?;
    if !address.ip().is_loopback() {
        message(format_args!(
            "canvass: --listen {address} is not a loopback address: everyone who can reach it can read \
             the targets and their states"
        ));
        if exporter.is_some_and(|planned| planned.exporter.takes_any_target()) {
            message("canvass: --probe-targets any: they can have any target probed from here, too");
        }
    }
    Ok(Some(listener))
}

/// Serves `sweep` and what is probed on request on the listener, and says where.
pub(crate) fn serve(
    listener: Listener,
    sweep: SweepReader,
    exporter: Option<Exporter>,
    reloader: Reloader,
) -> Result<Server, Failure> {
    let address = listener.address();
    let server = listener
        .serve(sweep, exporter, reloader)
        .map_err(Failure::stopped)?;
    message(format_args!("listening on http://{address}/"));
    Ok(server)
}
