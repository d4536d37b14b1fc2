//! Saves histograms and reads them back: each in HdrHistogram's V2 encoding. In a text it is compressed and
//! in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{
    Deserializer as Payloads, Serializer as _, V2DeflateSerializer, V2Serializer,
};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{LatencyRecorder, TAGS};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    scheduled: bool,
    /// By their tags in an interval log.
    histograms: Vec<(String, Payload)>,
}

/// An encoded histogram.
struct Payload(Vec<u8>);

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&BASE64.encode(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            BASE64.decode(text).map(Self).map_err(D::Error::custom)
        } else {
            Vec::deserialize(deserializer).map(Self)
        }
    }
}

impl Serialize for LatencyRecorder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_text = serializer.is_human_readable();
        let (mut compressed, mut plain) = (V2DeflateSerializer::new(), V2Serializer::new());
        let mut histograms = Vec::new();
        for (measures, tags) in self.probes.iter().zip(TAGS) {
            for (histogram, tag) in measures.iter().zip(tags) {
                let has_values = |histogram: &&Histogram<u64>| !histogram.is_empty();
                let Some(histogram) = histogram.as_ref().filter(has_values) else {
                    continue;
                };
                let mut octets = Vec::new();
                if is_text {
                    let written = compressed.serialize(histogram, &mut octets);
                    written.map_err(S::Error::custom)?;
                } else {
                    let written = plain.serialize(histogram, &mut octets);
                    written.map_err(S::Error::custom)?;
                }
                histograms.push((tag.to_owned(), Payload(octets)));
            }
        }
        let saved = Saved {
            scheduled: self.scheduled,
            histograms,
        };
        saved.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LatencyRecorder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Saved::deserialize(deserializer)?;
        let mut recorder = Self {
            scheduled: saved.scheduled,
            ..Self::default()
        };
        let mut payloads = Payloads::new();
        for (tag, Payload(octets)) in saved.histograms {
            let histogram = payloads.deserialize(&mut &octets[..]);
            let histogram = histogram.map_err(|error| D::Error::custom(format!("{error:?}")))?;
            let place = TAGS.iter().enumerate().find_map(|(probe, tags)| {
                let measure = tags.iter().position(|known| *known == tag)?;
                Some((probe, measure))
            });
            let (probe, measure) =
                place.ok_or_else(|| D::Error::custom(format!("unknown histogram {tag:?}")))?;
            recorder.add(probe, measure, &histogram);
        }
        Ok(recorder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Measure, Tally, fixture};
    use canvass_model::Time;

    #[test]
    fn counts_that_are_read_back_are_those_that_were_saved() {
        let mut outcomes = vec![
            fixture::ptr_answered(),
            fixture::ptr_negative(),
            fixture::ptr_timeout(),
            fixture::dns_answered(),
            fixture::http_answered(),
            fixture::http_redirected(3),
            fixture::tcp_matched(),
            fixture::udp_replies(),
            fixture::local_failure(),
        ];
        outcomes[0].finished = Time::MAX;
        let (mut tally, mut latency) = (Tally::default(), LatencyRecorder::new());
        for (count, outcome) in (1..).zip(&outcomes) {
            for _ in 0..count * 100 {
                tally.record(outcome);
                latency.record(outcome);
            }
        }
        let text = serde_json::to_string(&(&tally, &latency)).unwrap();
        let octets = postcard::to_stdvec(&(&tally, &latency)).unwrap();
        for (tally_read, latency_read) in [
            serde_json::from_str::<(Tally, LatencyRecorder)>(&text).unwrap(),
            postcard::from_bytes(&octets).unwrap(),
        ] {
            assert_eq!(tally_read, tally);
            assert_eq!(latency_read.is_scheduled(), latency.is_scheduled());
            for measure in Measure::ALL {
                assert_eq!(
                    latency_read.distribution(measure),
                    latency.distribution(measure)
                );
            }
        }
        // Saved every 200 ms, so it must be small.
        assert!(text.len() < 8_192, "{}", text.len());
    }
}
