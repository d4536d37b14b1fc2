//! The proxies that lead to servers.

use std::sync::Arc;

use canvass_proto::Reach;
use canvass_proto::tunnel::{Bypass, Proxies, Proxy};

use crate::args::ProxyArgs;
use crate::exit::Failure;

/// Adds the proxies, and the header of the PROXY protocol, to where connections lead.
pub(super) fn through_proxies(reach: &mut Reach, args: &ProxyArgs) -> Result<(), Failure> {
    reach.proxy_protocol = args.proxy_protocol;
    let proxies = match &args.proxy {
        Some(text) => Proxies::all(proxy("--proxy", text)?),
        None if args.proxy_from_environment => of_environment()?,
        None => Proxies::default(),
    };
    reach.proxies = (!proxies.is_empty()).then(|| Arc::new(proxies));
    Ok(())
}

/// As curl reads them. `HTTP_PROXY` is left out: in a CGI program it is the header `Proxy` of the
/// client.
fn of_environment() -> Result<Proxies, Failure> {
    let named = |names: &[&str]| -> Result<Option<Arc<Proxy>>, Failure> {
        match variable(names) {
            Some((name, text)) => Ok(Some(Arc::new(proxy(name, &text)?))),
            None => Ok(None),
        }
    };
    let bypass = match variable(&["no_proxy", "NO_PROXY"]) {
        Some((name, text)) => {
            Bypass::parse(&text).map_err(|error| Failure::usage(format!("{name}: {error}")))?
        }
        None => Bypass::default(),
    };
    let all = named(&["all_proxy", "ALL_PROXY"])?;
    Ok(Proxies {
        http: named(&["http_proxy"])?.or_else(|| all.clone()),
        https: named(&["https_proxy", "HTTPS_PROXY"])?.or_else(|| all.clone()),
        stream: all,
        bypass,
    })
}

/// The first of these variables that is set and not empty.
fn variable<'a>(names: &[&'a str]) -> Option<(&'a str, String)> {
    let mut set = names
        .iter()
        .filter_map(|name| Some((*name, std::env::var(name).ok()?)));
    set.find(|(_, text)| !text.is_empty())
}

fn proxy(source: &str, text: &str) -> Result<Proxy, Failure> {
    Proxy::parse(text).map_err(|error| Failure::usage(format!("{source}: {error}")))
}
