"""What HdrHistogram's own Python reader makes of an interval log, as one JSON object a line.

    hdr_reader.py LOG [TAG=TABLE...]

For each interval of LOG it prints its tag, start and length in milliseconds, count, least and
greatest value, some percentiles, and every value with its count. For each TABLE, a percentile
table of the values under TAG, it prints what the reader has for each of its rows: the value at
its count, and how many are less.
"""

import json
import math
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

LOWEST, HIGHEST, DIGITS = 1, 3_600_000_000_000, 3
# What is added to a rank by arithmetic with binary fractions is less.
RANK_DIGITS = 6
PERCENTILES = (10, 50, 90, 95, 99, 99.9, 100)


def say(**keys):
    print(json.dumps(keys))


def recorded(histogram):
    return [
        [step.value_iterated_to, step.count_at_value_iterated_to]
        for step in histogram.get_recorded_iterator()
    ]


def value_at(histogram, percentile):
    """The least value that so many are no greater than. The reader itself rounds to the nearest
    rank, so it is asked for the rank."""
    total = histogram.get_total_count()
    rank = math.ceil(round(percentile * total / 100, RANK_DIGITS))
    return histogram.get_value_at_percentile(100 * rank / total)


def intervals(path):
    """Prints each interval, and gives the sum of each tag."""
    reader = HistogramLogReader(path, HdrHistogram(LOWEST, HIGHEST, DIGITS))
    sums = {}
    while histogram := reader.get_next_interval_histogram():
        tag = histogram.get_tag()
        start_ms = histogram.get_start_time_stamp()
        say(
            tag=tag,
            start_ms=round(start_ms),
            length_ms=round(histogram.get_end_time_stamp() - start_ms),
            count=histogram.get_total_count(),
            min=histogram.get_min_value(),
            max=histogram.get_max_value(),
            percentiles=[value_at(histogram, percentile) for percentile in PERCENTILES],
            recorded=recorded(histogram),
        )
        sums.setdefault(tag, HdrHistogram(LOWEST, HIGHEST, DIGITS)).add(histogram)
    return sums


def rows(table, histogram):
    """What `histogram` has for the rows of `table`: the value that so many are no greater than,
    and how many are less."""
    total = histogram.get_total_count()
    with open(table, encoding="ascii") as lines:
        cells = [line.split() for line in lines if line.strip() and line[0] != "#"]
    for _value, _percentile, count, *_ in cells[1:]:
        value = histogram.get_value_at_percentile(100 * int(count) / total)
        less = sum(count for other, count in recorded(histogram) if other < value)
        yield [value, less]


def main(log, *tables):
    sums = intervals(log)
    for tag, table in (pair.split("=", 1) for pair in tables):
        say(table_of=tag, rows=list(rows(table, sums[tag])))


main(*sys.argv[1:])
