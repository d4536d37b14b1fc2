//! The forms that clients post.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use tokio::time::timeout;
use url::form_urlencoded;

use crate::cross_site::{self, Refusal};

/// The maximum size of a form, in octets, and the maximum time until it is received.
const FORM_SIZE_MAX: usize = 16 * 1024;
const FORM_TIME_MAX: Duration = Duration::from_secs(10);
const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// The fields of a form.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// The form that a request has.
    ///
    /// # Errors
    /// It has none, or another site is behind it.
    pub(crate) async fn of(request: Request) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        cross_site::check(&head.headers)?;
        let media_type = head.headers.get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|field| field.to_str().ok()?.split(';').next());
        if !media_type.is_some_and(|given| given.trim().eq_ignore_ascii_case(FORM_TYPE)) {
            let text = format!("expected {FORM_TYPE}\n");
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        Self::read(body).await
    }

    async fn read(body: Body) -> Result<Self, Refusal> {
        match timeout(FORM_TIME_MAX, to_bytes(body, FORM_SIZE_MAX)).await {
            Ok(Ok(octets)) => Ok(Self(form_urlencoded::parse(&octets).into_owned().collect())),
            Ok(Err(_)) => {
                let text = format!("a form has at most {FORM_SIZE_MAX} octets\n");
                Err((StatusCode::PAYLOAD_TOO_LARGE, text))
            }
            Err(_) => Err((
                StatusCode::REQUEST_TIMEOUT,
                "the form took too long\n".into(),
            )),
        }
    }

    /// The value of a field; `None` if it is empty.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(field, _)| field == name);
        field
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}
