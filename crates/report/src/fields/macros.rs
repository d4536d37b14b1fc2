//! The macros that generate code from tables of fields.

/// Defines a table: its name, what the values are taken from, what comes before the first key and
/// after the last value in JSON, the pattern for the CSV columns of an object (with `*` for
/// the key), and what the fields are read back into.
///
/// An entry is `key: Type = value, csv, read(required, |draft, value| ...), "documentation";`. With
/// `json` instead of `csv` there is no CSV column. Without `read` the field is not read back; a line
/// without a field that is `required` is rejected.
macro_rules! fields {
    (
        $(#[$meta:meta])*
        $Table:ident: $Subject:ty, |$subject:ident| $open:literal .. $close:literal
        $(, columns $columns:literal)? $(, into $Draft:ty)?;
        $(
            $key:ident: $Type:ty = $value:expr, $csv:ident
            $(, read($presence:ident, $read:expr))?, $documentation:literal;
        )*
    ) => {
        $(#[$meta])*
        pub(crate) struct $Table;

        #[allow(unused_variables, reason = "not every table has CSV columns or is read back")]
        impl $crate::fields::Table for $Table {
            type Subject = $Subject;
            type Draft = type_or_unit!($($Draft)?);

            const FIELDS: &'static [$crate::fields::Field] = &[$(
                $crate::fields::Field {
                    key: stringify!($key),
                    type_name: <$Type as $crate::fields::value::Value>::TYPE,
                    is_nullable: <$Type as $crate::fields::value::Value>::NULLABLE,
                    columns: columns_of!($csv $Type),
                    is_conditional: <$Type as $crate::fields::value::Value>::CONDITIONAL,
                    presence: presence_of!($($presence)?),
                    documentation: $documentation,
                },
            )*];

            const KEYS: &'static [&'static str] = &[$(stringify!($key)),*];
            const COLUMNS: &'static str = concat!($($columns)?);
            const CELLS: usize = 0 $(+ cells_of!($csv $Type))*;

            #[inline(always)]
            fn write_json(
                $subject: &$Subject,
                out: &mut Vec<u8>,
                context: &mut $crate::fields::JsonContext<'_>,
            ) {
                use $crate::fields::macros::{index_of, joined, joined_length};
                use $crate::fields::value::Value;

                const CLOSES: &[&str] = &[$(<$Type as Value>::CLOSE),*];
                $({
                    const KEYS: &[&str] = <$Table as $crate::fields::Table>::KEYS;
                    const INDEX: usize = index_of(KEYS, stringify!($key));
                    const BEFORE: &str = if INDEX == 0 { "" } else { CLOSES[INDEX - 1] };
                    // What closes the value before must be there also where this key is not.
                    const FUSED: &str = if <$Type as Value>::CONDITIONAL { "" } else { BEFORE };
                    const SEPARATOR: &str = if INDEX == 0 { $open } else { "," };
                    const PARTS: [&str; 4] = [
                        FUSED,
                        SEPARATOR,
                        concat!("\"", stringify!($key), "\":"),
                        <$Type as Value>::OPEN,
                    ];
                    const TEXT: [u8; joined_length(&PARTS)] = joined(&PARTS);
                    if <$Type as Value>::CONDITIONAL {
                        out.extend_from_slice(BEFORE.as_bytes());
                    }
                    let value: $Type = $value;
                    if value.is_present() {
                        out.extend_from_slice(&TEXT);
                        value.write_json(out, context);
                    }
                })*
                const END: [&str; 2] = [CLOSES[CLOSES.len() - 1], $close];
                const TEXT: [u8; joined_length(&END)] = joined(&END);
                out.extend_from_slice(&TEXT);
            }

            #[inline(always)]
            fn write_csv(
                $subject: &$Subject,
                out: &mut Vec<u8>,
                context: &mut $crate::fields::CsvContext<'_>,
            ) {
                $(if_csv!($csv {
                    let value: $Type = $value;
                    $crate::fields::value::Value::write_cells(Some(value), out, context);
                });)*
            }

            fn read<'de, A: serde::de::MapAccess<'de>>(
                key: &str,
                map: &mut A,
                draft: &mut Self::Draft,
                seen: &mut u32,
            ) -> Result<bool, A::Error> {
                $($(
                    if key == stringify!($key) {
                        const INDEX: usize = $crate::fields::macros::index_of(
                            <$Table as $crate::fields::Table>::KEYS,
                            stringify!($key),
                        );
                        return $crate::fields::read::store(
                            (INDEX, stringify!($key)),
                            map,
                            draft,
                            seen,
                            $read,
                        );
                    }
                )?)*
                Ok(false)
            }
        }
    };
}

/// Defines a line as a list of tables. New CSV columns stand last, so that those before keep their
/// numbers.
macro_rules! line {
    ($(#[$meta:meta])* $Line:ident: $($Part:ty),*) => {
        row! {
            $(#[$meta])*
            $Line: $($Part),*
        }

        impl $Line {
            #[inline(always)]
            pub(crate) fn write_json(
                outcome: &Outcome,
                out: &mut Vec<u8>,
                context: &mut JsonContext<'_>,
            ) {
                $(<$Part>::with_subject(outcome, |subject| {
                    <$Part>::write_json(subject, out, context);
                });)*
                out.extend_from_slice(b"}\n");
            }
        }
    };
}

/// Defines a row of CSV as a list of tables.
macro_rules! row {
    ($(#[$meta:meta])* $Line:ident: $($Part:ty),*) => {
        $(#[$meta])*
        pub(crate) struct $Line;

        impl $Line {
            #[inline]
            pub(crate) fn write_csv(
                outcome: &Outcome,
                out: &mut Vec<u8>,
                context: &mut CsvContext<'_>,
            ) {
                $(<$Part>::with_subject(outcome, |subject| {
                    <$Part>::write_csv(subject, out, context);
                });)*
            }

            pub(crate) fn columns() -> Vec<String> {
                [$(<$Part>::columns()),*].concat()
            }
        }
    };
}

/// Makes parts of a line of tables whose values are taken from the whole outcome.
macro_rules! whole_outcome {
    ($($Part:ty),*) => {$(
        impl $crate::fields::LinePart for $Part {
            #[inline(always)]
            fn with_subject(outcome: &Outcome, write: impl FnOnce(&Outcome)) {
                write(outcome);
            }
        }
    )*};
}

/// Defines the list of tables that an object is read back with.
macro_rules! reader {
    ($(#[$meta:meta])* $Reader:ident into $Draft:ty: $($Part:ty),*) => {
        $(#[$meta])*
        pub(crate) struct $Reader;

        const _: () = assert!(<$Reader as Readable>::TABLES.len() <= TABLES_MAX);

        impl Readable for $Reader {
            type Draft = $Draft;
            const TABLES: &'static [&'static [Field]] = &[$(<$Part>::FIELDS),*];

            fn read<'de, A: MapAccess<'de>>(
                key: &str,
                map: &mut A,
                draft: &mut $Draft,
                seen: &mut [u32; TABLES_MAX],
            ) -> Result<bool, A::Error> {
                let mut seen = seen.iter_mut();
                Ok(false $(|| match seen.next() {
                    Some(seen) => <$Part>::read(key, map, draft, seen)?,
                    None => false,
                })*)
            }
        }
    };
}

macro_rules! type_or_unit {
    () => {
        ()
    };
    ($Type:ty) => {
        $Type
    };
}

macro_rules! presence_of {
    () => {
        $crate::fields::Presence::Ignored
    };
    (optional) => {
        $crate::fields::Presence::Optional
    };
    (required) => {
        $crate::fields::Presence::Required
    };
}

macro_rules! columns_of {
    (csv $Type:ty) => {
        <$Type as $crate::fields::value::Value>::columns
    };
    (json $Type:ty) => {
        |_| Vec::new()
    };
}

macro_rules! cells_of {
    (csv $Type:ty) => {
        <$Type as $crate::fields::value::Value>::CELLS
    };
    (json $Type:ty) => {
        0
    };
}

macro_rules! if_csv {
    (csv $block:block) => {
        $block
    };
    (json $block:block) => {};
}

/// The index of `key` in `keys`.
pub(super) const fn index_of(keys: &[&str], key: &str) -> usize {
    let mut index = 0;
    while !is_equal(keys[index], key) {
        index += 1;
    }
    index
}

const fn is_equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}

pub(super) const fn joined_length(parts: &[&str]) -> usize {
    let mut length = 0;
    let mut index = 0;
    while index < parts.len() {
        length += parts[index].len();
        index += 1;
    }
    length
}

/// `parts` one after the other.
pub(super) const fn joined<const LENGTH: usize>(parts: &[&str]) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    let (mut end, mut index) = (0, 0);
    while index < parts.len() {
        let part = parts[index].as_bytes();
        let mut octet = 0;
        while octet < part.len() {
            text[end] = part[octet];
            end += 1;
            octet += 1;
        }
        index += 1;
    }
    text
}
