//! The examples at the end of each command's `--help`.

pub(super) const CANVASS: &str = "\
Examples:
  Try it on loopback, where nothing leaves this machine:
    canvass ptr 10.0.0.0/16 --lab -f ndjson -o names.ndjson
  Check a list of URLs:
    canvass http -i urls.txt
  Read about a cause or a status from the output:
    canvass explain ECONNREFUSED";

pub(super) const PTR: &str = "\
Examples:
  Look up a network through the system's resolvers:
    canvass ptr 192.0.2.0/24
  Read a list, leave a network out, choose the resolver:
    canvass ptr -i list.txt --exclude 198.51.100.0/24 -r 192.0.2.53
  Check on loopback that names lead back to their addresses:
    canvass ptr 192.0.2.0/28 2001:db8::/124 --forward-confirm --lab";

pub(super) const DNS: &str = "\
Examples:
  Look up the addresses and mail exchangers of two names:
    canvass dns example.net www.example.net -t A,AAAA,MX
  Read names from standard input, write ndjson:
    canvass dns -i - -t TXT -f ndjson
  Ask one resolver over TCP, at most 100 queries per second:
    canvass dns -i names.txt -r 192.0.2.53 --transport tcp --rate 100
  Ask a server for its version and its identifier:
    canvass dns version.bind -t TXT --class CH --nsid -r 192.0.2.53";

pub(super) const HTTP: &str = "\
Examples:
  Check a list of URLs, follow redirects, and expect a status:
    canvass http -i urls.txt --follow 5 --expect-status 2xx,401
  Send a POST with a header:
    canvass http -H 'Accept: text/plain' -d a=1 https://www.example.net/form
  Probe a network on two ports:
    canvass http 192.0.2.0/28 --ports 80,8443
  Try the lab's web server, with a certificate that has expired:
    canvass http --lab -k https://expired.lab.test/";

pub(super) const TCP: &str = "\
Examples:
  See which ports are open:
    canvass tcp 192.0.2.0/28 --ports ssh,80,8000-8010
  Read the greeting and the extensions of a mail server:
    canvass tcp --talk smtp mail.example.net
  Run a script of your own over TLS against the lab:
    canvass tcp --lab --tls --talk script.yaml good.lab.test:995";

pub(super) const UDP: &str = "\
Examples:
  Ask a host for its clock:
    canvass udp --talk time 192.0.2.1
  Collect every reply to a broadcast for one second:
    canvass udp --talk echo --window 1s 203.0.113.255
  Send an empty datagram to a port of the lab:
    canvass udp --lab 127.0.0.1:daytime";

pub(super) const CHECK: &str = "\
Examples:
  Check a web page, a port and a mail server:
    canvass check https://www.example.net tcp://192.0.2.1:22 smtp://192.0.2.25
  Check that a name has mail exchangers at one resolver:
    canvass check 'dns://192.0.2.53/example.net?type=MX'
  Check a list, and write ndjson:
    canvass check -i endpoints.txt -f ndjson
  Check a certificate of the lab that has expired:
    canvass check --lab tls://expired.lab.test";

pub(super) const SWEEP: &str = "\
Examples:
  Watch a list, each endpoint every minute, and keep states over a restart:
    canvass sweep -i endpoints.txt --interval 1m --state states.json
  Write what changes as ndjson, and every probe to a file:
    canvass sweep -i endpoints.txt -f ndjson -o probes.ndjson.zst
  Send an alert to a webhook when an endpoint goes down or comes up:
    canvass sweep -i endpoints.txt --alert-webhook https://a.example.net/x
  Check the list once, as a gate in CI:
    canvass sweep -i endpoints.txt --once --fail-below 95";

pub(super) const PROBE: &str = "\
Examples:
  Request a page as blackbox_exporter would:
    canvass probe --modules blackbox.yml https://www.example.net
  Ask a DNS server, and see what happens:
    canvass probe --modules blackbox.yml --module dns_soa --debug 192.0.2.53";

pub(super) const COMPARE: &str = "\
Examples:
  Compare with libc on your own list, and draw a page:
    canvass compare -i addresses.txt --html comparison.html
  Compare UDP with TCP at one resolver:
    canvass compare 192.0.2.0/24 -r 192.0.2.53 --against tcp
  Compare two resolvers, with repeatable samples:
    canvass compare -i list.txt -r 192.0.2.53 --against 192.0.2.54 --seed 1";

pub(super) const REPORT: &str = "\
Examples:
  Make a page from the lines of a run:
    canvass report names.ndjson -o names.html
  Make a page from an interval log:
    canvass report names.hlog -o latency.html";

pub(super) const EXPLAIN: &str = "\
Examples:
  Explain a system error, by name or by number:
    canvass explain ECONNREFUSED 110
  Explain a cause and a status:
    canvass explain expired UNMATCHED";

pub(super) const SELFTEST: &str = "\
Examples:
  Measure this machine, which takes about half a minute:
    canvass selftest
  Measure it with two event loops:
    canvass selftest --threads 2";

pub(super) const LAB: &str = "\
Examples:
  Answer DNS on port 5300, 20 ms late, and lose one query in ten:
    canvass lab --delay 20ms --loss 10%
  Serve web and mail too, on chosen ports:
    canvass lab --serve http=8080,smtp=2525 --ca-out ca.pem
  Put a delay in front of a real server:
    canvass lab --listen 127.0.0.1:5301 --forward 192.0.2.53:53 --delay 5ms";

pub(super) const COMPLETIONS: &str = "\
Examples:
  Write those of bash to a file that .bashrc sources:
    canvass completions bash
  Print those of zsh, for a file _canvass in fpath:
    canvass completions zsh";

pub(super) const MAN: &str = "\
Examples:
  Write all pages, and read one:
    canvass man share/man/man1
  Install them for one user:
    canvass man ~/.local/share/man/man1";

pub(super) const JOURNAL: &str = "\
Examples:
  See how far a run has come, also while it is running:
    canvass journal names.journal
  Read about the record before the latest one:
    canvass journal names.journal.previous";

pub(super) const VERIFY_SHARDS: &str = "\
Examples:
  Prove that two machines have asked every target of a list once:
    canvass verify-shards 1.journal 2.journal
  See what one part lacks:
    canvass verify-shards 1.journal";
