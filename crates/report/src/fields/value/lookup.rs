//! Values that only `ptr` and `dns` have.

use std::net::IpAddr;

use canvass_model::{Class, ClientSubnet, HeaderFlags, Nsid};

use super::{CsvContext, JsonContext, Value, push_joined};
use crate::json::{push_or_null, push_string, put};
use crate::write::{push_address, push_display, push_number};

/// A class of DNS records.
pub(in crate::fields) struct ClassName(Class);

impl ClassName {
    /// The class, where it is not the usual one.
    #[inline(always)]
    pub(in crate::fields) fn unless_in(class: Class) -> Option<Self> {
        (class != Class::IN).then_some(Self(class))
    }
}

value!(ClassName: "string" "\"", |name, out| push_display(out, name.0));

value!(
    /// The names of the flags that are set.
    HeaderFlags: "array of strings" "[" "]",
    |flags, out, context| push_flags(out, flags, ",", push_string),
    push_flags(out, flags, " ", put)
);

fn push_flags(
    out: &mut Vec<u8>,
    flags: HeaderFlags,
    separator: &str,
    push: impl Fn(&mut Vec<u8>, &str),
) {
    for (index, name) in flags.names().enumerate() {
        if index > 0 {
            put(out, separator);
        }
        push(out, name);
    }
}

value!(
    &Nsid: "object" "{" "}",
    |nsid, out, context| {
        put(out, "\"hex\":");
        push_string(out, &nsid.hex());
        put(out, ",\"text\":");
        push_or_null(out, nsid.text(), push_string);
    },
    context.quoted(out, |out| push_display(out, nsid))
);

value!(
    &ClientSubnet: "object" "{" "}",
    |subnet, out, context| {
        put(out, "\"prefix\":\"");
        push_address(out, subnet.address);
        put(out, "/");
        push_number(out, subnet.source_bits);
        put(out, "\",\"scope\":");
        push_number(out, subnet.scope_bits);
    },
    push_display(out, subnet)
);

/// Addresses by name.
pub(in crate::fields) struct AddressesByName<'a>(
    pub(in crate::fields) &'a [(Box<str>, Vec<IpAddr>)],
);

value!(
    AddressesByName<'_>: "object" "{" "}",
    |names, out, context| push_addresses_by_name(out, names.0),
    context.quoted(out, |out| push_joined(out, names.0, "; ", |out, (name, addresses)| {
        put(out, name);
        put(out, "=");
        push_joined(out, addresses, " ", |out, address| push_address(out, *address));
    }))
);

fn push_addresses_by_name(out: &mut Vec<u8>, names: &[(Box<str>, Vec<IpAddr>)]) {
    let mut separator = "";
    for (index, (name, addresses)) in names.iter().enumerate() {
        // A name may be twice in an answer; a key must not be twice in an object.
        if names[..index].iter().any(|(earlier, _)| earlier == name) {
            continue;
        }
        put(out, separator);
        separator = ",";
        push_string(out, name);
        put(out, ":[");
        push_joined(out, addresses, ",", |out, address| {
            put(out, "\"");
            push_address(out, *address);
            put(out, "\"");
        });
        put(out, "]");
    }
}
