//! How questions are asked.

use canvass_model::Class;

use super::OptRecord;

/// How the questions of a run are asked, and how much is kept of the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryOptions {
    /// The class of the questions of jobs. Host names are looked up in the class IN.
    pub class: Class,
    /// Whether recursion is desired (the RD bit).
    pub recursion_desired: bool,
    /// Whether the resolver is not to validate (the CD bit, RFC 4035 §3.2.2).
    pub checking_disabled: bool,
    /// The OPT record, for resolvers that are thought to support it. `None` to send none.
    pub opt: Option<OptRecord>,
    /// Whether the authority and the additional section of a response are kept.
    pub sections: bool,
}

impl QueryOptions {
    /// As a stub resolver asks: class IN, recursion, EDNS(0) without options.
    pub const PLAIN: Self = Self {
        class: Class::IN,
        recursion_desired: true,
        checking_disabled: false,
        opt: Some(OptRecord::PLAIN),
        sections: false,
    };

    /// The two octets of the header that hold the flags of a query (RFC 1035 §4.1.1).
    pub(super) fn header_flags(&self) -> [u8; 2] {
        [
            u8::from(self.recursion_desired),
            u8::from(self.checking_disabled) << 4,
        ]
    }

    /// Whether queries have a flag or an option that needs an OPT record.
    pub(super) fn needs_edns(&self) -> bool {
        self.opt.is_some_and(|opt| opt.asks_for_more())
    }

    /// Whether responses are to be kept beyond their answers.
    pub(crate) fn keeps_details(&self) -> bool {
        self.sections || self.needs_edns()
    }
}
