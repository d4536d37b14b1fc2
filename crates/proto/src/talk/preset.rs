//! Built-in scripts.

use super::{CredentialUse, Script};

/// A built-in script and its properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name. That of a service with a URL scheme is the scheme.
    pub name: &'static str,
    /// A description.
    pub about: &'static str,
    /// The port of its service, if it is for one service.
    pub port: Option<u16>,
    /// Whether it works over TCP.
    pub tcp: bool,
    /// Whether it works over UDP.
    pub udp: bool,
    /// Whether TLS starts with the connection.
    pub tls_from_start: bool,
    /// Whether it uses credentials.
    pub credentials: CredentialUse,
    /// Its text.
    pub text: &'static str,
}

const SMTP: Preset = Preset {
    about: "greeting and extensions of a mail server, with STARTTLS (RFC 5321)",
    ..over_tcp("smtp", 25, include_str!("presets/smtp.yaml"))
};
const POP3: Preset = Preset {
    about: "greeting and capabilities of a mailbox, with STLS (RFC 1939)",
    ..over_tcp("pop3", 110, include_str!("presets/pop3.yaml"))
};
const IMAP: Preset = Preset {
    about: "greeting, capabilities, STARTTLS; a login with credentials (RFC 3501)",
    credentials: CredentialUse::Optional,
    ..over_tcp("imap", 143, include_str!("presets/imap.yaml"))
};
const FTP: Preset = Preset {
    about: "greeting of a file server (RFC 959)",
    ..over_tcp("ftp", 21, include_str!("presets/ftp.yaml"))
};
const REDIS: Preset = Preset {
    about: "whether a Redis server answers a PING",
    credentials: CredentialUse::Optional,
    ..over_tcp("redis", 6379, include_str!("presets/redis.yaml"))
};

impl Preset {
    /// All presets.
    pub const ALL: &[Self] = &[
        Self {
            about: "the first line the peer says, or a prompt",
            port: None,
            ..over_tcp("banner", 0, include_str!("presets/banner.yaml"))
        },
        SMTP,
        Self {
            about: "messages and bytes in a mailbox (RFC 1939)",
            credentials: CredentialUse::Required,
            ..over_tcp("pop3-stat", 110, include_str!("presets/pop3-stat.yaml"))
        },
        Self {
            about: "smtp in plain text",
            ..over_tcp("smtp-plain", 25, include_str!("presets/smtp-plain.yaml"))
        },
        over_tls(
            "smtps",
            465,
            SMTP,
            "smtp with TLS from the start (RFC 8314)",
        ),
        POP3,
        over_tls(
            "pop3s",
            995,
            POP3,
            "pop3 with TLS from the start (RFC 8314)",
        ),
        IMAP,
        over_tls(
            "imaps",
            993,
            IMAP,
            "imap with TLS from the start (RFC 8314)",
        ),
        Self {
            about: "a login to a mailbox, with STARTTLS (RFC 3501)",
            credentials: CredentialUse::Required,
            ..over_tcp("imap-login", 143, include_str!("presets/imap-login.yaml"))
        },
        Self {
            about: "protocol and software of an SSH server (RFC 4253)",
            ..over_tcp("ssh", 22, include_str!("presets/ssh.yaml"))
        },
        Self {
            about: "the first line or prompt, with options refused (RFC 854)",
            ..over_tcp("telnet", 23, include_str!("presets/telnet.yaml"))
        },
        FTP,
        over_tls("ftps", 990, FTP, "ftp with TLS from the start"),
        REDIS,
        over_tls("rediss", 6379, REDIS, "redis with TLS from the start"),
        Self {
            about: "version of a MySQL or MariaDB server",
            ..over_tcp("mysql", 3306, include_str!("presets/mysql.yaml"))
        },
        Self {
            about: "whether a PostgreSQL server offers TLS and takes logins",
            ..over_tcp("postgres", 5432, include_str!("presets/postgres.yaml"))
        },
        Self {
            about: "a time server's clock and how far it is ahead (RFC 5905)",
            tcp: false,
            udp: true,
            ..over_tcp("ntp", 123, include_str!("presets/ntp.yaml"))
        },
        Self {
            about: "a server's clock and how far it is ahead (RFC 868)",
            udp: true,
            ..over_tcp("time", 37, include_str!("presets/time.yaml"))
        },
        Self {
            about: "a server's clock as a line of text (RFC 867)",
            udp: true,
            ..over_tcp("daytime", 13, include_str!("presets/daytime.yaml"))
        },
        Self {
            about: "whether a line comes back as it was sent (RFC 862)",
            udp: true,
            ..over_tcp("echo", 7, include_str!("presets/echo.yaml"))
        },
    ];

    /// The parsed script.
    ///
    /// # Panics
    /// Never: the tests parse every preset.
    pub fn script(&self) -> Script {
        let script = Script::parse(self.text, self.name).expect("a preset is a script");
        Script {
            tls_from_start: script.tls_from_start || self.tls_from_start,
            ..script
        }
    }
}

const fn over_tcp(name: &'static str, port: u16, text: &'static str) -> Preset {
    Preset {
        name,
        about: "",
        port: Some(port),
        tcp: true,
        udp: false,
        tls_from_start: false,
        credentials: CredentialUse::None,
        text,
    }
}

/// The preset of a service whose connections begin with TLS.
const fn over_tls(name: &'static str, port: u16, plain: Preset, about: &'static str) -> Preset {
    Preset {
        name,
        about,
        port: Some(port),
        tls_from_start: true,
        ..plain
    }
}
