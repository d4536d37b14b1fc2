//! The groups of flags in the help of every command.

pub const TARGETS: &str = "Targets";
pub const QUESTION: &str = "What to ask";
pub const SERVICES: &str = "What to serve";
pub const OUTPUT: &str = "Output";
pub const IMPAIRMENTS: &str = "What goes wrong";
pub const RESOLVERS: &str = "Resolvers";
pub const LIMITS: &str = "Limits";
pub const ADVANCED: &str = "Advanced";
pub const HELP: &str = "Help";

/// Every group, in the order in which a command shows those it has.
#[cfg(test)]
pub const ORDER: [&str; 9] = [
    TARGETS,
    QUESTION,
    SERVICES,
    OUTPUT,
    IMPAIRMENTS,
    RESOLVERS,
    LIMITS,
    ADVANCED,
    HELP,
];
