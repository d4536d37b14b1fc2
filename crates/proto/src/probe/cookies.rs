//! The cookies of a job.

use canvass_model::Time;

use super::Probe;
use super::protocol::Protocol;
use crate::http::{CookieJar, Request};

impl Probe {
    /// Keeps the cookies of the response, if that is asked for.
    pub(super) fn keep_cookies(&mut self, now: Time) {
        if self.job.cookies.is_none() {
            return;
        }
        let unix_s = self.unix_s(now);
        let course = self.journey.detour.as_deref().unwrap_or(&self.job.start);
        let established = self.journey.stage.established();
        if let (Some(jar), Some(request)) = (&mut self.job.cookies, &course.request)
            && let Some(Protocol::Http(response)) = established.map(|one| &one.protocol)
            && let Some(head) = response.head()
        {
            jar.receive(request.url(), head, unix_s);
        }
    }

    /// The value of `Cookie` for a request; empty for none.
    pub(super) fn cookies_for(&self, now: Time, request: &Request) -> String {
        match &self.job.cookies {
            Some(jar) => jar.cookies_for(request.url(), self.unix_s(now)),
            None => String::new(),
        }
    }

    /// Empties the jar: each address is probed as if it were the only one.
    pub(super) fn forget_cookies(&mut self) {
        if let Some(jar) = &mut self.job.cookies {
            **jar = CookieJar::default();
        }
    }
}
