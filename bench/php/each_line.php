<?php

declare(strict_types=1);

/**
 * Asks about every address on standard input, one a line, with $ask: address to name, or null where
 * there is none. Prints address, name and nanoseconds with tabs between, and in the end on standard
 * error how long all of it took and how much CPU, as JSON. Nothing is kept, so a list may be long.
 */
function ask_each_line(callable $ask): void
{
    $cpu_before = cpu_us();
    $began = hrtime(true);
    while (($line = fgets(STDIN)) !== false) {
        $address = trim($line);
        if ($address === '') {
            continue;
        }
        $asked = hrtime(true);
        $name = $ask($address);
        $took_ns = hrtime(true) - $asked;
        echo "$address\t$name\t$took_ns\n";
    }
    $wall_ns = hrtime(true) - $began;
    $cpu_us = cpu_us() - $cpu_before;
    fwrite(STDERR, json_encode(['wall_ns' => $wall_ns, 'cpu_us' => $cpu_us]) . "\n");
}

/** CPU time of this process so far, user and system. */
function cpu_us(): int
{
    $used = getrusage();
    $seconds = $used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec'];
    return $seconds * 1_000_000 + $used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec'];
}
