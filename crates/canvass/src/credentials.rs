//! Credentials for talk scripts and for HTTP: from the environment or a file, never from the command
//! line, which every user of the machine can read.

use std::path::Path;

use crate::exit::Failure;

pub(crate) const USER: &str = "CANVASS_USER";
pub(crate) const PASSWORD: &str = "CANVASS_PASSWORD";

/// A user and a password. They must not be printed.
pub(crate) struct Found {
    pub user: String,
    pub password: String,
    /// Where they are from.
    pub source: String,
}

/// Reads the credentials from a file (user on the first line, password on the second) or else from the
/// environment. Returns `None` if there are none.
pub(crate) fn read(file: Option<&Path>) -> Result<Option<Found>, Failure> {
    let Some(path) = file else {
        return Ok(match (std::env::var(USER), std::env::var(PASSWORD)) {
            (Ok(user), Ok(password)) => Some(Found {
                user,
                password,
                source: "the environment".to_owned(),
            }),
            _ => None,
        });
    };
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read credentials from {name}: {error}")))?;
    let mut lines = text.lines();
    let (Some(user), Some(password)) = (lines.next(), lines.next()) else {
        return Err(Failure::usage(format!(
            "{name} has no user on its first line and password on its second"
        )));
    };
    Ok(Some(Found {
        user: user.to_owned(),
        password: password.to_owned(),
        source: name.to_string(),
    }))
}

/// The password of the environment, for a user that is named otherwise.
pub(crate) fn password_of_environment() -> Result<String, Failure> {
    std::env::var(PASSWORD).map_err(|_| {
        Failure::usage(format!(
            "--user needs a password: set {PASSWORD}, or name a file with --credentials"
        ))
    })
}

/// The error for what needs credentials when there are none.
pub(crate) fn missing(what: &str) -> Failure {
    Failure::usage(format!(
        "{what} needs credentials: set {USER} and {PASSWORD}, or name a file with --credentials"
    ))
}
