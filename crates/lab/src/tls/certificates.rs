//! The lab's certificate authority and its certificates (RFC 5280).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, Error,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

const DAY_S: i64 = 86_400;

/// A certificate authority. All keys are P-256, which are generated in microseconds.
#[derive(Debug)]
pub(super) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    next_serial: AtomicU64,
}

/// An end entity certificate and its key.
#[derive(Debug)]
pub(super) struct EndEntity {
    /// The certificate, followed by those of intermediate authorities.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key (PKCS #8).
    pub key_der: Vec<u8>,
    pem: String,
}

/// The validity period of a certificate, in seconds since 1970 (UTC).
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    from_s: i64,
    until_s: i64,
}

impl Validity {
    /// Valid now.
    pub(super) const fn current(now_s: i64) -> Self {
        Self {
            from_s: now_s - DAY_S,
            until_s: now_s + 90 * DAY_S,
        }
    }

    /// Ended a day ago.
    pub(super) const fn expired(now_s: i64) -> Self {
        Self {
            from_s: now_s - 91 * DAY_S,
            until_s: now_s - DAY_S,
        }
    }

    /// Begins in a day.
    pub(super) const fn not_yet(now_s: i64) -> Self {
        Self {
            from_s: now_s + DAY_S,
            until_s: now_s + 91 * DAY_S,
        }
    }
}

/// The names of the good certificate.
pub(super) fn good_names() -> Vec<&'static str> {
    vec![
        "good.lab.test",
        "lab.test",
        "*.lab.test",
        "localhost",
        "example.net",
        "*.example.net",
        "127.0.0.1",
        "::1",
    ]
}

/// Whether the good certificate names an address.
pub(super) fn names_address(address: IpAddr) -> bool {
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

impl Authority {
    /// A root authority.
    pub(super) fn new(name: &str, now_s: i64) -> Result<Self, Error> {
        let (key, params) = (KeyPair::generate()?, authority_params(name, now_s)?);
        let certificate = params.self_signed(&key)?;
        Ok(Self::with(certificate, params, key))
    }

    /// An intermediate authority.
    pub(super) fn intermediate(&self, name: &str, now_s: i64) -> Result<Self, Error> {
        let (key, mut params) = (KeyPair::generate()?, authority_params(name, now_s)?);
        params.serial_number = Some(self.serial());
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Self::with(certificate, params, key))
    }

    fn with(certificate: Certificate, params: CertificateParams, key: KeyPair) -> Self {
        Self {
            certificate,
            issuer: Issuer::new(params, key),
            next_serial: AtomicU64::new(2),
        }
    }

    /// A certificate for a server with these names and addresses.
    pub(super) fn server_certificate(
        &self,
        names: &[&str],
        validity: Validity,
    ) -> Result<EndEntity, Error> {
        self.sign(names, validity, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client.
    pub(super) fn client_certificate(
        &self,
        names: &[&str],
        validity: Validity,
    ) -> Result<EndEntity, Error> {
        self.sign(names, validity, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// Its own certificate.
    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    /// Its own certificate in PEM.
    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    fn sign(
        &self,
        names: &[&str],
        validity: Validity,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<EndEntity, Error> {
        let key = KeyPair::generate()?;
        let mut params = end_entity_params(names, validity, purpose)?;
        params.serial_number = Some(self.serial());
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(EndEntity::new(&certificate, &key))
    }

    /// Serial numbers of one authority are unique (RFC 5280 §4.1.2.2).
    fn serial(&self) -> SerialNumber {
        self.next_serial.fetch_add(1, Ordering::Relaxed).into()
    }
}

impl EndEntity {
    /// A self-signed certificate.
    pub(super) fn self_signed(name: &str, validity: Validity) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let params = end_entity_params(&[name], validity, ExtendedKeyUsagePurpose::ServerAuth)?;
        Ok(Self::new(&params.self_signed(&key)?, &key))
    }

    fn new(certificate: &Certificate, key: &KeyPair) -> Self {
        Self {
            chain: vec![certificate.der().clone()],
            key_der: key.serialize_der(),
            pem: certificate.pem() + &key.serialize_pem(),
        }
    }

    /// Adds the certificate of its issuer to the chain.
    pub(super) fn with_issuer(mut self, issuer: &Authority) -> Self {
        self.chain.push(issuer.certificate().clone());
        self
    }

    /// The certificate and its key in PEM.
    pub(super) fn pem(self) -> String {
        self.pem
    }
}

fn authority_params(name: &str, now_s: i64) -> Result<CertificateParams, Error> {
    let mut params = params(name, &[], Validity::current(now_s))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn end_entity_params(
    names: &[&str],
    validity: Validity,
    purpose: ExtendedKeyUsagePurpose,
) -> Result<CertificateParams, Error> {
    let mut params = params(names[0], names, validity)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    Ok(params)
}

fn params(
    common_name: &str,
    names: &[&str],
    validity: Validity,
) -> Result<CertificateParams, Error> {
    let names: Vec<String> = names.iter().copied().map(String::from).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in [
        (DnType::OrganizationName, "canvass lab"),
        (DnType::CommonName, common_name),
    ] {
        params.distinguished_name.push(kind, value);
    }
    let epoch = date_time_ymd(1970, 1, 1);
    let after_epoch = |seconds: i64| Duration::from_secs(seconds.max(0).unsigned_abs());
    params.not_before = epoch + after_epoch(validity.from_s);
    params.not_after = epoch + after_epoch(validity.until_s);
    Ok(params)
}
