//! The fields of each record type, and how each kind of field is written.

use std::fmt::{Display, Write as _};

use canvass_model::RecordType;
use data_encoding::{BASE32HEX_NOPAD, BASE64};
use jiff::Timestamp;

use super::reader::Reader;
use super::text::{write_hex, write_hyphenated, write_quoted};
use super::{special, svcb};

/// A kind of field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    U8,
    U16,
    U32,
    U64,
    Ipv4,
    /// A domain name, compressed or not.
    Name,
    /// A `<character-string>`, in quotes.
    String,
    /// All that is left, as one or more `<character-string>`s in quotes.
    Strings,
    /// A `<character-string>` of letters and digits, without quotes.
    Tag,
    /// All that is left, in quotes.
    QuotedRest,
    /// All that is left, in hexadecimal.
    Hex,
    /// All that is left, in hexadecimal behind `0x` (RFC 1706 §6).
    PrefixedHex,
    /// All that is left, in Base64.
    Base64,
    /// As [`Self::Base64`], or `-` where nothing is left.
    Base64OrDash,
    /// Octets whose number comes first, in hexadecimal, or `-` (RFC 5155 §3.3).
    Salt,
    /// Octets whose number comes first, in Base32 with the extended hex alphabet (RFC 5155 §3.3).
    Hash,
    /// A record type.
    Type,
    /// A bitmap of record types (RFC 4034 §4.1.2).
    Types,
    /// Seconds since 1970, as `YYYYMMDDHHmmSS` (RFC 4034 §3.2).
    Time,
    /// So many octets, as in `02-00-5e` (RFC 7043 §3.2).
    Hyphenated(usize),
    /// 64 bits, as four groups like those of an IPv6 address (RFC 6742 §2.1.2).
    Locator,
    /// Anything else: the data of one type.
    Special(fn(&mut Reader<'_>, &mut String) -> Option<()>),
}

/// The fields of a record type; `None` if it is unknown or has no presentation form of its own.
pub(super) fn fields(record_type: u16) -> Option<&'static [Field]> {
    use Field::*;
    Some(match record_type {
        // NS, MD, MF, CNAME, MB, MG, MR, PTR, NSAP-PTR, DNAME.
        2..=5 | 7..=9 | 12 | 23 | 39 => &[Name],
        // SOA.
        6 => &[Name, Name, U32, U32, U32, U32, U32],
        // WKS.
        11 => &[Ipv4, U8, Special(special::ports)],
        // HINFO.
        13 => &[String, String],
        // MINFO, RP, TALINK.
        14 | 17 | 58 => &[Name, Name],
        // MX, AFSDB, RT, KX, LP.
        15 | 18 | 21 | 36 | 107 => &[U16, Name],
        // TXT, NINFO, SPF, AVC, RESINFO, WALLET, CLA.
        16 | 56 | 99 | 258 | 261..=263 => &[Strings],
        // X25.
        19 => &[String],
        // ISDN: a subaddress may follow (RFC 1183 §3.2).
        20 => &[Strings],
        // NSAP.
        22 => &[PrefixedHex],
        // SIG, RRSIG.
        24 | 46 => &[Type, U8, U8, U32, Time, Time, U16, Name, Base64],
        // KEY, RKEY.
        25 | 57 => &[U16, U8, U8, Base64],
        // PX.
        26 => &[U16, Name, Name],
        // GPOS.
        27 => &[String, String, String],
        // LOC.
        29 => &[Special(special::location)],
        // NXT.
        30 => &[Name, Special(special::old_types)],
        // EID, NIMLOC.
        31 | 32 => &[Hex],
        // SRV.
        33 => &[U16, U16, U16, Name],
        // ATMA.
        34 => &[Special(special::atm_address)],
        // NAPTR.
        35 => &[U16, U16, String, String, String, Name],
        // CERT.
        37 => &[
            Special(special::certificate_type),
            U16,
            Special(special::algorithm),
            Base64,
        ],
        // A6.
        38 => &[Special(special::a6)],
        // SINK.
        40 => &[U8, U8, U8, Base64],
        // APL.
        42 => &[Special(special::prefixes)],
        // SSHFP.
        44 => &[U8, U8, Hex],
        // IPSECKEY.
        45 => &[Special(special::ipsec_gateway), Base64],
        // NSEC.
        47 => &[Name, Types],
        // DHCID.
        49 | 67 | 68 => &[Base64],
        // NSEC3.
        50 => &[U8, U8, U16, Salt, Hash, Types],
        // NSEC3PARAM.
        51 => &[U8, U8, U16, Salt],
        // TLSA, SMIMEA.
        52 | 53 => &[U8, U8, U8, Hex],
        // HIP.
        55 => &[Special(special::host_identity)],
        // CSYNC.
        62 => &[U32, U16, Types],
        // ZONEMD.
        63 => &[U32, U8, U8, Hex],
        // SVCB, HTTPS.
        64 | 65 => &[U16, Name, Special(svcb::params)],
        // DSYNC.
        66 => &[Type, Special(special::dsync_scheme), U16, Name],
        // NID, L64.
        104 | 106 => &[U16, Locator],
        // L32.
        105 => &[U16, Ipv4],
        // EUI48.
        108 => &[Hyphenated(6)],
        // EUI64.
        109 => &[Hyphenated(8)],
        // URI.
        256 => &[U16, U16, QuotedRest],
        // CAA.
        257 => &[U8, Tag, QuotedRest],
        // DOA.
        259 => &[U32, U32, U8, String, Base64OrDash],
        // AMTRELAY.
        260 => &[Special(special::amt_relay)],
        // IPN.
        264 => &[U64],
        // TA, DLV.
        32768 | 32769 => &[U16, U8, U8, Hex],
        _ => return None,
    })
}

impl Field {
    /// Appends the field; `None` if the data breaks its rules.
    pub(super) fn write(self, reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
        match self {
            Self::U8 => display(reader.u8()?, out),
            Self::U16 => display(reader.u16()?, out),
            Self::U32 => display(reader.u32()?, out),
            Self::U64 => display(reader.u64()?, out),
            Self::Ipv4 => display(reader.ipv4()?, out),
            Self::Name => reader.write_name(out)?,
            Self::String => write_quoted(reader.counted()?, out),
            Self::Strings => {
                write_quoted(reader.counted()?, out);
                while !reader.is_at_end() {
                    out.push(' ');
                    write_quoted(reader.counted()?, out);
                }
            }
            Self::Tag => {
                let tag = reader.counted()?;
                let sound = !tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric);
                out.push_str(std::str::from_utf8(tag).ok().filter(|_| sound)?);
            }
            Self::QuotedRest => write_quoted(reader.take_rest(), out),
            Self::Hex => write_hex(reader.take_rest(), out),
            Self::PrefixedHex => {
                out.push_str("0x");
                for octet in reader.take_rest() {
                    let _ = write!(out, "{octet:02x}");
                }
            }
            Self::Base64 => BASE64.encode_append(reader.take_rest(), out),
            Self::Base64OrDash if reader.is_at_end() => out.push('-'),
            Self::Base64OrDash => BASE64.encode_append(reader.take_rest(), out),
            Self::Salt => match reader.counted()? {
                [] => out.push('-'),
                salt => write_hex(salt, out),
            },
            Self::Hash => BASE32HEX_NOPAD.encode_append(reader.counted()?, out),
            Self::Type => display(RecordType(reader.u16()?), out),
            Self::Types => special::types(reader, out)?,
            Self::Time => {
                let time = Timestamp::from_second(reader.u32()?.into()).ok()?;
                display(time.strftime("%Y%m%d%H%M%S"), out);
            }
            Self::Hyphenated(count) => write_hyphenated(reader.take(count)?, out),
            Self::Locator => {
                let groups = [(); 4].map(|()| reader.u16());
                let [a, b, c, d] = groups;
                write!(out, "{:x}:{:x}:{:x}:{:x}", a?, b?, c?, d?).ok()?;
            }
            Self::Special(write) => write(reader, out)?,
        }
        Some(())
    }
}

/// Appends `value`. Writing to a string does not fail.
pub(super) fn display(value: impl Display, out: &mut String) {
    let _ = write!(out, "{value}");
}
