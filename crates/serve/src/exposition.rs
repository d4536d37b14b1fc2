//! Metrics in the form that a scraper asks for.

use std::fmt;

use axum::http::{HeaderMap, header};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, EncodeMetric, prometheus_protobuf,
    prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// An exposition format of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exposition {
    /// Text, version 0.0.4. Histograms have classic buckets.
    Text,
    /// `MetricFamily` messages, each after its length. Histograms have native buckets too.
    Protobuf,
}

const PROTOBUF: &str = "application/vnd.google.protobuf";
const PROTOBUF_MESSAGE: &str = "io.prometheus.client.MetricFamily";

impl Exposition {
    /// The format that the `Accept` header of a request prefers. Text, if it says nothing of either.
    pub(crate) fn preferred(headers: &HeaderMap) -> Self {
        let (mut text, mut protobuf) = (0.0, 0.0);
        let fields = headers.get_all(header::ACCEPT).iter();
        for range in fields
            .filter_map(|field| field.to_str().ok())
            .flat_map(|field| field.split(','))
        {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let (mut quality, mut is_families, mut is_delimited) = (1.0_f64, false, false);
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name {
                    "q" => quality = value.parse().unwrap_or(0.0),
                    "proto" => is_families = value == PROTOBUF_MESSAGE,
                    "encoding" => is_delimited = value == "delimited",
                    _ => {}
                }
            }
            match media_type {
                PROTOBUF if is_families && is_delimited => protobuf = quality.max(protobuf),
                "text/plain" => text = quality.max(text),
                _ => {}
            }
        }
        if protobuf > 0.0 && protobuf >= text {
            Self::Protobuf
        } else {
            Self::Text
        }
    }

    /// The value of `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        }
    }

    /// Writes what `metrics` encodes.
    pub(crate) fn write(self, metrics: impl Collector) -> Result<Vec<u8>, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(metrics));
        match self {
            Self::Text => {
                let mut text = String::new();
                prometheus_text::encode(&mut text, &registry)?;
                Ok(text.into_bytes())
            }
            Self::Protobuf => prometheus_protobuf::encode_to_vec(&registry).map_err(|_| fmt::Error),
        }
    }
}

/// The labels of a series.
pub(crate) type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

/// Writes families of metrics.
pub(crate) struct Families<'a>(pub(crate) DescriptorEncoder<'a>);

impl Families<'_> {
    /// Writes a family of gauges, unless it has no series.
    pub(crate) fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Writes a gauge without labels.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let labels: Labels<'_, 0> = [];
        self.gauges(name, help, [(labels, value)])
    }

    /// Writes a family of counters. Their names get the suffix `_total`.
    pub(crate) fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            let mut counter = family.encode_family(&labels)?;
            counter.encode_counter::<Labels<'_, 0>, f64, f64>(&value, None)?;
        }
        Ok(())
    }

    /// Writes a family of histograms, unless it has no series.
    pub(crate) fn histograms<'a, L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = (L, &'a Histogram)>,
    ) -> fmt::Result {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, histogram) in series {
            histogram.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_the_form_that_it_prefers() {
        // What Prometheus 2.42 sends with and without native histograms.
        let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                      encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,\
                      application/openmetrics-text;version=0.0.1;q=0.75,\
                      text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let classic = "application/openmetrics-text;version=1.0.0,\
                       application/openmetrics-text;version=0.0.1;q=0.75,\
                       text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let other = "application/vnd.google.protobuf;proto=other;encoding=delimited";
        let refused = "application/vnd.google.protobuf;\
                       proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0";
        for (accept, expected) in [
            (native, Exposition::Protobuf),
            (classic, Exposition::Text),
            (other, Exposition::Text),
            (refused, Exposition::Text),
            ("*/*", Exposition::Text),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(Exposition::preferred(&headers), expected, "{accept}");
        }
        assert_eq!(Exposition::preferred(&HeaderMap::new()), Exposition::Text);
    }
}
