//! The probes of mixed endpoints by scheme.

use std::num::NonZeroU16;
use std::sync::Arc;

use canvass_model::ModuleId;
use canvass_proto::ModuleKind;
use canvass_proto::expect::{Expectations, TlsExpectations};
use canvass_proto::http::HttpSettings;
use canvass_proto::talk::{CredentialUse, Credentials, Script};
use canvass_proto::tls::TlsClient;
use canvass_queue::{Scheme, SchemeProbe, TargetKind};

/// The schemes whose endpoints run the preset of that name.
const SERVICES: [&str; 15] = [
    "smtp", "smtps", "pop3", "pop3s", "imap", "imaps", "ssh", "telnet", "ftp", "ftps", "redis",
    "rediss", "mysql", "postgres", "ntp",
];
/// The port of `tls://`: that of https.
const TLS_PORT: u16 = 443;
/// Sends an empty datagram and accepts any reply.
const ANY_REPLY: &str = "[{send_bytes: ''}, {expect: '(?s).*'}]";

/// What the probes of mixed endpoints have in common.
#[derive(Clone)]
pub struct EndpointSettings {
    /// The requests of `http` and `https`.
    pub http: Arc<HttpSettings>,
    /// For `https`.
    pub https: TlsClient,
    /// For all other schemes.
    pub tls: TlsClient,
    /// What is expected of the responses of `http` and `https`.
    pub expect: Option<Expectations>,
    /// What is expected of TLS connections.
    pub expect_tls: TlsExpectations,
    /// What is spoken with endpoints of `tcp`, `tls`, `unix` and `udp`. Without it a connection is
    /// opened, and any reply to an empty datagram is accepted.
    pub talk: Option<Arc<Script>>,
    /// The credentials that scripts can send.
    pub credentials: Option<Arc<Credentials>>,
    /// Whether questions that name a resolver on another machine are asked of the resolvers of the
    /// plan.
    pub loopback_resolvers_only: bool,
}

/// The modules that the schemes of mixed endpoints refer to, and the schemes.
///
/// The modules go into a [`Plan`](crate::Plan) for targets of [`kind`](Self::kind), in their order and
/// as its first ones.
pub struct EndpointModules {
    schemes: Vec<Scheme>,
    /// How many modules are before these.
    before: usize,
    modules: Vec<ModuleKind>,
}

impl EndpointModules {
    /// All schemes: `tcp`, `tls`, `udp`, `unix`, `http`, `https`, `dns`, and one for each service that
    /// has a preset.
    pub fn new(settings: &EndpointSettings) -> Self {
        let mut all = Self {
            schemes: Vec::new(),
            before: 0,
            modules: Vec::new(),
        };
        all.schemes = all.add_all(settings);
        all
    }

    /// No modules yet, which are to be added to a run that has `before` ([`Run::add_modules`]).
    ///
    /// [`Run::add_modules`]: crate::Run::add_modules
    pub fn following(before: usize) -> Self {
        Self {
            schemes: Vec::new(),
            before,
            modules: Vec::new(),
        }
    }

    /// Adds modules with other settings. Returns the kind of targets whose schemes refer to them.
    pub fn add_settings(&mut self, settings: &EndpointSettings) -> TargetKind {
        TargetKind::Endpoints {
            schemes: self.add_all(settings).into(),
        }
    }

    /// The number of modules, with those before these.
    pub fn count(&self) -> usize {
        self.before + self.modules.len()
    }

    fn add_all(&mut self, settings: &EndpointSettings) -> Vec<Scheme> {
        let all = self;
        let mut schemes = Vec::new();
        let mut define = |name, probe| schemes.push(Scheme { name, probe });
        let talk = settings.talk.as_ref();
        let talk_credentials = settings.credentials.clone();
        let talk_credentials =
            talk_credentials.filter(|_| talk.is_some_and(|script| uses_credentials(script)));
        let https = SchemeProbe::Http {
            module: all.add(ModuleKind::Http {
                settings: Arc::clone(&settings.http),
                tls: settings.https.clone(),
                expect: settings.expect.clone().map(Box::new),
            }),
        };
        let tcp = all.add(stream(
            settings,
            talk.cloned(),
            talk_credentials.clone(),
            talk.is_some_and(|script| script.tls_from_start()),
        ));
        let tls = all.add(stream(
            settings,
            talk.cloned(),
            talk_credentials.clone(),
            true,
        ));
        let udp = all.add(ModuleKind::Udp {
            script: talk.cloned().unwrap_or_else(any_reply),
            credentials: talk_credentials,
            window: None,
        });
        // A bad line is reported as a probe of the first scheme.
        define(
            "tcp",
            SchemeProbe::Tcp {
                module: tcp,
                default_port: None,
            },
        );
        define(
            "tls",
            SchemeProbe::Tcp {
                module: tls,
                default_port: NonZeroU16::new(TLS_PORT),
            },
        );
        define(
            "udp",
            SchemeProbe::Udp {
                module: udp,
                default_port: None,
            },
        );
        define("unix", SchemeProbe::Unix { module: tcp });
        define("http", https);
        define("https", https);
        define(
            "dns",
            SchemeProbe::Dns {
                loopback_only: settings.loopback_resolvers_only,
            },
        );
        for name in SERVICES {
            let preset = Script::preset(name).expect("the preset exists");
            let script = Arc::new(preset.script());
            let default_port = preset.port.and_then(NonZeroU16::new);
            let uses_any = preset.credentials != CredentialUse::None;
            let credentials = settings.credentials.clone().filter(|_| uses_any);
            let probe = if preset.tcp {
                let tls_from_start = preset.tls_from_start;
                SchemeProbe::Tcp {
                    module: all.add(stream(settings, Some(script), credentials, tls_from_start)),
                    default_port,
                }
            } else {
                SchemeProbe::Udp {
                    module: all.add(ModuleKind::Udp {
                        script,
                        credentials,
                        window: None,
                    }),
                    default_port,
                }
            };
            define(name, probe);
        }
        schemes
    }

    /// The kind of targets whose schemes refer to the modules.
    pub fn kind(&self) -> TargetKind {
        TargetKind::Endpoints {
            schemes: self.schemes.as_slice().into(),
        }
    }

    /// The modules in order.
    pub fn into_modules(self) -> Vec<ModuleKind> {
        self.modules
    }

    fn add(&mut self, module: ModuleKind) -> ModuleId {
        self.modules.push(module);
        ModuleId((self.count() - 1) as u16)
    }
}

/// A script that sends an empty datagram and accepts any reply.
pub fn any_reply() -> Arc<Script> {
    let script = Script::parse(ANY_REPLY, "the default script");
    Arc::new(script.expect("the default script is valid"))
}

fn uses_credentials(script: &Script) -> bool {
    script.credential_use() != CredentialUse::None
}

fn stream(
    settings: &EndpointSettings,
    script: Option<Arc<Script>>,
    credentials: Option<Arc<Credentials>>,
    tls_from_start: bool,
) -> ModuleKind {
    ModuleKind::Tcp {
        script,
        credentials,
        tls: settings.tls.clone(),
        tls_from_start,
        certificate: settings.expect_tls.if_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_proto::tls::TlsOptions;
    use std::collections::BTreeSet;

    fn modules() -> EndpointModules {
        let tls = TlsClient::new(&TlsOptions::default()).unwrap();
        EndpointModules::new(&EndpointSettings {
            http: Arc::default(),
            https: tls.clone(),
            tls,
            expect: None,
            expect_tls: TlsExpectations::default(),
            talk: None,
            credentials: None,
            loopback_resolvers_only: false,
        })
    }

    #[test]
    fn every_scheme_is_there_once_and_has_its_module() {
        let modules = modules();
        let names: BTreeSet<_> = modules.schemes.iter().map(|scheme| scheme.name).collect();
        assert_eq!(names.len(), modules.schemes.len());
        for name in ["tcp", "tls", "udp", "unix", "http", "https", "dns"] {
            assert!(names.contains(name), "{name}");
        }
        assert!(SERVICES.iter().all(|name| names.contains(name)));
        let kind = modules.kind();
        let mut builder = crate::Plan::builder(kind);
        for module in modules.into_modules() {
            builder = builder.module(module, Default::default(), crate::DEFAULT_TIMEOUTS);
        }
        assert!(builder.build().is_ok());
    }

    #[test]
    fn modules_with_other_settings_follow_the_first_ones() {
        let mut modules = modules();
        let (first, count) = (modules.kind(), modules.count());
        let tls = TlsClient::new(&TlsOptions::default()).unwrap();
        let other = modules.add_settings(&EndpointSettings {
            http: Arc::default(),
            https: tls.clone(),
            tls,
            expect: None,
            expect_tls: TlsExpectations::default(),
            talk: Script::preset("ssh").map(|preset| Arc::new(preset.script())),
            credentials: None,
            loopback_resolvers_only: false,
        });
        assert_eq!(modules.count(), 2 * count);
        assert_ne!(first, other);
        for kind in [first, other] {
            let mut builder = crate::Plan::builder(kind);
            for module in self::modules().into_modules() {
                builder = builder.module(module, Default::default(), crate::DEFAULT_TIMEOUTS);
            }
            for module in self::modules().into_modules() {
                builder = builder.module(module, Default::default(), crate::DEFAULT_TIMEOUTS);
            }
            assert!(builder.build().is_ok());
        }
    }

    #[test]
    fn a_plan_without_the_modules_is_refused() {
        let modules = modules();
        let plan = crate::Plan::builder(modules.kind()).build();
        assert!(
            matches!(plan, Err(crate::PlanError::Module { .. })),
            "{plan:?}"
        );
        // In another order they are for other protocols.
        let mut builder = crate::Plan::builder(modules.kind());
        for module in modules.into_modules().into_iter().rev() {
            builder = builder.module(module, Default::default(), crate::DEFAULT_TIMEOUTS);
        }
        assert!(matches!(
            builder.build(),
            Err(crate::PlanError::Module { .. })
        ));
    }

    #[test]
    fn every_service_can_be_asked_without_credentials_at_its_own_port() {
        for name in SERVICES {
            let preset = Script::preset(name).unwrap();
            assert_ne!(preset.credentials, CredentialUse::Required, "{name}");
            assert!(preset.port.is_some(), "{name}");
        }
    }
}
