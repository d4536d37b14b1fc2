//! An authority of the lab's own, and the certificates it signs (RFC 5280).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, Error,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

const DAY_S: i64 = 86_400;

/// Who signs certificates. All keys are of P-256, which takes microseconds to make.
#[derive(Debug)]
pub(super) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    next_serial: AtomicU64,
}

/// A certificate for a server or a client, and its key.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Itself first, then what is sent along.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key (PKCS #8).
    pub key_der: Vec<u8>,
    pem: String,
}

/// From when to when a certificate holds, in seconds since 1970 (UTC).
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    from_s: i64,
    until_s: i64,
}

impl Validity {
    /// It holds now.
    pub const fn around(now_s: i64) -> Self {
        Self {
            from_s: now_s - DAY_S,
            until_s: now_s + 90 * DAY_S,
        }
    }

    /// It has held.
    pub const fn before(now_s: i64) -> Self {
        Self {
            from_s: now_s - 91 * DAY_S,
            until_s: now_s - DAY_S,
        }
    }

    /// It will hold.
    pub const fn after(now_s: i64) -> Self {
        Self {
            from_s: now_s + DAY_S,
            until_s: now_s + 91 * DAY_S,
        }
    }
}

/// What the good certificate is for.
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

/// Whether the good certificate is for an address.
pub(super) fn names_address(address: IpAddr) -> bool {
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

impl Authority {
    /// A root.
    pub fn new(name: &str, now_s: i64) -> Result<Self, Error> {
        let (key, params) = (KeyPair::generate()?, authority_params(name, now_s)?);
        let certificate = params.self_signed(&key)?;
        Ok(Self::with(certificate, params, key))
    }

    /// An authority that this one vouches for.
    pub fn intermediate(&self, name: &str, now_s: i64) -> Result<Self, Error> {
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
    pub fn leaf(&self, names: &[&str], validity: Validity) -> Result<Leaf, Error> {
        self.sign(names, validity, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client.
    pub fn client_leaf(&self, names: &[&str], validity: Validity) -> Result<Leaf, Error> {
        self.sign(names, validity, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// Its own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    /// Its own certificate, as files hold it.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    fn sign(
        &self,
        names: &[&str],
        validity: Validity,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Leaf, Error> {
        let key = KeyPair::generate()?;
        let mut params = leaf_params(names, validity, purpose)?;
        params.serial_number = Some(self.serial());
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Leaf::new(&certificate, &key))
    }

    /// RFC 5280 §4.1.2.2: no two of one authority are alike.
    fn serial(&self) -> SerialNumber {
        self.next_serial.fetch_add(1, Ordering::Relaxed).into()
    }
}

impl Leaf {
    /// A certificate that nobody vouches for.
    pub fn self_signed(name: &str, validity: Validity) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let params = leaf_params(&[name], validity, ExtendedKeyUsagePurpose::ServerAuth)?;
        Ok(Self::new(&params.self_signed(&key)?, &key))
    }

    fn new(certificate: &Certificate, key: &KeyPair) -> Self {
        Self {
            chain: vec![certificate.der().clone()],
            key_der: key.serialize_der(),
            pem: certificate.pem() + &key.serialize_pem(),
        }
    }

    /// Has its issuer's certificate sent along.
    pub fn with_issuer(mut self, issuer: &Authority) -> Self {
        self.chain.push(issuer.certificate().clone());
        self
    }

    /// The certificate and its key, as files hold them.
    pub fn pem(self) -> String {
        self.pem
    }
}

fn authority_params(name: &str, now_s: i64) -> Result<CertificateParams, Error> {
    let mut params = params(name, &[], Validity::around(now_s))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf_params(
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
