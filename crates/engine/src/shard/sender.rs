//! The queries that wait to be sent, and when to try again.

use std::collections::VecDeque;

use canvass_model::Time;
use canvass_proto::QuestionId;

use crate::slab::TaskKey;

/// Queries of tasks under way that may be sent in a row while a new job waits. Only new jobs tell
/// a resolver that is gone from names that are never answered.
const ROW_MAX: u32 = 8;

/// The queries of tasks under way that wait to be sent, and when to try again.
#[derive(Debug)]
pub(super) struct Sender {
    /// Queries to be sent again, or in another way than a job's first.
    queue: VecDeque<(TaskKey, QuestionId)>,
    /// How many of them were sent since the last new job.
    row: u32,
    /// When there is something to send or to begin, unless something is received before.
    resume_at: Time,
    /// The datagram that is sent.
    message: Vec<u8>,
}

impl Sender {
    pub(super) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            row: 0,
            resume_at: Time::ZERO,
            message: Vec::new(),
        }
    }

    pub(super) fn enqueue(&mut self, key: TaskKey, question: QuestionId) {
        self.queue.push_back((key, question));
    }

    pub(super) fn enqueue_first(&mut self, key: TaskKey, question: QuestionId) {
        self.queue.push_front((key, question));
    }

    pub(super) fn next(&mut self) -> Option<(TaskKey, QuestionId)> {
        self.queue.pop_front()
    }

    /// Puts queries that cannot be sent now at the end, so that those that wait for one lane do
    /// not hide others.
    pub(super) fn pass_over(&mut self, queries: impl IntoIterator<Item = (TaskKey, QuestionId)>) {
        self.queue.extend(queries);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// A query of a task under way was sent.
    pub(super) fn count_in_row(&mut self) {
        self.row += 1;
    }

    /// A new job was admitted, or none can be.
    pub(super) fn begin_row(&mut self) {
        self.row = 0;
    }

    /// Whether it is a new job's turn.
    pub(super) fn is_row_over(&self) -> bool {
        self.row >= ROW_MAX
    }

    /// There is something to send or to begin at this time.
    pub(super) fn resume_by(&mut self, at: Time) {
        self.resume_at = self.resume_at.min(at);
    }

    pub(super) fn resume_at(&self) -> Time {
        self.resume_at
    }

    /// A look at all that may be sent begins: what is left over says when to resume.
    pub(super) fn begin_look(&mut self) {
        self.resume_at = Time::MAX;
    }

    /// Writes a datagram into a buffer that is used again. Returns it with what `write` returns.
    pub(super) fn write<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> (&[u8], T) {
        self.message.clear();
        let written = write(&mut self.message);
        (&self.message, written)
    }
}
