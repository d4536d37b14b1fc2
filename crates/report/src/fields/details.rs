//! The fields of `ptr` and `dns` for the class of the question and for the response besides its answer.
//! They stand last, behind those that every line has.

use canvass_model::{
    ClientSubnet, ExtendedError, HeaderFlags, Nsid, Outcome, PtrAnswer, Record, ResponseDetails,
};

use super::lookup::{ResourceRecord, is_dns, ptr};
use super::value::{ClassName, CsvContext, KeyIf, KeyIfSome, Listed, Objects, push_joined};
use crate::write::push_display;

fields! {
    Details: Outcome, |outcome| "," .. "";

    cname: KeyIfSome<&str> = KeyIfSome(ptr(outcome).and_then(PtrAnswer::cname)), csv,
        "`ptr`: the target of the last alias (CNAME, RFC 2317), where the server that was asked about the address has the alias alone, and with `--follow-cname` where the names are those of the target; otherwise there is no key";
    class: KeyIfSome<ClassName> = KeyIfSome(ClassName::unless_in(outcome.class)), csv,
        "the class of the question, where it is not IN";
    flags: KeyIf<Option<HeaderFlags>> = KeyIf(shows_flags(outcome), flags(outcome)), csv,
        "`dns`, and `ptr` with `--sections`, `--dnssec`, `--nsid` or `--subnet`: the header flags that are set in the response that decided the outcome: `aa`, `tc`, `rd`, `ra`, `ad`, `cd`, in this order; null, or no key for `ptr`, if there was no response";
    ede: KeyIfSome<Objects<'_, Ede>> = KeyIfSome(errors(outcome).map(Objects)), csv,
        "the Extended DNS Errors (RFC 8914) of that response, where it has any, at most 16; see [ede](#ede)";
    nsid: KeyIfSome<&Nsid> = KeyIfSome(details(outcome).and_then(|details| details.nsid.as_ref())), csv,
        "the identifier of the server (RFC 5001), where it sent one: its octets as `hex`, and as `text`, which is null unless they are printable ASCII";
    subnet: KeyIfSome<&ClientSubnet> = KeyIfSome(details(outcome).and_then(|details| details.subnet.as_ref())), csv,
        "the client subnet in the response (RFC 7871), where it has one: `prefix`, and `scope`, the number of bits that the answer depends on";
    edns: KeyIfSome<bool> = KeyIfSome(details(outcome).and_then(|details| details.edns)), csv,
        "with `--dnssec`, `--nsid` or `--subnet`: whether the response has an OPT record; if it is false, the server does not support EDNS(0), and these flags had no effect";
    authority: KeyIfSome<Objects<'_, ResourceRecord>> = KeyIfSome(authority(outcome).map(Objects)), csv,
        "`--sections`: the authority section, in the form of [answers](#answers); no key if there was no response";
    additional: KeyIfSome<Objects<'_, ResourceRecord>> = KeyIfSome(additional(outcome).map(Objects)), csv,
        "`--sections`: the additional section in that form, without the pseudo-record OPT; no key if there was no response";
}

fields! {
    Ede: ExtendedError, |error| "{" .. "}";

    code: u16 = error.code, json, "the INFO-CODE";
    name: Option<&str> = error.name(), json, "its name in IANA's registry; null if it has none";
    text: Option<&str> = error.text.as_deref(), json,
        "the EXTRA-TEXT as the server sent it, so any characters; octets that are not UTF-8 are replaced by U+FFFD, and a text of more than 1,000 characters is cut and ends in `...`; null if it is empty";
}

impl Listed for Ede {
    fn write_cell(errors: &[ExtendedError], out: &mut Vec<u8>, context: &mut CsvContext<'_>) {
        context.quoted(out, |out| {
            push_joined(out, errors, " | ", |out, error| push_display(out, error))
        });
    }
}

whole_outcome!(Details);

#[inline(always)]
fn details(outcome: &Outcome) -> Option<&ResponseDetails> {
    outcome.details.as_deref()
}

/// Whether the line has the header flags. An ordinary `ptr` line omits them.
#[inline(always)]
pub(crate) fn shows_flags(outcome: &Outcome) -> bool {
    let is_asked = |details: &ResponseDetails| details.sections.is_some() || details.edns.is_some();
    is_dns(outcome) || details(outcome).is_some_and(is_asked)
}

#[inline(always)]
fn flags(outcome: &Outcome) -> Option<HeaderFlags> {
    let details = details(outcome).filter(|_| shows_flags(outcome));
    details.map(|details| details.flags)
}

#[inline(always)]
fn errors(outcome: &Outcome) -> Option<&[ExtendedError]> {
    let errors = details(outcome).map(|details| &*details.errors);
    errors.filter(|errors| !errors.is_empty())
}

#[inline(always)]
fn authority(outcome: &Outcome) -> Option<&[Record]> {
    Some(&details(outcome)?.sections.as_ref()?.authority)
}

#[inline(always)]
fn additional(outcome: &Outcome) -> Option<&[Record]> {
    Some(&details(outcome)?.sections.as_ref()?.additional)
}
