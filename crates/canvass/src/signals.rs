//! SIGINT and SIGTERM as events.

use std::io;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Calls `each` with the number of every SIGINT and SIGTERM from now on.
pub(crate) fn watch(each: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || signals.forever().for_each(each))?;
    Ok(())
}
