//! One probe, from its request to the metrics.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use canvass_engine::SocketOptions;
use canvass_model::{Job, Outcome};
use canvass_proto::Timeouts;
use canvass_run::{Plan, PlanBuilder, Run, Sink, SinkError, TargetKind};
use crossbeam_channel::{Receiver, Sender, bounded, select};

use crate::exposition::Exposition;
use crate::file::{Module, Modules};
use crate::log::{Log, shown_target};
use crate::refusal::{self, Refusal};
use crate::tls::TlsClients;
use crate::{debug, dns, http, tcp};

/// The module of a request that names none.
pub const DEFAULT_MODULE: &str = "http_2xx";

/// The time limit where neither the module nor the scraper has one.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How long before the scraper gives up the probe must have ended.
const SCRAPE_MARGIN: Duration = Duration::from_millis(500);
/// The most time that a probe is given, whatever its module says.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The most sockets of one probe.
const SOCKETS: usize = 8;

/// What `/probe` is asked for.
#[derive(Clone, Copy, Debug)]
pub struct ProbeRequest<'a> {
    /// When it was asked for: the time limit counts from then.
    pub asked: Instant,
    /// The name of the module; see [`DEFAULT_MODULE`].
    pub module: &'a str,
    /// The target, as the prober of the module reads it.
    pub target: &'a str,
    /// The host name for HTTP and TLS, in place of that of the target.
    pub hostname: Option<&'a str>,
    /// The scraper's own time limit.
    pub scrape_timeout: Option<Duration>,
    /// Whether the answer says what happened, besides the metrics.
    pub debug: bool,
}

/// What `/probe` answers.
#[derive(Clone, Debug)]
pub struct ProbeResponse {
    /// Whether the target is as the module expects it (`probe_success`).
    pub success: bool,
    /// The metrics.
    pub metrics: Exposition,
    /// What happened, the metrics and the module, without its secrets. Only if it was asked for.
    pub debug: Option<String>,
}

/// The end of a wait for an answer: the probe ends early once every sender is gone. Nothing is sent.
pub type Cancelled = Receiver<std::convert::Infallible>;

/// What the log says of a probe that nobody waits for any more.
pub(crate) const CANCELLED: &str = "the client has gone away";

/// Why there was no probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// There is no such module.
    #[error("Unknown module {0:?}")]
    UnknownModule(Box<str>),
    /// There is no target.
    #[error("Target parameter is missing")]
    NoTarget,
    /// The module needs what canvass lacks.
    #[error("module {module:?} cannot be used: {refusal}")]
    Refused {
        /// The module.
        module: Box<str>,
        /// What it needs.
        refusal: Refusal,
    },
    /// The module has another host name than the request.
    #[error(
        "host header defined both in module configuration and with URL-parameter 'hostname' ({0})"
    )]
    Hostname(Box<str>),
}

impl Modules {
    /// Checks that there can be a probe.
    ///
    /// # Errors
    /// There is no such module or no target, or the module cannot be used.
    pub fn check(&self, request: &ProbeRequest<'_>) -> Result<(), ProbeError> {
        self.usable(request).map(drop)
    }

    /// The module, with the host name of the request.
    fn usable(&self, request: &ProbeRequest<'_>) -> Result<Module, ProbeError> {
        let unknown = || ProbeError::UnknownModule(request.module.into());
        let module = self.module(request.module).ok_or_else(unknown)?;
        if request.target.is_empty() {
            return Err(ProbeError::NoTarget);
        }
        refusal::check(module).map_err(|refusal| ProbeError::Refused {
            module: request.module.into(),
            refusal,
        })?;
        named(module, request.hostname)
    }
}

/// Probes a target. Blocks until the probe has ended, or is `cancelled`: then it failed.
///
/// # Errors
/// Those of [`Modules::check`]. A target that cannot be probed is an answer.
pub fn probe(
    modules: &Modules,
    request: &ProbeRequest<'_>,
    cancelled: &Cancelled,
) -> Result<ProbeResponse, ProbeError> {
    let module = modules.usable(request)?;
    let began = Instant::now();
    let mut attempt = Attempt {
        target: request.target,
        tls_clients: &modules.tls_clients,
        ends: request.asked + timeout(module.timeout.0, request.scrape_timeout),
        cancelled,
        metrics: Exposition::default(),
        log: Log::begin(request.debug),
    };
    attempt.log.add(format_args!(
        "probing {} with prober {} for at most {:?}",
        shown_target(request.target),
        module.prober,
        attempt.left()
    ));
    let success = match module.prober.as_str() {
        "http" => http::probe(&module.http, &mut attempt),
        "tcp" => tcp::probe(&module.tcp, &mut attempt),
        _ => match &module.dns {
            Some(dns) => dns::probe(dns, &mut attempt),
            None => false,
        },
    };
    let Attempt {
        mut metrics, log, ..
    } = attempt;
    metrics.set(
        "probe_success",
        "Displays whether or not the probe was a success",
        u8::from(success),
    );
    metrics.set(
        "probe_duration_seconds",
        "Returns how long the probe took to complete in seconds",
        began.elapsed().as_secs_f64(),
    );
    let lines = log.lines();
    Ok(ProbeResponse {
        success,
        debug: lines.map(|lines| debug::text(lines, &metrics, &module)),
        metrics,
    })
}

/// The time limit of a probe: that of the module, if the scraper waits as long.
fn timeout(module: Duration, scraper: Option<Duration>) -> Duration {
    let scraper = scraper.filter(|limit| !limit.is_zero()).unwrap_or(TIMEOUT);
    let limit = match scraper.checked_sub(SCRAPE_MARGIN) {
        Some(limit) if module.is_zero() || module > limit => limit,
        _ => module,
    };
    limit.min(TIMEOUT_MAX)
}

/// The module with the host name of the request.
fn named(module: &Module, hostname: Option<&str>) -> Result<Module, ProbeError> {
    let mut module = module.clone();
    let Some(hostname) = hostname.filter(|name| !name.is_empty()) else {
        return Ok(module);
    };
    match module.prober.as_str() {
        "http" => {
            if module
                .http
                .header("Host")
                .is_some_and(|own| own != hostname)
            {
                return Err(ProbeError::Hostname(hostname.into()));
            }
            let headers = &mut module.http.headers;
            headers.retain(|name, _| !name.eq_ignore_ascii_case("Host"));
            headers.insert("Host".to_owned(), crate::file::Secret(hostname.to_owned()));
        }
        "tcp" if module.tcp.tls_config.server_name.is_empty() => {
            hostname.clone_into(&mut module.tcp.tls_config.server_name);
        }
        _ => {}
    }
    Ok(module)
}

/// One probe while it runs.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub target: &'a str,
    pub tls_clients: &'a TlsClients,
    /// When it must have ended.
    ends: Instant,
    pub cancelled: &'a Cancelled,
    pub metrics: Exposition,
    pub log: Log,
}

impl Attempt<'_> {
    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// The time limits of a probe of a host: only the whole is limited.
    pub(crate) fn timeouts(&self) -> Timeouts {
        let left = self.left();
        Timeouts {
            resolve: left,
            connect: left,
            tls: left,
            first_byte: left,
            transfer: left,
            deadline: left,
        }
    }

    /// Begins a plan for one target.
    pub(crate) fn plan(&self, kind: TargetKind) -> PlanBuilder {
        Plan::builder(kind)
            .event_loops(1)
            .concurrency(Some(1))
            .sockets(SOCKETS)
            .retries(Some(0))
            .deadline(self.left())
            .timeout(self.left())
            .trace(self.log.is_wanted())
    }

    /// Runs a plan for one target. `None` if it cannot be run, which the log says.
    pub(crate) fn run(&mut self, plan: PlanBuilder, job: Job) -> Option<Outcome> {
        let began = Instant::now();
        match run(plan, job, self.cancelled) {
            Ok(outcome) => {
                self.log.add_outcome(began, &outcome);
                Some(outcome)
            }
            Err(error) => {
                self.log.add(format_args!("{error}"));
                None
            }
        }
    }
}

/// Socket options for connections from this address. An empty text is any address.
///
/// # Errors
/// The text is not an address.
pub(crate) fn source(address: &str) -> Result<Option<SocketAddr>, String> {
    if address.is_empty() {
        return Ok(None);
    }
    match address.parse() {
        Ok(address) => Ok(Some(SocketAddr::new(address, 0))),
        Err(_) => Err(format!("`source_ip_address: {address}` is not an address")),
    }
}

pub(crate) fn socket_options(source: Option<SocketAddr>) -> SocketOptions {
    SocketOptions {
        bind: source,
        ..SocketOptions::default()
    }
}

fn run(plan: PlanBuilder, job: Job, cancelled: &Cancelled) -> Result<Outcome, String> {
    let plan = plan.build().map_err(|error| error.to_string())?;
    let (sender, outcomes) = bounded(1);
    let source = canvass_queue::jobs(vec![job]);
    let run = Run::start(plan, source, vec![Box::new(First(sender))])
        .map_err(|error| error.to_string())?;
    let outcome = select! {
        recv(outcomes) -> outcome => outcome,
        // Dropping the run ends it.
        recv(cancelled) -> _ => return Err(CANCELLED.to_owned()),
    };
    match outcome {
        // The run is over then, and its threads end by themselves.
        Ok(outcome) => Ok(outcome),
        // The sink is gone, so the run has failed.
        Err(_) => Err(match run.join().error {
            Some(error) => error.to_string(),
            None => "the probe has no outcome".to_owned(),
        }),
    }
}

/// Passes on the only outcome.
struct First(Sender<Outcome>);

impl Sink for First {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        for outcome in outcomes {
            // One fits, and there are no others.
            let _ = self.0.try_send(outcome.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_ends_before_the_scraper_gives_up() {
        let ms = Duration::from_millis;
        for (module, scraper, limit) in [
            (ms(5_000), Some(ms(10_000)), ms(5_000)),
            (ms(5_000), Some(ms(3_000)), ms(2_500)),
            (ms(0), Some(ms(3_000)), ms(2_500)),
            (ms(5_000), None, ms(5_000)),
            (ms(0), None, ms(119_500)),
            (ms(200_000), None, ms(119_500)),
            (ms(5_000), Some(ms(0)), ms(5_000)),
            (ms(5_000), Some(ms(400)), ms(5_000)),
            (Duration::MAX, Some(Duration::MAX), TIMEOUT_MAX),
        ] {
            assert_eq!(timeout(module, scraper), limit, "{module:?} {scraper:?}");
        }
    }
}
