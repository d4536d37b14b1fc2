//! Whether an answer without records can be believed: who may deny a name or a record.

use canvass_model::{Rcode, RecordType};

use super::Answers;
use super::names::{WireName, is_below};

/// What an answer section says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It has the records asked for, or denies them and may do so.
    Whole,
    /// It has an alias, and the server did not look its target up.
    Alias,
    /// It has no record, and the server cannot deny one: it neither has authority nor recurses.
    /// Usually this is a referral to other servers.
    Lame,
}

impl Answers<'_> {
    /// What the section says, as the answer to a query that asked for recursion.
    ///
    /// That there is no such name or record is believed of a server that recurses (RA) or has
    /// authority (AA), and of any other if it includes the SOA record of the zone (RFC 2308 §2.1,
    /// §2.2). Without that, NOERROR is at most a referral: to the servers of a zone below, or
    /// upwards to those of the root.
    #[inline]
    pub fn finding(&self) -> Finding {
        if self.has_wanted() || self.message.offers_recursion() {
            Finding::Whole
        } else if self.ends_at_alias() {
            Finding::Alias
        } else if self.message.is_authoritative() || self.has_soa() {
            Finding::Whole
        } else {
            Finding::Lame
        }
    }

    /// Whether there is an alias, and neither the records of its target nor a denial of them. The
    /// response code is that of the target (RFC 6604 §3).
    pub fn ends_at_alias(&self) -> bool {
        let message = self.message;
        let is_known = self.rcode() == Rcode::NXDOMAIN
            && (message.is_authoritative() || message.offers_recursion());
        self.has_lone_alias() && !is_known && !self.has_soa()
    }

    /// Whether the authority section has the SOA record of a zone that the last name is in.
    fn has_soa(&self) -> bool {
        let Some(end) = self.last_name() else {
            return false;
        };
        let encloses = |owner: WireName| owner == end || is_below(&end, &owner);
        self.message.authority_records().any(|record| {
            record.record_type == RecordType::SOA
                && self.is_of_class(&record)
                && record.folded_owner().is_some_and(encloses)
        })
    }
}
