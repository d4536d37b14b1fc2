"""Serves on a link-local address of a network namespace, and runs commands against it.

Arguments: the directory of leaf.pem and leaf.key, and the commands as JSON. The pages have the
Host header and the client's address as their type. The outputs are printed one after the other.
"""

import http.server
import json
import socket
import socketserver
import ssl
import subprocess
import sys
import threading

directory, commands = sys.argv[1], json.loads(sys.argv[2])
for line in ("link set lo up", "addr add fe80::1/64 dev lo nodad", "addr add fe80::2/64 dev lo nodad"):
    subprocess.run(["ip", *line.split()], check=True)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", f"http://{self.headers['Host']}/here")
        client = self.client_address[0].split("%")[0]
        self.send_header("Content-Type", f"{self.headers['Host']} {client}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Web(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        data, reply = self.request
        reply.sendto(data, self.client_address)


class Udp(socketserver.UDPServer):
    address_family = socket.AF_INET6


secure = Web(("::", 8443), Page)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{directory}/leaf.pem", f"{directory}/leaf.key")
secure.socket = context.wrap_socket(secure.socket, server_side=True)
for server in Web(("::", 8080), Page), secure, Udp(("::", 8081), Echo):
    threading.Thread(target=server.serve_forever, daemon=True).start()
for command in commands:
    sys.stdout.write(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout)
