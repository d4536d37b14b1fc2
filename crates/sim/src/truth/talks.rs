//! The expected results of talk scripts.

use canvass_lab::{MAILBOX_MESSAGES, MAILBOX_OCTETS, ServiceKind};

/// A script and its service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TalkPlan {
    /// The name of a preset or of a script of the simulator.
    pub name: &'static str,
    /// The text of a script of the simulator.
    pub text: Option<&'static str>,
    /// The service.
    pub service: ServiceKind,
    /// Whether it uses UDP.
    pub datagrams: bool,
}

/// The expected result of a talk script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TalkTruth {
    /// It matches with at least these captures.
    Matched(Vec<(&'static str, String)>),
    /// It does not match.
    Unmatched,
}

const fn preset(name: &'static str, service: ServiceKind, datagrams: bool) -> TalkPlan {
    TalkPlan {
        name,
        text: None,
        service,
        datagrams,
    }
}

const fn ours(name: &'static str, text: &'static str, service: ServiceKind) -> TalkPlan {
    TalkPlan {
        name,
        text: Some(text),
        service,
        datagrams: false,
    }
}

/// All talk scripts.
pub(crate) const TALKS: &[TalkPlan] = &[
    preset("banner", ServiceKind::Fortune, false),
    // Those that start TLS are not here: the virtual world has none.
    preset("smtp-plain", ServiceKind::Smtp, false),
    preset("pop3-stat", ServiceKind::Pop3, false),
    ours(
        "plain imap",
        "crlf: true\nquery_response:\n- expect: '^\\* OK'\n  send: 'a1 LOGIN ${user.quoted} ${password.quoted}'\n- expect: '^a1 OK'\n  send: 'a2 LOGOUT'\n",
        ServiceKind::Imap,
    ),
    preset("ssh", ServiceKind::Ssh, false),
    preset("ftp", ServiceKind::Ftp, false),
    preset("time", ServiceKind::Time, false),
    preset("daytime", ServiceKind::Daytime, false),
    preset("echo", ServiceKind::Echo, false),
    ours(
        "reversed",
        "crlf: true\nquery_response:\n- expect: '^Welcome'\n- send: 'canvass'\n- expect_line: 'ssavnac'\n- delay: 30ms\n- send: 'END'\n- read: to_end\n",
        ServiceKind::Line,
    ),
    ours(
        "checked",
        "- send: '${user}:${password}'\n- expect: '^(?P<verdict>-?[01])$'\n",
        ServiceKind::Checker,
    ),
    ours(
        "echoed to the end",
        "- send_bytes: '00 ff 0d 0a'\n  half_close: true\n- read: to_end\n  as: back\n  form: hex\n",
        ServiceKind::Echo,
    ),
    preset("time", ServiceKind::Time, true),
    preset("daytime", ServiceKind::Daytime, true),
    preset("echo", ServiceKind::Echo, true),
];

/// The expected result of a script with a service.
pub(crate) fn talk_truth(name: &str, service: ServiceKind) -> Option<TalkTruth> {
    let plan = TALKS.iter().find(|plan| plan.name == name)?;
    if plan.service != service {
        // Several services have greetings that match the script.
        return (name == "pop3-stat" || name == "reversed").then_some(TalkTruth::Unmatched);
    }
    Some(TalkTruth::Matched(match name {
        "pop3-stat" => vec![
            ("messages", MAILBOX_MESSAGES.to_string()),
            ("bytes", MAILBOX_OCTETS.to_string()),
        ],
        "checked" => vec![("verdict", "1".to_owned())],
        "echoed to the end" => vec![("back", "00ff0d0a".to_owned())],
        _ => Vec::new(),
    }))
}
