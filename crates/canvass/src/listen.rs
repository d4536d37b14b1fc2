//! The listener of a sweep.

use canvass_serve::{Listener, Server, SweepReader};

use crate::args::ListenArgs;
use crate::exit::Failure;
use crate::message::message;

/// Binds the address of `--listen`, if it is given.
pub(crate) fn bind(args: ListenArgs) -> Result<Option<Listener>, Failure> {
    let Some(address) = args.listen else {
        return Ok(None);
    };
    let listener = Listener::bind(address, args.listen_host).map_err(Failure::stopped)?;
    if !address.ip().is_loopback() {
        message(format_args!(
            "canvass: --listen {address} is not a loopback address: everyone who can reach it can read \
             the targets and their states"
        ));
    }
    Ok(Some(listener))
}

/// Serves `sweep` on the listener, and says where.
pub(crate) fn serve(listener: Listener, sweep: SweepReader) -> Result<Server, Failure> {
    let address = listener.address();
    let server = listener.serve(sweep).map_err(Failure::stopped)?;
    message(format_args!("listening on http://{address}/"));
    Ok(server)
}
