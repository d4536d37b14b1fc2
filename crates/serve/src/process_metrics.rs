//! What this process uses, by Prometheus' conventional names.

use std::fmt;
use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::exposition::{Families, Labels};

/// Writes what this process uses. What the system does not tell is left out.
pub(crate) fn write(families: &mut Families<'_>) -> fmt::Result {
    let none: Labels<'_, 0> = [];
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    families.counters(
        "process_cpu_seconds",
        "Total user and system CPU time spent in seconds.",
        [(none, cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9)],
    )?;
    for (name, help, value) in [
        (
            "process_virtual_memory_bytes",
            "Virtual memory size in bytes.",
            memory_pages(0).map(|pages| pages * page_size() as f64),
        ),
        (
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            memory_pages(1).map(|pages| pages * page_size() as f64),
        ),
        (
            "process_open_fds",
            "Number of open file descriptors.",
            open_descriptors(),
        ),
        (
            "process_max_fds",
            "Maximum number of open file descriptors.",
            getrlimit(Resource::Nofile)
                .current
                .map(|limit| limit as f64),
        ),
        (
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            start_time_s(),
        ),
    ] {
        if let Some(value) = value {
            families.gauge(name, help, value)?;
        }
    }
    Ok(())
}

/// A field of proc_pid_statm(5), in pages.
fn memory_pages(field: usize) -> Option<f64> {
    let sizes = fs::read_to_string("/proc/self/statm").ok()?;
    sizes.split_ascii_whitespace().nth(field)?.parse().ok()
}

/// The number of open descriptors, without the one that counts them.
fn open_descriptors() -> Option<f64> {
    let all = fs::read_dir("/proc/self/fd").ok()?;
    Some(all.count().saturating_sub(1) as f64)
}

/// When the process started: in ticks since the system did (proc_pid_stat(5)), and when that was.
fn start_time_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in parentheses, which may have spaces and parentheses in it.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: f64 = fields.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let system = fs::read_to_string("/proc/stat").ok()?;
    let booted = system
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?;
    let booted_s: f64 = booted.trim().parse().ok()?;
    Some(booted_s + ticks / clock_ticks_per_second() as f64)
}
