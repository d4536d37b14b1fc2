//! Comparisons in which the sides would ask different resolvers.

use crate::common::{LabChild, canvass};
use crate::peers::Peer;

#[test]
fn a_resolver_that_libc_does_not_use_is_refused_before_it_is_asked() {
    let peer = Peer::honest();
    let run = canvass(&["compare", "10.0.0.0/24", "-r", &peer.resolver()])
        .exits(2)
        .says(&format!("canvass asks {}, and libc asks ", peer.resolver()))
        .says("/etc/resolv.conf")
        .says("--against ADDR")
        .says("--different-resolvers");
    assert_eq!(run.out, "");
    assert_eq!(peer.queries(), 0);
}

#[test]
fn different_resolvers_that_are_meant_are_compared_with_a_warning() {
    let lab = LabChild::start(&[]);
    let run = canvass(&[
        "compare",
        "127.0.0.1",
        "--different-resolvers",
        "-r",
        &lab.resolver(),
        "--system-threads",
        "1",
        "--budget",
        "5s",
    ])
    .exits(0);
    for part in [
        "getnameinfo, one at a time",
        "localhost",
        "/etc/hosts",
        "the sides do not ask the same resolvers",
    ] {
        assert!(run.out.contains(part), "{part} is not in\n{}", run.out);
    }
}

#[test]
fn two_named_resolvers_are_compared_without_a_warning() {
    let (one, other) = (LabChild::start(&[]), LabChild::start(&[]));
    let (one, other) = (one.resolver(), other.resolver());
    for second in [&*other, "tcp"] {
        let run = canvass(&[
            "compare",
            "10.0.0.0/26",
            "-r",
            &one,
            "--against",
            second,
            "--budget",
            "2s",
        ])
        .exits(0);
        assert!(!run.out.contains("the same resolvers"), "{}", run.out);
    }
}
