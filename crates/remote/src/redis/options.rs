//! Where a server is, and how to be let in.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use redis::io::tcp::TcpSettings;
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, TlsCertificates,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::Directory;
use crate::BrokerError;

/// What a user says of a Redis server.
#[derive(Clone, Default)]
pub struct RedisOptions {
    /// `redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]`, `rediss://` for TLS, or `unix:///PATH`. `valkey://` and
    /// `valkeys://` as well.
    pub url: String,
    /// The user of the server's ACL, in place of that of the URL.
    pub user: Option<String>,
    /// The password, in place of that of the URL.
    pub password: Option<String>,
    /// The certificates of the authorities to trust, in PEM; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show, with its chain, in PEM.
    pub certificate_file: Option<PathBuf>,
    /// The key of that certificate, in PEM.
    pub key_file: Option<PathBuf>,
}

impl fmt::Debug for RedisOptions {
    /// Shows neither the URL nor the password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisOptions")
            .field("ca_file", &self.ca_file)
            .field("certificate_file", &self.certificate_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

/// Why [`RedisOptions`] cannot be used. Holds no password.
#[derive(Debug, thiserror::Error)]
pub enum RedisOptionsError {
    /// It is not the URL of a Redis server.
    #[error("not the URL of a Redis server (redis://HOST:PORT/DB or rediss://...): {0}")]
    Url(String),
    /// Files for TLS, without TLS.
    #[error("a file for TLS has no effect without TLS: the URL must begin with rediss://")]
    NoTls,
    /// Only one of certificate and key.
    #[error("a certificate needs its key, and a key its certificate")]
    HalfCertificate,
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: no {what} in PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificate and key cannot be used.
    #[error("certificate and key cannot be used: {0}")]
    Certificate(String),
}

/// A Redis server that can be connected to. Its `Display` is where it is, without user and password.
#[derive(Clone, Debug)]
pub struct RedisServer {
    pub(super) client: Client,
    pub(super) login: Login,
}

/// What is sent on a new connection. It is not left to [`Client`], which reports every reply but OK to a
/// login as a wrong password.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) db: i64,
}

impl fmt::Debug for Login {
    /// Shows no password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Login")
            .field("user", &self.user)
            .field("db", &self.db)
            .finish_non_exhaustive()
    }
}

impl RedisServer {
    /// Reads the files of the options. Does not connect.
    ///
    /// # Errors
    /// When something is wrong with the URL or a file.
    pub fn new(options: &RedisOptions) -> Result<Self, RedisOptionsError> {
        let info = options.url.as_str().into_connection_info();
        let info = info.map_err(|error| RedisOptionsError::Url(reason(&error)))?;
        let settings = info.redis_settings();
        let login = Login {
            user: (options.user.clone()).or(settings.username().map(str::to_owned)),
            password: (options.password.clone()).or(settings.password().map(str::to_owned)),
            db: settings.db(),
        };
        let bare = RedisConnectionInfo::default().set_skip_set_lib_name();
        let info = info
            .set_redis_settings(bare)
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = if let ConnectionAddr::TcpTls { insecure, .. } = info.addr() {
            if *insecure {
                return Err(RedisOptionsError::Url("#insecure is not supported".into()));
            }
            tls_client(info, options)?
        } else if options.ca_file.is_some()
            || options.certificate_file.is_some()
            || options.key_file.is_some()
        {
            return Err(RedisOptionsError::NoTls);
        } else {
            Client::open(info).map_err(|error| RedisOptionsError::Url(reason(&error)))?
        };
        Ok(Self { client, login })
    }

    /// Connects, and checks whether the server can carry campaigns.
    ///
    /// # Errors
    /// [`Refused`](BrokerError::Refused) for one that cannot, and others as for each operation.
    pub fn connect(&self) -> Result<Directory, BrokerError> {
        Directory::connect(self.clone())
    }
}

impl fmt::Display for RedisServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.get_connection_info().addr().fmt(formatter)
    }
}

/// A client for TLS by the provider of the other crates.
fn tls_client(info: ConnectionInfo, options: &RedisOptions) -> Result<Client, RedisOptionsError> {
    // Fails if the process has one, which is the same.
    let _ = aws_lc_rs::default_provider().install_default();
    let root_cert = options.ca_file.as_deref().map(certificates).transpose()?;
    let client_tls = match (&options.certificate_file, &options.key_file) {
        (Some(certificate), Some(key)) => Some(ClientTlsConfig {
            client_cert: certificates(certificate)?,
            client_key: read(key)?,
        }),
        (None, None) => None,
        _ => return Err(RedisOptionsError::HalfCertificate),
    };
    let files = TlsCertificates {
        client_tls,
        root_cert,
    };
    Client::build_with_tls(info, files)
        .map_err(|error| RedisOptionsError::Certificate(error.to_string()))
}

/// A file that holds at least one certificate.
fn certificates(path: &Path) -> Result<Vec<u8>, RedisOptionsError> {
    let octets = read(path)?;
    match CertificateDer::pem_slice_iter(&octets).next() {
        Some(Ok(_)) => Ok(octets),
        _ => Err(RedisOptionsError::Pem {
            path: path.to_owned(),
            what: "certificate",
        }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, RedisOptionsError> {
    fs::read(path).map_err(|error| RedisOptionsError::File {
        path: path.to_owned(),
        error,
    })
}

/// What is wrong with a URL, without the URL.
fn reason(error: &RedisError) -> String {
    error.to_string().replace(" - InvalidClientConfig", "")
}
