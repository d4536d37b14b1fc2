//! Credentials for talk scripts: from the environment or a file, never from the command line, which
//! every user of the machine can read.

use std::path::Path;
use std::sync::Arc;

use canvass_proto::talk::Credentials;

use crate::exit::Failure;

const USER: &str = "CANVASS_USER";
const PASSWORD: &str = "CANVASS_PASSWORD";

/// Reads the credentials from a file (user on the first line, password on the second) or else from the
/// environment. Returns `None` if there are none.
pub(crate) fn read(file: Option<&Path>) -> Result<Option<Arc<Credentials>>, Failure> {
    let (user, password, source) = match file {
        Some(path) => {
            let name = path.display();
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("cannot read credentials from {name}: {error}"))
            })?;
            let mut lines = text.lines();
            let (Some(user), Some(password)) = (lines.next(), lines.next()) else {
                return Err(Failure::usage(format!(
                    "{name} has no user on its first line and password on its second"
                )));
            };
            (user.to_owned(), password.to_owned(), name.to_string())
        }
        None => match (std::env::var(USER), std::env::var(PASSWORD)) {
            (Ok(user), Ok(password)) => (user, password, "the environment".into()),
            _ => return Ok(None),
        },
    };
    Credentials::new(&user, &password)
        .map(|credentials| Some(Arc::new(credentials)))
        .map_err(|error| Failure::usage(format!("the credentials of {source}: {error}")))
}

/// The error for a script that needs credentials when there are none.
pub(crate) fn missing(script: &str) -> Failure {
    Failure::usage(format!(
        "{script} needs credentials: set {USER} and {PASSWORD}, or name a file with --credentials"
    ))
}
