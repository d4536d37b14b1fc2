//! What errors, causes and statuses mean, and where a person should look next.

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

/// What one errno, cause or status means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The word it was found by, as output carries it.
    pub name: &'static str,
    /// What kind of word that is.
    pub kind: Kind,
    /// What it means, in a sentence.
    pub meaning: &'static str,
    /// What to look at next, in a sentence or more.
    pub look: &'static str,
    /// Where in a probe's life it shows up; empty for a status of an answer.
    pub phases: &'static [Phase],
    /// What to look at next where it shows up in one of these phases, if that says more.
    pub look_by_phase: &'static [(Phase, &'static str)],
}

/// What kind of word an explanation is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An error number of the system, as in `error.errno`.
    Errno(Errno),
    /// A cause, as in `error.cause`.
    Cause(Cause),
    /// A status, as in `status`.
    Status,
}

/// Explains an errno by name or number, a cause, or a status, in any case of letters. Where a
/// word is both a cause and a status, lower case is the cause and upper case the status, as
/// output has them. `None` for what is none of these; see [`suggestions`].
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

/// The words that `text` may be a slip of, the likeliest first; at most five.
pub fn suggestions(text: &str) -> Vec<&'static str> {
    let text: Vec<char> = text.trim().to_ascii_lowercase().chars().collect();
    // A longer word has room for more slips; a word of three letters has none to spare.
    let slips_max = (text.len() / 3).min(3);
    let mut near: Vec<(usize, &'static str)> = words()
        .filter_map(|word| {
            let lower: Vec<char> = word.to_ascii_lowercase().chars().collect();
            let part = text.len() >= 3 && contains(&lower, &text);
            match distance(&text, &lower) {
                slips if slips <= slips_max => Some((slips, word)),
                _ if part => Some((slips_max + 1, word)),
                _ => None,
            }
        })
        .collect();
    near.sort_by_key(|&(slips, word)| (slips, word));
    near.dedup();
    near.truncate(SUGGESTIONS_MAX);
    near.into_iter().map(|(_, word)| word).collect()
}

const SUGGESTIONS_MAX: usize = 5;

/// One line of advice for a fault: the first sentence of what says most about it.
pub(crate) fn advice(phase: Phase, cause: Cause, errno: Option<Errno>) -> &'static str {
    let of_errno = errno.and_then(network_errnos::find).map(|known| known.look);
    let cause = cause_explanation(cause);
    let of_phase = || {
        let told = cause
            .look_by_phase
            .iter()
            .find(|(where_, _)| *where_ == phase);
        told.map(|(_, look)| *look)
    };
    first_sentence(of_errno.or_else(of_phase).unwrap_or(cause.look))
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
        paragraph(f, "look at", self.look)?;
        if !self.phases.is_empty() {
            paragraph(f, "shows up in", &phase_words(self.phases))?;
        }
        for (phase, look) in self.look_by_phase {
            paragraph(f, &format!("in {phase}"), look)?;
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

/// What a table says of an errno.
struct ErrnoEntry {
    name: &'static str,
    phases: &'static [Phase],
    meaning: &'static str,
    look: &'static str,
}

fn errno_explanation(errno: Errno) -> Option<Explanation> {
    let entry = network_errnos::find(errno).or_else(|| other_errnos::find(errno))?;
    Some(Explanation {
        name: entry.name,
        kind: Kind::Errno(errno),
        meaning: entry.meaning,
        look: entry.look,
        phases: entry.phases,
        look_by_phase: &[],
    })
}

fn cause_explanation(cause: Cause) -> Explanation {
    causes::explanation(cause)
}

/// Every word there is an explanation for.
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

/// How many letters have to be changed, added, left out or swapped with their neighbour.
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
