//! What must be the same when a run is resumed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What must be the same when a run is resumed: named values, each as it may be shown and as a salted
/// SHA-256 of what it is. So a secret value can be compared and is not in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    salt: String,
    values: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    shown: String,
    digest: String,
}

/// A value to bind.
#[derive(Clone, Debug)]
pub struct BoundValue {
    /// Its name: a flag, or a word for what has none.
    pub name: String,
    /// What a person may see of it.
    pub shown: String,
    /// What it is.
    pub octets: Vec<u8>,
}

impl BoundValue {
    /// A value that is shown as `shown` and is `octets`.
    pub fn new(
        name: impl Into<String>,
        shown: impl Into<String>,
        octets: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            name: name.into(),
            shown: shown.into(),
            octets: octets.into(),
        }
    }
}

/// A value that differs from the journal's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The name of the value.
    pub name: String,
    /// What the journal has.
    pub recorded: Option<String>,
    /// What was given now.
    pub given: Option<String>,
}

impl Binding {
    /// Binds values. Names are unique; `salt` is random.
    pub fn new(salt: String, values: impl IntoIterator<Item = BoundValue>) -> Self {
        let values = values.into_iter().map(|value| {
            let mut digest = Sha256::new();
            digest.update(&salt);
            digest.update([0]);
            digest.update(&value.octets);
            let digest = format!("{:x}", digest.finalize());
            let shown = value.shown;
            (value.name, Value { shown, digest })
        });
        Self {
            values: values.collect(),
            salt,
        }
    }

    /// The salt, for a binding that is compared with this one.
    pub fn salt(&self) -> &str {
        &self.salt
    }

    /// The names and what may be seen of the values.
    pub fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.values.iter();
        values.map(|(name, value)| (name.as_str(), value.shown.as_str()))
    }

    /// The values of `given`, which has the same salt, that differ from these.
    pub fn differences(&self, given: &Self) -> Vec<Difference> {
        let mut names: Vec<&String> = self.values.keys().chain(given.values.keys()).collect();
        names.sort();
        names.dedup();
        let pairs = names
            .into_iter()
            .map(|name| (name, self.values.get(name), given.values.get(name)));
        let differ = pairs.filter(|(_, recorded, given)| {
            recorded.map(|value| &value.digest) != given.map(|value| &value.digest)
        });
        differ
            .map(|(name, recorded, given)| Difference {
                name: name.clone(),
                recorded: recorded.map(|value| value.shown.clone()),
                given: given.map(|value| value.shown.clone()),
            })
            .collect()
    }

    /// As [`differences`](Self::differences), of runs with salts of their own: by what is shown.
    pub(crate) fn differences_shown(&self, other: &Self) -> Vec<Difference> {
        let digest_shown = |binding: &Self| Self {
            salt: String::new(),
            values: binding
                .values
                .iter()
                .map(|(name, value)| {
                    let digest = value.shown.clone();
                    (
                        name.clone(),
                        Value {
                            digest,
                            ..value.clone()
                        },
                    )
                })
                .collect(),
        };
        digest_shown(self).differences(&digest_shown(other))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match (&self.recorded, &self.given) {
            (Some(recorded), Some(given)) if recorded == given => {
                write!(f, "{name} has another value than in the journal")
            }
            (Some(recorded), Some(given)) => {
                write!(f, "{name} is {recorded} in the journal, and {given} now")
            }
            (Some(recorded), None) => {
                write!(f, "{name} is {recorded} in the journal, and missing now")
            }
            (None, Some(given)) => write!(f, "{name} is not in the journal, and {given} now"),
            (None, None) => write!(f, "{name} differs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(values: &[(&str, &str, &str)]) -> Binding {
        let values = values
            .iter()
            .map(|(name, shown, octets)| BoundValue::new(*name, *shown, *octets));
        Binding::new("salt".into(), values)
    }

    #[test]
    fn what_differs_is_named() {
        let recorded = bound(&[
            ("--type", "A", "A"),
            ("--header", "***", "one"),
            ("--limit", "5", "5"),
            ("list", "a", "a"),
        ]);
        let given = bound(&[
            ("--type", "MX", "MX"),
            ("--header", "***", "two"),
            ("--cd", "given", "1"),
            ("list", "a", "a"),
        ]);
        assert_eq!(recorded.differences(&recorded), []);
        let texts: Vec<String> = recorded
            .differences(&given)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            texts,
            [
                "--cd is not in the journal, and given now",
                "--header has another value than in the journal",
                "--limit is 5 in the journal, and missing now",
                "--type is A in the journal, and MX now",
            ]
        );
    }

    #[test]
    fn a_secret_is_not_in_the_journal() {
        let recorded = bound(&[("--header", "***", "Authorization: hunter2")]);
        assert!(
            !serde_json::to_string(&recorded)
                .unwrap()
                .contains("hunter2")
        );
    }
}
