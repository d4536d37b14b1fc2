//! Whether a secondary server of a zone keeps up with its primary.

use std::sync::Arc;
use std::time::Duration;

use canvass_model::{Time, Unmet};
use canvass_run::{SoaTimes, is_behind};

/// The target with the zone that another one must keep up with. Both are questions for the start of
/// authority of the zone, to different servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primary {
    /// The key of the target.
    pub key: Arc<str>,
    /// How long the other one may be behind. `None` is the time after which it has to ask for a newer
    /// version: REFRESH of its start of authority (RFC 1035 §3.3.13).
    pub lag_max: Option<Duration>,
}

/// How far a secondary is behind its primary.
///
/// What counts is the time for which it lacks a version that the primary had, and not the number of
/// versions: a primary that changes every minute has a secondary that is behind nearly always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SerialLag {
    /// A serial of the primary that the secondary did not have, and when that was first seen.
    lacking: Option<(u32, Time)>,
}

impl SerialLag {
    /// Takes the serials that both have now. Returns what is wrong if the secondary lacks one for
    /// longer than it may.
    pub(crate) fn look(
        &mut self,
        now: Time,
        secondary: SoaTimes,
        primary: SoaTimes,
        limits: &Primary,
    ) -> Option<Unmet> {
        let is_settled = |(serial, _): &(u32, Time)| {
            // It is there, or the primary itself has gone back.
            !is_behind(secondary.serial, *serial) || is_behind(primary.serial, *serial)
        };
        self.lacking = self.lacking.filter(|lacking| !is_settled(lacking));
        if self.lacking.is_none() && is_behind(secondary.serial, primary.serial) {
            self.lacking = Some((primary.serial, now));
        }
        let (serial, since) = self.lacking?;
        let lag = now - since;
        let refresh = Duration::from_secs(secondary.refresh_s.into());
        let lag_max = limits.lag_max.unwrap_or(refresh);
        (lag > lag_max).then(|| Unmet {
            expected: format!("serial {serial} of {} within {lag_max:?}", limits.key).into(),
            seen: format!("{} after {lag:.0?}", secondary.serial).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soa(serial: u32) -> SoaTimes {
        SoaTimes {
            serial,
            refresh_s: 60,
        }
    }

    /// What is seen at these seconds with these serials of the secondary and the primary.
    fn looks(lag_max_s: Option<u64>, looks: &[(u64, u32, u32)]) -> Vec<Option<String>> {
        let limits = Primary {
            key: "dns://192.0.2.1/example.net?type=SOA".into(),
            lag_max: lag_max_s.map(Duration::from_secs),
        };
        let mut lag = SerialLag::default();
        let mut look = |&(at_s, secondary, primary): &(u64, u32, u32)| {
            let now = Time::from_nanos(at_s * 1_000_000_000);
            let unmet = lag.look(now, soa(secondary), soa(primary), &limits)?;
            Some(format!("{} | {}", unmet.expected, unmet.seen))
        };
        looks.iter().map(&mut look).collect()
    }

    #[test]
    fn a_version_may_be_lacking_for_the_refresh_of_the_zone() {
        let expected = "serial 8 of dns://192.0.2.1/example.net?type=SOA within 60s | 7 after 61s";
        let seen = looks(
            None,
            &[(0, 7, 7), (10, 7, 8), (70, 7, 8), (71, 7, 9), (72, 8, 9)],
        );
        assert_eq!(seen, [None, None, None, Some(expected.to_owned()), None]);
        let seen = looks(Some(5), &[(0, 7, 8), (5, 7, 8), (6, 7, 8)]);
        assert_eq!(seen.iter().flatten().count(), 1);
    }

    #[test]
    fn a_primary_that_changes_often_and_one_that_goes_back_make_no_lag() {
        // The primary changes with each look; the secondary is always one version behind.
        let moving: Vec<_> = (0..20)
            .map(|look| (look * 50, look as u32, look as u32 + 1))
            .collect();
        assert!(looks(None, &moving).iter().all(Option::is_none));
        let back = [(0, 7, 9), (50, 7, 7), (100, 7, 7)];
        assert!(looks(None, &back).iter().all(Option::is_none));
        // Past the end of the circle of serials.
        let around = [(0, u32::MAX, 2), (61, u32::MAX, 2)];
        assert!(looks(None, &around)[1].is_some());
    }
}
