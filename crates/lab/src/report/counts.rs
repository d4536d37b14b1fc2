//! Counters, declared once each.

/// Declares the counters' places, and then each counter once: its place, its field in the report
/// and its words for a person.
macro_rules! counts {
    (
        $(#[$place_doc:meta])* $Place:ident;
        $(#[$counts_doc:meta])* $Counts:ident;
        $($(#[$doc:meta])* $place:ident, $field:ident, $words:literal;)*
    ) => {
        $(#[$place_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $Place { $($place),* }

        const COUNTS: usize = [$($Place::$place),*].len();

        $(#[$counts_doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $Counts { $($(#[$doc])* pub $field: u64),* }

        impl $Counts {
            fn read(read: impl Fn($Place) -> u64) -> Self {
                Self { $($field: read($Place::$place)),* }
            }

            /// Every counter with its words, in order.
            fn named(&self) -> [(&'static str, u64); COUNTS] {
                [$(($words, self.$field)),*]
            }
        }
    };
}

pub(super) use counts;
