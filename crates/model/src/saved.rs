//! How values are saved and read back, where serde cannot know it or leaves something out.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text of this program. By its own name, since serde would borrow a `&str` from what it reads.
pub(crate) type StaticText = &'static str;

/// A value that is saved as another one.
pub(crate) trait SavedAs {
    type Saved: Serialize + for<'de> Deserialize<'de>;

    fn save(&self) -> Self::Saved;

    fn restore(saved: Self::Saved) -> Self;
}

impl<T: SavedAs> SavedAs for Option<T> {
    type Saved = Option<T::Saved>;

    fn save(&self) -> Self::Saved {
        self.as_ref().map(T::save)
    }

    fn restore(saved: Self::Saved) -> Self {
        saved.map(T::restore)
    }
}

impl<T: SavedAs> SavedAs for Box<T> {
    type Saved = T::Saved;

    fn save(&self) -> Self::Saved {
        T::save(self)
    }

    fn restore(saved: Self::Saved) -> Self {
        Self::new(T::restore(saved))
    }
}

/// With its flow label and its scope, which serde leaves out.
impl SavedAs for SocketAddr {
    type Saved = (IpAddr, u16, u32, u32);

    fn save(&self) -> Self::Saved {
        let (flowinfo, scope_id) = match self {
            Self::V4(_) => (0, 0),
            Self::V6(address) => (address.flowinfo(), address.scope_id()),
        };
        (self.ip(), self.port(), flowinfo, scope_id)
    }

    fn restore((address, port, flowinfo, scope_id): Self::Saved) -> Self {
        match address {
            IpAddr::V4(_) => Self::new(address, port),
            IpAddr::V6(address) => SocketAddrV6::new(address, port, flowinfo, scope_id).into(),
        }
    }
}

/// What is read back is kept for ever, each text once. There are only as many as the program has.
impl SavedAs for StaticText {
    type Saved = String;

    fn save(&self) -> String {
        (*self).to_owned()
    }

    fn restore(saved: String) -> Self {
        static READ: Mutex<BTreeSet<StaticText>> = Mutex::new(BTreeSet::new());
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(saved.as_str()) {
            return known;
        }
        let text: StaticText = Box::leak(saved.into_boxed_str());
        read.insert(text);
        text
    }
}

pub(crate) fn serialize<T: SavedAs, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    value.save().serialize(to)
}

pub(crate) fn deserialize<'de, T: SavedAs, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::Saved::deserialize(from).map(T::restore)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;
    use std::path::Path;

    use super::*;
    use crate::{Remote, Time, TraceEvent};

    fn saved_and_read<T: Serialize + for<'de> Deserialize<'de>>(value: &T) -> T {
        postcard::from_bytes(&postcard::to_stdvec(value).unwrap()).unwrap()
    }

    #[test]
    fn a_remote_end_keeps_its_scope() {
        let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        for remote in [
            Remote::Inet("192.0.2.1:53".parse().unwrap()),
            Remote::Inet("[2001:db8::1]:53".parse().unwrap()),
            Remote::Inet(SocketAddrV6::new(link_local, 53, 0, 7).into()),
            Remote::Unix(Path::new("/run/s").into()),
        ] {
            assert_eq!(saved_and_read(&remote), remote);
        }
    }

    #[test]
    fn a_text_of_the_program_is_read_back_once() {
        let event = TraceEvent {
            at: Time::from_nanos(7),
            event: "connect",
            detail: "192.0.2.1:443".into(),
            octets: Some(3),
        };
        let (one, other) = (saved_and_read(&event), saved_and_read(&event));
        assert_eq!(one, event);
        assert!(std::ptr::eq(one.event, other.event));
    }
}
