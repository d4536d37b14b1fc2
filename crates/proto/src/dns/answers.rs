//! What the answer section of a message holds.

use std::net::IpAddr;

use canvass_model::{Record, RecordType};

use super::Message;

impl Message<'_> {
    /// Every record of the answer section; `None` when the section is broken.
    pub fn answer_section(&self) -> Option<Vec<Record>> {
        let records: Vec<Record> = self
            .answer_records()
            .map(|record| record.presentation())
            .collect::<Option<_>>()?;
        (records.len() == usize::from(self.answer_count())).then_some(records)
    }

    /// The addresses in the answer section, of one type (A or AAAA), and the shortest TTL there;
    /// `None` when the section is broken. An alias is kept no longer than its target, nor the
    /// target longer than the alias.
    pub fn addresses(&self, record_type: RecordType) -> Option<(Vec<IpAddr>, Option<u32>)> {
        let mut addresses = Vec::new();
        let mut ttl_s: Option<u32> = None;
        let mut owner = String::new();
        let mut seen = 0;
        for record in self.answer_records() {
            seen += 1;
            owner.clear();
            record.write_owner(&mut owner)?;
            ttl_s = Some(ttl_s.map_or(record.ttl_s, |least| least.min(record.ttl_s)));
            if record.record_type == record_type {
                addresses.push(address(record_type, record.data())?);
            }
        }
        (seen == self.answer_count()).then_some((addresses, ttl_s))
    }

    /// Whether there is a record of this type in the answer section; for ANY, any record.
    pub fn has_answer(&self, record_type: RecordType) -> bool {
        self.answer_records()
            .any(|record| record.record_type == record_type || record_type == RecordType::ANY)
    }
}

fn address(record_type: RecordType, data: &[u8]) -> Option<IpAddr> {
    match record_type {
        RecordType::A => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
    }
}
