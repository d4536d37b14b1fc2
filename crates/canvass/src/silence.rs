//! `canvass sweep silence`: shows and changes the silences of a sweep.

use std::fmt::Write as _;
use std::time::SystemTime;

use canvass_sweep::{Silence, SilenceScope, Silences};

use crate::args::SilenceArgs;
use crate::exit::{Exit, Failure};
use crate::files;

/// Shows or changes the silences beside the file of states.
pub(crate) fn silence(args: SilenceArgs) -> Result<Exit, Failure> {
    let path = Silences::path(&args.state);
    let now = SystemTime::now();
    let Some(scope) = args.scope.as_deref().map(SilenceScope::parse) else {
        let silences = Silences::read(&path).map_err(Failure::usage)?;
        let mut lines = String::new();
        for silence in silences.iter().filter(|one| !one.is_over(now)) {
            let _ = writeln!(lines, "{silence}");
        }
        files::write_stdout(lines.as_bytes())?;
        return Ok(Exit::Complete);
    };
    let changed = |change: &mut dyn FnMut(&mut Silences) -> bool| {
        Silences::change(&path, now, |silences| change(silences)).map_err(Failure::stopped)
    };
    if args.remove {
        if !changed(&mut |silences| silences.remove(&scope))? {
            return Err(Failure::usage(format!("{scope} is not silenced")));
        }
        return Ok(Exit::Complete);
    }
    let until = match (args.for_, &args.until) {
        (Some(span), _) => now.checked_add(span),
        (None, Some(text)) => Some(Silence::parse_time(text).ok_or_else(|| {
            Failure::usage("--until: expected a time such as 2027-01-15T08:00:00Z")
        })?),
        (None, None) => {
            return Err(Failure::usage(
                "expected one of --for D, --until TIME and --remove",
            ));
        }
    };
    let silence = until.and_then(|until| Silence::new(scope.clone(), until));
    let silence = silence.ok_or_else(|| Failure::usage("the silence ends too late"))?;
    if silence.is_over(now) {
        return Err(Failure::usage("the silence is over before it begins"));
    }
    changed(&mut |silences| {
        silences.add(silence.clone());
        true
    })?;
    Ok(Exit::Complete)
}
