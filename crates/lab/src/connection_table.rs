//! The accepted connections of a server, and which of them have work to do.

use std::collections::VecDeque;

use mio::Token;
use mio::event::Event;

/// Identifies a connection, also after another one has taken its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionId {
    slot: usize,
    generation: u32,
}

/// The state of a connection after it was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There may be more to do at once.
    More,
    /// There is nothing to do before the next event.
    Idle,
    /// The connection is over.
    Closed,
}

/// Connections in slots, with a queue of those that are to be served.
pub(crate) struct ConnectionTable<C> {
    first_token: usize,
    slots: Vec<Option<Slot<C>>>,
    free: Vec<usize>,
    next_generation: u32,
    queue: VecDeque<ConnectionId>,
}

struct Slot<C> {
    generation: u32,
    queued: bool,
    connection: C,
}

impl ConnectionId {
    #[cfg(test)]
    pub(crate) const fn new(slot: usize, generation: u32) -> Self {
        Self { slot, generation }
    }

    /// A number below the highest number of connections there have been at once.
    pub(crate) fn slot(self) -> usize {
        self.slot
    }
}

impl<C> ConnectionTable<C> {
    /// The tokens of the connections begin at `first_token`.
    pub(crate) const fn new(first_token: usize) -> Self {
        Self {
            first_token,
            slots: Vec::new(),
            free: Vec::new(),
            next_generation: 0,
            queue: VecDeque::new(),
        }
    }

    /// The number of connections.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The token of a connection's events.
    pub(crate) fn token(&self, id: ConnectionId) -> Token {
        Token(self.first_token + id.slot)
    }

    /// Has the connection of an event served, if it is still open. `set_readable` is called if there
    /// is something to read, with whether that is the end of the stream or an error.
    pub(crate) fn handle_event(&mut self, event: &Event, set_readable: impl FnOnce(&mut C, bool)) {
        let Some(id) = self.find(event.token()) else {
            return;
        };
        let hung_up = event.is_read_closed() || event.is_error();
        if let Some(connection) = self.get_mut(id)
            && (event.is_readable() || hung_up)
        {
            set_readable(connection, hung_up);
        }
        self.enqueue(id);
    }

    /// The connection with a token. `None` if it has closed.
    fn find(&self, token: Token) -> Option<ConnectionId> {
        let slot = token.0.checked_sub(self.first_token)?;
        let generation = self.slots.get(slot)?.as_ref()?.generation;
        Some(ConnectionId { slot, generation })
    }

    pub(crate) fn insert(&mut self, make: impl FnOnce(ConnectionId) -> C) -> ConnectionId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let generation = self.next_generation;
        self.next_generation = generation.wrapping_add(1);
        let id = ConnectionId { slot, generation };
        self.slots[slot] = Some(Slot {
            generation,
            queued: false,
            connection: make(id),
        });
        id
    }

    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut C> {
        self.slot_mut(id).map(|slot| &mut slot.connection)
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) -> Option<C> {
        self.slot_mut(id)?;
        self.free.push(id.slot);
        self.slots[id.slot].take().map(|slot| slot.connection)
    }

    /// Has a connection served at the next [`next_queued`](Self::next_queued).
    pub(crate) fn enqueue(&mut self, id: ConnectionId) {
        if let Some(slot) = self.slot_mut(id)
            && !std::mem::replace(&mut slot.queued, true)
        {
            self.queue.push_back(id);
        }
    }

    /// The number of connections that are to be served; some may have closed since.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Takes the next connection that is to be served.
    pub(crate) fn next_queued(&mut self) -> Option<(ConnectionId, &mut C)> {
        loop {
            let id = self.queue.pop_front()?;
            if self.slot_mut(id).is_some() {
                let slot = self.slot_mut(id)?;
                slot.queued = false;
                return Some((id, &mut slot.connection));
            }
        }
    }

    fn slot_mut(&mut self, id: ConnectionId) -> Option<&mut Slot<C>> {
        let slot = self.slots.get_mut(id.slot)?.as_mut();
        slot.filter(|slot| slot.generation == id.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_does_not_find_the_next_connection_in_its_slot() {
        let mut table = ConnectionTable::new(10);
        let first = table.insert(|_| "first");
        table.enqueue(first);
        assert_eq!(table.remove(first), Some("first"));
        let second = table.insert(|_| "second");
        assert_eq!((first.slot(), table.token(second)), (0, Token(10)));
        assert_eq!(table.get_mut(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!(table.find(Token(10)), Some(second));
        assert_eq!((table.find(Token(9)), table.find(Token(11))), (None, None));
        assert!(table.next_queued().is_none());
    }

    #[test]
    fn a_connection_is_queued_once() {
        let mut table = ConnectionTable::new(0);
        let ids = [table.insert(|_| 'a'), table.insert(|_| 'b')];
        for id in [ids[1], ids[0], ids[1]] {
            table.enqueue(id);
        }
        assert_eq!((table.len(), table.queued()), (2, 2));
        assert_eq!(table.next_queued(), Some((ids[1], &mut 'b')));
        assert_eq!(table.next_queued(), Some((ids[0], &mut 'a')));
        assert!(table.next_queued().is_none());
    }
}
