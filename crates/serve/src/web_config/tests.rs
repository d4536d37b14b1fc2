use std::fs;

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

/// The costs are the least, so that the tests are quick.
fn hashed(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

/// A directory with a web configuration, a certificate and its key.
struct Files(TempDir);

impl Files {
    fn new(text: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.renew_certificate();
        files.write("web.yml", text);
        files
    }

    fn renew_certificate(&self) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        self.write("server.crt", &certificate.pem());
        self.write("server.key", &key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn read(&self) -> Result<WebConfig, String> {
        let read = WebConfig::read(&self.0.path().join("web.yml"));
        read.map_err(|error| error.message)
    }
}

const TLS: &str = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";

#[test]
fn what_exporters_accept_is_accepted() {
    let users = format!(
        "basic_auth_users:\n  alice: {}\n  bob: {}\n",
        hashed("a"),
        hashed("b")
    );
    let all = format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: server.crt\n  \
         client_allowed_sans: [a.example.net]\n  min_version: TLS12\n  max_version: TLS13\n  \
         cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n  \
         curve_preferences: [X25519, CurveP256]\n  prefer_server_cipher_suites: false\n\
         http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n    \
         Strict-Transport-Security: max-age=60\n    Content-Security-Policy: ''\n{users}\
         rate_limit:\n  interval: 1s\n  burst: 20\n"
    );
    for (text, has_tls, is_restricted) in [
        ("", false, false),
        ("tls_server_config:\nbasic_auth_users:\n", false, false),
        (TLS, true, false),
        (users.as_str(), false, true),
        (all.as_str(), true, true),
    ] {
        let config = Files::new(text).read().unwrap();
        assert_eq!(config.has_tls(), has_tls, "{text}");
        assert_eq!(config.is_restricted(), is_restricted, "{text}");
    }
    let settings = Files::new(&all).read().unwrap().current();
    assert_eq!(
        settings.headers,
        [
            (
                header::STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=60")
            ),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("deny")),
        ]
    );
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (more, expected) in [
        (
            "basic_auth_user:\n  a: b\n",
            &["basic_auth_user", "line 4"][..],
        ),
        (
            "basic_auth_users:\n  a: hunter2\n",
            &["not one of bcrypt", "line 5"],
        ),
        (
            "http_server_config:\n  headers:\n    X-Other: a\n",
            &["\"X-Other\" cannot be configured"],
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
            &["deny or sameorigin"],
        ),
        (
            "rate_limit:\n  interval: soon\n",
            &["\"soon\" is not a duration", "line 5"],
        ),
        (
            "  min_version: TLS11\n",
            &["TLS11 is not supported", "line 4"],
        ),
        (
            "  min_version: TLS13\n  max_version: TLS12\n",
            &["min_version is after"],
        ),
        (
            "  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n",
            &["TLS_RSA_WITH_AES_128_CBC_SHA is not supported", "line 4"],
        ),
        (
            "  curve_preferences: [CurveP521]\n",
            &["CurveP521 is not supported", "line 4"],
        ),
        ("  client_auth_type: Perhaps\n", &["Perhaps", "line 4"]),
        (
            "  client_auth_type: RequireAndVerifyClientCert\n",
            &["client_ca_file is needed"],
        ),
        (
            "  client_ca_file: server.crt\n",
            &["without a client_auth_type"],
        ),
        (
            "  client_allowed_sans: [a]\n",
            &["client_allowed_sans needs"],
        ),
        ("  cert: PEM\n", &["cert and cert_file exclude each other"]),
    ] {
        let error = Files::new(&format!("{TLS}{more}")).read().err().unwrap();
        for part in expected {
            assert!(error.contains(part), "{more}{error}");
        }
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = Files::new("tls_server_config:\n  cert_file: server.crt\n").read();
    assert!(error.err().unwrap().contains("key_file"));
    let files = Files::new(TLS);
    files.write("server.key", &KeyPair::generate().unwrap().serialize_pem());
    assert!(
        files
            .read()
            .err()
            .unwrap()
            .contains("the certificate and its key")
    );
    fs::remove_file(files.0.path().join("server.key")).unwrap();
    assert!(files.read().err().unwrap().contains("cannot read"));
}

#[test]
fn files_that_have_changed_are_used_unless_they_are_wrong() {
    let files = Files::new(TLS);
    let mut config = files.read().unwrap();
    let (sender, messages) = crossbeam_channel::bounded(8);
    config.set_messages(sender);
    let first = config.current();
    assert!(Arc::ptr_eq(&first, &config.current()));
    files.renew_certificate();
    let second = config.current();
    assert!(!Arc::ptr_eq(&first, &second));
    assert!(
        messages
            .try_recv()
            .unwrap()
            .ends_with("web.yml: read again")
    );
    // Half of a change: the key is still the old one.
    let key = fs::read_to_string(files.0.path().join("server.key")).unwrap();
    files.renew_certificate();
    let new_key = fs::read_to_string(files.0.path().join("server.key")).unwrap();
    files.write("server.key", &key);
    for _ in 0..2 {
        assert!(Arc::ptr_eq(&second, &config.current()));
    }
    let message = messages.try_recv().unwrap();
    assert!(message.contains("stays as it was"), "{message}");
    assert!(messages.is_empty(), "it is said once");
    files.write("server.key", &new_key);
    assert!(!Arc::ptr_eq(&second, &config.current()));
    files.write("web.yml", "");
    config.current();
    let last = messages.try_iter().last().unwrap();
    assert!(last.contains("without a restart"), "{last}");
    assert!(config.has_tls());
}

fn basic(user: &str, password: &str) -> HeaderMap {
    let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let mut headers = HeaderMap::new();
    headers.insert(
        header::AUTHORIZATION,
        format!("Basic {encoded}").parse().unwrap(),
    );
    headers
}

#[test]
fn users_have_their_own_passwords() {
    let text = format!(
        "basic_auth_users:\n  alice: {}\n  bob: {}\n",
        hashed("p:a"),
        hashed("b")
    );
    let settings = Files::new(&text).read().unwrap().current();
    let checker = PasswordChecker::start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let check = |headers: HeaderMap| runtime.block_on(checker.check(&settings.users, &headers));
    // The second time, it is remembered.
    for _ in 0..2 {
        assert_eq!(check(basic("alice", "p:a")), Password::Right);
        for headers in [
            basic("alice", "b"),
            basic("bob", "p:a"),
            basic("carol", "b"),
            basic("", ""),
            HeaderMap::new(),
        ] {
            assert_eq!(check(headers.clone()), Password::Wrong, "{headers:?}");
        }
    }
    let shown = format!("{settings:?}");
    assert!(!shown.contains("$2"), "{shown}");
}
