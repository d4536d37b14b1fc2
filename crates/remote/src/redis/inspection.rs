//! What a server is, and what it could lose.

use std::collections::HashMap;
use std::fmt;

use super::connection::Link;
use crate::BrokerError;

/// The least version of Redis, or of what says that it is compatible with it.
const VERSION_MIN: (u64, u64) = (7, 0);

/// What a user should know of a server before a campaign begins. None of it makes a result wrong: what is
/// lost is probed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerWarning {
    /// The server removes keys when its memory is full, by this policy.
    Evicts(String),
    /// The server does not write what it has to a file that is complete after a crash.
    NoAof,
    /// The server does not say how it is set.
    NotChecked(&'static str),
}

impl fmt::Display for ServerWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evicts(policy) => write!(
                formatter,
                "maxmemory-policy is {policy}: when its memory is full, Redis may drop the campaign with all \
                 chunks and results in it, which are then probed again; set it to noeviction"
            ),
            Self::NoAof => formatter.write_str(
                "appendonly is no: when Redis ends, the chunks and results in it are lost, and are then \
                 probed again; set it to yes",
            ),
            Self::NotChecked(setting) => write!(
                formatter,
                "Redis does not say how {setting} is set: whether it may lose chunks and results could not \
                 be checked"
            ),
        }
    }
}

/// What a server says of itself.
pub(super) struct Information(HashMap<String, String>);

impl Information {
    /// Asks for one section, or for the usual ones.
    pub(super) fn read(link: &mut Link, section: Option<&str>) -> Result<Self, BrokerError> {
        let text: String =
            link.call(|connection| redis::cmd("INFO").arg(section).query(connection))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The name of the process.
    pub(super) fn instance(&self) -> Option<&str> {
        self.value("run_id")
    }

    /// Whether the server is recent enough.
    ///
    /// # Errors
    /// What it is, if it is not.
    pub(super) fn check_version(&self) -> Result<(), String> {
        let Some(version) = self.value("redis_version") else {
            return Err("it does not say its version, and Redis 7.0 is needed".into());
        };
        let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
        let found: (u64, u64) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if found >= VERSION_MIN {
            return Ok(());
        }
        let (major, minor) = VERSION_MIN;
        Err(format!(
            "it is Redis {version}, and {major}.{minor} is needed"
        ))
    }

    pub(super) fn warnings(&self) -> Vec<ServerWarning> {
        let mut warnings = Vec::new();
        match self.value("maxmemory_policy") {
            // No key of a campaign expires, so `volatile-` policies leave them alone.
            Some(policy) if policy.starts_with("allkeys-") => {
                warnings.push(ServerWarning::Evicts(policy.to_owned()));
            }
            Some(_) => {}
            None => warnings.push(ServerWarning::NotChecked("maxmemory-policy")),
        }
        match self.value("aof_enabled") {
            Some("0") => warnings.push(ServerWarning::NoAof),
            Some(_) => {}
            None => warnings.push(ServerWarning::NotChecked("appendonly")),
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_named() {
        for (text, found) in [
            ("redis_version:7.0.0\r\n", None),
            ("redis_version:7.2.4\r\nvalkey_version:8.1.0\r\n", None),
            ("redis_version:10.1.0\r\n", None),
            ("redis_version:6.2.14\r\n", Some("it is Redis 6.2.14")),
            ("# Server\r\n", Some("it does not say its version")),
        ] {
            let error = Information::parse(text).check_version().err();
            assert_eq!(error.is_some(), found.is_some(), "{text}");
            assert!(
                error
                    .unwrap_or_default()
                    .starts_with(found.unwrap_or_default())
            );
        }
    }

    #[test]
    fn what_could_be_lost_is_said() {
        let warnings = |text| Information::parse(text).warnings();
        assert_eq!(warnings("maxmemory_policy:noeviction\naof_enabled:1\n"), []);
        assert_eq!(
            warnings("maxmemory_policy:allkeys-lru\naof_enabled:0\n"),
            [
                ServerWarning::Evicts("allkeys-lru".into()),
                ServerWarning::NoAof
            ]
        );
        assert_eq!(
            warnings(""),
            [
                ServerWarning::NotChecked("maxmemory-policy"),
                ServerWarning::NotChecked("appendonly")
            ]
        );
    }
}
