//! Client subnets (RFC 7871).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A client subnet, in a query or in a response (RFC 7871 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSubnet {
    /// The address, whose bits after the prefix are 0.
    pub address: IpAddr,
    /// The length of the prefix, in bits: SOURCE PREFIX-LENGTH.
    pub source_bits: u8,
    /// How many bits the answer depends on: SCOPE PREFIX-LENGTH. 0 in a query.
    pub scope_bits: u8,
}

/// A text is not a client subnet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no subnet: expected ADDR, ADDR/LEN or 0, such as 192.0.2.0/24 or 2001:db8::/48")]
pub struct ClientSubnetError(pub String);

impl ClientSubnet {
    /// The subnet of the first `source_bits` bits of `address`. `None` if it has fewer bits.
    pub fn new(address: IpAddr, source_bits: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(address) => {
                let host_bits = 32u32.checked_sub(source_bits.into())?;
                let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask))
            }
            IpAddr::V6(address) => {
                let host_bits = 128u32.checked_sub(source_bits.into())?;
                let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
            }
        };
        Some(Self {
            address,
            source_bits,
            scope_bits: 0,
        })
    }
}

impl FromStr for ClientSubnet {
    type Err = ClientSubnetError;

    /// Reads `ADDR/LEN`, `ADDR` for its whole length, and, as dig does, `0` or `0/0` for
    /// `0.0.0.0/0`, which discloses nothing about the client. The bits after the prefix are cleared, since
    /// they must not be sent (RFC 7871 §6).
    fn from_str(text: &str) -> Result<Self, ClientSubnetError> {
        let error = || ClientSubnetError(text.to_owned());
        if matches!(text, "0" | "0/0") {
            return Self::new(Ipv4Addr::UNSPECIFIED.into(), 0).ok_or_else(error);
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let bits = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| error())?
            }
            Some(_) => return Err(error()),
            None if address.is_ipv4() => 32,
            None => 128,
        };
        Self::new(address, bits).ok_or_else(error)
    }
}

/// As dig prints it: `192.0.2.0/24/0`, address, source and scope.
impl fmt::Display for ClientSubnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            source_bits,
            scope_bits,
        } = self;
        write!(f, "{address}/{source_bits}/{scope_bits}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_read_as_dig_reads_them() {
        for (text, shown) in [
            ("192.0.2.77/24", "192.0.2.0/24/0"),
            ("192.0.2.255/25", "192.0.2.128/25/0"),
            ("192.0.2.1", "192.0.2.1/32/0"),
            ("2001:db8:1:2::3/48", "2001:db8:1::/48/0"),
            ("2001:db8::1", "2001:db8::1/128/0"),
            ("192.0.2.1/0", "0.0.0.0/0/0"),
            ("::/0", "::/0/0"),
            ("0/0", "0.0.0.0/0/0"),
            ("0", "0.0.0.0/0/0"),
        ] {
            assert_eq!(text.parse::<ClientSubnet>().unwrap().to_string(), shown);
        }
        for wrong in [
            "",
            "/24",
            "192.0.2.0/33",
            "2001:db8::/129",
            "192.0.2/24",
            "192.0.2.0/",
            "a/8",
            "192.0.2.0/+8",
            "192.0.2.0/24/0",
            "0/1",
            "::1%lo/64",
            "192.0.2.0/256",
        ] {
            assert!(wrong.parse::<ClientSubnet>().is_err(), "{wrong}");
        }
    }
}
