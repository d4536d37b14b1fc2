//! How counts are saved and read back, where serde cannot know it.

use std::collections::BTreeMap;
use std::str::FromStr;

use canvass_model::{Cause, Errno, Phase};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Maps whose keys are no strings, as lists of pairs.
pub(super) mod pairs {
    use super::*;

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        let pairs = Vec::<(K, V)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

/// Faults, by the words of output lines.
pub(super) mod faults {
    use super::*;

    type Faults = BTreeMap<(Phase, Cause, Option<Errno>), u64>;

    pub(crate) fn serialize<S: Serializer>(faults: &Faults, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(faults.iter().map(|((phase, cause, errno), count)| {
            let errno = errno.map(|errno| errno.0);
            (phase.as_str(), cause.as_str(), errno, count)
        }))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Faults, D::Error> {
        let rows = Vec::<(String, String, Option<i32>, u64)>::deserialize(from)?;
        rows.into_iter()
            .map(|(phase, cause, errno, count)| {
                let phase = Phase::from_str(&phase).map_err(D::Error::custom)?;
                let cause = Cause::from_str(&cause).map_err(D::Error::custom)?;
                Ok(((phase, cause, errno.map(Errno)), count))
            })
            .collect()
    }
}
