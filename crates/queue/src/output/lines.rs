//! The lines of an earlier run: one format or the other, line by line.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use canvass_model::{DnsName, RecordType, Status, reverse_name_address};
use serde::Deserialize;

use super::OutputPart;

/// Why a line is bad.
const NO_OUTPUT: &str = "the line is not output of canvass, as text or ndjson";

/// A line of `-f ndjson`, as far as it is of use.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    target: Cow<'a, str>,
    #[serde(borrow)]
    probe: Cow<'a, str>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    /// The type that was asked.
    #[serde(borrow, default)]
    r#type: Option<Cow<'a, str>>,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default, borrow)]
    answers: Option<Vec<Record<'a>>>,
    #[serde(default, borrow)]
    remote: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

/// The targets in a line.
///
/// # Errors
/// Why it is not a line of output.
pub(super) fn targets(line: &str, part: OutputPart) -> Result<Vec<String>, &'static str> {
    match line.starts_with('{') {
        true => of_object(line, part),
        false => of_text(line, part),
    }
}

fn of_object(line: &str, part: OutputPart) -> Result<Vec<String>, &'static str> {
    let object: Object<'_> = serde_json::from_str(line).map_err(|_| NO_OUTPUT)?;
    if part == OutputPart::Targets {
        return Ok(vec![object.target.into_owned()]);
    }
    let is_lookup = ["ptr", "dns"].contains(&&*object.probe);
    if is_lookup && object.outcome == "failed" {
        return Ok(Vec::new());
    }
    let records = object.answers.as_deref().unwrap_or_default();
    let records = records.iter().map(|one| (&*one.r#type, &*one.data));
    let names = object.names.unwrap_or_default();
    Ok(match (part, &*object.probe) {
        (OutputPart::Names, "ptr") => names.iter().filter_map(|name| host(name)).collect(),
        (OutputPart::Names, "dns") => {
            let asked = object.r#type.as_deref().unwrap_or_default();
            names_of_records(&object.target, asked, records)
        }
        (OutputPart::Addresses, "ptr") if !names.is_empty() => address(&object.target),
        (OutputPart::Addresses, "dns") => addresses_of_records(records),
        (OutputPart::Addresses, _) => object
            .remote
            .as_deref()
            .and_then(peer)
            .into_iter()
            .collect(),
        _ => Vec::new(),
    })
}

/// The columns of a line are those that the module `text` of the crate of output describes.
fn of_text(line: &str, part: OutputPart) -> Result<Vec<String>, &'static str> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [target, second, third, rest @ ..] = &columns[..] else {
        return Err(NO_OUTPUT);
    };
    let is_status = |word: &str| word.parse::<Status>().is_ok();
    // A class other than IN stands before the type.
    let asked = second.rsplit(' ').next().unwrap_or(second);
    let is_dns = asked.parse::<RecordType>().is_ok() && is_status(third) && !rest.is_empty();
    if !is_dns && !is_status(second) {
        return Err(NO_OUTPUT);
    }
    if part == OutputPart::Targets {
        return Ok(vec![(*target).to_owned()]);
    }
    if is_dns {
        if *third != "NOERROR" {
            return Ok(Vec::new());
        }
        // A record of another type than that of the question has its type before its data.
        let records = rest[0]
            .split(" | ")
            .map(|record| match record.split_once(' ') {
                Some((word, data)) if word.parse::<RecordType>().is_ok() => (word, data),
                _ => (asked, record),
            });
        return Ok(match part {
            OutputPart::Names => names_of_records(target, asked, records),
            _ => addresses_of_records(records),
        });
    }
    // An alias alone is no name.
    let has_names = *second == "NOERROR" && *third != "-" && !third.starts_with("CNAME ");
    Ok(match part {
        _ if !has_names => Vec::new(),
        OutputPart::Names => third.split(' ').filter_map(host).collect(),
        _ => address(target),
    })
}

/// The names that the records of the type asked for lead to. Those of addresses lead to the name that
/// has them.
fn names_of_records<'a>(
    target: &str,
    asked: &str,
    records: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let mut of_type = records.filter(|(record_type, _)| *record_type == asked);
    let word = |data: &'a str, index: usize| host(data.split_ascii_whitespace().nth(index)?);
    match asked {
        "A" | "AAAA" => {
            let has_address = of_type.any(|(_, data)| data.parse::<IpAddr>().is_ok());
            host(target).filter(|_| has_address).into_iter().collect()
        }
        "NS" | "CNAME" | "DNAME" | "PTR" => of_type.filter_map(|(_, data)| word(data, 0)).collect(),
        "MX" | "HTTPS" | "SVCB" => of_type.filter_map(|(_, data)| word(data, 1)).collect(),
        "SRV" => of_type.filter_map(|(_, data)| word(data, 3)).collect(),
        _ => Vec::new(),
    }
}

fn addresses_of_records<'a>(records: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    records
        .filter(|(record_type, _)| ["A", "AAAA"].contains(record_type))
        .filter_map(|(_, data)| data.parse::<IpAddr>().ok())
        .map(|address| address.to_string())
        .collect()
}

/// A name without its final dot. `None` for the root.
fn host(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

/// The address that a target of a reverse lookup is.
fn address(target: &str) -> Vec<String> {
    let of_name = || reverse_name_address(&target.parse::<DnsName>().ok()?);
    let address = target.parse::<IpAddr>().ok().or_else(of_name);
    address.iter().map(ToString::to_string).collect()
}

/// The address in `ADDR:PORT`.
fn peer(remote: &str) -> Option<String> {
    let remote: SocketAddr = remote.parse().ok()?;
    Some(remote.ip().to_string())
}
