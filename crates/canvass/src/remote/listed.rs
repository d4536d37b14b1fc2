//! The targets that are sent to workers.

use canvass_model::{Job, Target};
use canvass_queue::{Completed, Position, Source, SourceError};
use canvass_report::target_name;

use crate::command_line;

const SOCKET: &str = "a socket of this machine cannot be probed by workers";
const CREDENTIALS: &str = "credentials in a URL do not travel to workers";

/// A source in which targets that must not leave this machine are invalid.
pub(crate) struct Sendable<S>(pub S);

/// Why a target must not leave this machine, if it must not.
fn stays(target: &Target) -> Option<&'static str> {
    match target {
        Target::Unix { .. } => Some(SOCKET),
        Target::Url(page) => {
            let has_user = !page.url.username().is_empty() || page.url.password().is_some();
            has_user.then_some(CREDENTIALS)
        }
        _ => None,
    }
}

impl<S: Source> Source for Sendable<S> {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        let before = out.len();
        let has_more = self.0.next(max, out)?;
        for job in &mut out[before..] {
            if let Some(reason) = stays(&job.target) {
                let given = command_line::without_credentials(&target_name(&job.target));
                job.target = Target::Invalid {
                    given: given.into(),
                    reason: reason.into(),
                };
            }
        }
        Ok(has_more)
    }

    fn remaining(&self) -> Option<u64> {
        self.0.remaining()
    }

    fn position(&self) -> Position {
        self.0.position()
    }

    fn skip_to(&mut self, position: Position) -> Result<(), SourceError> {
        self.0.skip_to(position)
    }

    fn completed(&self) -> Completed {
        self.0.completed()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use canvass_model::ModuleId;
    use canvass_queue::{TargetKind, TargetOptions, arguments};

    use super::*;

    #[test]
    fn sockets_and_credentials_stay() {
        let kind = TargetKind::Http {
            module: ModuleId(0),
            requests: NonZeroU32::MIN,
            ports: None,
            path_as_is: false,
        };
        let given = [
            "https://me:hunter2@x.example/",
            "unix:/run/x.sock",
            "https://x.example/",
        ];
        let options = TargetOptions::new(kind);
        let source = arguments(given.map(str::to_owned), &options).unwrap();
        let (mut source, mut jobs) = (Sendable(source), Vec::new());
        while source.next(10, &mut jobs).unwrap() {}
        let reason = |job: &Job| match &job.target {
            Target::Invalid { given, reason } => {
                assert!(!given.contains("hunter2"), "{given}");
                Some(reason.to_string())
            }
            _ => None,
        };
        let reasons: Vec<_> = jobs.iter().map(reason).collect();
        assert_eq!(
            reasons,
            [Some(CREDENTIALS.into()), Some(SOCKET.into()), None]
        );
    }
}
