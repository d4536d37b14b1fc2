//! Probes with `prober: tcp`.

use canvass_model::{
    Answer, Host, Job, ModuleId, Outcome, Phase, ProbeSpec, Status, TalkAnswer, Target,
};
use canvass_proto::{ModuleKind, Pin, PinHost, Reach};
use canvass_run::TargetKind;

use crate::address::AddressChoice;
use crate::file::TcpModule;
use crate::probe::{Attempt, socket_options, source};
use crate::query_response::Conversation;
use crate::tls::{self, TlsUse};

const MODULE: ModuleId = ModuleId(0);

/// Probes the target, writes its metrics, and returns whether it is as expected.
pub(crate) fn probe(module: &TcpModule, attempt: &mut Attempt<'_>) -> bool {
    let Some((host, port)) = split(attempt.target) else {
        attempt.log.add(format_args!("the target is not HOST:PORT"));
        return false;
    };
    let choice = AddressChoice {
        preferred: module.preferred_ip_protocol,
        fallback: module.ip_protocol_fallback,
    };
    let found = choice.look_up(&host, attempt);
    let prepared = found.address.and_then(|address| {
        Ok((
            address,
            source(&module.source_ip_address)?,
            Conversation::new(&module.query_response)?,
            attempt.tls_clients.client(TlsUse {
                settings: module.tls_config.clone(),
                server_name: None,
                alpn: &[],
            })?,
        ))
    });
    let (address, source, conversation, tls) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            attempt.log.add(format_args!("{error}"));
            return false;
        }
    };
    let kind = TargetKind::Tcp {
        module: MODULE,
        ports: None,
        default_port: None,
    };
    let reach = Reach {
        pins: vec![Pin {
            whose: PinHost::Is(host.clone()),
            port: None,
            to_host: Some(Host::Address(address)),
            to_port: None,
        }],
        ..Reach::default()
    };
    let stream = ModuleKind::Tcp {
        script: conversation.script.clone(),
        credentials: None,
        tls,
        tls_from_start: module.tls,
        certificate: None,
    };
    let limit = attempt.left();
    let plan = attempt
        .plan(kind)
        .socket_options(socket_options(source))
        .module(stream, reach, attempt.timeouts());
    let job = Job {
        seq: 0,
        line: None,
        target: Target::Endpoint {
            host,
            port,
            given: None,
        },
        spec: ProbeSpec::Tcp { module: MODULE },
        due: None,
        resolver: None,
    };
    let Some(outcome) = attempt.run(plan, job) else {
        return false;
    };
    let Answer::Talk(answer) = &outcome.answer else {
        return false;
    };
    if is_connected(&outcome, module) {
        let timed_out = outcome.response() >= limit;
        write(&outcome, answer, module, &conversation, timed_out, attempt);
    }
    matches!(outcome.status, Status::Open | Status::Matched)
}

/// Splits `host:port`; an IPv6 address is in brackets.
pub(crate) fn split(target: &str) -> Option<(Host, u16)> {
    let (host, port) = target.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    if host.contains(':') && !host.starts_with('[') {
        return None;
    }
    Some((Host::parse(host)?, port))
}

/// Whether there was a connection, with TLS if that is from the start.
fn is_connected(outcome: &Outcome, module: &TcpModule) -> bool {
    match outcome.fault.as_ref().map(|fault| fault.phase) {
        Some(Phase::Tls) => !module.tls,
        Some(Phase::Target | Phase::Wait | Phase::Resolve | Phase::Connect) => false,
        _ => true,
    }
}

fn write(
    outcome: &Outcome,
    answer: &TalkAnswer,
    module: &TcpModule,
    conversation: &Conversation,
    timed_out: bool,
    attempt: &mut Attempt<'_>,
) {
    let metrics = &mut attempt.metrics;
    // blackbox_exporter takes a peer that says nothing for one that cannot be read.
    let unmet = answer.unmet.as_ref().filter(|_| !timed_out);
    let waits_for_octets = |expected: &str| !expected.starts_with("a line");
    let by_octets = unmet.is_some_and(|unmet| waits_for_octets(&unmet.expected));
    metrics.set(
        "probe_failed_due_to_regex",
        "Indicates if probe failed due to regex",
        u8::from(unmet.is_some() && !by_octets),
    );
    metrics.set(
        "probe_failed_due_to_bytes",
        "Indicates if probe failed due to bytes",
        u8::from(by_octets),
    );
    conversation.write_labels(answer, metrics);
    let handshake_failed = outcome
        .fault
        .as_ref()
        .is_some_and(|fault| fault.phase == Phase::Tls);
    if let Some(facts) = answer.tls.as_deref().filter(|_| !handshake_failed) {
        tls::write(facts, &module.tls_config, metrics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_host_and_a_port() {
        for (target, read) in [
            ("127.0.0.1:80", Some(("127.0.0.1", 80))),
            ("[::1]:80", Some(("[::1]", 80))),
            ("example.net:25", Some(("example.net", 25))),
            ("::1:80", None),
            ("example.net", None),
            ("example.net:0", None),
            ("example.net:smtp", None),
            ("192.0.2.0/24:80", None),
        ] {
            let shown = split(target).map(|(host, port)| (host.to_string(), port));
            assert_eq!(
                shown,
                read.map(|(host, port)| (host.into(), port)),
                "{target}"
            );
        }
    }
}
