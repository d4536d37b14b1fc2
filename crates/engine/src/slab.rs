//! Storage for the tasks under way.

/// The place of a task, and which of the tasks that were ever stored there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Values under keys that are never valid again once their value is removed.
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

    pub(crate) fn insert(&mut self, value: T) -> TaskKey {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push((0, None));
            (self.entries.len() - 1) as u32
        });
        let (generation, entry) = &mut self.entries[index as usize];
        *entry = Some(value);
        TaskKey {
            index,
            generation: *generation,
        }
    }

    /// The value that was inserted under `key`, until it is removed.
    #[inline]
    pub(crate) fn by_key(&mut self, key: TaskKey) -> Option<&mut T> {
        match self.entries.get_mut(key.index as usize) {
            Some((generation, entry)) if *generation == key.generation => entry.as_mut(),
            _ => None,
        }
    }

    /// The value at `index`, with its key.
    pub(crate) fn at(&self, index: u32) -> Option<(TaskKey, &T)> {
        let (generation, entry) = self.entries.get(index as usize)?;
        let key = TaskKey {
            index,
            generation: *generation,
        };
        entry.as_ref().map(|value| (key, value))
    }

    /// The keys of the values that `is_meant` holds for.
    pub(crate) fn keys(&self, is_meant: impl Fn(&T) -> bool) -> impl Iterator<Item = TaskKey> {
        (0..self.entries.len() as u32)
            .filter_map(|index| self.at(index))
            .filter(move |(_, value)| is_meant(value))
            .map(|(key, _)| key)
    }

    /// Takes a value out.
    pub(crate) fn remove(&mut self, key: TaskKey) -> Option<T> {
        let (generation, entry) = self.entries.get_mut(key.index as usize)?;
        if *generation != key.generation {
            return None;
        }
        let value = entry.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(key.index);
        Some(value)
    }
}
