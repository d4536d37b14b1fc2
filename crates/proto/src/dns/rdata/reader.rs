//! Reading the data of one record, field after field.

use crate::dns::RecordView;

/// What is left of a record's data.
pub(super) struct Reader<'a> {
    record: RecordView<'a>,
    /// Octets of the data that were read.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(record: RecordView<'a>) -> Self {
        Self { record, at: 0 }
    }

    /// The octets that were not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.record.data()[self.at..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..count)?;
        self.at += count;
        Some(taken)
    }

    pub(super) fn take_rest(&mut self) -> &'a [u8] {
        let rest = self.rest();
        self.at += rest.len();
        rest
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[octet]| octet)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn ipv4(&mut self) -> Option<std::net::Ipv4Addr> {
        self.array::<4>().map(Into::into)
    }

    pub(super) fn ipv6(&mut self) -> Option<std::net::Ipv6Addr> {
        self.array::<16>().map(Into::into)
    }

    /// A `<character-string>` (RFC 1035 §3.3), or any data whose length stands in one octet.
    pub(super) fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// Appends a name, which may be compressed, in presentation form.
    pub(super) fn write_name(&mut self, out: &mut String) -> Option<()> {
        self.at = self.record.write_name_in_data(self.at, out)?;
        Some(())
    }
}
