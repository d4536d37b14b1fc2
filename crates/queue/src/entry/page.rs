//! Parses lines of http probes: URLs, and hosts without a scheme.

use std::net::IpAddr;

use canvass_model::{Host, Target, Url, UrlTarget};

use super::host::{Hosts, is_address_like, parse_host, parse_hosts, split_port};
use super::password::mask_password;
use super::{Entry, Types, socket};
use crate::parse::{AddressFamily, shorten};
use crate::ports::parse_port;
use crate::target_template::{Page, TargetTemplate, raw_path};
use crate::{Ports, Protocol};

/// Parses a URL, or hosts without a scheme, which get `ports` if the text has no port. With
/// `path_as_is`, dot segments of the path are kept.
pub(super) fn parse(text: &str, ports: Option<&Ports>, path_as_is: bool) -> Result<Entry, String> {
    if let Some(entry) = socket::parse(text) {
        return entry;
    }
    match split_scheme(text) {
        Some((scheme, rest)) if is_spoken(scheme) => {
            let target = url_target(text, rest, path_as_is)?;
            Ok(Entry::One(Target::Url(Box::new(target)), Types::Asked))
        }
        Some((scheme, _)) => Err(format!(
            "the scheme is {:?}, and only http and https are probed",
            shorten(scheme)
        )),
        None => parse_bare(text, ports, path_as_is),
    }
}

/// Splits a text at `://` if a scheme precedes it (RFC 3986 §3.1).
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once("://").filter(|(scheme, _)| {
        scheme.starts_with(|char: char| char.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

fn is_spoken(scheme: &str) -> bool {
    ["http", "https"]
        .iter()
        .any(|spoken| scheme.eq_ignore_ascii_case(spoken))
}

/// Parses a URL, of which `rest` follows `://`. The host is checked as given because URLs allow forms
/// of addresses that other programs interpret differently.
pub(super) fn url_target(text: &str, rest: &str, path_as_is: bool) -> Result<UrlTarget, String> {
    refuse_blanks(text)?;
    let authority = match rest.find(['/', '\\', '?', '#']) {
        Some(end) => &rest[..end],
        None => rest,
    };
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host_and_port)| host_and_port);
    let (host, port) = split_port(host_and_port);
    if host.is_empty() {
        return Err("the URL has no host".to_owned());
    }
    if host.contains(':') && !host.starts_with('[') {
        return Err("an IPv6 address in a URL must be in brackets".to_owned());
    }
    if port.is_some_and(|port| port.parse() == Ok(0u16)) {
        return Err("the port of a URL is a number from 1 to 65535".to_owned());
    }
    let written = host;
    let host = parse_host_of_url(written)?;
    let url = match host.scoped() {
        None => Url::parse(text),
        Some(scoped) => {
            let start = text.len() - rest.len() + authority.len() - host_and_port.len();
            let (before, after) = (&text[..start], &text[start + written.len()..]);
            Url::parse(&format!("{before}[{}]{after}", scoped.address))
        }
    };
    let mut url = url.map_err(|error| format!("not a URL: {error}"))?;
    if let Host::Address(address @ IpAddr::V4(_)) = host {
        // It may be written as an IPv4-mapped IPv6 address.
        url.set_ip_host(address)
            .map_err(|()| "the URL has no host".to_owned())?;
    }
    Ok(UrlTarget {
        raw_path: path_as_is
            .then(|| raw_path(&rest[authority.len()..], &url))
            .flatten(),
        url,
        scoped: host.scoped().cloned().map(Box::new),
        fallback: None,
        given: Some(mask_password(text).into()),
    })
}

/// Parses the host of a URL, where the percent sign before a scope is encoded (RFC 6874 §2), though
/// many do without.
fn parse_host_of_url(host: &str) -> Result<Host, String> {
    match host.split_once("%25") {
        Some((address, zone)) if !matches!(zone, "" | "]") => {
            parse_host(&format!("{address}%{zone}"))
        }
        _ => parse_host(host),
    }
}

/// Parses hosts with an optional port and an optional path.
fn parse_bare(text: &str, ports: Option<&Ports>, path_as_is: bool) -> Result<Entry, String> {
    let (authority, path) = split_path(text);
    if authority.contains('@') {
        return Err("credentials need a URL with a scheme, such as https://".to_owned());
    }
    refuse_blanks(path)?;
    let (hosts_text, port_text) = split_port(authority);
    let hosts = parse_hosts(hosts_text)?;
    let port = match port_text {
        // Not displayed: it is part of a password that has a slash.
        Some(text) => Some(parse_port(text, Protocol::Tcp).map_err(|error| {
            if path.contains('@') {
                "the port is neither a number from 1 to 65535 nor a service".to_owned()
            } else {
                error.to_string()
            }
        })?),
        None => None,
    };
    let ports = port.map(Ports::from).or_else(|| ports.cloned());
    match hosts {
        Hosts::One(host) if port.is_some() || ports.is_none() => {
            let port = port.map(|port| port.get());
            let page = Page::new(&host, path, path_as_is)?;
            let (url, fallback) = page.at(&host, port);
            let target = UrlTarget {
                url,
                raw_path: page.raw_path,
                scoped: host.scoped().cloned().map(Box::new),
                fallback,
                given: Some(text.into()),
            };
            Ok(Entry::One(Target::Url(Box::new(target)), Types::Asked))
        }
        Hosts::One(host) => {
            let page = Page::new(&host, path, path_as_is)?;
            Ok(Entry::Grid(
                Hosts::One(host),
                TargetTemplate::Page(Box::new(page), ports),
            ))
        }
        Hosts::AddressRange(span) => {
            // Any address: it is replaced for each target.
            let any = Host::Address(AddressFamily::V4.address(0));
            let page = Page::new(&any, path, path_as_is)?;
            Ok(Entry::Grid(
                Hosts::AddressRange(span),
                TargetTemplate::Page(Box::new(page), ports),
            ))
        }
    }
}

/// Splits a text before path, query or fragment. The slash of a CIDR does not begin a path.
fn split_path(text: &str) -> (&str, &str) {
    let from = match text.strip_prefix('[') {
        Some(_) => text.find(']').unwrap_or(0),
        None => 0,
    };
    let Some(at) = text[from..].find(['/', '?', '#']) else {
        return (text, "");
    };
    let (authority, path) = text.split_at(from + at);
    let is_cidr = is_address_like(authority)
        && path.strip_prefix('/').is_some_and(|length| {
            let length = length.split(':').next().unwrap_or_default();
            !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit())
        });
    if is_cidr {
        (text, "")
    } else {
        (authority, path)
    }
}

fn refuse_blanks(text: &str) -> Result<(), String> {
    if text.contains(|char: char| char.is_whitespace() || char.is_control()) {
        return Err(
            "a URL must not contain spaces or control characters; write %20 for a space".to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
