//! Displays a scenario in a few lines.

use std::fmt;

use canvass_lab::Impairments;
use canvass_proto::{Module, ModuleKind};

use super::{Peer, Reach, Scenario, Site, Voice};

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = &self.limits;
        writeln!(
            f,
            "seed {}: {} jobs, {} resolvers{}",
            self.seed,
            self.jobs.len(),
            self.peers.len(),
            if self.fair {
                ", every job has a fair chance"
            } else {
                ""
            }
        )?;
        writeln!(
            f,
            "  limits: {:?}, {} retries, deadline {:?}, timeout {:?}, {} jobs at once, rate {:?}, per resolver {:?}",
            limits.transport,
            limits.retries,
            limits.deadline,
            limits.timeout,
            self.jobs_max,
            self.rate_max_per_second,
            self.rate_per_resolver_max_per_second
        )?;
        writeln!(f, "  path: {:?}", self.path)?;
        writeln!(f, "  host: {:?}", self.host)?;
        write!(
            f,
            "  channels: {:?}, interrupt {:?}",
            self.channels, self.interrupt
        )?;
        for peer in &self.peers {
            write!(f, "\n  {peer}")?;
        }
        if !self.has_probes() {
            return Ok(());
        }
        let probing = &self.probing;
        write!(
            f,
            "\n  probes: {} sockets at once, {} for one host, rate for each {:?}",
            probing.sockets_max, probing.per_host_max, probing.rate_per_host_max_per_second
        )?;
        for (index, module) in probing.modules.iter().enumerate() {
            write!(f, "\n  module {index}: {}", Shown(module))?;
        }
        for site in self.sites.iter().filter(|site| !site.is_plain()) {
            write!(f, "\n  {site}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Peer {
    /// The address and the impairments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if self.reach != Reach::Open {
            write!(f, " {:?}", self.reach)?;
        }
        if let Some(answers) = self.reset_after {
            write!(f, " resets after {answers}")?;
        }
        if let Some(idle) = self.idle_close {
            write!(f, " closes when idle for {idle:?}")?;
        }
        show_impairments(f, &self.impairments)
    }
}

impl fmt::Display for Site {
    /// The addresses, the service and the impairments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.last != self.first {
            write!(f, " to {}", self.last)?;
        }
        match &self.voice {
            Voice::Service(kind) => write!(f, " port {} {kind}", self.port)?,
            Voice::Canned(text) => write!(f, " port {} {} octets", self.port, text.len())?,
        }
        if self.reach != Reach::Open {
            write!(f, " {:?}", self.reach)?;
        }
        if let Some(cut) = self.cut {
            write!(f, " {cut:?}")?;
        }
        show_impairments(f, &self.impairments)
    }
}

/// A module without the content of its requests.
struct Shown<'a>(&'a Module);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(module) = self;
        match &module.kind {
            ModuleKind::Http { settings, .. } => write!(
                f,
                "{} following {}, keep-alive {}",
                settings.method, settings.follow_max, settings.keep_alive
            )?,
            ModuleKind::Tcp { script, .. } => match script {
                Some(script) => write!(f, "tcp {}", script.name())?,
                None => f.write_str("tcp")?,
            },
            ModuleKind::Udp { script, window, .. } => {
                write!(f, "udp {} window {window:?}", script.name())?;
            }
        }
        if module.reach.all_addresses {
            f.write_str(", all addresses")?;
        }
        let timeouts = &module.timeouts;
        write!(
            f,
            ", {} retries, {:?} each, {:?} in all",
            module.retries, timeouts.first_byte, timeouts.deadline
        )
    }
}

fn show_impairments(f: &mut fmt::Formatter<'_>, impairments: &Impairments) -> fmt::Result {
    let usual = fields(&Impairments::default());
    for field in fields(impairments) {
        if !usual.contains(&field) {
            write!(f, " {field}")?;
        }
    }
    Ok(())
}

/// All fields with their values, from the derived `Debug` output.
fn fields(impairments: &Impairments) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in format!("{impairments:#?}").lines() {
        let depth = line.len() - line.trim_start().len();
        match fields.last_mut() {
            Some(field) if depth > 4 || line.trim().starts_with(['}', ']']) => {
                field.push_str(line.trim());
            }
            _ if depth == 4 => fields.push(line.trim().to_owned()),
            _ => {}
        }
    }
    fields
}
