//! Record data: in presentation form, and as addresses.

use std::fmt::Write;
use std::net::IpAddr;

use canvass_model::{Record, RecordType};
use hickory_proto::rr::RData;
use hickory_proto::serialize::binary::{BinDecoder, Restrict};

use super::RecordView;

impl RecordView<'_> {
    /// The record as a zone file would show it; `None` when its owner is broken.
    ///
    /// Data that cannot be shown in the form of its type, because it is unknown or broken, is shown
    /// as `\# length hex` (RFC 3597 §5), so that no record is lost.
    pub fn presentation(&self) -> Option<Record> {
        let mut name = String::new();
        self.write_owner(&mut name)?;
        let data = self.typed().unwrap_or_else(|| self.generic());
        Some(Record {
            name: name.into(),
            record_type: self.record_type,
            ttl_s: self.ttl_s,
            data: data.into(),
        })
    }

    /// The data in the form of the record's type. Names are written here rather than by
    /// hickory-proto, which shows A-labels as Unicode.
    fn typed(&self) -> Option<String> {
        let mut out = String::new();
        let data = self.data();
        match self.record_type.0 {
            // NS, MD, MF, CNAME, MB, MG, MR, PTR, DNAME: a name.
            2..=5 | 7..=9 | 12 | 39 => self.write_data_name(0, &mut out)?,
            // MX, RT, KX, AFSDB: a number and a name.
            15 | 18 | 21 | 36 => {
                write!(out, "{} ", number(data, 0)?).ok()?;
                self.write_data_name(2, &mut out)?;
            }
            // SRV (RFC 2782): three numbers and a name.
            33 => {
                for at in [0, 2, 4] {
                    write!(out, "{} ", number(data, at)?).ok()?;
                }
                self.write_data_name(6, &mut out)?;
            }
            // HINFO, TXT, SPF: character strings.
            13 | 16 | 99 => write_strings(data, &mut out)?,
            _ => out = self.by_hickory()?,
        }
        Some(out)
    }

    fn by_hickory(&self) -> Option<String> {
        let (message, at) = self.place();
        let end = usize::from(at) + self.data().len();
        // The decoder gets nothing behind the record, so that broken data cannot extend into it.
        let mut decoder = BinDecoder::new(&message[..end]).clone(at);
        let length = u16::try_from(self.data().len()).ok()?;
        let known = self.record_type.0.into();
        let data = RData::read(&mut decoder, known, Restrict::new(length)).ok()?;
        if !decoder.is_empty()
            || matches!(data, RData::Unknown { .. } | RData::NULL(_) | RData::OPT(_))
        {
            return None;
        }
        let mut out = String::new();
        write!(out, "{data}").ok()?;
        // hickory-proto replaces what is not UTF-8 and shows A-labels as Unicode: neither is what
        // was received.
        (!out.is_empty() && out.bytes().all(|byte| (b' '..0x7f).contains(&byte))).then_some(out)
    }

    fn generic(&self) -> String {
        let data = self.data();
        let mut out = format!("\\# {}", data.len());
        if !data.is_empty() {
            out.push(' ');
        }
        for byte in data {
            let _ = write!(out, "{byte:02x}");
        }
        out
    }
}

impl super::Message<'_> {
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

fn number(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..at + 2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// Writes `<character-string>`s (RFC 1035 §3.3, §5.1), each in quotes.
fn write_strings(mut data: &[u8], out: &mut String) -> Option<()> {
    while let Some((&length, rest)) = data.split_first() {
        let (text, rest) = rest.split_at_checked(usize::from(length))?;
        if !out.is_empty() {
            out.push(' ');
        }
        out.push('"');
        for &byte in text {
            match byte {
                b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
                b' '..=0x7e => out.push(char::from(byte)),
                _ => write!(out, "\\{byte:03}").ok()?,
            }
        }
        out.push('"');
        data = rest;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::Message;

    /// A reply to `x. TYPE` with one record of the given type and data.
    fn presentation(record_type: u16, data: &[u8]) -> String {
        let mut wire = vec![0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, b'x', 0];
        wire.extend_from_slice(&record_type.to_be_bytes());
        wire.extend_from_slice(&[0, 1, 0xc0, 12]);
        wire.extend_from_slice(&record_type.to_be_bytes());
        wire.extend_from_slice(&[0, 1, 0, 0, 1, 0x90]);
        wire.extend_from_slice(&(data.len() as u16).to_be_bytes());
        wire.extend_from_slice(data);
        let records = Message::new(&wire).unwrap().answer_section().unwrap();
        assert_eq!(
            (records.len(), &*records[0].name, records[0].ttl_s),
            (1, "x.", 400)
        );
        records[0].data.to_string()
    }

    #[test]
    fn data_is_shown_as_a_zone_file_shows_it() {
        for (record_type, data, shown) in [
            (1, &[192, 0, 2, 1][..], "192.0.2.1"),
            (
                28,
                &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
                "2001:db8::1",
            ),
            (15, b"\0\x0a\x04mail\xc0\x0c", "10 mail.x."),
            (33, b"\0\x01\0\x02\0\x50\xc0\x0c", "1 2 80 x."),
            (16, b"\x03a\"b\x02\xff ", "\"a\\\"b\" \"\\255 \""),
            (5, b"\x08xn--bcha\0", "xn--bcha."),
            (257, b"\0\x05issueca.example", "0 issue \"ca.example\""),
            (65280, &[1, 2, 0xfe], "\\# 3 0102fe"),
            (65280, &[], "\\# 0"),
        ] {
            assert_eq!(presentation(record_type, data), shown);
        }
    }

    #[test]
    fn broken_data_is_shown_as_it_came() {
        for (record_type, data, shown) in [
            (1, &[192, 0, 2][..], "\\# 3 c00002"),
            (1, &[192, 0, 2, 1, 9], "\\# 5 c000020109"),
            (5, b"\x05ab", "\\# 3 056162"),
            (16, b"\x05ab", "\\# 3 056162"),
        ] {
            assert_eq!(presentation(record_type, data), shown);
        }
    }
}
