//! Records one after the other.

use super::{Message, RecordView};

/// Records one after the other, as far as they can be walked.
#[derive(Clone, Debug)]
pub(crate) struct Records<'a> {
    message: Message<'a>,
    /// Where the next one begins, or where the last one ends; `None` after a broken one.
    at: Option<usize>,
    left: usize,
}

impl<'a> Records<'a> {
    /// Up to `count` records, of which the first begins at `at`.
    #[inline]
    pub(super) fn new(message: Message<'a>, at: Option<usize>, count: usize) -> Self {
        Self {
            message,
            at,
            left: count,
        }
    }

    /// The number of records that the header promises.
    #[inline]
    pub(super) fn promised(&self) -> usize {
        self.left
    }

    /// Where in the message the next one begins, or the last one ends; `None` after a broken one.
    pub(super) fn end(&self) -> Option<usize> {
        self.at
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = RecordView<'a>;

    #[inline]
    fn next(&mut self) -> Option<RecordView<'a>> {
        self.left = self.left.checked_sub(1)?;
        let record = RecordView::at(self.message, self.at?);
        self.at = record.map(|record| record.data_end());
        record
    }
}
