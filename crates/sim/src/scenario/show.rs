//! A scenario in a few lines for a person.

use std::fmt;

use super::{Peer, Reach, Scenario};
use canvass_lab::Impairments;

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
            "  doors: {:?}, interrupt {:?}",
            self.doors, self.interrupt
        )?;
        for peer in &self.peers {
            write!(f, "\n  {peer}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Peer {
    /// The address, and what is wrong with it.
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
        let usual = fields(&Impairments::default());
        for field in fields(&self.impairments) {
            if !usual.contains(&field) {
                write!(f, " {field}")?;
            }
        }
        Ok(())
    }
}

/// Every field with its value: the derived form names them all.
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
