//! Which targets are done: a watermark, and a bitmap of those above it.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

/// How far above the watermark a target may be done. A run pauses its intake before that, so the
/// bitmap has 8 MiB at most.
const SPAN_MAX: u64 = 1 << 26;

/// The targets of a run that are done, by sequence number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Encoded", into = "Encoded")]
pub struct Done {
    /// Every target below this is done.
    pub watermark: u64,
    /// The targets above it that are done: ranges in order, with gaps between them.
    pub above: Vec<Range<u64>>,
    /// The targets of which some outcomes are done, in order.
    pub partial: Vec<Partial>,
}

/// A target with several outcomes, some of which are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// The sequence number of the target.
    pub seq: u64,
    /// The number of outcomes that are done.
    pub outcomes: u64,
}

impl Done {
    /// The number of targets that are done.
    pub fn count(&self) -> u64 {
        let above: u64 = self.above.iter().map(|done| done.end - done.start).sum();
        self.watermark + above
    }

    /// Whether all targets that were begun are done.
    pub fn is_whole(&self) -> bool {
        self.above.is_empty() && self.partial.is_empty()
    }
}

/// As it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    watermark: u64,
    /// A bit per target from the watermark on, the lowest bit of an octet first, in base64.
    bitmap: String,
    partial: Vec<Partial>,
}

impl From<Done> for Encoded {
    fn from(done: Done) -> Self {
        let span = done
            .above
            .last()
            .map_or(0, |last| last.end - done.watermark);
        let mut octets = vec![0u8; span.div_ceil(8) as usize];
        for range in &done.above {
            for at in range.start - done.watermark..range.end - done.watermark {
                octets[(at / 8) as usize] |= 1 << (at % 8);
            }
        }
        Self {
            watermark: done.watermark,
            bitmap: BASE64.encode(octets),
            partial: done.partial,
        }
    }
}

impl TryFrom<Encoded> for Done {
    type Error = String;

    fn try_from(encoded: Encoded) -> Result<Self, String> {
        let octets = BASE64
            .decode(&encoded.bitmap)
            .map_err(|error| format!("the bitmap is no base64: {error}"))?;
        if octets.len() as u64 > SPAN_MAX / 8 {
            return Err("the bitmap is too long".into());
        }
        let mut above: Vec<Range<u64>> = Vec::new();
        let bits = octets
            .iter()
            .flat_map(|octet| (0..8).map(move |bit| octet & (1 << bit) != 0));
        for (seq, _) in (encoded.watermark..).zip(bits).filter(|(_, done)| *done) {
            match above.last_mut() {
                Some(last) if last.end == seq => last.end += 1,
                _ => above.push(seq..seq + 1),
            }
        }
        Ok(Self {
            watermark: encoded.watermark,
            above,
            partial: encoded.partial,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            watermark in 0..1_000_000_u64,
            lengths in prop::collection::vec((1..70_u64, 1..70_u64), 0..20),
            partial in prop::collection::vec((0..100_u64, 1..9_u64), 0..3),
        ) {
            let mut above = Vec::new();
            let mut at = watermark;
            for (gap, length) in lengths {
                above.push(at + gap..at + gap + length);
                at += gap + length;
            }
            let partial = partial.into_iter().map(|(seq, outcomes)| Partial { seq, outcomes });
            let done = Done { watermark, above, partial: partial.collect() };
            let text = serde_json::to_string(&done).unwrap();
            prop_assert_eq!(serde_json::from_str::<Done>(&text).unwrap(), done);
        }
    }

    #[test]
    fn a_bitmap_is_small() {
        let done = Done {
            watermark: 5,
            above: (0..500_000).map(|at| 10 + 2 * at..11 + 2 * at).collect(),
            partial: Vec::new(),
        };
        assert_eq!(done.count(), 500_005);
        let text = serde_json::to_string(&done).unwrap();
        assert!(text.len() < 170_000, "{}", text.len());
    }

    #[test]
    fn a_bitmap_beyond_the_limit_is_refused() {
        let bitmap = BASE64.encode(vec![0; (SPAN_MAX / 8 + 1) as usize]);
        let text = format!(r#"{{"watermark":0,"bitmap":"{bitmap}","partial":[]}}"#);
        let error = serde_json::from_str::<Done>(&text).unwrap_err();
        assert!(error.to_string().contains("too long"), "{error}");
    }
}
