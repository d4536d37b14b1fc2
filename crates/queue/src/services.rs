//! Ports of services by name.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU16;
use std::sync::OnceLock;

/// The system's list of services.
const SERVICES_PATH: &str = "/etc/services";
/// Bytes of the system's list that are read. Debian's has 13,000; the whole registry of IANA would
/// have a million.
const SERVICES_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Common services, which are known if the system's list lacks them, in the format of services(5).
const COMMON: &str = "\
echo 7/tcp
echo 7/udp
discard 9/tcp sink null
discard 9/udp sink null
systat 11/tcp users
daytime 13/tcp
daytime 13/udp
qotd 17/tcp quote
qotd 17/udp quote
chargen 19/tcp ttytst source
chargen 19/udp ttytst source
ftp-data 20/tcp
ftp 21/tcp
ssh 22/tcp
telnet 23/tcp
smtp 25/tcp mail
time 37/tcp timserver
time 37/udp timserver
whois 43/tcp nicname
domain 53/tcp
domain 53/udp
tftp 69/udp
finger 79/tcp
http 80/tcp www
kerberos 88/tcp
kerberos 88/udp
pop3 110/tcp pop-3
sunrpc 111/tcp portmapper
sunrpc 111/udp portmapper
auth 113/tcp ident
nntp 119/tcp
ntp 123/udp
imap2 143/tcp imap
snmp 161/tcp
snmp 161/udp
bgp 179/tcp
ldap 389/tcp
ldap 389/udp
https 443/tcp
https 443/udp
microsoft-ds 445/tcp
submissions 465/tcp ssmtp smtps urd
syslog 514/udp
printer 515/tcp
rtsp 554/tcp
nntps 563/tcp
submission 587/tcp
ipp 631/tcp
ldaps 636/tcp
domain-s 853/tcp
domain-s 853/udp
rsync 873/tcp
ftps 990/tcp
telnets 992/tcp
imaps 993/tcp
pop3s 995/tcp pop-3s
ms-sql-s 1433/tcp
mqtt 1883/tcp
nfs 2049/tcp
nfs 2049/udp
mysql 3306/tcp
ms-wbt-server 3389/tcp
sieve 4190/tcp
sip 5060/tcp
sip 5060/udp
sip-tls 5061/tcp
xmpp-client 5222/tcp
xmpp-server 5269/tcp
postgresql 5432/tcp postgres
amqp 5672/tcp
redis 6379/tcp
http-alt 8080/tcp webcache
secure-mqtt 8883/tcp
git 9418/tcp
memcached 11211/tcp
";

/// The protocol of a port. A service may have ports of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP, also for http.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// The other protocol.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Tcp => Self::Udp,
            Self::Udp => Self::Tcp,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// The port of a service, by its name or an alias, in any case. The system's list is read on first
/// use and has precedence over the common services.
pub(crate) fn port(name: &str, protocol: Protocol) -> Option<NonZeroU16> {
    static SERVICES: OnceLock<Services> = OnceLock::new();
    SERVICES
        // Without a list of the system the common services are used.
        .get_or_init(|| Services::read(&read_list().unwrap_or_default()))
        .port(name, protocol)
}

/// The ports of services by name in lower case.
struct Services(HashMap<Box<str>, ServicePorts>);

/// The ports of one service.
#[derive(Clone, Copy, Default)]
struct ServicePorts {
    tcp: Option<NonZeroU16>,
    udp: Option<NonZeroU16>,
}

impl ServicePorts {
    fn of(&mut self, protocol: Protocol) -> &mut Option<NonZeroU16> {
        match protocol {
            Protocol::Tcp => &mut self.tcp,
            Protocol::Udp => &mut self.udp,
        }
    }
}

impl Services {
    /// Parses a list in the format of services(5), and adds the common services that it lacks.
    /// Malformed lines are ignored, as by getservbyname(3).
    fn read(list: &str) -> Self {
        let mut services = Self(HashMap::new());
        for line in list.lines().chain(COMMON.lines()) {
            services.add(line);
        }
        services
    }

    /// Parses `name port/protocol alias... # comment`. The first line for a name has precedence.
    fn add(&mut self, line: &str) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let (Some(name), Some(place)) = (words.next(), words.next()) else {
            return;
        };
        let Some((port, protocol)) = parse_place(place) else {
            return;
        };
        for name in std::iter::once(name).chain(words) {
            let places = self.0.entry(name.to_ascii_lowercase().into()).or_default();
            places.of(protocol).get_or_insert(port);
        }
    }

    fn port(&self, name: &str, protocol: Protocol) -> Option<NonZeroU16> {
        let mut places = *self.0.get(name.to_ascii_lowercase().as_str())?;
        *places.of(protocol)
    }
}

fn read_list() -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(SERVICES_PATH)?
        .take(SERVICES_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse_place(text: &str) -> Option<(NonZeroU16, Protocol)> {
    let (port, protocol) = text.split_once('/')?;
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    Some((port.parse().ok()?, protocol))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(services: &Services, name: &str, protocol: Protocol) -> Option<u16> {
        services.port(name, protocol).map(NonZeroU16::get)
    }

    #[test]
    fn a_list_is_read_with_its_other_names_and_comes_first() {
        let services = Services::read(
            "# services\nhttp\t8000/tcp  Web # not www\nweb 9/tcp\nodd 7/sctp\nbad x/tcp\nzero 0/tcp\nlone\n",
        );
        for (name, protocol, port) in [
            ("http", Protocol::Tcp, Some(8000)),
            ("HTTP", Protocol::Tcp, Some(8000)),
            ("web", Protocol::Tcp, Some(8000)),
            ("http", Protocol::Udp, None),
            ("www", Protocol::Tcp, Some(80)),
            ("odd", Protocol::Tcp, None),
            ("bad", Protocol::Tcp, None),
            ("zero", Protocol::Tcp, None),
            ("lone", Protocol::Tcp, None),
            ("not", Protocol::Tcp, None),
            ("", Protocol::Tcp, None),
        ] {
            assert_eq!(known(&services, name, protocol), port, "{name}/{protocol}");
        }
    }

    #[test]
    fn the_common_ones_need_no_list() {
        let services = Services::read("");
        for (name, tcp, udp) in [
            ("www", Some(80), None),
            ("https", Some(443), Some(443)),
            ("pop3", Some(110), None),
            ("pop3s", Some(995), None),
            ("imap", Some(143), None),
            ("imap2", Some(143), None),
            ("imaps", Some(993), None),
            ("smtp", Some(25), None),
            ("submission", Some(587), None),
            ("submissions", Some(465), None),
            ("ftp", Some(21), None),
            ("ssh", Some(22), None),
            ("telnet", Some(23), None),
            ("time", Some(37), Some(37)),
            ("daytime", Some(13), Some(13)),
            ("echo", Some(7), Some(7)),
            ("domain", Some(53), Some(53)),
            ("ntp", None, Some(123)),
        ] {
            assert_eq!(known(&services, name, Protocol::Tcp), tcp, "{name}/tcp");
            assert_eq!(known(&services, name, Protocol::Udp), udp, "{name}/udp");
        }
    }

    #[test]
    fn every_common_line_is_well_formed() {
        for line in COMMON.lines() {
            let place = line.split_whitespace().nth(1);
            assert!(place.and_then(parse_place).is_some(), "{line}");
        }
    }

    #[test]
    fn the_system_knows_its_services() {
        assert_eq!(port("https", Protocol::Tcp), NonZeroU16::new(443));
        assert_eq!(port("no-such-service", Protocol::Tcp), None);
    }

    proptest! {
        #[test]
        fn no_list_panics_or_hides_the_common_ones(list in "[a-z0-9/# \t\n\u{e9}]{0,200}") {
            prop_assert!(Services::read(&list).port("submissions", Protocol::Tcp).is_some());
        }
    }
}
