//! `query_response` as a script of canvass.

use std::sync::Arc;

use canvass_model::TalkAnswer;
use canvass_proto::talk::Script;
use serde_json::{Map, Value, json};

use crate::exposition::Exposition;
use crate::file::QueryResponse;

/// A conversation, and which of its captures are labels.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// `None` if there are no steps: then an open port is all that is asked for.
    pub script: Option<Arc<Script>>,
    /// For each step with labels, their names and captures.
    labels: Vec<Vec<(String, String)>>,
}

impl Conversation {
    /// # Errors
    /// The steps have what scripts of canvass cannot say.
    pub(crate) fn new(steps: &[QueryResponse]) -> Result<Self, String> {
        let mut labels = Vec::new();
        let mut items = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let names = captures(at, step);
            items.extend(parts(step, &names));
            if !names.is_empty() {
                labels.push(names);
            }
        }
        if items.is_empty() {
            return Ok(Self::default());
        }
        // JSON is YAML.
        let text = Value::from(items).to_string();
        let script = Script::parse(&text, "query_response").map_err(|error| error.to_string())?;
        Ok(Self {
            script: Some(Arc::new(script)),
            labels,
        })
    }

    /// Writes the labels of the steps that matched.
    pub(crate) fn write_labels(&self, answer: &TalkAnswer, metrics: &mut Exposition) {
        let captured = |name: &str| {
            let mut all = answer.captures.iter();
            all.find(|(capture, _)| &**capture == name)
                .map(|(_, value)| &**value)
        };
        for step in &self.labels {
            let labels: Option<Vec<(&str, &str)>> = step
                .iter()
                .map(|(label, capture)| Some((label.as_str(), captured(capture)?)))
                .collect();
            if let Some(labels) = labels {
                metrics.set_labelled("probe_expect_info", "Explicit content matched", &labels, 1);
            }
        }
    }
}

/// The labels of a step, each with the name of its capture.
fn captures(at: usize, step: &QueryResponse) -> Vec<(String, String)> {
    if step.expect.is_none() {
        return Vec::new();
    }
    let labels = step.labels.iter().enumerate();
    labels
        .map(|(number, label)| (label.name.clone(), format!("label_{at}_{number}")))
        .collect()
}

/// The steps of a script that do what one of blackbox_exporter's does: wait for a line, then for
/// octets, send, and start TLS.
fn parts(step: &QueryResponse, names: &[(String, String)]) -> Vec<Value> {
    let mut first = Map::new();
    let mut rest = Map::new();
    if let Some(expect) = &step.expect {
        first.insert("expect".into(), expect.source.as_str().into());
        let labels: Vec<Value> = names
            .iter()
            .zip(&step.labels)
            .map(|((_, capture), label)| json!({"name": capture, "value": label.value}))
            .collect();
        if !labels.is_empty() {
            first.insert("labels".into(), labels.into());
        }
    }
    let has_both = step.expect.is_some() && !step.expect_bytes.is_empty();
    if !step.expect_bytes.is_empty() {
        let into = if has_both { &mut rest } else { &mut first };
        into.insert("expect_bytes".into(), step.expect_bytes.as_str().into());
    }
    let last = if has_both { &mut rest } else { &mut first };
    if !step.send.0.is_empty() {
        // Only the groups of the same step are expanded.
        let send = match &step.expect {
            Some(_) => step.send.0.clone(),
            None => step.send.0.replace("${", "$${"),
        };
        last.insert("send".into(), send.into());
    }
    if step.starttls {
        last.insert("starttls".into(), true.into());
    }
    let parts = [first, rest].into_iter();
    parts
        .filter(|part| !part.is_empty())
        .map(Value::from)
        .collect()
}
