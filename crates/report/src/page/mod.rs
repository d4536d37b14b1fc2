//! The HTML page about a run, and the one about a comparison. It is text that is made of figures:
//! no file is read or written here, and no clock asked.
//!
//! A page is one file that stands for itself: no scripts, nothing that is fetched. It can be read
//! in light and dark, on a phone and on paper; `page.css` has the colours. Everything that comes
//! from outside is escaped, and cut where it is absurdly long ([`words`]).

mod chart;
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
mod stack;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use comparison::comparison_page;
pub use run::run_page;
