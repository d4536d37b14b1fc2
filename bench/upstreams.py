"""The servers that `servers` measures with: real software, each with a small configuration."""

import contextlib
import os
import signal
import threading

from harness import KNOT_CONF, Failure, Server, free_port, needed, wait_for_answers

STOPPED_S = 0.1
STOP_EVERY_S = 1.0
SERIAL_SOA = "@ SOA ns.example.net. admin.example.net. 1 3600 600 86400 400\n@ NS ns.example.net.\n"


class Upstream(Server):
    """A DNS server on a free port of loopback, with its configuration in `directory`."""

    def __init__(self, directory, command, files, forward_to=None):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        host, _, port = (forward_to or "").partition(":")
        values = {
            "directory": directory, "port": self.port,
            "to": forward_to, "to_host": host, "to_port": port,
        }
        for name, text in files.items():
            with open(os.path.join(directory, name), "w") as file:
                file.write(text.format(**values))
        super().__init__([str(word).format(**values) for word in command], None)
        # Its output must not fill the pipe.
        self.drains = [
            threading.Thread(target=stream.read, daemon=True)
            for stream in (self.child.stdout, self.child.stderr)
        ]
        for drain in self.drains:
            drain.start()
        if not wait_for_answers(self.port):
            self.__exit__()
            raise Failure(f"{command[0]} does not answer")

    def end(self):
        for drain in self.drains:
            drain.join()
        super().end()


def dnsmasq(directory, to):
    """Forwards with its default limit of 150 queries at once, and no cache."""
    flags = ["-k", "-C", "/dev/null", "-R", "-h", "--cache-size=0", "--user=root"]
    where = ["--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file="]
    return Upstream(
        directory, [needed("dnsmasq"), *flags, *where, "--server={to_host}#{to_port}"], {}, to
    )


def unbound(directory, to):
    conf = """\
server:
    interface: 127.0.0.1@{port}
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: no
    module-config: "iterator"
    use-syslog: no
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: "{directory}/unbound.pid"
    local-zone: "10.in-addr.arpa." nodefault
forward-zone:
    name: "."
    forward-addr: {to_host}@{to_port}
remote-control:
    control-enable: no
"""
    return Upstream(
        directory, [needed("unbound"), "-d", "-c", "{directory}/unbound.conf"],
        {"unbound.conf": conf}, to,
    )


NAMED_OPTIONS = """\
options {{
    directory "{directory}";
    pid-file "{directory}/named.pid";
    session-keyfile "{directory}/session.key";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    allow-query {{ any; }};
    dnssec-validation no;
    empty-zones-enable no;
"""
NAMED = ["named", "-g", "-c", "{directory}/named.conf"]


def bind_forwarding(directory, to):
    conf = NAMED_OPTIONS + """\
    recursion yes;
    forward only;
    forwarders {{ {to_host} port {to_port}; }};
}};
"""
    return Upstream(directory, named(), {"named.conf": conf}, to)


def bind_limited(directory, _):
    """Authoritative, with response rate limiting: all names are under one wildcard."""
    conf = NAMED_OPTIONS + """\
    recursion no;
    rate-limit {{ responses-per-second 500; slip 2; }};
}};
zone "10.in-addr.arpa" {{ type primary; file "reverse.zone"; }};
"""
    zone = "$ORIGIN 10.in-addr.arpa.\n$TTL 400\n" + SERIAL_SOA + "* PTR host.example.net.\n"
    return Upstream(directory, named(), {"named.conf": conf, "reverse.zone": zone})


def named():
    return [needed(NAMED[0]), *NAMED[1:]]


def pdns_recursor(directory, to):
    flags = [
        "--daemon=no", "--socket-dir={directory}", "--config-dir={directory}",
        "--local-address=127.0.0.1", "--local-port={port}", "--forward-zones-recurse=.={to}",
        "--allow-from=127.0.0.0/8", "--dnssec=off", "--disable-syslog", "--quiet",
        "--serve-rfc1918=no", "--dont-query=",
    ]
    return Upstream(directory, [needed("pdns_recursor"), *flags], {}, to)


def dnsdist(directory, to):
    """Passes 3,000 queries per second on, and drops the others."""
    conf = """\
setLocal("127.0.0.1:{port}")
newServer({{address="{to}", checkInterval=60}})
setACL("127.0.0.0/8")
addAction(NotRule(MaxQPSRule(3000)), DropAction())
"""
    return Upstream(
        directory,
        [needed("dnsdist"), "--supervised", "--disable-syslog", "-C", "{directory}/dnsdist.conf"],
        {"dnsdist.conf": conf}, to,
    )


def knot(directory, _, limited=False):
    conf = KNOT_CONF
    if limited:
        limit = "mod-rrl:\n  - id: limit\n    rate-limit: 500\n    slip: 2\n"
        conf = conf.replace("template:\n", limit + "template:\n")
        conf = conf.replace("module: mod-synthrecord/reverse",
                            "module: [mod-rrl/limit, mod-synthrecord/reverse]")
    zone = "$ORIGIN 10.in-addr.arpa.\n$TTL 400\n" + SERIAL_SOA
    return Upstream(
        directory, [needed("knotd"), "-c", "{directory}/knot.conf"],
        {"knot.conf": conf, "reverse.zone": zone},
    )


def knot_limited(directory, to):
    return knot(directory, to, limited=True)


@contextlib.contextmanager
def stopped_now_and_then(server):
    """Stops the server for 100 ms of each second."""
    ended = threading.Event()

    def stop():
        while not ended.wait(STOP_EVERY_S - STOPPED_S):
            server.child.send_signal(signal.SIGSTOP)
            ended.wait(STOPPED_S)
            server.child.send_signal(signal.SIGCONT)

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        server.child.send_signal(signal.SIGCONT)
