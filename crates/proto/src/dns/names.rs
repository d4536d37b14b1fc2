//! Names on the wire, and where they may be compressed (RFC 1035 §3.1, §4.1.4).

use canvass_model::write_label;
use smallvec::SmallVec;

use super::Message;

/// The most octets of a name on the wire (RFC 1035 §3.1).
pub(super) const NAME_OCTETS_MAX: usize = 255;

/// A name on the wire, without compression.
pub(super) type WireName = SmallVec<[u8; 80]>;

/// Puts a name in lower case, so that names can be compared (RFC 4343 §3).
pub(super) fn folded(mut name: WireName) -> WireName {
    name.make_ascii_lowercase();
    name
}

/// Whether `name` has labels before `end`, and ends with it.
pub(super) fn is_below(name: &[u8], end: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&length) = name.get(at).filter(|length| **length > 0) {
        at += 1 + usize::from(length);
        if name[at..] == *end {
            return true;
        }
    }
    false
}

/// A pointer to a name at this place (RFC 1035 §4.1.4); `None` if it is too far away.
#[inline]
pub(super) fn pointer_to(place: usize) -> Option<[u8; 2]> {
    (place < 0x4000).then_some((0xc000 | place as u16).to_be_bytes())
}

impl Message<'_> {
    /// The end of the name at `at` in place: after its first pointer or its root.
    pub(super) fn skip_name(&self, mut at: usize) -> Option<usize> {
        loop {
            match *self.octets().get(at)? {
                0 => return Some(at + 1),
                length @ 1..=63 => at += 1 + usize::from(length),
                0xc0.. => return (at + 1 < self.octets().len()).then_some(at + 2),
                _ => return None,
            }
        }
    }

    /// The name at `at` as it is on the wire without compression; `None` when it is broken.
    pub(super) fn plain_name(&self, mut at: usize) -> Option<WireName> {
        let mut name = WireName::new();
        let mut pointers_from = at;
        loop {
            match *self.octets().get(at)? {
                0 => break,
                length @ 1..=63 => {
                    let end = at + 1 + usize::from(length);
                    name.extend_from_slice(self.octets().get(at..end)?);
                    // One octet is left for the root.
                    if name.len() >= NAME_OCTETS_MAX {
                        return None;
                    }
                    at = end;
                }
                high @ 0xc0.. => {
                    let low = *self.octets().get(at + 1)?;
                    at = usize::from(high & 0x3f) << 8 | usize::from(low);
                    if at >= pointers_from {
                        return None;
                    }
                    pointers_from = at;
                }
                _ => return None,
            }
        }
        name.push(0);
        Some(name)
    }

    /// Appends the name at `at` in presentation form to `out`, and returns where it ends in place;
    /// `None` when it is broken: it exceeds the message or 255 octets, or a pointer does not point
    /// backwards (RFC 1035 §4.1.4).
    pub(super) fn write_name(&self, mut at: usize, out: &mut String) -> Option<usize> {
        let mut end = None;
        let mut octets = 1;
        let mut pointers_from = at;
        let start = out.len();
        loop {
            match *self.octets().get(at)? {
                0 => break,
                length @ 1..=63 => {
                    octets += 1 + usize::from(length);
                    if octets > NAME_OCTETS_MAX {
                        return None;
                    }
                    let label = self.octets().get(at + 1..at + 1 + usize::from(length))?;
                    write_label(out, label);
                    out.push('.');
                    at += 1 + usize::from(length);
                }
                high @ 0xc0.. => {
                    let low = *self.octets().get(at + 1)?;
                    end.get_or_insert(at + 2);
                    at = usize::from(high & 0x3f) << 8 | usize::from(low);
                    // Each pointer must point before everything read so far, so the walk ends.
                    if at >= pointers_from {
                        return None;
                    }
                    pointers_from = at;
                }
                _ => return None,
            }
        }
        if out.len() == start {
            out.push('.');
        }
        Some(end.unwrap_or(at + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_more_than_255_octets_is_broken() {
        for (labels, octets) in [
            (&[63, 63, 63, 61][..], Some(255)),
            (&[63, 63, 63, 62], None),
            (&[63; 1000], None),
        ] {
            let mut wire = vec![0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            for &length in labels {
                wire.push(length);
                wire.extend(vec![b'a'; length.into()]);
            }
            wire.push(0);
            let message = Message::new(&wire).unwrap();
            let name = message.plain_name(12);
            assert_eq!(name.map(|name| name.len()), octets);
            let mut text = String::new();
            let end = octets.map(|octets| 12 + octets);
            assert_eq!(message.write_name(12, &mut text), end);
        }
    }
}
