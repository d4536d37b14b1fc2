//! The HTML pages about a run and about a comparison, as text.
//!
//! A page is a single file without scripts or external resources. It supports light and dark mode,
//! phones and print; `page.css` has the colours. Untrusted text is escaped and limited in length
//! ([`text`]).

mod certificates;
mod chart;
mod class;
mod comparison;
mod counts;
mod density;
mod document;
mod heading;
mod left_out;
mod over_time;
mod percentiles;
mod phases;
mod provenance;
mod resolvers;
mod run;
mod scale;
mod slowest;
mod stack;
mod table;
mod targets;
#[cfg(test)]
mod tests;
mod text;

pub use comparison::comparison_page;
pub use run::run_page;
