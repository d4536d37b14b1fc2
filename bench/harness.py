"""Shared by the measurements: timed programs, servers and tables."""

import contextlib
import dataclasses
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLIENT_CORE = 0
SERVER_CORE = 1
START_TIMEOUT_S = 10
END_TIMEOUT_S = 30
PEAK_POLL_S = 0.02


class Failure(Exception):
    """The measurement could not be made."""


@dataclasses.dataclass
class Run:
    """A finished program. The peak is of resident memory."""

    status: int
    wall_s: float
    user_s: float
    system_s: float
    peak_mib: float
    stdout: str
    stderr: str
    watched: object = None

    @property
    def cpu_s(self):
        return self.user_s + self.system_s


def program(name, given=None):
    """The path `given`, or that of the program of this name in the release build."""
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    path = given or os.path.join(target, "release", name)
    if not os.access(path, os.X_OK):
        raise Failure(
            f"{path} is no program; build it: cargo build --release -p canvass -p canvass-bench"
        )
    return path


def needed(tool):
    """The path of a tool of the system."""
    path = shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise Failure(f"{tool} is required but not installed")
    return path


def pinned(core, command):
    if core is None:
        return [str(word) for word in command]
    return [needed("taskset"), "-c", str(core % os.cpu_count())] + [str(word) for word in command]


def run(command, core=CLIENT_CORE, scratch="/tmp", timeout_s=900, watch=None):
    """Runs a program, and returns its cost. `watch` is called with its process id, and the result of its
    `stop()` is kept."""
    with contextlib.ExitStack() as stack:
        out, err = (
            stack.enter_context(open(os.path.join(scratch, name), "w+b"))
            for name in ("stdout", "stderr")
        )
        own_peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.monotonic()
        child = subprocess.Popen(
            pinned(core, command), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        peak = PeakWatch(child.pid)
        watched = watch and watch(child.pid)
        alarm = threading.Timer(timeout_s, child.kill)
        alarm.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.monotonic() - began
        alarm.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        polled_kib = peak.stop()
        # The rusage of a child includes the copy of this process before exec. Only a larger peak is
        # that of the program.
        peak_kib = usage.ru_maxrss if usage.ru_maxrss > own_peak_kib else polled_kib
        out.seek(0)
        err.seek(0)
        return Run(
            child.returncode,
            wall_s,
            usage.ru_utime,
            usage.ru_stime,
            peak_kib / 1024,
            out.read().decode(errors="replace"),
            err.read().decode(errors="replace"),
            watched and watched.stop(),
        )


class PeakWatch:
    """Polls the peak of resident memory of a process."""

    def __init__(self, pid):
        self.path = f"/proc/{pid}/status"
        self.peak_kib = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.ended.wait(PEAK_POLL_S):
            try:
                with open(self.path) as status:
                    found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
            except OSError:
                return
            if found:
                self.peak_kib = max(self.peak_kib, int(found[1]))

    def stop(self):
        self.ended.set()
        self.thread.join()
        return self.peak_kib


class Server:
    """A child process that serves until the end of a `with` block."""

    def __init__(self, command, core):
        self.child = subprocess.Popen(
            pinned(core, command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Unbuffered, so that `select` sees a second line.
            bufsize=0,
        )
        self.report = ""
        self.cpu_s = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.child.send_signal(signal.SIGTERM)
        self.end()

    def end(self):
        """Waits for its end, once, and keeps its output and its cost."""
        if self.child.returncode is not None:
            return
        alarm = threading.Timer(END_TIMEOUT_S, self.child.kill)
        alarm.start()
        err = self.child.stderr.read()
        out = self.child.stdout.read()
        _, status, usage = os.wait4(self.child.pid, 0)
        alarm.cancel()
        self.child.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.report = (out + err).decode(errors="replace").strip()

    def first_line(self):
        ready, _, _ = select.select([self.child.stdout], [], [], START_TIMEOUT_S)
        line = self.child.stdout.readline().decode() if ready else ""
        if not line:
            self.__exit__()
            raise Failure(f"a server did not start: {self.report}")
        return line


class LabServer(Server):
    """`canvass lab` on a free port, optionally with a service."""

    def __init__(self, canvass, *flags, listen="127.0.0.1", service=None, core=SERVER_CORE):
        super().__init__([canvass, "lab", "--listen", f"{listen}:0", *flags], core)
        if service:
            self.service_port = int(self.first_line().rsplit(":", 1)[1])
        found = re.search(r":(\d+) ", self.first_line())
        self.port = int(found[1])
        self.address = f"127.0.0.1:{self.port}"

    @property
    def queries(self):
        """The number of queries; it must have ended."""
        return self.count("quer(?:y|ies) over UDP") + self.count("quer(?:y|ies) over TCP")

    def count(self, label):
        """The counter with this label (a regular expression) in its report; it must have ended."""
        found = re.search(rf"(\d+) {label}(?=,|$)", self.report, re.MULTILINE)
        return int(found[1]) if found else 0


class KnotServer(Server):
    """Knot DNS with one worker per transport, which synthesises 10.in-addr.arpa."""

    def __init__(self, directory, core=SERVER_CORE):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        with open(os.path.join(directory, "reverse.zone"), "w") as zone:
            zone.write(
                "$ORIGIN 10.in-addr.arpa.\n$TTL 400\n"
                "@ SOA ns.example.net. admin.example.net. 1 3600 600 86400 400\n"
                "@ NS ns.example.net.\n"
            )
        path = os.path.join(directory, "knot.conf")
        with open(path, "w") as conf:
            conf.write(KNOT_CONF.format(directory=directory, port=self.port))
        super().__init__([needed("knotd"), "-c", path], core)
        if not wait_for_answers(self.port):
            self.__exit__()
            raise Failure(f"knotd does not answer: {self.report}")


KNOT_CONF = """\
server:
    rundir: "{directory}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    tcp-max-clients: 100
    tcp-idle-timeout: 30
log:
  - target: stderr
    any: warning
database:
    storage: "{directory}/db"
mod-synthrecord:
  - id: reverse
    type: reverse
    prefix: host-
    origin: example.net
    ttl: 400
    network: 10.0.0.0/8
template:
  - id: default
    storage: "{directory}"
zone:
  - domain: 10.in-addr.arpa
    file: "reverse.zone"
    module: mod-synthrecord/reverse
"""


class NginxServer(Server):
    """nginx with one worker, a page by HTTP and by TLS 1.3 without resumption, on every address
    of 127/8."""

    def __init__(self, directory, core=SERVER_CORE):
        self.port, self.tls_port = free_port(), free_port()
        path = os.path.join(directory, "nginx.conf")
        self.authority = make_certificates(directory)
        with open(path, "w") as conf:
            conf.write(
                NGINX_CONF.format(directory=directory, port=self.port, tls_port=self.tls_port)
            )
        super().__init__([needed("nginx"), "-p", directory, "-c", path, "-e", "stderr"], core)
        if not wait_for_port(self.port):
            self.__exit__()
            raise Failure(f"nginx does not answer: {self.report}")


class OddServer(Server):
    """A web server whose responses are accepted with a warning."""

    def __init__(self, core=SERVER_CORE):
        directory = os.path.dirname(os.path.abspath(__file__))
        super().__init__([sys.executable, os.path.join(directory, "odd_server.py")], core)
        self.port = int(self.first_line())


def make_certificates(directory):
    """An authority, and a P-256 certificate for localhost and 127.0.0.1 with its key."""
    extensions = os.path.join(directory, "extensions")
    with open(extensions, "w") as file:
        file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for command in (
        ["req", "-x509", *new_key, "-days", "30", "-subj", "/CN=bench authority",
         "-keyout", "authority.key", "-out", "authority.pem"],
        ["req", *new_key, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.csr"],
        ["x509", "-req", "-in", "cert.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
         "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", "cert.pem"],
    ):
        subprocess.run(
            [needed("openssl"), *command], cwd=directory, check=True, capture_output=True
        )
    return os.path.join(directory, "authority.pem")


NGINX_CONF = """\
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {directory}/pid;
events {{ worker_connections 16000; multi_accept on; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 0.0.0.0:{port} backlog=4096;
        location / {{ return 200 "a page of a few octets\\n"; }}
    }}
    server {{
        listen 0.0.0.0:{tls_port} ssl backlog=4096;
        ssl_certificate {directory}/cert.pem;
        ssl_certificate_key {directory}/key.pem;
        ssl_protocols TLSv1.3;
        ssl_session_tickets off;
        ssl_session_cache off;
        location / {{ return 200 "a page of a few octets\\n"; }}
    }}
}}
"""


def wait_for_port(port):
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        time.sleep(0.05)
    return False


def free_port():
    """A port that was free for UDP and TCP a moment ago."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            stream.bind(("127.0.0.1", 0))
            try:
                datagrams.bind(stream.getsockname())
            except OSError:
                continue
            return stream.getsockname()[1]


def wait_for_answers(port):
    query = b"\0\1\1\0\0\1\0\0\0\0\0\0\x011\x010\x010\x0210\7in-addr\4arpa\0\0\x0c\0\1"
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(0.1)
            client.connect(("127.0.0.1", port))
            with contextlib.suppress(OSError):
                client.send(query)
                reply = client.recv(512)
                # NOERROR with one answer record.
                if reply[3] & 15 == 0 and reply[4:8] == b"\0\1\0\1":
                    return True
        time.sleep(0.05)
    return False


def canvass_ptr(canvass, targets, resolvers, output, *flags, lines="ndjson"):
    """The command that looks up the first addresses of 10.0.0.0/8."""
    command = [canvass, "ptr", "10.0.0.0/8", "--limit", targets, "-f", lines, "-o", output]
    for resolver in resolvers:
        command += ["-r", resolver]
    return command + list(flags)


def floor_json(floor, *arguments, core=CLIENT_CORE, scratch="/tmp"):
    """The output of `floor`."""
    done = run([floor, *arguments], core=core, scratch=scratch)
    if done.status != 0:
        words = " ".join(str(word) for word in arguments)
        raise Failure(f"floor {words} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def median(values):
    return statistics.median(values)


def table(heading, rows):
    """A Markdown table with aligned columns."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(len(heading))]
    lines = [heading, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
        for line in lines
    )


def verdict(holds):
    return "pass" if holds else "FAIL"
