//! Recognises a list that can be read only once, by a rolling hash of what was read of it.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use canvass_journal::ListRead;
use sha2::{Digest, Sha256};

/// What was read of a list. It can be read while the list is part of a run.
#[derive(Clone)]
pub(crate) struct ListTracker {
    reader: Arc<Mutex<TrackedReader>>,
    read: Arc<Mutex<SoFar>>,
}

/// The reader of a list, for its source.
pub(crate) struct TrackedList(Arc<Mutex<TrackedReader>>);

struct TrackedReader {
    reader: Box<dyn Read + Send>,
    /// What the journal of the run that is resumed has of the list.
    expected: Option<ListRead>,
    /// Read to be compared, and not given yet.
    ahead: io::Cursor<Vec<u8>>,
    read: Arc<Mutex<SoFar>>,
}

#[derive(Default)]
struct SoFar {
    octets: u64,
    digest: Sha256,
    ended: bool,
}

/// Tracks the list that `reader` has. `expected` is what the run that is resumed has read of it.
pub(crate) fn tracked(
    reader: impl Read + Send + 'static,
    expected: Option<ListRead>,
) -> (TrackedList, ListTracker) {
    let read: Arc<Mutex<SoFar>> = Arc::default();
    let reader = Arc::new(Mutex::new(TrackedReader {
        reader: Box::new(reader),
        expected,
        ahead: io::Cursor::default(),
        read: Arc::clone(&read),
    }));
    (
        TrackedList(Arc::clone(&reader)),
        ListTracker { reader, read },
    )
}

impl ListTracker {
    /// What was read so far.
    pub(crate) fn so_far(&self) -> ListRead {
        lock(&self.read).shown()
    }

    /// Reads as much as the earlier run has read, and compares. What is read here is still given.
    pub(crate) fn verify(&self) -> io::Result<()> {
        lock(&self.reader).read_expected()
    }
}

impl TrackedReader {
    fn read_expected(&mut self) -> io::Result<()> {
        let mut piece = vec![0; 64 * 1024];
        while self.left_to_compare() > 0 {
            let count = self.read_new(&mut piece)?;
            self.ahead.get_mut().extend_from_slice(&piece[..count]);
        }
        Ok(())
    }

    /// The octets that the earlier run has read and this one has not.
    fn left_to_compare(&self) -> u64 {
        let octets = lock(&self.read).octets;
        let expected = self.expected.as_ref();
        expected.map_or(0, |expected| expected.octets.saturating_sub(octets))
    }

    /// Reads what was not read before, and compares it where the earlier run has stopped.
    fn read_new(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left_to_compare();
        let most = match left {
            0 => buffer.len(),
            _ => buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX)),
        };
        let count = loop {
            match self.reader.read(&mut buffer[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        let mut read = lock(&self.read);
        read.octets += count as u64;
        read.digest.update(&buffer[..count]);
        read.ended |= count == 0 && most > 0;
        if left == 0 {
            return Ok(count);
        }
        let expected = self.expected.as_ref();
        let is_other = expected.is_some_and(|expected| {
            read.ended || read.octets == expected.octets && read.shown().sha256 != expected.sha256
        });
        if is_other {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is not the list of the journal: what was read of that is different",
            ));
        }
        Ok(count)
    }
}

impl Read for TrackedList {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut reader = lock(&self.0);
        match reader.ahead.read(buffer)? {
            0 => {
                reader.ahead = io::Cursor::default();
                reader.read_new(buffer)
            }
            count => Ok(count),
        }
    }
}

impl SoFar {
    fn shown(&self) -> ListRead {
        ListRead {
            octets: self.octets,
            sha256: format!("{:x}", self.digest.clone().finalize()),
            ended: self.ended,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(list: &'static str, octets: usize) -> ListRead {
        let (mut reader, tracker) = tracked(list.as_bytes(), None);
        reader.read_exact(&mut vec![0; octets]).unwrap();
        tracker.so_far()
    }

    #[test]
    fn a_list_is_recognised_by_what_was_read_and_given_whole() {
        let expected = read_of("192.0.2.1\n192.0.2.2\n", 12);
        let (mut reader, tracker) = tracked(&b"192.0.2.1\n192.0.2.7\n"[..], Some(expected));
        reader.read_exact(&mut [0; 5]).unwrap();
        tracker.verify().unwrap();
        assert_eq!(tracker.so_far().octets, 12);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, ".2.1\n192.0.2.7\n");
        let read = tracker.so_far();
        assert_eq!((read.octets, read.ended), (20, true));
    }

    #[test]
    fn another_list_and_a_shorter_one_are_refused_before_more_is_given() {
        let expected = || Some(read_of("192.0.2.1\n192.0.2.2\n", 12));
        for other in ["192.0.2.9\n192.0.2.2\n", "192.0.2.1\n", ""] {
            let (_reader, tracker) = tracked(other.as_bytes(), expected());
            let error = tracker.verify().unwrap_err();
            assert!(error.to_string().contains("not the list"), "{error}");
            let (mut reader, _) = tracked(other.as_bytes(), expected());
            assert!(reader.read_to_end(&mut Vec::new()).is_err(), "{other:?}");
        }
    }
}
