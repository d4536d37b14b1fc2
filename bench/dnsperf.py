"""The rates that dnsperf sees answered by a server, over UDP."""

import os
import re
import subprocess

from harness import Failure, needed

STEP = 1.25
STEP_S = 2
RATE_FIRST = 400
RATE_MAX = 200_000
LOST_SHARE_MAX = 0.005


class Dnsperf:
    """Asks for the first addresses of 10.0.0.0/8, whose names are kept in `directory`."""

    def __init__(self, directory):
        self.directory = directory

    def names(self, count):
        """The path of a file with the names of so many addresses."""
        path = os.path.join(self.directory, f"names-{count}")
        if not os.path.exists(path):
            with open(path, "w") as file:
                for index in range(count):
                    c, d = divmod(index, 256)
                    b, c = divmod(c, 256)
                    file.write(f"{d}.{c}.{b}.10.in-addr.arpa PTR\n")
        return path

    def run(self, server, count, *flags):
        """Its output for so many names."""
        where = ["-s", "127.0.0.1", "-p", str(server.port), "-d", self.names(count)]
        command = [needed("dnsperf"), *where, *map(str, flags)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def best_rate(self, server, count):
        """The highest rate by steps of a quarter at which nearly all queries are answered. None if
        the first is too high."""
        rate, best = RATE_FIRST, None
        while rate <= RATE_MAX:
            said = self.run(
                server, count, "-Q", int(rate), "-l", STEP_S, "-q", 65535, "-t", 1
            )
            sent, ran_s = number(said, "Queries sent"), number(said, "Run time (s)")
            good = sum(
                int(found) for _, found in re.findall(r"(NOERROR|NXDOMAIN) (\d+) \(", said)
            )
            if not sent or good < sent * (1 - LOST_SHARE_MAX) or sent < 0.9 * rate * STEP_S:
                break
            best = good / ran_s
            rate *= STEP
        return best

    def rate_with_200_outstanding(self, server, count):
        """The rate of a client with one thread and 200 outstanding queries."""
        said = self.run(server, count, "-n", 1, "-c", 1, "-T", 1, "-q", 200)
        rate = number(said, "Queries per second")
        if not rate:
            raise Failure(f"dnsperf had no answers: {said}")
        return rate


def number(text, label):
    found = re.search(rf"{re.escape(label)}:\s+([\d.]+)", text)
    return float(found[1]) if found else 0
