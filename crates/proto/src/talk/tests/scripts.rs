//! What is no script, and what is said of it.

use crate::talk::{CredentialUse, SCRIPT_BYTES_MAX, Script};

fn error(text: &str) -> String {
    Script::parse(text, "x.yaml").unwrap_err().to_string()
}

#[test]
fn bad_scripts_are_told_what_is_wrong_and_where() {
    for (text, message) in [
        ("", "x.yaml: the script is empty"),
        ("hello", "x.yaml: line 1: a script is a list of steps"),
        ("[]", "x.yaml: line 1: there are no steps"),
        (
            "query_response:",
            "x.yaml: line 1: `query_response` must be a list of steps",
        ),
        (
            "crlf: true\n",
            "x.yaml: line 1: there is no `query_response`",
        ),
        (
            "- expect: a\n- 7\n",
            "x.yaml: line 2, step 2: a step must be a mapping",
        ),
        ("- {}\n", "x.yaml: line 1, step 1: the step does nothing"),
        (
            "- starttls: false\n",
            "x.yaml: line 1, step 1: the step does nothing",
        ),
        (
            "- expect: a\n- expect: b\n  sned: c\n",
            "x.yaml: line 3, step 2: `sned` is no key of a step; there are `when`, `expect`, \
             `expect_bytes`, `expect_line`, `read`, `match`, `as`, `form`, `partial`, `fail`, `gather`, `gather_skip`, \
             `labels`, `delay`, `send`, `crlf`, `newline`, `send_bytes`, `half_close`, `starttls`",
        ),
        (
            "steps: [{send: a}]",
            "x.yaml: line 1: `steps` is no key of a script; there are `query_response`, `crlf`, \
             `fail`, `tls`, `timeout`, `quiet_after`, `text`, `telnet`, `prober`, `tcp`",
        ),
        (
            "tcp:\n  query_response: [{send: a}]\n  tls_options: {}\n",
            "x.yaml: line 3: `tls_options` is no key of `tcp`; there are `query_response`, `crlf`, \
             `fail`, `tls`, `tls_config`, `preferred_ip_protocol`, `ip_protocol_fallback`, \
             `source_ip_address`",
        ),
        (
            "tcp: {query_response: [{send: a}]}\nquery_response: []\n",
            "x.yaml: line 2: `query_response` is no key of a module; there are `prober`, \
             `timeout`, `tcp`",
        ),
        (
            "prober: http\n",
            "x.yaml: line 1: only `prober: tcp` holds conversations, not `http`",
        ),
        (
            "- send: a\n  send: b\n",
            "x.yaml: line 2: `send` stands here twice",
        ),
        (
            "- send: a\n  send_bytes: 61\n",
            "x.yaml: line 2, step 1: `send` and `send_bytes` exclude each other",
        ),
        (
            "- expect: a\n  expect_bytes: b\n",
            "x.yaml: line 2, step 1: `expect` and `expect_bytes` exclude each other",
        ),
        (
            "- send: a\n  labels: []\n",
            "x.yaml: line 2, step 1: `labels` stands only with `expect`",
        ),
        (
            "- read: 1\n  fail: a\n",
            "x.yaml: line 2, step 1: `fail` stands only with `expect` or `expect_line`",
        ),
        (
            "- expect:\n",
            "x.yaml: line 1, step 1: `expect` has no value",
        ),
        (
            "- expect: ''\n",
            "x.yaml: line 1, step 1: `expect` is empty",
        ),
        (
            "- expect: [a]\n",
            "x.yaml: line 1, step 1: `expect` must be one value, not several",
        ),
        (
            "- expect: '('\n",
            "x.yaml: line 1, step 1: `expect` is no regular expression: /(/: unclosed group",
        ),
        (
            "- expect: '(?:a{1000}){1000}'\n",
            "x.yaml: line 1, step 1: `expect` is no regular expression: /(?:a{1000}){1000}/: it is \
             too large once compiled",
        ),
        (
            "- expect: !!binary '/w=='\n",
            "x.yaml: line 1, step 1: `expect` must be text",
        ),
        (
            "- expect: '(?P<nonce>a)'\n",
            "x.yaml: line 1, step 1: `expect` has a group `nonce`, and that word means something else in `send`",
        ),
        (
            "- expect_bytes: ''\n",
            "x.yaml: line 1, step 1: `expect_bytes` is empty",
        ),
        (
            "- expect_line: \"a\\n\"\n",
            "x.yaml: line 1, step 1: `expect_line` is one line, without its end",
        ),
        (
            "- expect: a\n  gather: b\n",
            "x.yaml: line 2, step 1: `gather` needs a named group, as in (?P<name>...)",
        ),
        (
            "- expect: a\n  gather_skip: 1\n",
            "x.yaml: line 2, step 1: `gather_skip` stands only with `gather`",
        ),
        (
            "- expect: a\n  labels: {a: b}\n",
            "x.yaml: line 2, step 1: `labels` must be a list of `name` and `value`",
        ),
        (
            "- expect: a\n  labels: [{name: b}]\n",
            "x.yaml: line 2, step 1: a label needs a `value`",
        ),
        (
            "- expect: a\n  labels: [{name: 'b c', value: d}]\n",
            "x.yaml: line 2, step 1: `name` must be a name of letters, digits, `_`, `-` and `.`",
        ),
        (
            "- send: ''\n",
            "x.yaml: line 1, step 1: `send` is empty, and would send nothing; an empty line is `send_bytes: 0a`",
        ),
        (
            "- send: ${1}\n",
            "x.yaml: line 1, step 1: `${1}` has no `expect` before it",
        ),
        (
            "- expect: (a)\n- send: ${2}\n",
            "x.yaml: line 2, step 2: `${2}` is no group of the last `expect`, /(a)/",
        ),
        (
            "- send: '${1'\n",
            "x.yaml: line 1, step 1: a `${` has no `}`",
        ),
        (
            "- send: ${env:HOME}\n",
            "x.yaml: line 1, step 1: `${env:HOME}`: a script cannot read the environment; \
             credentials are `${user}` and `${password}`",
        ),
        (
            "- expect_line: ${password}\n",
            "x.yaml: line 1, step 1: `${password}` cannot stand here",
        ),
        (
            "- send: a\n  newline: cr\n",
            "x.yaml: line 2, step 1: `newline` can only be `none`, `lf` or `crlf`",
        ),
        (
            "- send: a\n  crlf: yes\n",
            "x.yaml: line 2, step 1: `crlf` must be true or false, not `yes`",
        ),
        (
            "- send_bytes: 0 1 2\n",
            "x.yaml: line 1, step 1: `send_bytes` must be pairs of hex digits, not `0 1 2`",
        ),
        (
            "- send_bytes: xy\n",
            "x.yaml: line 1, step 1: `send_bytes` must be pairs of hex digits, not `xy`",
        ),
        (
            "- read: some\n",
            "x.yaml: line 1, step 1: `read` must be a number up to 67108864, not `some`",
        ),
        (
            "- read: 1048577\n  as: a\n",
            "x.yaml: line 1, step 1: `read` must be a number up to 1048576, not `1048577`",
        ),
        (
            "- read: 0\n",
            "x.yaml: line 1, step 1: `read: 0` would read nothing",
        ),
        (
            "- read: 1\n  form: hex\n",
            "x.yaml: line 2, step 1: `form` stands only with `as`",
        ),
        (
            "- read: 8\n  as: a\n  form: time\n",
            "x.yaml: line 1, step 1: `form: time` is made of `read: 4`",
        ),
        (
            "- read: 8\n  as: a\n  form: b64\n",
            "x.yaml: line 3, step 1: `form` can only be `text`, `hex`, `time` or `ntp`",
        ),
        (
            "- delay: soon\n",
            "x.yaml: line 1, step 1: `delay` must be a span such as 150ms or 2s, not `soon`",
        ),
        (
            "- delay: 2h\n",
            "x.yaml: line 1, step 1: `delay` is at most 3600 s",
        ),
        (
            "- when: possible\n  send: a\n",
            "x.yaml: line 1, step 1: `when` can only be `credentials`, `plain`, or a capture with what \
             it must match",
        ),
        (
            "- when: {a b: x}\n  send: a\n",
            "x.yaml: line 1, step 1: `when` must be a name of letters, digits, `_`, `-` and `.`",
        ),
        (
            "- when: {a: '('}\n  send: a\n",
            "x.yaml: line 1, step 1: `a` is no regular expression: /(/: unclosed group",
        ),
        (
            "- send: a\n  match: b\n",
            "x.yaml: line 2, step 1: `match` stands only with `read`",
        ),
        (
            "- read: {order: big}\n",
            "x.yaml: line 1, step 1: `read` needs the `length` of the length, from 1 to 4",
        ),
        (
            "- read: {length: 5}\n",
            "x.yaml: line 1, step 1: `length` must be a number up to 4, not `5`",
        ),
        (
            "- read: {length: 2, order: middle}\n",
            "x.yaml: line 1, step 1: `order` can only be `big` or `little`",
        ),
        (
            "- read: 4\n  as: a\n  form: ntp\n",
            "x.yaml: line 1, step 1: `form: ntp` is made of `read: 48`",
        ),
        (
            "- half_close: true\n- send: a\n",
            "x.yaml: line 2, step 2: nothing can be sent after `half_close`",
        ),
        (
            "- half_close: true\n- half_close: true\n",
            "x.yaml: line 2, step 2: `half_close` can be done once",
        ),
        (
            "- half_close: true\n- starttls: true\n",
            "x.yaml: line 2, step 2: TLS cannot begin after `half_close`",
        ),
        (
            "- starttls: true\n- starttls: true\n",
            "x.yaml: line 2, step 2: TLS is there already",
        ),
        (
            "tls: true\nquery_response:\n- starttls: true\n",
            "x.yaml: line 3, step 1: TLS is there already",
        ),
    ] {
        assert_eq!(error(text), message, "{text:?}");
    }
}

#[test]
fn yaml_that_is_none_has_a_line_too() {
    let error = error("- expect: a\n- send: \"b\n");
    assert!(
        error.starts_with("x.yaml: line ") && !error.ends_with('.'),
        "{error}"
    );
    let error = Script::parse("- send: a\n  bad\n", "x.yaml").unwrap_err();
    assert_eq!((error.line().is_some(), error.step()), (true, None));
    let error = Script::parse("- send: a\n- sned: a\n", "x.yaml").unwrap_err();
    assert_eq!((error.line(), error.step()), (Some(2), Some(2)));
}

#[test]
fn scripts_have_a_limit() {
    let long = format!("- send: {}\n", "a".repeat(SCRIPT_BYTES_MAX));
    assert_eq!(
        error(&long),
        format!(
            "x.yaml: a script has at most 262144 octets, and this one {}",
            long.len()
        )
    );
    let many = "- send: a\n".repeat(101);
    assert_eq!(
        error(&many),
        "x.yaml: line 1: a script has at most 100 steps, and this one 101"
    );
    assert!(Script::parse(&"- send: a\n".repeat(100), "x.yaml").is_ok());
}

#[test]
fn numbers_and_flags_are_text_where_text_is_asked_for() {
    for text in [
        "- expect: 220\n",
        "- send: true\n",
        "- expect: 0x10\n",
        "- expect_bytes: 007\n",
    ] {
        assert!(Script::parse(text, "x.yaml").is_ok(), "{text}");
    }
}

#[test]
fn the_use_of_credentials_is_told() {
    for (text, used) in [
        ("- send: a\n", CredentialUse::None),
        ("- send: ${user}\n", CredentialUse::Required),
        ("- send: ${password.quoted}\n", CredentialUse::Required),
        (
            "- send: ${password}\n  when: credentials\n",
            CredentialUse::Optional,
        ),
        (
            "- send: ${password}\n  when: credentials\n- send: ${user}\n",
            CredentialUse::Required,
        ),
    ] {
        let script = Script::parse(text, "x.yaml").unwrap();
        assert_eq!(script.credential_use(), used, "{text}");
        assert_eq!(script.needs_credentials(), used == CredentialUse::Required);
    }
}
