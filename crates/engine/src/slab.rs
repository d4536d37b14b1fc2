//! Places for the jobs under way.

/// A job's place, and which of the jobs that ever stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// The jobs of one kind under way.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    entries: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(crate) fn insert(&mut self, slot: T) -> TaskKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push((0, None));
            (self.entries.len() - 1) as u32
        });
        let (generation, entry) = &mut self.entries[index as usize];
        *entry = Some(slot);
        TaskKey {
            index,
            generation: *generation,
        }
    }

    /// The job that `key` was given for, while it is under way.
    #[inline]
    pub(crate) fn by_key(&mut self, key: TaskKey) -> Option<&mut T> {
        match self.entries.get_mut(key.index as usize) {
            Some((generation, slot)) if *generation == key.generation => slot.as_mut(),
            _ => None,
        }
    }

    /// The key of whatever job stands at `index`.
    pub(crate) fn key_at(&self, index: u32) -> Option<TaskKey> {
        let (generation, slot) = self.entries.get(index as usize)?;
        slot.as_ref().map(|_| TaskKey {
            index,
            generation: *generation,
        })
    }

    /// Every job under way.
    pub(crate) fn keys(&self) -> Vec<TaskKey> {
        (0..self.entries.len() as u32)
            .filter_map(|index| self.key_at(index))
            .collect()
    }

    /// Frees a place, and hands back what stood there.
    pub(crate) fn remove(&mut self, key: TaskKey) -> Option<T> {
        let (generation, slot) = &mut self.entries[key.index as usize];
        debug_assert_eq!(*generation, key.generation);
        *generation = generation.wrapping_add(1);
        self.free.push(key.index);
        slot.take()
    }
}
