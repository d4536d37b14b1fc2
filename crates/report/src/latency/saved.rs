//! Saves histograms and reads them back: each in HdrHistogram's V2 encoding, compressed, in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::serialization::{Deserializer as Payloads, Serializer as _, V2DeflateSerializer};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{LatencyRecorder, TAGS};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    scheduled: bool,
    /// By their tags in an interval log.
    histograms: Vec<(String, String)>,
}

impl Serialize for LatencyRecorder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut payloads = V2DeflateSerializer::new();
        let mut histograms = Vec::new();
        for (measures, tags) in self.probes.iter().zip(TAGS) {
            for (histogram, tag) in measures.iter().zip(tags) {
                let Some(histogram) = histogram else {
                    continue;
                };
                let mut octets = Vec::new();
                let written = payloads.serialize(histogram, &mut octets);
                written.map_err(S::Error::custom)?;
                histograms.push((tag.to_owned(), BASE64.encode(octets)));
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
        for (tag, payload) in saved.histograms {
            let octets = BASE64.decode(payload).map_err(D::Error::custom)?;
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
        let (tally_read, latency_read): (Tally, LatencyRecorder) =
            serde_json::from_str(&text).unwrap();
        assert_eq!(tally_read, tally);
        assert_eq!(latency_read.is_scheduled(), latency.is_scheduled());
        for measure in Measure::ALL {
            assert_eq!(
                latency_read.distribution(measure),
                latency.distribution(measure)
            );
        }
        // Saved every 200 ms, so it must be small.
        assert!(text.len() < 8_192, "{}", text.len());
    }
}
