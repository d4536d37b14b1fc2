//! The parameters of a request.

use std::time::Duration;

use axum::http::HeaderMap;
use url::form_urlencoded;

/// The header in which Prometheus says how long it waits.
const SCRAPE_TIMEOUT: &str = "X-Prometheus-Scrape-Timeout-Seconds";
/// The longest time that a scraper is believed to wait.
const SCRAPE_TIMEOUT_MAX_S: f64 = 86_400.0;

/// The parameters of a query. If one is there more than once, the first counts, as in
/// blackbox_exporter.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The first value of a parameter; empty if there is none.
    pub(super) fn first(&self, name: &str) -> &str {
        let mut pairs = self.0.iter();
        pairs
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }
}

/// How long the scraper waits, if it says so.
///
/// # Errors
/// The header is not a number; then the text is that of blackbox_exporter.
pub(super) fn scrape_timeout(headers: &HeaderMap) -> Result<Option<Duration>, String> {
    let Some(value) = headers.get(SCRAPE_TIMEOUT) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("?");
    if text.is_empty() {
        return Ok(None);
    }
    let seconds: f64 = text.parse().map_err(|_| {
        format!(
            "Failed to parse timeout from Prometheus header: strconv.ParseFloat: parsing {text:?}: \
             invalid syntax"
        )
    })?;
    let seconds = seconds.min(SCRAPE_TIMEOUT_MAX_S);
    // Less than no time is too little for anything, and not the same as no limit.
    let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_nanos(1));
    Ok(Some(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_values_counts() {
        let parameters = Parameters::of(Some("target=a%3Ab&module=m&target=c&debug"));
        assert_eq!(parameters.first("target"), "a:b");
        assert_eq!(parameters.first("module"), "m");
        assert_eq!(parameters.first("debug"), "");
        assert_eq!(parameters.first("hostname"), "");
    }

    #[test]
    fn the_scraper_says_how_long_it_waits() {
        let limit = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(SCRAPE_TIMEOUT, text.parse().unwrap());
            scrape_timeout(&headers)
        };
        assert_eq!(scrape_timeout(&HeaderMap::new()), Ok(None));
        assert_eq!(limit(""), Ok(None));
        assert_eq!(limit("2.5"), Ok(Some(Duration::from_millis(2_500))));
        assert_eq!(limit("0"), Ok(Some(Duration::ZERO)));
        assert_eq!(limit("-1"), Ok(Some(Duration::from_nanos(1))));
        assert_eq!(limit("inf"), Ok(Some(Duration::from_secs(86_400))));
        let error = limit("soon").unwrap_err();
        assert!(
            error.ends_with("parsing \"soon\": invalid syntax"),
            "{error}"
        );
    }
}
