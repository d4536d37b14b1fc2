<?php

// Names of addresses by queries of our own: one UDP socket a query, one query at a time.
// Usage: php socket.php HOST PORT < ADDRESSES

declare(strict_types=1);

require __DIR__ . '/each_line.php';

const TYPE_PTR = 12;
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const REPLY_BYTES_MAX = 4096;
const NAME_BYTES_MAX = 255;
const TIMEOUT_S = 2.0;
const ATTEMPTS_MAX = 2;

/** The name under which an address has its PTR (RFC 1035 §3.5, RFC 3596 §2.5), or null. */
function reverse_name(string $address): ?string
{
    $octets = @inet_pton($address);
    if ($octets === false) {
        return null;
    }
    if (strlen($octets) === 4) {
        return implode('.', array_reverse(explode('.', $address))) . '.in-addr.arpa';
    }
    return implode('.', str_split(strrev(bin2hex($octets)))) . '.ip6.arpa';
}

/** The question section for the PTR of a name (RFC 1035 §4.1.2). */
function question(string $name): string
{
    $wire = '';
    foreach (explode('.', $name) as $label) {
        $wire .= chr(strlen($label)) . $label;
    }
    return $wire . "\0" . pack('nn', TYPE_PTR, CLASS_IN);
}

/** What a resolver says to a question, or null where it says nothing in time. */
function asked(string $host, int $port, string $question): ?string
{
    $socket = @fsockopen("udp://$host", $port, $code, $message, TIMEOUT_S);
    if ($socket === false) {
        return null;
    }
    $id = random_int(0, 0xffff);
    $query = pack('nnnnnn', $id, 0x0100, 1, 0, 0, 0) . $question;
    if (@fwrite($socket, $query) !== strlen($query)) {
        return null;
    }
    $deadline = hrtime(true) + (int) (TIMEOUT_S * 1e9);
    while (($left_us = intdiv($deadline - hrtime(true), 1000)) > 0) {
        stream_set_timeout($socket, intdiv($left_us, 1_000_000), $left_us % 1_000_000);
        $reply = @fread($socket, REPLY_BYTES_MAX);
        if ($reply === false || $reply === '') {
            // The time is over, or the port is closed.
            return null;
        }
        if (is_reply_to($reply, $id, $question)) {
            return $reply;
        }
    }
    return null;
}

/** Whether a message is a reply with this id and question (RFC 5452 §9.1). */
function is_reply_to(string $reply, int $id, string $question): bool
{
    if (strlen($reply) < HEADER_BYTES + strlen($question)) {
        return false;
    }
    $header = unpack('nid/nflags/nquestions', $reply);
    return $header['id'] === $id
        && ($header['flags'] & 0x8000) !== 0
        && $header['questions'] === 1
        && strcasecmp(substr($reply, HEADER_BYTES, strlen($question)), $question) === 0;
}

/** The first PTR name in a reply to a question of so many bytes, or null (RFC 1035 §4.1.3). */
function first_ptr(string $reply, int $question_bytes): ?string
{
    $answers = unpack('n', $reply, 6)[1];
    $place = HEADER_BYTES + $question_bytes;
    for (; $answers > 0; $answers--) {
        $owner = name_at($reply, $place);
        if ($owner === null || strlen($reply) < $owner[1] + 10) {
            return null;
        }
        $record = unpack('ntype/nclass/Nttl/nbytes', $reply, $owner[1]);
        $place = $owner[1] + 10;
        if ($record['type'] === TYPE_PTR && $record['class'] === CLASS_IN) {
            return name_at($reply, $place)[0] ?? null;
        }
        $place += $record['bytes'];
    }
    return null;
}

/**
 * The name at a place of a message and where what follows it begins, or null where there is none
 * (RFC 1035 §4.1.4). A pointer must lead back before the labels that it ends, so this ends.
 */
function name_at(string $message, int $place): ?array
{
    $name = '';
    $next = null;
    $begin = $place;
    while (strlen($name) <= 4 * NAME_BYTES_MAX) {
        if ($place >= strlen($message)) {
            return null;
        }
        $length = ord($message[$place]);
        if ($length === 0) {
            return [$name === '' ? '.' : $name, $next ?? $place + 1];
        }
        if ($length < 64) {
            $label = substr($message, $place + 1, $length);
            if (strlen($label) < $length) {
                return null;
            }
            $name .= ($name === '' ? '' : '.') . shown($label);
            $place += 1 + $length;
            continue;
        }
        if ($length < 192 || $place + 1 >= strlen($message)) {
            return null;
        }
        $next ??= $place + 2;
        $place = unpack('n', $message, $place)[1] & 0x3fff;
        if ($place >= $begin) {
            return null;
        }
        $begin = $place;
    }
    return null;
}

/** A label as text, with what could be taken for something else as escapes (RFC 1035 §5.1). */
function shown(string $label): string
{
    return preg_replace_callback(
        '/[^!-~]|[.\\\\]/',
        fn (array $found): string => sprintf('\\%03d', ord($found[0])),
        $label,
    );
}

if ($argc !== 3) {
    fwrite(STDERR, "usage: php socket.php HOST PORT < ADDRESSES\n");
    exit(2);
}
$host = str_contains($argv[1], ':') ? "[$argv[1]]" : $argv[1];
$port = (int) $argv[2];

ask_each_line(function (string $address) use ($host, $port): ?string {
    $name = reverse_name($address);
    if ($name === null) {
        return null;
    }
    $question = question($name);
    for ($attempt = 0; $attempt < ATTEMPTS_MAX; $attempt++) {
        $reply = asked($host, $port, $question);
        if ($reply !== null) {
            return first_ptr($reply, strlen($question));
        }
    }
    return null;
});
