//! Built-in scripts.

use super::{CredentialUse, Script};

/// A built-in script, and what is to be known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What it is called.
    pub name: &'static str,
    /// What it does, for a person.
    pub about: &'static str,
    /// The port its service has, where it is for one service.
    pub port: Option<u16>,
    /// Whether it works over TCP.
    pub tcp: bool,
    /// Whether it works over UDP.
    pub udp: bool,
    /// Whether it speaks of credentials.
    pub credentials: CredentialUse,
    /// Its text.
    pub text: &'static str,
}

impl Preset {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self {
            about: "the first line the peer says",
            ..Self::over_tcp("banner", None, include_str!("presets/banner.yaml"))
        },
        Self {
            about: "greeting and extensions of a mail server (RFC 5321)",
            ..Self::over_tcp("smtp", Some(25), include_str!("presets/smtp.yaml"))
        },
        Self {
            about: "messages and bytes in a mailbox (RFC 1939)",
            credentials: CredentialUse::Required,
            ..Self::over_tcp(
                "pop3-stat",
                Some(110),
                include_str!("presets/pop3-stat.yaml"),
            )
        },
        Self {
            about: "greeting and capabilities, and a login with credentials (RFC 3501)",
            credentials: CredentialUse::Optional,
            ..Self::over_tcp("imap", Some(143), include_str!("presets/imap.yaml"))
        },
        Self {
            about: "protocol and software of an SSH server (RFC 4253)",
            ..Self::over_tcp("ssh", Some(22), include_str!("presets/ssh.yaml"))
        },
        Self {
            about: "greeting of a file server (RFC 959)",
            ..Self::over_tcp("ftp", Some(21), include_str!("presets/ftp.yaml"))
        },
        Self {
            about: "a server's clock and how far it is ahead (RFC 868)",
            udp: true,
            ..Self::over_tcp("time", Some(37), include_str!("presets/time.yaml"))
        },
        Self {
            about: "a server's clock as a line of text (RFC 867)",
            udp: true,
            ..Self::over_tcp("daytime", Some(13), include_str!("presets/daytime.yaml"))
        },
        Self {
            about: "whether a line comes back as it was sent (RFC 862)",
            udp: true,
            ..Self::over_tcp("echo", Some(7), include_str!("presets/echo.yaml"))
        },
    ];

    /// Its script.
    ///
    /// # Panics
    /// Never: the tests read every one.
    pub fn script(&self) -> Script {
        Script::parse(self.text, self.name).expect("a preset is a script")
    }

    const fn over_tcp(name: &'static str, port: Option<u16>, text: &'static str) -> Self {
        Self {
            name,
            about: "",
            port,
            tcp: true,
            udp: false,
            credentials: CredentialUse::None,
            text,
        }
    }
}
