//! What each talk must come to, whatever the network does.

use canvass_lab::{MAILBOX_MESSAGES, MAILBOX_OCTETS, ServiceKind};

/// A script, and the service it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TalkPlan {
    /// The name of a preset, or of one of ours.
    pub name: &'static str,
    /// The text of one of ours.
    pub text: Option<&'static str>,
    /// Who talks so.
    pub service: ServiceKind,
    /// It is held by datagrams.
    pub datagrams: bool,
}

/// What a talk must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TalkTruth {
    /// It matches, and these captures are among what it picks out.
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

/// Every talk that is held.
pub(crate) const TALKS: &[TalkPlan] = &[
    preset("banner", ServiceKind::Fortune, false),
    preset("smtp", ServiceKind::Smtp, false),
    preset("pop3-stat", ServiceKind::Pop3, false),
    preset("imap", ServiceKind::Imap, false),
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

/// What a talk comes to with such a service.
pub(crate) fn talk_truth(name: &str, service: ServiceKind) -> Option<TalkTruth> {
    let plan = TALKS.iter().find(|plan| plan.name == name)?;
    if plan.service != service {
        // Several services greet in lines, which is all that one of them asks for.
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
