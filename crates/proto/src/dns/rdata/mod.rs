//! Record data in presentation form (RFC 1035 §5.1), as a zone file writes it.
//!
//! A type is a list of fields ([`fields`]), so what it takes to add one is a line there. The forms
//! are those that `dig` prints, but for the blanks that it puts into long hexadecimal and Base64
//! text. hickory-proto writes the types whose form it prints that way; it shows A-labels as Unicode
//! and does not escape every octet, so it is not asked for types that hold names or text.

mod fields;
mod reader;
mod special;
mod svcb;
mod text;

use canvass_model::{Record, RecordType};
use hickory_proto::rr::RData;
use hickory_proto::serialize::binary::{BinDecoder, Restrict};

use super::RecordView;
use fields::fields;
use reader::Reader;

impl RecordView<'_> {
    /// The record as a zone file would show it; `None` if its owner name is broken.
    ///
    /// Data of an unknown type, and data that breaks the rules of its type, is shown as
    /// `\# length hex` (RFC 3597 §5), so that no record is lost.
    pub fn presentation(&self) -> Option<Record> {
        let mut name = String::new();
        self.write_owner(&mut name)?;
        let data = self
            .typed()
            .filter(|data| !data.is_empty())
            .unwrap_or_else(|| self.generic());
        Some(Record {
            name: name.into(),
            record_type: self.record_type,
            class: self.class,
            ttl_s: self.ttl_s,
            data: data.into(),
        })
    }

    fn typed(&self) -> Option<String> {
        match self.record_type {
            // A, AAAA, DS, DNSKEY, CDS, CDNSKEY, OPENPGPKEY.
            RecordType(1 | 28 | 43 | 48 | 59..=61) => self.by_hickory(),
            RecordType(number) => {
                let mut out = String::new();
                let mut reader = Reader::new(*self);
                for field in fields(number)? {
                    let before = out.len();
                    if before > 0 {
                        out.push(' ');
                    }
                    let start = out.len();
                    field.write(&mut reader, &mut out)?;
                    if out.len() == start {
                        out.truncate(before);
                    }
                }
                reader.is_at_end().then_some(out)
            }
        }
    }

    fn by_hickory(&self) -> Option<String> {
        let (message, at) = self.place();
        let end = usize::from(at) + self.data().len();
        // The decoder is given nothing after the record, so that broken data cannot run over.
        let mut decoder = BinDecoder::new(&message[..end]).clone(at);
        let length = u16::try_from(self.data().len()).ok()?;
        let known = self.record_type.0.into();
        let data = RData::read(&mut decoder, known, Restrict::new(length)).ok()?;
        if !decoder.is_empty() || matches!(data, RData::Unknown { .. }) {
            return None;
        }
        Some(data.to_string())
    }

    /// Data of unknown type (RFC 3597 §5).
    fn generic(&self) -> String {
        let data = self.data();
        let mut out = format!("\\# {}", data.len());
        if !data.is_empty() {
            out.push(' ');
            text::write_hex(data, &mut out);
        }
        out
    }
}

#[cfg(test)]
mod tests;
