//! Probes with `prober: dns`.

use std::net::SocketAddr;

use canvass_model::{
    Answer, Host, Job, Outcome, Phase, ProbeSpec, Rcode, Record, RecordType, Status, Target,
};
use canvass_proto::TransportPolicy;
use canvass_proto::dns::QueryOptions;
use canvass_run::TargetKind;

use crate::address::AddressChoice;
use crate::exposition::Exposition;
use crate::file::{DnsModule, RecordRules, Regex, TransportProtocol};
use crate::log::Log;
use crate::probe::{Attempt, source};

const PORT: u16 = 53;

/// Asks the target, writes its metrics, and returns whether it answers as expected.
pub(crate) fn probe(module: &DnsModule, attempt: &mut Attempt<'_>) -> bool {
    begin(&mut attempt.metrics);
    let Some((host, port)) = split(attempt.target) else {
        attempt
            .log
            .add(format_args!("the target is neither HOST nor HOST:PORT"));
        return false;
    };
    let choice = AddressChoice {
        preferred: module.preferred_ip_protocol,
        fallback: module.ip_protocol_fallback,
    };
    let found = choice.look_up(&host, attempt);
    duration(&mut attempt.metrics, "resolve", found.took.as_secs_f64());
    let prepared = found
        .address
        .and_then(|address| Ok((address, source(&module.source_ip_address)?)));
    let (address, source) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            attempt.log.add(format_args!("{error}"));
            return false;
        }
    };
    let types = vec![module.query_type];
    let plan = attempt
        .plan(TargetKind::Dns { types })
        .resolvers([SocketAddr::new(address, port)])
        .query_source(source)
        .transport(match module.transport_protocol {
            TransportProtocol::Udp => TransportPolicy::Auto,
            TransportProtocol::Tcp => TransportPolicy::Tcp,
        })
        .query(QueryOptions {
            class: module.query_class,
            recursion_desired: module.recursion_desired,
            opt: None,
            sections: true,
            ..QueryOptions::PLAIN
        });
    let name = module.query_name.clone();
    let job = Job {
        seq: 0,
        line: None,
        target: Target::Name {
            given: name.to_string().into(),
            name,
        },
        spec: ProbeSpec::Dns {
            record_type: module.query_type,
        },
        due: None,
        resolver: None,
    };
    match attempt.run(plan, job) {
        Some(outcome) => judge(&outcome, module, attempt),
        None => false,
    }
}

/// Splits `host` or `host:port`.
pub(crate) fn split(target: &str) -> Option<(Host, u16)> {
    if let Some(host) = Host::parse(target) {
        return Some((host, PORT));
    }
    let (host, port) = target.rsplit_once(':')?;
    Some((
        Host::parse(host)?,
        port.parse().ok().filter(|port| *port != 0)?,
    ))
}

/// The metrics of a probe that did not get as far as a response.
fn begin(metrics: &mut Exposition) {
    for phase in ["resolve", "connect", "request"] {
        duration(metrics, phase, 0.0);
    }
    counts(metrics, [0; 3]);
    query_succeeded(metrics, false);
}

fn duration(metrics: &mut Exposition, phase: &str, seconds: f64) {
    metrics.set_labelled(
        "probe_dns_duration_seconds",
        "Duration of DNS request by phase",
        &[("phase", phase)],
        seconds,
    );
}

/// The numbers of records in the answer, authority and additional section.
fn counts(metrics: &mut Exposition, [answer, authority, additional]: [usize; 3]) {
    metrics.set(
        "probe_dns_answer_rrs",
        "Returns number of entries in the answer resource record list",
        answer as f64,
    );
    metrics.set(
        "probe_dns_authority_rrs",
        "Returns number of entries in the authority resource record list",
        authority as f64,
    );
    metrics.set(
        "probe_dns_additional_rrs",
        "Returns number of entries in the additional resource record list",
        additional as f64,
    );
}

fn query_succeeded(metrics: &mut Exposition, succeeded: bool) {
    metrics.set(
        "probe_dns_query_succeeded",
        "Displays whether or not the query was executed successfully",
        u8::from(succeeded),
    );
}

fn judge(outcome: &Outcome, module: &DnsModule, attempt: &mut Attempt<'_>) -> bool {
    let metrics = &mut attempt.metrics;
    let span_s = |phase| {
        let span = outcome.phases.span(phase);
        span.map_or(0.0, |span| span.as_secs_f64())
    };
    duration(metrics, "connect", span_s(Phase::Connect));
    duration(metrics, "request", span_s(Phase::Dns));
    let rcode = match outcome.status {
        Status::Rcode(rcode) => rcode,
        // A referral, or nothing at all, without an error.
        Status::Lame => Rcode::NOERROR,
        _ => return false,
    };
    let answer: &[Record] = match &outcome.answer {
        Answer::Dns(answer) => &answer.records,
        _ => &[],
    };
    let sections = outcome
        .details
        .as_ref()
        .and_then(|all| all.sections.as_ref());
    let authority = sections.map_or(&[][..], |all| &all.authority);
    let additional = sections.map_or(&[][..], |all| &all.additional);
    query_succeeded(metrics, true);
    counts(metrics, [answer.len(), authority.len(), additional.len()]);
    if module.query_type == RecordType::SOA {
        metrics.set(
            "probe_dns_serial",
            "Returns the serial number of the zone",
            serial(answer),
        );
    }
    let log = &mut attempt.log;
    let valid = module.valid_rcodes.as_deref().unwrap_or(&[Rcode::NOERROR]);
    if !valid.contains(&rcode) {
        log.add(format_args!("the response code {rcode} is not valid"));
        return false;
    }
    [
        ("answer", answer, &module.validate_answer_rrs),
        ("authority", authority, &module.validate_authority_rrs),
        ("additional", additional, &module.validate_additional_rrs),
    ]
    .into_iter()
    .all(|(section, records, rules)| {
        let lines: Vec<String> = records.iter().map(zone_line).collect();
        rules.hold(section, &lines, log)
    })
}

/// The serial number of the last SOA record; 0 without one.
fn serial(records: &[Record]) -> u32 {
    let soa = records.iter().rev();
    let mut soa = soa.filter(|record| record.record_type == RecordType::SOA);
    let serial = soa.next().and_then(|record| {
        let field = record.data.split_ascii_whitespace().nth(2)?;
        field.parse().ok()
    });
    serial.unwrap_or(0)
}

/// A record as a line of a zone file, with tabs between its fields.
fn zone_line(record: &Record) -> String {
    let Record {
        name,
        record_type,
        class,
        ttl_s,
        data,
    } = record;
    format!("{name}\t{ttl_s}\t{class}\t{record_type}\t{data}")
}

impl RecordRules {
    /// Whether the records of a section are as they must be.
    fn hold(&self, section: &str, lines: &[String], log: &mut Log) -> bool {
        match self.broken(lines) {
            None => true,
            Some((rule, regex)) => {
                log.add(format_args!(
                    "the {section} section breaks {rule}: {:?}",
                    regex.source
                ));
                false
            }
        }
    }

    /// The first rule that does not hold, with the regular expression.
    fn broken(&self, lines: &[String]) -> Option<(&'static str, &Regex)> {
        let matches = |line: &String, regex: &Regex| regex.pattern.is_match(line.as_bytes());
        let some = |regex: &&Regex| lines.iter().any(|line| matches(line, regex));
        let all = |regex: &&Regex| lines.iter().all(|line| matches(line, regex));
        let is_broken_by_none = lines.is_empty();
        if let Some(regex) = self.fail_if_matches_regexp.iter().find(some) {
            return Some(("fail_if_matches_regexp", regex));
        }
        let not_matching = self.fail_if_not_matches_regexp.iter();
        if let Some(regex) = not_matching
            .clone()
            .find(|regex| is_broken_by_none || !all(regex))
        {
            return Some(("fail_if_not_matches_regexp", regex));
        }
        // As blackbox_exporter does it, though its name says the contrary.
        let all_matching = &self.fail_if_all_match_regexp;
        if let Some(regex) = all_matching.iter().find(|regex| !all(regex)) {
            return Some(("fail_if_all_match_regexp", regex));
        }
        let none_matching = &self.fail_if_none_matches_regexp;
        if none_matching.iter().any(|regex| some(&regex)) {
            return None;
        }
        let first = none_matching.first()?;
        Some(("fail_if_none_matches_regexp", first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Modules;

    fn rules(key: &str, regexes: &str) -> RecordRules {
        let text = format!(
            "modules: {{m: {{prober: dns, dns: {{query_name: a.test, validate_answer_rrs: \
             {{{key}: {regexes}}}}}}}}}"
        );
        let modules = Modules::parse(&text).unwrap();
        let dns = modules.module("m").unwrap().dns.clone();
        dns.unwrap().validate_answer_rrs
    }

    #[test]
    fn rules_hold_as_in_blackbox_exporter() {
        let two = [
            "a.test.\t60\tIN\tA\t192.0.2.1",
            "a.test.\t60\tIN\tA\t192.0.2.2",
        ];
        let two = two.map(str::to_owned);
        for (key, regexes, lines, holds) in [
            ("fail_if_matches_regexp", "[2.3$]", &two[..], true),
            ("fail_if_matches_regexp", "[2.3$, 2.2$]", &two[..], false),
            ("fail_if_matches_regexp", "['.']", &[], true),
            ("fail_if_all_match_regexp", "[IN]", &two[..], true),
            ("fail_if_all_match_regexp", "[2.1$]", &two[..], false),
            ("fail_if_all_match_regexp", "[IN]", &[], true),
            ("fail_if_not_matches_regexp", "[IN]", &two[..], true),
            ("fail_if_not_matches_regexp", "[2.1$]", &two[..], false),
            ("fail_if_not_matches_regexp", "[IN]", &[], false),
            (
                "fail_if_none_matches_regexp",
                "[2.3$, 2.2$]",
                &two[..],
                true,
            ),
            ("fail_if_none_matches_regexp", "[2.3$]", &two[..], false),
            ("fail_if_none_matches_regexp", "[IN]", &[], false),
            (
                "fail_if_matches_regexp",
                r#"["^a.test.\t60\tIN\tA\t192"]"#,
                &two[..],
                false,
            ),
        ] {
            let broken = rules(key, regexes).broken(lines).is_some();
            assert_eq!(!broken, holds, "{key} {regexes} {lines:?}");
        }
    }

    #[test]
    fn a_target_may_have_a_port() {
        for (target, read) in [
            ("127.0.0.1", Some(("127.0.0.1", 53))),
            ("127.0.0.1:5353", Some(("127.0.0.1", 5353))),
            ("::1", Some(("[::1]", 53))),
            ("[::1]:5353", Some(("[::1]", 5353))),
            ("ns.example.net", Some(("ns.example.net", 53))),
            ("ns.example.net:0", None),
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
