//! Whether two sides found the same.

use canvass_report::{Answers, Difference};

use super::local_sources::LocalSources;
use super::question::{Found, Question};

/// Differences that are shown.
const EXAMPLES_MAX: usize = 10;

/// Counts how the finds of two sides compare.
#[derive(Debug)]
pub(super) struct Judge {
    /// Where libc looks besides DNS, if it is the second side.
    local: Option<LocalSources>,
    answers: Answers,
}

impl Judge {
    /// A judge over canvass and another side.
    pub(super) fn new(local: Option<LocalSources>) -> Self {
        Self {
            local,
            answers: Answers::default(),
        }
    }

    /// Counts one target that both asked for.
    pub(super) fn judge(&mut self, question: &Question, a: &Found, b: &Found) {
        // libc gives one name of several; another side of ours gives all it has.
        let same = a.holds(b) && (self.local.is_some() || b.holds(a));
        let answers = &mut self.answers;
        // That there is nothing is an answer too, where the other side has none at all.
        let has = |found: &Found, other: &Found| {
            found.is_something() || found.is_answer() && !other.is_answer()
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

    /// How they compare.
    pub(super) fn verdict(self) -> Answers {
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
            let mut judge = Judge::new(local);
            judge.judge(&question, &Found::names(["a", "b"]), &Found::names(["b"]));
            assert_eq!(judge.verdict().same, same);
        }
    }

    #[test]
    fn each_way_to_differ_is_counted_and_shown() {
        let question = Question::Names([192, 0, 2, 1].into());
        let one = Found::names(["a"]);
        let nothing = |why: &str| Found::Nothing(why.into());
        let failed = |why: &str| Found::Failed(why.into());
        let mut judge = Judge::new(None);
        for (a, b) in [
            (&one, &one),
            (&nothing("NXDOMAIN"), &nothing("EAI_NONAME")),
            (&one, &Found::names(["c"])),
            (&one, &failed("EAI_AGAIN")),
            (&failed("TIMEOUT"), &one),
            (&failed("TIMEOUT"), &failed("EAI_AGAIN")),
            (&nothing("NXDOMAIN"), &failed("EAI_AGAIN")),
            (&failed("TIMEOUT"), &nothing("EAI_NONAME")),
        ] {
            judge.judge(&question, a, b);
        }
        let answers = judge.verdict();
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
