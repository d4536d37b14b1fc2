//! The groups of flags in the help of every command.

pub(super) const TARGETS: &str = "Targets";
pub(super) const QUESTION: &str = "What to ask";
pub(super) const SERVICES: &str = "What to serve";
pub(super) const EXPECTATIONS: &str = "What to expect";
pub(super) const OUTPUT: &str = "Output";
pub(super) const ALERTS: &str = "Alerts";
pub(super) const IMPAIRMENTS: &str = "What goes wrong";
pub(super) const RESOLVERS: &str = "Resolvers";
pub(super) const LIMITS: &str = "Limits";
pub(super) const WORKERS: &str = "Workers";
pub(super) const ADVANCED: &str = "Advanced";
pub(super) const HELP: &str = "Help";

/// Every group, in the order in which a command shows those it has.
#[cfg(test)]
pub(super) const ORDER: [&str; 12] = [
    TARGETS,
    QUESTION,
    SERVICES,
    EXPECTATIONS,
    OUTPUT,
    IMPAIRMENTS,
    RESOLVERS,
    LIMITS,
    ADVANCED,
    WORKERS,
    ALERTS,
    HELP,
];
