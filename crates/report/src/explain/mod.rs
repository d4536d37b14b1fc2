//! The meaning of errnos, causes and statuses, and what to check next.

mod causes;
mod markdown;
mod network_errnos;
mod other_errnos;
mod statuses;
#[cfg(test)]
mod tests;

use std::fmt;

use canvass_model::{Cause, Errno, Phase};

pub use markdown::faults_markdown;

/// The explanation of an errno, cause or status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The word as it is in output.
    pub name: &'static str,
    /// What kind of word it is.
    pub kind: Kind,
    /// The meaning, in a sentence.
    pub meaning: &'static str,
    /// What to check next, in one or more sentences.
    pub advice: &'static str,
    /// The phases in which it is seen; empty for a status of an answer.
    pub phases: &'static [Phase],
    /// More specific advice for some phases.
    pub advice_by_phase: &'static [(Phase, &'static str)],
}

/// The kind of an explained word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An error number of the system, as in `error.errno`.
    Errno(Errno),
    /// A cause, as in `error.cause`.
    Cause(Cause),
    /// A status, as in `status`.
    Status,
}

/// Explains an errno by name or number, a cause or a status, ignoring case. If a word is both a
/// cause and a status, lower case selects the cause and upper case the status, as in output. Returns
/// `None` for unknown words; see [`suggestions`].
pub fn explain(text: &str) -> Option<Explanation> {
    let text = text.trim();
    let errno = match text.parse::<i32>() {
        Ok(number) => Some(Errno(number)),
        Err(_) => Errno::from_name(text),
    };
    if let Some(errno) = errno {
        return errno_explanation(errno);
    }
    let is_upper = text.chars().any(|character| character.is_ascii_uppercase());
    let status = || statuses::all().find(|status| status.name.eq_ignore_ascii_case(text));
    let cause = || {
        let cause = Cause::ALL
            .into_iter()
            .find(|cause| cause.as_str().eq_ignore_ascii_case(text));
        cause.map(cause_explanation)
    };
    if is_upper {
        status().or_else(cause)
    } else {
        cause().or_else(status)
    }
}

/// Words that `text` may be a misspelling of, the most likely first; at most five.
pub fn suggestions(text: &str) -> Vec<&'static str> {
    let text: Vec<char> = text.trim().to_ascii_lowercase().chars().collect();
    // One edit for every three letters.
    let edits_max = (text.len() / 3).min(3);
    let mut near: Vec<(usize, &'static str)> = words()
        .filter_map(|word| {
            let lower: Vec<char> = word.to_ascii_lowercase().chars().collect();
            let part = text.len() >= 3 && contains(&lower, &text);
            match distance(&text, &lower) {
                edits if edits <= edits_max => Some((edits, word)),
                _ if part => Some((edits_max + 1, word)),
                _ => None,
            }
        })
        .collect();
    near.sort_by_key(|&(edits, word)| (edits, word));
    near.dedup();
    near.truncate(SUGGESTIONS_MAX);
    near.into_iter().map(|(_, word)| word).collect()
}

const SUGGESTIONS_MAX: usize = 5;

/// One line of advice for a fault: the first sentence of the most specific advice.
pub(crate) fn advice(phase: Phase, cause: Cause, errno: Option<Errno>) -> &'static str {
    let of_errno = errno
        .and_then(network_errnos::find)
        .map(|known| known.advice);
    let cause = cause_explanation(cause);
    let of_phase = || {
        let entry = cause
            .advice_by_phase
            .iter()
            .find(|(where_, _)| *where_ == phase);
        entry.map(|(_, advice)| *advice)
    };
    first_sentence(of_errno.or_else(of_phase).unwrap_or(cause.advice))
}

impl fmt::Display for Explanation {
    /// For a terminal: lines with line ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Errno(errno) => writeln!(f, "{} (errno {})", self.name, errno.0)?,
            Kind::Cause(_) => writeln!(f, "{} (cause)", self.name)?,
            Kind::Status => writeln!(f, "{} (status)", self.name)?,
        }
        paragraph(f, "meaning", self.meaning)?;
        paragraph(f, "advice", self.advice)?;
        if !self.phases.is_empty() {
            paragraph(f, "seen in", &phase_words(self.phases))?;
        }
        for (phase, advice) in self.advice_by_phase {
            paragraph(f, &format!("in {phase}"), advice)?;
        }
        Ok(())
    }
}

/// The widest label, `in first_byte`, and two blanks.
const LABEL_WIDTH: usize = 15;
/// Where lines are broken.
const LINE_WIDTH: usize = 80;

/// Writes a label and text beside it, broken between words.
fn paragraph(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    write!(f, "  {label:<LABEL_WIDTH$}")?;
    let margin = 2 + LABEL_WIDTH;
    let mut column = margin;
    for (index, word) in text.split(' ').enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width > LINE_WIDTH {
            write!(f, "\n{:margin$}", "")?;
            column = margin;
        } else if index > 0 {
            f.write_str(" ")?;
            column += 1;
        }
        f.write_str(word)?;
        column += width;
    }
    writeln!(f)
}

fn phase_words(phases: &[Phase]) -> String {
    let words: Vec<&str> = phases.iter().map(|phase| phase.as_str()).collect();
    words.join(", ")
}

/// An entry of a table of errnos.
struct ErrnoEntry {
    name: &'static str,
    phases: &'static [Phase],
    meaning: &'static str,
    advice: &'static str,
}

fn errno_explanation(errno: Errno) -> Option<Explanation> {
    let entry = network_errnos::find(errno).or_else(|| other_errnos::find(errno))?;
    Some(Explanation {
        name: entry.name,
        kind: Kind::Errno(errno),
        meaning: entry.meaning,
        advice: entry.advice,
        phases: entry.phases,
        advice_by_phase: &[],
    })
}

fn cause_explanation(cause: Cause) -> Explanation {
    causes::explanation(cause)
}

/// Every word that has an explanation.
fn words() -> impl Iterator<Item = &'static str> {
    Errno::all()
        .filter_map(Errno::name)
        .chain(Cause::ALL.iter().map(|cause| cause.as_str()))
        .chain(statuses::all().map(|status| status.name))
}

fn first_sentence(text: &'static str) -> &'static str {
    text.split_once(". ")
        .map_or(text, |(first, _)| first)
        .trim_end_matches('.')
}

fn contains(word: &[char], part: &[char]) -> bool {
    word.windows(part.len()).any(|window| window == part)
}

/// The edit distance: letters changed, added, removed or swapped with their neighbour
/// (Damerau-Levenshtein).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, &a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &b) in other.iter().enumerate() {
            let changed = last[j] + usize::from(a != b);
            let mut least = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == other[j - 1] && one[i - 1] == b {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}
