//! `canvass explain`: what an error means, and where to look next.

use crate::args::ExplainArgs;
use crate::exit::{Exit, Failure};
use crate::message::print;

/// Prints the explanation of each error.
pub(crate) fn explain(args: &ExplainArgs) -> Result<Exit, Failure> {
    let mut text = String::new();
    for (at, error) in args.errors.iter().enumerate() {
        let Some(explanation) = canvass_report::explain(error) else {
            let near = canvass_report::suggestions(error);
            let hint = if near.is_empty() {
                String::new()
            } else {
                format!("; did you mean {}?", near.join(" or "))
            };
            return Err(Failure::usage(format!(
                "unknown error, cause or status {error:?}{hint}"
            )));
        };
        if at > 0 {
            text.push('\n');
        }
        text.push_str(&explanation.to_string());
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    print(&text)?;
    Ok(Exit::Complete)
}
