//! What TLS shows, and what is wrong with it.

use std::fs;

use serde_json::json;

use crate::http_rig::{WebLab, fault, http, lines, message, probe, reached};

#[test]
fn every_bad_certificate_has_its_cause_and_all_its_facts() {
    let lab = WebLab::local();
    let args = ["-r", &lab.resolver(), "-4", "--cacert", &lab.ca()];
    for (host, cause, word) in [
        ("expired", "expired", "expired"),
        ("notyet", "notyetvalid", "not valid before"),
        ("wronghost", "wronghost", "other.example.org"),
        ("selfsigned", "unknownissuer", "self-signed"),
        (
            "unknownissuer",
            "unknownissuer",
            "an authority nobody knows",
        ),
        ("nochain", "unknownissuer", "intermediate"),
        ("purpose", "badcertificate", "servers"),
    ] {
        let host = format!("{host}.lab.test");
        let object = probe(&args, &lab.secure_url(&host, "/"));
        assert_eq!(fault(&object), ("TLS", "tls", cause), "{object}");
        assert!(message(&object).contains(word), "{object}");
        let tls = &object["tls"];
        assert_eq!(tls["verified"], false);
        assert!(
            tls["verify_error"].as_str().unwrap().contains(word),
            "{tls}"
        );
        let name = if cause == "wronghost" {
            "other.example.org"
        } else {
            &host
        };
        assert_eq!(tls["subject"], format!("CN={name},O=canvass lab"));
        assert_eq!(tls["sans"], json!([name]));
        assert_eq!(
            tls["days_left"].as_i64().unwrap() < 0,
            cause == "expired",
            "{tls}"
        );
        assert_eq!(tls["sha256"].as_str().unwrap().len(), 64, "{tls}");
        assert_eq!(
            (&tls["version"], &tls["alpn"]),
            (&json!("TLSv1.3"), &json!("http/1.1"))
        );
        assert_eq!(reached(&object), ["wait", "resolve", "connect", "tls"]);
        assert!(object["status_code"].is_null());

        // With leave the probe goes on, and says the same of the certificate.
        let mut insecure = args.to_vec();
        insecure.push("--insecure");
        let object = probe(&insecure, &lab.secure_url(&host, "/status/202"));
        assert_eq!(
            (&object["outcome"], &object["status"]),
            (&json!("answered"), &json!("202"))
        );
        for fact in [
            "verified",
            "verify_error",
            "subject",
            "sha256",
            "not_after",
            "chain_length",
        ] {
            assert_eq!(object["tls"][fact], tls[fact], "{fact}");
        }
    }
}

#[test]
fn a_good_chain_is_told_in_full() {
    let lab = WebLab::local();
    let args = ["-r", &lab.resolver(), "-4", "--cacert", &lab.ca()];
    let tls = |host: &str| {
        let object = probe(&args, &lab.secure_url(host, "/"));
        assert_eq!(object["status"], "200", "{object}");
        object["tls"].clone()
    };
    let chain = tls("chain.lab.test");
    assert_eq!(
        (&chain["verified"], &chain["chain_length"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(
        chain["issuer"],
        "CN=canvass lab intermediate authority,O=canvass lab"
    );
    assert_eq!(chain["verify_error"], json!(null));
    let days_left = chain["days_left"].as_i64().unwrap();
    assert!((89..=90).contains(&days_left), "{chain}");
    for key in ["not_before", "not_after"] {
        let text = chain[key].as_str().unwrap();
        assert_eq!(
            (text.len(), &text[19..]),
            ("2026-01-02T03:04:05Z".len(), "Z"),
            "{text}"
        );
    }
    assert_eq!(tls("tls13.lab.test")["version"], "TLSv1.3");
    let old = tls("tls12.lab.test");
    assert_eq!(old["version"], "TLSv1.2");
    assert!(
        old["cipher"].as_str().unwrap().starts_with("TLS_ECDHE_"),
        "{old}"
    );
    // Addresses have certificates too, and no server name (RFC 6066 §3).
    let good = probe(&["--cacert", &lab.ca()], &lab.secure_url("127.0.0.1", "/"));
    assert_eq!(good["tls"]["verified"], true, "{good}");
}

#[test]
fn roots_decide_what_is_trusted() {
    let lab = WebLab::local();
    let url = lab.secure_url("127.0.0.1", "/");
    // The lab's authority is none of the world's.
    let object = probe(&[], &url);
    assert_eq!(fault(&object), ("TLS", "tls", "unknownissuer"), "{object}");
    assert_eq!(object["tls"]["subject"], "CN=good.lab.test,O=canvass lab");
    assert_eq!(
        probe(&["--cacert", &lab.ca()], &url)["tls"]["verified"],
        true
    );
    let empty = tempfile::NamedTempFile::new().unwrap();
    fs::write(&empty, "no certificate\n").unwrap();
    let path = empty.path().to_str().unwrap();
    http(&["--cacert", path], &[&url]).exits(2).says(path);
}

#[test]
fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let lab = WebLab::local();
    let (ca, client, resolver) = (lab.ca(), lab.client(), lab.resolver());
    let plain = ["-r", &resolver, "-4", "--cacert", &ca];
    let url = lab.secure_url("clientcert.lab.test", "/");
    let object = probe(&plain, &url);
    assert_eq!(
        (fault(&object).0, fault(&object).2),
        ("TLS", "alert"),
        "{object}"
    );
    assert!(
        message(&object).contains("certificate_required"),
        "{object}"
    );
    // The server's own certificate was good.
    assert_eq!(object["tls"]["verified"], true);

    let mut with = plain.to_vec();
    with.extend(["--cert", &client, "--key", &client]);
    let object = probe(&with, &url);
    assert_eq!(object["status"], "200", "{object}");
    // A server that does not request it ignores it.
    assert_eq!(
        probe(&with, &lab.secure_url("good.lab.test", "/"))["status"],
        "200"
    );
    http(&["--cert", &client, "--key", &ca], &[&url]).exits(2);
}

#[test]
fn a_server_that_is_not_verified_never_sees_a_client_certificate() {
    let lab = WebLab::local();
    let (ca, client, resolver) = (lab.ca(), lab.client(), lab.resolver());
    // For this name the lab's certificate is wrong, and it asks for the client's.
    let pin = format!("other.test::127.0.0.1:{}", lab.https.port());
    let args = [
        "-r",
        &resolver,
        "-4",
        "--cacert",
        &ca,
        "--cert",
        &client,
        "--key",
        &client,
        "--connect-to",
        &pin,
        "--server-name",
        "expired.lab.test",
    ];
    let object = probe(&args, "https://other.test/");
    assert_eq!(fault(&object), ("TLS", "tls", "expired"), "{object}");
}

#[test]
fn handshakes_fail_in_their_own_ways() {
    let lab = WebLab::local();
    let args = [
        "-r",
        &lab.resolver(),
        "-4",
        "--cacert",
        &lab.ca(),
        "--tls-timeout",
        "2s",
    ];
    for (host, status, cause, word) in [
        ("reset", "RESET", "reset", "reset"),
        ("close", "RESET", "closed", "closed"),
        ("alert", "TLS", "alert", "handshake_failure"),
        ("notls", "TLS", "handshake", "not TLS"),
        ("hang", "TIMEOUT", "timeout", "handshake"),
    ] {
        let object = probe(&args, &lab.secure_url(&format!("{host}.lab.test"), "/"));
        assert_eq!(fault(&object), (status, "tls", cause), "{object}");
        assert!(message(&object).contains(word), "{object}");
        assert_eq!(object["tls"]["verified"], json!(null), "{object}");
        assert_eq!(object["tls"]["subject"], json!(null));
    }
}

#[test]
fn another_name_may_be_asked_for() {
    let lab = WebLab::local();
    let ca = lab.ca();
    let url = lab.secure_url("127.0.0.1", "/");
    let named = |name: &str| probe(&["--cacert", &ca, "--server-name", name], &url);
    let object = named("tls12.lab.test");
    assert_eq!(object["tls"]["subject"], "CN=tls12.lab.test,O=canvass lab");
    assert_eq!(
        (&object["status"], &object["tls"]["verified"]),
        (&json!("200"), &json!(true))
    );
    assert_eq!(fault(&named("wronghost.lab.test")).2, "wronghost");
}

#[test]
fn resumption_is_off_so_that_each_probe_sees_a_whole_handshake() {
    let lab = WebLab::local();
    let urls: Vec<String> = (0..20)
        .map(|n| lab.secure_url("127.0.0.1", &format!("/?{n}")))
        .collect();
    let run = http(&["--cacert", &lab.ca(), "--per-host", "1"], &urls).exits(0);
    for object in lines(&run, 20) {
        assert_eq!(object["tls"]["chain_length"], 1, "{object}");
        assert!(object["tls"]["sha256"].is_string());
        assert!(object["phases_ms"]["tls"].is_f64());
    }
}

#[test]
fn text_says_when_a_certificate_ends_and_what_is_wrong_with_it() {
    let run = crate::common::canvass(&[
        "http",
        "--lab",
        "https://good.lab.test/",
        "https://expired.lab.test/",
        "--per-host",
        "1",
    ]);
    let line = |host: &str| run.out.lines().find(|line| line.contains(host)).unwrap();
    assert!(line("good").contains("certificate ends in"), "{}", run.out);
    let expired = line("expired");
    assert!(
        expired.contains("TLS") && expired.contains("expired:"),
        "{expired}"
    );
    assert!(
        expired.contains("Z, 1 day ago | certificate ended 1 day ago"),
        "{expired}"
    );
}

#[test]
fn versions_are_offered_as_asked() {
    let old = probe(&["--lab", "--tls-max", "1.2"], "https://good.lab.test/");
    assert_eq!(old["tls"]["version"], "TLSv1.2", "{old}");
    let new = probe(&["--lab", "--tls-min", "1.3"], "https://good.lab.test/");
    assert_eq!(new["tls"]["version"], "TLSv1.3", "{new}");
    let none = probe(&["--lab", "--tls-max", "1.2"], "https://tls13.lab.test/");
    assert_eq!(fault(&none), ("TLS", "tls", "alert"), "{none}");
    let run = http(
        &["--lab", "--tls-min", "1.3", "--tls-max", "1.2"],
        &["https://good.lab.test/"],
    );
    assert!(run.exits(2).err.contains("newer than the newest"));
}
