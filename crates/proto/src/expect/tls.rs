//! What is expected of a TLS connection.

use canvass_model::{TlsFacts, Unmet};

use crate::tls::TlsVersion;

/// What is expected of a TLS connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsExpectations {
    /// The least number of whole days for which the certificate must still be valid.
    pub certificate_days_min: Option<u32>,
    /// The oldest version that is expected.
    pub version_min: Option<TlsVersion>,
    /// A connection without TLS meets everything.
    pub only_where_used: bool,
}

impl TlsExpectations {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.certificate_days_min.is_none() && self.version_min.is_none()
    }

    /// Itself, unless nothing is expected.
    pub fn if_any(self) -> Option<Self> {
        (!self.is_empty()).then_some(self)
    }

    /// The first expectation that the connection does not meet: the certificate, then the version.
    pub fn unmet(&self, tls: Option<&TlsFacts>) -> Option<Unmet> {
        if tls.is_none() && self.only_where_used {
            return None;
        }
        self.unmet_certificate(tls)
            .or_else(|| self.unmet_version(tls))
    }

    fn unmet_certificate(&self, tls: Option<&TlsFacts>) -> Option<Unmet> {
        let days_min = self.certificate_days_min?;
        let certificate = tls.and_then(|tls| tls.certificate.as_ref());
        let seen = match certificate.map(|certificate| certificate.days_left) {
            Some(days) if days >= i64::from(days_min) => return None,
            Some(1) => "1 day left".into(),
            Some(days) => format!("{days} days left").into(),
            None => "no certificate".into(),
        };
        let noun = if days_min == 1 { "day" } else { "days" };
        Some(Unmet {
            expected: format!("certificate with {days_min} {noun} left").into(),
            seen,
        })
    }

    fn unmet_version(&self, tls: Option<&TlsFacts>) -> Option<Unmet> {
        let version_min = self.version_min?;
        // The names sort as the versions do.
        let seen = match tls.map(|tls| tls.version) {
            Some(Some(version)) if version >= version_min.name() => return None,
            Some(Some(version)) => version,
            Some(None) => "an unknown version",
            None => "no TLS",
        };
        Some(Unmet {
            expected: format!("{} or later", version_min.name()).into(),
            seen: seen.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::CertificateFacts;

    fn tls(days_left: i64, version: &'static str) -> TlsFacts {
        TlsFacts {
            version: Some(version),
            certificate: Some(CertificateFacts {
                days_left,
                ..CertificateFacts::default()
            }),
            ..TlsFacts::default()
        }
    }

    fn texts(unmet: Option<Unmet>) -> Option<(String, String)> {
        unmet.map(|unmet| (unmet.expected.into(), unmet.seen.into()))
    }

    fn pair(expected: &str, seen: &str) -> Option<(String, String)> {
        Some((expected.into(), seen.into()))
    }

    #[test]
    fn a_certificate_needs_days_left_and_to_be_there() {
        let days = |days_min| TlsExpectations {
            certificate_days_min: Some(days_min),
            ..TlsExpectations::default()
        };
        let expected = "certificate with 30 days left";
        assert_eq!(days(30).unmet(Some(&tls(30, "TLSv1.3"))), None);
        for (left, seen) in [
            (29, "29 days left"),
            (1, "1 day left"),
            (-2, "-2 days left"),
        ] {
            let unmet = days(30).unmet(Some(&tls(left, "TLSv1.3")));
            assert_eq!(texts(unmet), pair(expected, seen));
        }
        assert_eq!(
            texts(days(30).unmet(None)),
            pair(expected, "no certificate")
        );
        let bare = TlsFacts::default();
        assert_eq!(
            texts(days(30).unmet(Some(&bare))),
            pair(expected, "no certificate")
        );
        assert_eq!(days(0).unmet(Some(&tls(0, "TLSv1.3"))), None);
        assert!(days(0).unmet(Some(&tls(-1, "TLSv1.3"))).is_some());
    }

    #[test]
    fn a_version_is_the_oldest_that_is_expected() {
        let version = |version_min| TlsExpectations {
            version_min: Some(version_min),
            ..TlsExpectations::default()
        };
        let (old, new) = (version(TlsVersion::Tls12), version(TlsVersion::Tls13));
        assert_eq!(old.unmet(Some(&tls(1, "TLSv1.2"))), None);
        assert_eq!(old.unmet(Some(&tls(1, "TLSv1.3"))), None);
        assert_eq!(new.unmet(Some(&tls(1, "TLSv1.3"))), None);
        assert_eq!(
            texts(new.unmet(Some(&tls(1, "TLSv1.2")))),
            pair("TLSv1.3 or later", "TLSv1.2")
        );
        assert_eq!(texts(old.unmet(None)), pair("TLSv1.2 or later", "no TLS"));
        let where_used = TlsExpectations {
            only_where_used: true,
            ..new
        };
        assert_eq!(where_used.unmet(None), None);
        assert!(where_used.unmet(Some(&tls(1, "TLSv1.2"))).is_some());
    }
}
