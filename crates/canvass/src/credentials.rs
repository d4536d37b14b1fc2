//! Credentials for conversations: from the environment or a file, never from the command line,
//! where every user of the machine can read them.

use std::path::Path;
use std::sync::Arc;

use canvass_proto::talk::Credentials;

use crate::exit::Failure;

const USER: &str = "CANVASS_USER";
const PASSWORD: &str = "CANVASS_PASSWORD";

/// Reads the credentials from a file (the user on its first line, the password on its second), or
/// from the environment; `None` where neither has any.
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

/// What to say where there are none and some are needed.
pub(crate) fn missing(script: &str) -> Failure {
    Failure::usage(format!(
        "{script} needs credentials: set {USER} and {PASSWORD}, or name a file with --credentials"
    ))
}
