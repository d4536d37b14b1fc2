//! The name of a campaign.

use std::fmt;
use std::str::FromStr;

/// The most octets of a name.
const OCTETS_MAX: usize = 64;

/// The name of a campaign: letters and digits of ASCII, `.`, `_` and `-`.
///
/// It is a part of keys and of the patterns that grant access to them, so it has no other characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CampaignName(Box<str>);

/// Text that is not the name of a campaign.
#[derive(Debug, thiserror::Error)]
#[error("the name of a campaign has 1 to {OCTETS_MAX} letters, digits, '.', '_' or '-'")]
pub struct CampaignNameError;

impl CampaignName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CampaignName {
    type Err = CampaignNameError;

    fn from_str(text: &str) -> Result<Self, CampaignNameError> {
        let is_allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
        if (1..=OCTETS_MAX).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            Err(CampaignNameError)
        }
    }
}

impl fmt::Display for CampaignName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_key() {
        for name in ["a", "2026-11.ptr_v4", &"x".repeat(64)] {
            assert_eq!(name.parse::<CampaignName>().unwrap().as_str(), name);
        }
        for name in ["", "a}b", "a*", "a b", "ä", "a:b", &"x".repeat(65)] {
            assert!(name.parse::<CampaignName>().is_err(), "{name}");
        }
    }
}
