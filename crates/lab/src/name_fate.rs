//! What becomes of the queries for a name: always the same for the same name.

use std::time::Duration;

use crate::impairment::Impairments;
use crate::query::{HEADER_BYTES, LowerName, Query};
use crate::zone::is_reverse;

/// Selects the names that are never answered, lame or missing.
const FATE: u64 = 0x9e37_79b9_7f4a_7c15;
/// Selects the slow names, independently of [`FATE`].
const SLOW: u64 = 0xc2b2_ae3d_27d4_eb4f;
/// Selects the delay of a lame name.
const LAME_DELAY: u64 = 0x2545_f491_4f6c_dd1d;

/// Identifies questions.
const QUESTION: u64 = 0x94d0_49bb_1331_11eb;

/// What becomes of the queries for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFate {
    /// They are answered.
    Answered,
    /// They are answered with NXDOMAIN (`nxdomain`).
    NxDomain,
    /// They are answered late, with SERVFAIL (`lame`).
    Lame,
    /// They are not answered (`never`).
    Never,
}

/// Identifies the question of a query.
pub(crate) type QuestionKey = (u32, u16);

/// The question of a query, if it has one. Two of them are taken for one question once in 2^32.
pub(crate) fn question_key(query: &[u8]) -> Option<QuestionKey> {
    let query = Query::parse(query).ok()?;
    Some((hash(query.name.wire(), QUESTION), query.record_type))
}

impl Impairments {
    /// What becomes of a query. The shares `never`, `lame` and `nxdomain` have no name in common.
    pub fn fate_of(&self, query: &[u8]) -> NameFate {
        let lame = self.never.plus(self.lame);
        let missing = lame.plus(self.nxdomain);
        if missing.is_zero() {
            return NameFate::Answered;
        }
        let Some(name) = name_of(query) else {
            return NameFate::Answered;
        };
        let drawn = hash(name.wire(), FATE);
        if self.never.includes(drawn) {
            NameFate::Never
        } else if lame.includes(drawn) {
            NameFate::Lame
        } else if missing.includes(drawn) && is_reverse(&name) {
            NameFate::NxDomain
        } else {
            NameFate::Answered
        }
    }

    /// How much later than others the queried name is answered, if it is lame.
    pub(crate) fn lame_delay(&self, query: &[u8]) -> Duration {
        let drawn = name_of(query).map_or(0, |name| hash(name.wire(), LAME_DELAY));
        self.lame_by
            .mul_f64(0.4 + 1.2 * f64::from(drawn) / f64::from(u32::MAX))
    }

    /// Whether the queried name is a slow one.
    pub(crate) fn is_slow(&self, query: &[u8]) -> bool {
        let is_within = |name: LowerName| self.slow.includes(hash(name.wire(), SLOW));
        !self.slow.is_zero() && name_of(query).is_some_and(is_within)
    }
}

fn name_of(query: &[u8]) -> Option<LowerName> {
    LowerName::parse(query.get(HEADER_BYTES..)?)
}

/// FNV-1a, and a mix because a share depends on the upper bits only.
pub(crate) fn hash(octets: &[u8], salt: u64) -> u32 {
    let hash = octets.iter().fold(salt, |hash, &octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ hash >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> 32) as u32
}
