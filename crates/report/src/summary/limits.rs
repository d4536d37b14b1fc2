//! Warnings about limits of this machine that a run has reached.

use std::time::Duration;

use canvass_model::{Errno, LocalFaults, ShardReport};

use crate::human::{count, seconds};

/// Outputs were the limit if they held a shard up for at least this long and this share of the run.
const OUTPUT_WAIT_MIN: Duration = Duration::from_millis(100);
const OUTPUT_WAIT_SHARE: f64 = 0.1;

/// What is short if sockets return `errno`, and where to change that.
fn limit_of(errno: Errno) -> Option<(&'static str, &'static str)> {
    Some(match errno.name()? {
        "EMFILE" => (
            "this process had no descriptor left",
            "raise `ulimit -n` or lower --concurrency",
        ),
        "ENFILE" => (
            "the whole system had no open file left",
            "raise fs.file-max",
        ),
        "EADDRNOTAVAIL" | "EADDRINUSE" => (
            "no local port was left",
            "widen net.ipv4.ip_local_port_range",
        ),
        "ENOBUFS" => (
            "there was no room for a packet",
            "raise net.core.wmem_max and the txqueuelen of the interface, or lower --rate",
        ),
        "EAGAIN" => (
            "a send buffer, or the backlog of a Unix socket, was full",
            "raise net.core.wmem_default, or lower --rate",
        ),
        "ENOMEM" => (
            "the kernel had no memory for a socket",
            "raise net.ipv4.tcp_mem and net.ipv4.udp_mem, or lower --concurrency",
        ),
        "EPERM" => (
            "a firewall or policy of this machine forbade it",
            "check `nft list ruleset` and net.netfilter.nf_conntrack_max",
        ),
        "EACCES" => (
            "a route or policy of this machine forbade it",
            "check `ip route get ADDRESS`",
        ),
        _ => return None,
    })
}

/// A warning for each error with which the system refused to send or to open sockets.
pub(super) fn refusals(shards: &[ShardReport]) -> impl Iterator<Item = String> {
    let mut all = LocalFaults::default();
    for shard in shards {
        all.add(&shard.local_faults);
    }
    all.by_errno().into_iter().map(|(errno, times)| {
        let times = count(times, "time", "times");
        let (what, advice) = match limit_of(errno) {
            Some((what, advice)) => (format!(", since {what}"), advice.to_owned()),
            None => (String::new(), format!("see `canvass explain {errno}`")),
        };
        format!(
            "the system refused to send or to open a socket {times} with {errno}{what}; {advice}; \
             the peers are not the cause"
        )
    })
}

/// A warning if outcomes waited for the outputs.
pub(super) fn slow_outputs(shards: &[ShardReport], wall: Duration) -> Option<String> {
    let waited = shards.iter().map(|shard| shard.output_wait).max()?;
    let share = waited.as_secs_f64() / wall.as_secs_f64().max(f64::MIN_POSITIVE);
    (waited >= OUTPUT_WAIT_MIN && share >= OUTPUT_WAIT_SHARE).then(|| {
        format!(
            "the run waited {} for its output: the reader of standard output or the disk of -o was \
             the limit, not the peers",
            seconds(waited)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(errnos: &[i32]) -> ShardReport {
        let mut shard = ShardReport::default();
        for errno in errnos {
            shard.local_faults.count(Errno(*errno));
        }
        shard
    }

    #[test]
    fn each_error_has_a_warning_that_names_its_limit() {
        for (errno, limit) in [
            (24, "ulimit -n"),
            (23, "fs.file-max"),
            (99, "net.ipv4.ip_local_port_range"),
            (98, "net.ipv4.ip_local_port_range"),
            (105, "net.core.wmem_max"),
            (11, "net.core.wmem_default"),
            (12, "net.ipv4.udp_mem"),
            (1, "net.netfilter.nf_conntrack_max"),
            (13, "ip route get"),
            (22, "canvass explain EINVAL"),
        ] {
            let warnings: Vec<String> = refusals(&[shard(&[errno]), shard(&[errno])]).collect();
            assert_eq!(warnings.len(), 1);
            assert!(warnings[0].contains(limit), "{}", warnings[0]);
            let times = format!("2 times with {}", Errno(errno));
            assert!(warnings[0].contains(&times), "{}", warnings[0]);
        }
        let both: Vec<String> = refusals(&[shard(&[1, 24, 24])]).collect();
        assert!(both[0].contains("EMFILE") && both[1].contains("EPERM"));
    }

    #[test]
    fn an_output_is_the_limit_if_it_takes_much_of_the_run() {
        let waited = |millis| ShardReport {
            output_wait: Duration::from_millis(millis),
            ..ShardReport::default()
        };
        let wall = Duration::from_secs(4);
        assert_eq!(slow_outputs(&[waited(399), waited(0)], wall), None);
        assert_eq!(
            slow_outputs(&[waited(90)], Duration::from_millis(100)),
            None
        );
        let warning = slow_outputs(&[waited(400), waited(10)], wall).unwrap();
        assert!(
            warning.contains("waited 400 ms for its output"),
            "{warning}"
        );
    }
}
