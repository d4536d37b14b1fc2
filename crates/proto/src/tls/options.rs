//! TLS options, and the files they refer to.

use rustls::RootCertStore;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// TLS options. The default trusts Mozilla's roots, verifies certificates, and offers no
/// application protocol.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Accept invalid certificates, but report what is wrong with them. Whether the server has the
    /// key of its certificate is not checked then.
    pub insecure: bool,
    /// The trusted roots.
    pub roots: Roots,
    /// Trusted instead of `roots`. A certificate in it is also trusted as a server's own.
    pub ca: Option<PemFile>,
    /// The client certificate for servers that request one.
    pub identity: Option<TlsIdentity>,
    /// The application protocols to offer, the preferred first (RFC 7301).
    pub alpn: Vec<Box<str>>,
    /// The name or address to send and to verify, instead of the host's own.
    pub server_name: Option<Box<str>>,
    /// The oldest version to offer; `None` is TLS 1.2.
    pub version_min: Option<TlsVersion>,
    /// The newest version to offer; `None` is TLS 1.3.
    pub version_max: Option<TlsVersion>,
}

/// The trusted roots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Mozilla's roots at the time canvass was built.
    #[default]
    WebPki,
    /// The roots of this system. Its files are read when a client is created.
    System,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// Its name in outcomes ([`TlsFacts::version`](canvass_model::TlsFacts::version)).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

/// A PEM file (RFC 7468), read by the caller.
#[derive(Clone)]
pub struct PemFile {
    /// Its name in errors.
    pub name: Box<str>,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for PemFile {
    /// Without the content, which may be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PemFile").field(&self.name).finish()
    }
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct TlsIdentity {
    /// The certificate, followed by the chain to its root.
    pub chain: PemFile,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1, without a pass phrase.
    pub key: PemFile,
}

/// Why a client cannot be created.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TlsSetupError {
    /// A file is not PEM.
    #[error("cannot read {file}: {reason}")]
    Unreadable {
        /// The file.
        file: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// A file has nothing of the expected kind.
    #[error("{file} holds no {what} in PEM form")]
    Empty {
        /// The file.
        file: Box<str>,
        /// What it should have.
        what: &'static str,
    },
    /// A certificate in a file cannot be trusted as a root.
    #[error("certificate {number} of {file} cannot be a root: {reason}")]
    Root {
        /// The file.
        file: Box<str>,
        /// The number of the certificate in it, from 1.
        number: usize,
        /// The reason.
        reason: Box<str>,
    },
    /// The roots of this system cannot be found.
    #[error("no roots found on this system: {0}")]
    NoSystemRoots(Box<str>),
    /// A client certificate cannot be used.
    #[error("cannot show the certificate of {chain} with the key of {key}: {reason}")]
    Identity {
        /// The file with the certificate.
        chain: Box<str>,
        /// The file with the key.
        key: Box<str>,
        /// The reason.
        reason: Box<str>,
    },
    /// The name of an application protocol is empty or too long (RFC 7301 §3.1).
    #[error("the application protocol {0:?} is not 1 to 255 octets long")]
    Alpn(Box<str>),
    /// The server name is neither a host name nor an address.
    #[error("{0:?} is no host name or address")]
    ServerName(Box<str>),
    /// The oldest version is newer than the newest.
    #[error("the oldest TLS version is newer than the newest")]
    Versions,
    /// The cryptographic provider does not support an option.
    #[error("cannot set up TLS: {0}")]
    Unsupported(Box<str>),
}

/// Trust anchors: roots, and certificates that are trusted as they are.
pub(super) struct Anchors {
    pub(super) roots: RootCertStore,
    /// The certificates that the user trusts. They may be servers' own, which webpki does not
    /// accept as roots.
    pub(super) pinned: Vec<CertificateDer<'static>>,
}

impl Anchors {
    pub(super) fn new(options: &TlsOptions) -> Result<Self, TlsSetupError> {
        if let Some(file) = &options.ca {
            return Self::of_file(file);
        }
        let mut roots = RootCertStore::empty();
        match options.roots {
            Roots::WebPki => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Roots::System => {
                let found = rustls_native_certs::load_native_certs();
                // The system's store may have old roots that are unusable; they are skipped.
                let (added, _) = roots.add_parsable_certificates(found.certs);
                if added == 0 {
                    let reason = match found.errors.first() {
                        Some(error) => error.to_string(),
                        None => "its store is empty".to_owned(),
                    };
                    return Err(TlsSetupError::NoSystemRoots(reason.into()));
                }
            }
        }
        Ok(Self {
            roots,
            pinned: Vec::new(),
        })
    }

    fn of_file(file: &PemFile) -> Result<Self, TlsSetupError> {
        let pinned = certificates(file)?;
        let mut roots = RootCertStore::empty();
        for (index, certificate) in pinned.iter().enumerate() {
            roots
                .add(certificate.clone())
                .map_err(|error| TlsSetupError::Root {
                    file: file.name.clone(),
                    number: index + 1,
                    reason: setup_error(&error).into(),
                })?;
        }
        Ok(Self { roots, pinned })
    }
}

/// The certificates in `file`, at least one.
pub(super) fn certificates(file: &PemFile) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(&file.bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(file, &error))?;
    if found.is_empty() {
        return Err(TlsSetupError::Empty {
            file: file.name.clone(),
            what: "certificate",
        });
    }
    Ok(found)
}

/// The first private key in `file`.
pub(super) fn private_key(file: &PemFile) -> Result<PrivateKeyDer<'static>, TlsSetupError> {
    PrivateKeyDer::from_pem_slice(&file.bytes).map_err(|error| match error {
        PemError::NoItemsFound => TlsSetupError::Empty {
            file: file.name.clone(),
            what: "private key without a pass phrase",
        },
        error => unreadable(file, &error),
    })
}

fn unreadable(file: &PemFile, error: &PemError) -> TlsSetupError {
    let reason = match error {
        PemError::MissingSectionEnd { .. } => "a section has no end".into(),
        PemError::IllegalSectionStart { .. } => "a section has no proper start".into(),
        PemError::Base64Decode(_) => "a section is not base64".into(),
        other => other.to_string().into(),
    };
    TlsSetupError::Unreadable {
        file: file.name.clone(),
        reason,
    }
}

/// Why rustls does not take a certificate, a key or a setting.
pub(super) fn setup_error(error: &rustls::Error) -> &str {
    match error {
        rustls::Error::InconsistentKeys(_) => "the key is not that of the certificate",
        rustls::Error::InvalidCertificate(_) => "the certificate cannot be read",
        rustls::Error::General(reason) => reason,
        _ => "it is not supported",
    }
}
