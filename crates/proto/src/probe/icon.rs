//! The request for the icon of a site, after the page. It is a detour from which the probe returns
//! to the outcome of the page: neither its result nor its time changes that.

use canvass_model::{Favicon, Phase, Time};

use super::Probe;
use super::clock::Clock;
use super::destination::Course;
use super::failure::Ended;
use super::module::ModuleKind;
use super::protocol::Protocol;
use super::tour::Peer;
use crate::http::favicon_mmh3;

/// The request for an icon, and what the probe returns to after it.
pub(super) struct IconDetour {
    /// Redirects that were followed to the icon.
    pub(super) redirects: usize,
    /// How the request for the page ended, and when.
    ended: Ended,
    at: Time,
    /// The state of the tour then.
    clock: Clock,
    peer: Peer,
    attempts: u32,
    /// The course of the page.
    page: Option<Box<Course>>,
}

impl Probe {
    /// Requests the icon of the site whose page was received, if that is asked for. Returns `ended`
    /// if not.
    pub(super) fn request_icon(&mut self, now: Time, ended: Ended) -> Option<Ended> {
        let is_asked_for = match &self.job.module.kind {
            ModuleKind::Http { settings, .. } => settings.extras.favicon,
            _ => false,
        };
        if !is_asked_for || self.journey.icon.is_some() || self.probes_all_addresses() {
            return Some(ended);
        }
        let Some(request) = &self.course().request else {
            return Some(ended);
        };
        let Ok(mut course) = self.course_of(request.for_favicon()) else {
            return Some(ended);
        };
        let unix = self.course().destination.unix.clone();
        course.destination.unix = unix;
        self.gather();
        self.journey.findings.seal_page();
        let at = self.tour.clock.settle(now);
        self.journey.icon = Some(Box::new(IconDetour {
            redirects: 0,
            ended,
            at,
            clock: self.tour.clock,
            peer: std::mem::take(&mut self.tour.peer),
            attempts: self.tour.attempts,
            page: self.journey.detour.take(),
        }));
        self.note(now, "icon", None, || course.url().into());
        self.tour.clock.turn(now, Phase::Wait);
        self.go_on(now, course, true);
        None
    }

    /// If the request for the icon has `ended`, returns to how that for the page did; otherwise
    /// returns `ended`.
    pub(super) fn return_from_icon(&mut self, now: Time, ended: Ended) -> Ended {
        let Some(detour) = self.journey.icon.take() else {
            return ended;
        };
        let is_whole = matches!(ended, Ended::Answered(_));
        let favicon = self.favicon(is_whole);
        self.journey.findings.found_icon(favicon);
        if !is_whole {
            self.close_stage(now);
        }
        self.journey.detour = detour.page;
        self.tour.clock = detour.clock;
        self.tour.peer = detour.peer;
        self.tour.attempts = detour.attempts;
        self.tour.ended = Some(detour.at);
        detour.ended
    }

    /// The response to the request for the icon, if its head was received.
    fn favicon(&mut self, is_whole: bool) -> Option<Favicon> {
        let url = self.course().url();
        let established = self.journey.stage.established_mut()?;
        let Protocol::Http(response) = &mut established.protocol else {
            return None;
        };
        let code = response.head()?.code();
        let icon = response.take_body().unwrap_or_default();
        let is_icon = is_whole && code == 200 && !icon.is_empty();
        Some(Favicon {
            url,
            code,
            mmh3: is_icon.then(|| favicon_mmh3(&icon)),
        })
    }
}
