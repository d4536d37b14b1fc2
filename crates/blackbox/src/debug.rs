//! What `debug=true` answers.

use crate::exposition::Exposition;
use crate::file::Module;

/// What happened, the metrics, and the module without its secrets.
pub(crate) fn text(log: &[String], metrics: &Exposition, module: &Module) -> String {
    let mut text = String::from("Logs for the probe:\n");
    for line in log {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("\n\n\nMetrics that would have been returned:\n");
    text.push_str(&metrics.text());
    text.push_str("\n\n\nModule configuration:\n");
    text.push_str(&module.shown());
    text.push('\n');
    text
}
