//! What follows from a complete response: another page, or the verdict on this one.

use canvass_model::{Cause, Hop, Status, Time};

use super::Probe;
use super::destination::Course;
use super::failure::Ended;
use super::module::ModuleKind;
use super::protocol::Protocol;
use super::stage::Departure;

impl Probe {
    /// Whether redirects are followed at all.
    pub(super) fn follows_redirects(&self) -> bool {
        self.follow_max() > 0
    }

    fn follow_max(&self) -> usize {
        match &self.job.module.kind {
            ModuleKind::Http { settings, .. } => settings.follow_max as usize,
            _ => 0,
        }
    }

    /// The response of an HTTP server is complete, or is a redirect with a complete head.
    pub(super) fn answered(&mut self, now: Time) {
        self.keep_cookies(now);
        let follow_max = self.follow_max();
        let followed = self.redirects_followed();
        let established = self.journey.stage.established();
        let Some(Protocol::Http(response)) = established.map(|one| &one.protocol) else {
            return;
        };
        let Some(head) = response.head() else { return };
        let code = head.code();
        let follows = follow_max > 0 && head.is_redirect();
        let location = head.location().filter(|_| follows);
        let next = match (location, &self.course().request) {
            (Some(location), Some(request)) => request.redirected(code, &location),
            _ => Ok(None),
        };
        let failed = match next {
            Ok(None) => return self.judge(now, Status::Http(code)),
            Ok(Some(_)) if followed >= follow_max => {
                format!("more than {follow_max} redirects").into()
            }
            Ok(Some(request)) => match self.course_of(request) {
                Ok(course) => return self.hop(now, code, course),
                Err(reason) => reason,
            },
            Err(error) => error.to_string().into(),
        };
        let mut failure = self.failure(Cause::Redirect, failed);
        failure.status = Status::Http(code);
        self.conclude(now, Ended::Failed(failure));
    }

    /// Follows a redirect.
    fn hop(&mut self, now: Time, code: u16, mut course: Course) {
        let present = &self.course().destination;
        let same = course.destination.is_same_server(present);
        if same {
            course.destination.unix.clone_from(&present.unix);
        }
        let location = course.url();
        self.note(now, "redirect", None, || format!("{code} {location}"));
        if let Some(icon) = &mut self.journey.icon {
            icon.redirects += 1;
            return self.go_on(now, course, same);
        }
        let hop = Hop {
            url: self.course().url(),
            code,
            remote: self.tour.peer.remote.clone(),
            location,
            details: self.hop_details(now),
        };
        self.journey.hops.push(hop);
        self.go_on(now, course, same);
    }

    /// Goes on to another page, over the same connection if it is on the `same` server.
    pub(super) fn go_on(&mut self, now: Time, course: Course, same: bool) {
        let kept = if same && self.can_reuse() {
            self.journey.stage.take_established()
        } else {
            None
        };
        self.journey.detour = Some(Box::new(course));
        if let Some(established) = kept {
            return self.start_protocol(now, established.reuse());
        }
        self.close_stage(now);
        self.depart_anew(now, Departure::UNPACED);
    }

    fn redirects_followed(&self) -> usize {
        let hops = self.journey.hops.len();
        self.journey
            .icon
            .as_ref()
            .map_or(hops, |icon| icon.redirects)
    }
}
