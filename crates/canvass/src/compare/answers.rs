//! Compares the answers of two sides.

use canvass_report::{Answers, Difference};

use super::local_sources::LocalSources;
use super::question::{LookupResult, Question};

/// The number of differences that are shown.
const EXAMPLES_MAX: usize = 10;

/// Counts how the answers of canvass and another side compare.
#[derive(Debug)]
pub(super) struct AnswerComparison {
    /// The sources of libc besides DNS, if the other side is libc.
    local: Option<LocalSources>,
    answers: Answers,
}

impl AnswerComparison {
    /// Begins a comparison; `local` has the sources of libc if that is the other side.
    pub(super) fn new(local: Option<LocalSources>) -> Self {
        Self {
            local,
            answers: Answers::default(),
        }
    }

    /// Counts one target that both sides looked up.
    pub(super) fn add(&mut self, question: &Question, a: &LookupResult, b: &LookupResult) {
        // libc returns one of several names; canvass returns all.
        let same = a.contains(b) && (self.local.is_some() || b.contains(a));
        let answers = &mut self.answers;
        // A negative answer counts as an answer if the other side failed.
        let has = |result: &LookupResult, other: &LookupResult| {
            result.has_records() || result.is_answer() && !other.is_answer()
        };
        let count = match (has(a, b), has(b, a)) {
            _ if same => {
                answers.same += 1;
                return;
            }
            (true, true) => &mut answers.different,
            (true, false) => &mut answers.only_a,
            (false, _) => &mut answers.only_b,
        };
        *count += 1;
        let reason = self
            .local
            .as_ref()
            .and_then(|local| local.reason(question, b));
        if let Some(reason) = &reason {
            match answers.explained.iter_mut().find(|(one, _)| one == reason) {
                Some((_, count)) => *count += 1,
                None => answers.explained.push((reason.clone(), 1)),
            }
        }
        if answers.examples.len() < EXAMPLES_MAX {
            answers.examples.push(Difference {
                target: question.shown(),
                a: a.shown(),
                b: b.shown(),
                reason,
            });
        }
    }

    /// Returns the counts.
    pub(super) fn finish(self) -> Answers {
        self.answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_names_is_enough_for_libc_alone() {
        let question = Question::Names([192, 0, 2, 1].into());
        for (local, same) in [(Some(LocalSources::default()), 1), (None, 0)] {
            let mut comparison = AnswerComparison::new(local);
            comparison.add(
                &question,
                &LookupResult::names(["a", "b"]),
                &LookupResult::names(["b"]),
            );
            assert_eq!(comparison.finish().same, same);
        }
    }

    #[test]
    fn each_way_to_differ_is_counted_and_shown() {
        let question = Question::Names([192, 0, 2, 1].into());
        let one = LookupResult::names(["a"]);
        let empty = |why: &str| LookupResult::Empty(why.into());
        let failed = |why: &str| LookupResult::Failed(why.into());
        let mut comparison = AnswerComparison::new(None);
        for (a, b) in [
            (&one, &one),
            (&empty("NXDOMAIN"), &empty("EAI_NONAME")),
            (&one, &LookupResult::names(["c"])),
            (&one, &failed("EAI_AGAIN")),
            (&failed("TIMEOUT"), &one),
            (&failed("TIMEOUT"), &failed("EAI_AGAIN")),
            (&empty("NXDOMAIN"), &failed("EAI_AGAIN")),
            (&failed("TIMEOUT"), &empty("EAI_NONAME")),
        ] {
            comparison.add(&question, a, b);
        }
        let answers = comparison.finish();
        let counts = [
            answers.same,
            answers.different,
            answers.only_a,
            answers.only_b,
        ];
        assert_eq!(counts, [3, 1, 2, 2]);
        let shown: Vec<(&str, &str)> = answers
            .examples
            .iter()
            .map(|example| (&*example.a, &*example.b))
            .collect();
        assert_eq!(
            shown,
            [
                ("a", "c"),
                ("a", "(EAI_AGAIN)"),
                ("(TIMEOUT)", "a"),
                ("(NXDOMAIN)", "(EAI_AGAIN)"),
                ("(TIMEOUT)", "(EAI_NONAME)"),
            ]
        );
    }
}
