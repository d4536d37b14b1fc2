"""Compares the choice of `--transport auto` with UDP and TCP, for `servers`."""

import contextlib
import dataclasses
import os
import tempfile

import harness
import upstreams
from harness import verdict

BEHIND = ("--delay", "20ms")
AUTO, UDP, TCP = "auto", "udp", "tcp"
HEADING = [
    "server", "targets", "right", "attempts", "auto", "udp", "tcp", "CPU/target: auto", "udp",
    "tcp", "by TCP", "",
]


@dataclasses.dataclass(frozen=True)
class Row:
    """One server, the transports it is asked by, and what must hold for the medians."""

    # None is the lab itself, without a delay.
    start: object = None
    targets: int = 100_000
    zone: str = "lab"
    transports: tuple = (AUTO, UDP, TCP)
    rounds: int = 3
    # The wall time and the CPU of auto over those of the transports named, the better if there are
    # several.
    wall_max: tuple = None
    cpu_max: tuple = None
    # The share of answers that come over TCP.
    by_tcp_min: float = 0
    no_stream: bool = False


ROWS = {
    "lane-knot": Row(
        upstreams.knot, targets=200_000, zone="synth", wall_max=(1.2, TCP), cpu_max=(1.3, TCP)
    ),
    "lane-unbound": Row(upstreams.unbound, wall_max=(1.1, UDP, TCP)),
    "lane-bind": Row(upstreams.bind_forwarding, wall_max=(1.1, UDP, TCP)),
    "lane-pdns": Row(upstreams.pdns_recursor, wall_max=(1.1, UDP, TCP)),
    "lane-dnsmasq": Row(
        upstreams.dnsmasq, transports=(AUTO, UDP), rounds=5, wall_max=(1.03, UDP)
    ),
    # The medians of two equal runs of some milliseconds differ by some per cent.
    "lane-short": Row(
        targets=1_000, transports=(AUTO, UDP), rounds=15, wall_max=(1.05, UDP), no_stream=True
    ),
    "lane-bind-rrl": Row(
        upstreams.bind_limited, targets=10_000, zone="wildcard", transports=(AUTO,), by_tcp_min=0.5
    ),
}


@dataclasses.dataclass
class Measured:
    """One run, the verification of its output, and the connections to the lab."""

    done: harness.Run
    found: dict
    connections: int


def look_up(args, address, directory, targets, flags, verify_flags):
    """Looks the addresses up, and returns the run with the verification of its output."""
    output = os.path.join(directory, "output.ndjson")
    command = harness.canvass_ptr(args.canvass, targets, [address], output, *flags)
    done = harness.run(command, core=None, scratch=directory)
    found = harness.floor_json(
        args.floor, "verify", output, "--targets", targets, *verify_flags,
        core=None, scratch=directory,
    )
    return done, found


def line(args, name, row, scratch):
    """The cells of a row, and whether it holds."""
    runs = {transport: [] for transport in row.transports}
    for _ in range(row.rounds):
        for transport in row.transports:
            runs[transport].append(measure(args, row, transport, scratch))
    wall = medians(runs, lambda run: run.done.wall_s)
    cpu_us = medians(runs, lambda run: run.done.cpu_s * 1e6 / row.targets)
    right = min(run.found["right"] for run in runs[AUTO]) / row.targets
    attempts = harness.median([run.found["attempts_per_target"] for run in runs[AUTO]])
    by_tcp = harness.median([run.found["tcp"] for run in runs[AUTO]]) / row.targets
    misses = [*too_much("wall", row.wall_max, wall), *too_much("CPU", row.cpu_max, cpu_us)]
    if right < 1:
        misses.append("not all right")
    if by_tcp < row.by_tcp_min:
        misses.append(f"by TCP < {row.by_tcp_min:.0%}")
    if row.no_stream and any(run.connections for run in runs[AUTO]):
        misses.append("a stream was opened")
    shown = (AUTO, UDP, TCP)
    return [
        name, f"{row.targets:,}", f"{right:.3%}", f"{attempts:.3f}",
        *(f"{wall[one]:.2f} s" if one in wall else "-" for one in shown),
        *(f"{cpu_us[one]:.1f} us" if one in cpu_us else "-" for one in shown),
        f"{by_tcp:.0%}", verdict(not misses) + ": " * bool(misses) + ", ".join(misses),
    ], not misses


def measure(args, row, transport, scratch):
    """One run with a server of its own: forwarders keep what they have been asked for."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(dir=scratch))
        behind = BEHIND if row.start else ()
        server = lab = stack.enter_context(harness.LabServer(args.canvass, *behind, core=None))
        if row.start:
            server = stack.enter_context(row.start(directory, lab.address))
        done, found = look_up(
            args, server.address, directory, row.targets, ("--transport", transport),
            ("--zone", row.zone),
        )
    return Measured(done, found, lab.count("connections? accepted"))


def medians(runs, value):
    return {
        transport: harness.median([value(run) for run in of_transport])
        for transport, of_transport in runs.items()
    }


def too_much(what, bound, medians_by_transport):
    """Says if the median of auto exceeds a bound."""
    if bound is None:
        return
    times, *transports = bound
    best = min(medians_by_transport[transport] for transport in transports)
    found = medians_by_transport[AUTO] / best
    if found > times:
        yield f"{what} {found:.2f} times that of {' or '.join(transports)} > {times}"
