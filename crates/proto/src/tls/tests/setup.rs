use super::*;

fn error(options: &TlsOptions) -> String {
    match TlsClient::new(options) {
        Ok(_) => panic!("made of {options:?}"),
        Err(error) => error.to_string(),
    }
}

fn with_identity(chain: &str, key: &str) -> TlsOptions {
    TlsOptions {
        identity: Some(TlsIdentity {
            chain: pem("chain.pem", chain),
            key: pem("key.pem", key),
        }),
        ..TlsOptions::default()
    }
}

#[test]
fn errors_name_the_file_and_what_is_wrong_with_it() {
    let (one, other) = (Credentials::good(), Credentials::good());
    let key = one.key.serialize_pem();
    let broken = one.pem.replace("-----END CERTIFICATE-----", "");
    let garbled = one.pem.replacen("MII", "M*I", 1);
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let with_ca = |text: &str| TlsOptions {
        ca: Some(pem("ca.pem", text)),
        ..TlsOptions::default()
    };
    for (options, message) in [
        (with_ca(""), "ca.pem holds no certificate in PEM form"),
        (with_ca(&key), "ca.pem holds no certificate in PEM form"),
        (with_ca(&broken), "cannot read ca.pem: a section has no end"),
        (
            with_ca(&garbled),
            "cannot read ca.pem: a section is not base64",
        ),
        (
            with_ca(&format!("{}{no_certificate}", one.pem)),
            "certificate 2 of ca.pem cannot be a root: the certificate cannot be read",
        ),
        (
            with_identity("", &key),
            "chain.pem holds no certificate in PEM form",
        ),
        (
            with_identity(&one.pem, &one.pem),
            "key.pem holds no private key without a pass phrase in PEM form",
        ),
        (
            with_identity(&one.pem, &other.key.serialize_pem()),
            "cannot show the certificate of chain.pem with the key of key.pem: the key is not \
             that of the certificate",
        ),
    ] {
        assert_eq!(error(&options), message);
    }
}

#[test]
fn options_that_cannot_be_met_are_refused() {
    let defaults = TlsOptions::default();
    let long = "x".repeat(256);
    for (options, message) in [
        (
            TlsOptions {
                alpn: vec!["h2".into(), "".into()],
                ..defaults.clone()
            },
            "the application protocol \"\" is not 1 to 255 octets long".to_owned(),
        ),
        (
            TlsOptions {
                alpn: vec![long.as_str().into()],
                ..defaults.clone()
            },
            format!("the application protocol {long:?} is not 1 to 255 octets long"),
        ),
        (
            TlsOptions {
                server_name: Some("a b".into()),
                ..defaults.clone()
            },
            "\"a b\" is no host name or address".to_owned(),
        ),
        (
            TlsOptions {
                version_min: Some(TlsVersion::Tls13),
                version_max: Some(TlsVersion::Tls12),
                ..defaults
            },
            "the oldest TLS version is newer than the newest".to_owned(),
        ),
    ] {
        assert_eq!(error(&options), message);
    }
}

#[test]
fn a_name_that_tls_cannot_carry_is_no_target() {
    let client = TlsClient::new(&trusting()).unwrap();
    let host = Host::Name(format!("{}.example", "x".repeat(64)).into());
    let fault = client.connect(&host, NOW_S).err().unwrap();
    assert_eq!(fault.cause, canvass_model::Cause::Invalid);
    assert!(
        fault.message.contains(&host.to_string()),
        "{}",
        fault.message
    );
}

#[test]
fn by_default_the_roots_of_the_web_are_trusted_and_others_are_not() {
    let (_, result) = handshake(
        &TlsOptions::default(),
        "berry.example",
        &Credentials::good(),
    );
    assert_eq!(
        result.unwrap_err().cause,
        canvass_model::Cause::UnknownIssuer
    );
}

#[test]
fn what_a_file_holds_is_not_shown() {
    let key = Credentials::good().key.serialize_pem();
    assert_eq!(
        format!("{:?}", pem("key.pem", &key)),
        "PemFile(\"key.pem\")"
    );
}
