//! Whether a response is as a module expects it.

use canvass_model::{Cause, Header, HttpAnswer, Outcome};

use crate::file::{HeaderRule, HttpModule};
use crate::log::Log;

/// What a module makes of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub success: bool,
    /// A regular expression over headers or the body decided.
    pub failed_due_to_regex: bool,
    /// There is a redirect that is not followed.
    pub stopped_at_redirect: bool,
}

/// Judges a response in the order of blackbox_exporter: status, headers, body, version, TLS.
pub(crate) fn judge(
    outcome: &Outcome,
    answer: &HttpAnswer,
    module: &HttpModule,
    log: &mut Log,
) -> Judgement {
    let Some(code) = answer.code else {
        return Judgement::default();
    };
    let too_many = cause(outcome) == Some(Cause::Redirect);
    let stopped_at_redirect = too_many || (!module.follows() && is_redirect(code, answer));
    let mut judgement = Judgement {
        stopped_at_redirect,
        ..Judgement::default()
    };
    if outcome.fault.is_some() && !stopped_at_redirect {
        return judgement;
    }
    if let Err(reason) = code_is_valid(code, module) {
        log.add(format_args!("{reason}"));
        return judgement;
    }
    let headers = headers(answer);
    let body = answer.body.as_deref().unwrap_or_default();
    if let Err(reason) = headers_hold(headers, module).and_then(|()| body_holds(body, module)) {
        log.add(format_args!("{reason}"));
        judgement.failed_due_to_regex = true;
        return judgement;
    }
    match rest_holds(answer, module) {
        Ok(()) => judgement.success = true,
        Err(reason) => log.add(format_args!("{reason}")),
    }
    judgement
}

fn cause(outcome: &Outcome) -> Option<Cause> {
    outcome.fault.as_ref().map(|fault| fault.cause)
}

fn is_redirect(code: u16, answer: &HttpAnswer) -> bool {
    matches!(code, 301 | 302 | 303 | 307 | 308)
        && values(headers(answer), "Location").next().is_some()
}

/// Whether the body has the coding that the module names, if it names one.
pub(crate) fn has_wanted_coding(answer: &HttpAnswer, module: &HttpModule) -> bool {
    let wanted = module.compression.as_str();
    let coding = values(headers(answer), "Content-Encoding").next();
    matches!(wanted, "" | "identity") || coding.is_some_and(|one| one.eq_ignore_ascii_case(wanted))
}

/// The headers of a response.
pub(crate) fn headers(answer: &HttpAnswer) -> &[Header] {
    let extras = answer.extras.as_ref();
    let headers = extras.and_then(|extras| extras.headers.as_deref());
    headers.unwrap_or_default()
}

/// The values of a header.
pub(crate) fn values<'a>(headers: &'a [Header], name: &str) -> impl Iterator<Item = &'a str> {
    let named = move |header: &&Header| header.name.eq_ignore_ascii_case(name);
    headers.iter().filter(named).map(|header| &*header.value)
}

fn code_is_valid(code: u16, module: &HttpModule) -> Result<(), String> {
    let codes = &module.valid_status_codes;
    let is_valid = match codes.as_slice() {
        [] => (200..300).contains(&code),
        codes => codes.contains(&code),
    };
    match is_valid {
        true => Ok(()),
        false if codes.is_empty() => Err(format!("the status is {code}, which is not 2xx")),
        false => Err(format!(
            "the status is {code}, which is not one of {codes:?}"
        )),
    }
}

fn headers_hold(headers: &[Header], module: &HttpModule) -> Result<(), String> {
    let matching = |rule: &HeaderRule| {
        let mut values = values(headers, &rule.header);
        values.any(|value| rule.regexp.pattern.is_match(value.as_bytes()))
    };
    let is_missing = |rule: &HeaderRule| values(headers, &rule.header).next().is_none();
    let rules = module.fail_if_header_matches.iter();
    for rule in rules.chain(&module.fail_if_header_not_matches) {
        if is_missing(rule) && !rule.allow_missing {
            return Err(format!("the header {} is missing", rule.header));
        }
    }
    let mut rules = module.fail_if_header_matches.iter();
    if let Some(rule) = rules.find(|rule| matching(rule)) {
        return Err(format!(
            "the header {} matches {:?}",
            rule.header, rule.regexp.source
        ));
    }
    let mut rules = module.fail_if_header_not_matches.iter();
    match rules.find(|rule| !is_missing(rule) && !matching(rule)) {
        Some(rule) => Err(format!(
            "the header {} does not match {:?}",
            rule.header, rule.regexp.source
        )),
        None => Ok(()),
    }
}

fn body_holds(body: &[u8], module: &HttpModule) -> Result<(), String> {
    let mut regexes = module.fail_if_body_matches_regexp.iter();
    if let Some(regex) = regexes.find(|regex| regex.pattern.is_match(body)) {
        return Err(format!("the body matches {:?}", regex.source));
    }
    let mut regexes = module.fail_if_body_not_matches_regexp.iter();
    match regexes.find(|regex| !regex.pattern.is_match(body)) {
        Some(regex) => Err(format!("the body does not match {:?}", regex.source)),
        None => Ok(()),
    }
}

fn rest_holds(answer: &HttpAnswer, module: &HttpModule) -> Result<(), String> {
    if !has_wanted_coding(answer, module) {
        return Err(format!(
            "the coding of the body is not {}",
            module.compression
        ));
    }
    let version = format!("HTTP/{}", answer.version.unwrap_or_default());
    let versions = &module.valid_http_versions;
    if !versions.is_empty() && !versions.contains(&version) {
        return Err(format!("{version} is not one of {}", versions.join(", ")));
    }
    match answer.tls.is_some() {
        true if module.fail_if_ssl => Err("the last request was over TLS".to_owned()),
        false if module.fail_if_not_ssl => Err("the last request was not over TLS".to_owned()),
        _ => Ok(()),
    }
}
