<?php

// Names of addresses by PHP's gethostbyaddr, which asks libc, and that the hosts file and whom
// resolv.conf names.
// Usage: php gethostbyaddr.php < ADDRESSES

declare(strict_types=1);

require __DIR__ . '/each_line.php';

ask_each_line(function (string $address): ?string {
    // It gives the address back where there is no name, and warns where it is no address.
    $name = @gethostbyaddr($address);
    return $name === false || $name === $address ? null : $name;
});
