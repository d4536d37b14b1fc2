//! How lines of ndjson are read back with the tables of their fields.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use canvass_model::{Phases, TlsFacts};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{Field, Presence, Table, common, host, http, lookup, talk};
use crate::read::{FaultDraft, LineDraft};

/// The tables that an object is read back with.
pub(crate) trait Readable {
    /// What the fields are stored in.
    type Draft: Default;
    const TABLES: &'static [&'static [Field]];

    /// Reads the value of `key` and sets the bit of the field in the element of `seen` for its
    /// table. Returns false if no such field is read.
    fn read<'de, A: MapAccess<'de>>(
        key: &str,
        map: &mut A,
        draft: &mut Self::Draft,
        seen: &mut [u32; TABLES_MAX],
    ) -> Result<bool, A::Error>;
}

/// The maximum number of tables for an object.
const TABLES_MAX: usize = 12;

reader! {
    /// A line of any probe.
    LineReader into LineDraft:
    common::Start, lookup::Question, common::Ending, lookup::Answer, http::Answer, talk::Answer,
    common::Times, lookup::Time, host::Time, common::End, common::Expectation,
    common::Recheck
}

reader! {
    /// The phases of any probe.
    PhasesReader into Phases: lookup::Phases, host::Phases
}

reader! {
    ErrorReader into FaultDraft: common::Error
}

reader! {
    TlsReader into TlsFacts: host::Tls
}

/// What was read back with the tables of `R`.
pub(crate) struct Read<R: Readable>(pub(crate) R::Draft);

impl<'de, R: Readable> Deserialize<'de> for Read<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<R>(PhantomData<R>);

        impl<'de, R: Readable> Visitor<'de> for ObjectVisitor<R> {
            type Value = Read<R>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read<R>, A::Error> {
                let mut draft = R::Draft::default();
                let mut seen = [0; TABLES_MAX];
                while let Some(Key(key)) = map.next_key()? {
                    if !R::read(&key, &mut map, &mut draft, &mut seen)? {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                for (fields, seen) in R::TABLES.iter().zip(seen) {
                    for (index, field) in fields.iter().enumerate() {
                        if field.presence == Presence::Required && seen & (1 << index) == 0 {
                            return Err(A::Error::missing_field(field.key));
                        }
                    }
                }
                Ok(Read(draft))
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// Reads the value of the field with index `index` and stores it in `draft`.
pub(super) fn store<'de, A: MapAccess<'de>, D, T: Deserialize<'de>>(
    (index, key): (usize, &'static str),
    map: &mut A,
    draft: &mut D,
    seen: &mut u32,
    set: impl FnOnce(&mut D, T),
) -> Result<bool, A::Error> {
    if *seen & (1 << index) != 0 {
        return Err(A::Error::duplicate_field(key));
    }
    *seen |= 1 << index;
    set(draft, map.next_value()?);
    Ok(true)
}

/// A key, which is copied only if it has escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
