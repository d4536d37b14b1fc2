//! One record in place.

use canvass_model::{Class, RecordType};

use super::Message;
use super::names::{WireName, folded};

/// One resource record in place.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    message: Message<'a>,
    name_at: usize,
    data_at: usize,
    data_octets: u16,
    /// Its type.
    pub record_type: RecordType,
    /// Its class.
    pub class: Class,
    /// How long it may be kept, in seconds.
    pub ttl_s: u32,
}

impl<'a> RecordView<'a> {
    /// The record that begins at `name_at`; `None` when it is broken.
    #[inline]
    pub(super) fn at(message: Message<'a>, name_at: usize) -> Option<Self> {
        let at = message.skip_name(name_at)?;
        let fixed: &[u8; 10] = message.octets().get(at..at + 10)?.first_chunk()?;
        let record_type = RecordType(u16::from_be_bytes([fixed[0], fixed[1]]));
        let ttl_s = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        // A TTL with its highest bit set means 0 (RFC 2181 §8). That of OPT is no TTL.
        let is_ttl = record_type != RecordType::OPT;
        let record = Self {
            message,
            name_at,
            data_at: at + 10,
            data_octets: u16::from_be_bytes([fixed[8], fixed[9]]),
            record_type,
            class: Class(u16::from_be_bytes([fixed[2], fixed[3]])),
            ttl_s: if is_ttl && ttl_s > i32::MAX as u32 {
                0
            } else {
                ttl_s
            },
        };
        (record.data_end() <= message.octets().len()).then_some(record)
    }

    /// Whether it is the pseudo-record OPT.
    pub(super) fn is_opt(&self) -> bool {
        self.record_type == RecordType::OPT
    }

    /// Where in the message it ends.
    pub(super) fn data_end(&self) -> usize {
        self.data_at + usize::from(self.data_octets)
    }

    /// The data as it is in the message. Names in it may be compressed.
    pub fn data(&self) -> &'a [u8] {
        &self.message.octets()[self.data_at..self.data_end()]
    }

    /// The owner in lower case; `None` when it is broken.
    pub(super) fn folded_owner(&self) -> Option<WireName> {
        self.message.plain_name(self.name_at).map(folded)
    }

    /// The name that is the data; `None` when it is broken.
    pub(super) fn target(&self) -> Option<WireName> {
        self.message.plain_name(self.data_at)
    }

    /// Appends the owner in presentation form; `None` when it is broken.
    pub fn write_owner(&self, out: &mut String) -> Option<()> {
        self.message.write_name(self.name_at, out).map(drop)
    }

    /// Appends a name in the data, `skip` octets into it, in presentation form; `None` when it
    /// is broken or does not end where the data does.
    #[inline]
    pub fn write_data_name(&self, skip: usize, out: &mut String) -> Option<()> {
        let end = self.message.write_name(self.data_at + skip, out)?;
        (end == self.data_end()).then_some(())
    }

    /// Appends the name that begins `skip` octets into the data, in presentation form, and returns
    /// where in the data it ends; `None` if it is broken or ends after the data.
    pub(super) fn write_name_in_data(&self, skip: usize, out: &mut String) -> Option<usize> {
        let end = self.message.write_name(self.data_at + skip, out)?;
        (end <= self.data_end()).then_some(end - self.data_at)
    }

    /// The whole message, and where in it the data begins.
    pub(super) fn place(&self) -> (&'a [u8], u16) {
        (self.message.octets(), self.data_at as u16)
    }
}
