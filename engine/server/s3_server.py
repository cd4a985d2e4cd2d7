#!/usr/bin/env python3
"""A small S3 server for tests, in memory: as much of the API as powercut-server speaks, and it verifies each signature (AWS
Signature Version 4, by the rules of Amazon's documentation, with nothing of libcurl). It has the bucket "bucket", which the
key "tester" with the secret "secret" may use, and "locked", which nobody may.

usage: s3_server.py PORT_FILE    writes its port there; while a file PORT_FILE.silent stands it answers nobody
"""
import hashlib
import hmac
import os
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY, SECRET = "tester", "secret"
objects = {}


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # an answer is sent at once

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>as it is</Message></Error>'
        self.answer(status, text.encode())

    def wrong_signature(self, body):
        """The error's code, or nothing."""
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        if scheme != "AWS4-HMAC-SHA256":
            return "AccessDenied"
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        key, day, region, service, _ = fields["Credential"].split("/")
        if key != KEY:
            return "InvalidAccessKeyId"
        if region != "us-east-1" or service != "s3":
            return "AuthorizationHeaderMalformed"
        sent = self.headers.get("x-amz-content-sha256", "")
        if sent != hashlib.sha256(body).hexdigest():
            return "XAmzContentSHA256Mismatch"
        path, _, query = self.path.partition("?")
        query = "&".join(sorted(query.split("&"))) if query else ""
        names = fields["SignedHeaders"].split(";")
        if "host" not in names or "x-amz-date" not in names:
            return "AccessDenied"
        canonical = "\n".join(
            [self.command, path, query]
            + [f"{name}:{' '.join(self.headers.get(name, '').split())}" for name in names]
            + ["", fields["SignedHeaders"], sent])
        stamp = self.headers["x-amz-date"]
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, f"{day}/{region}/{service}/aws4_request",
                             hashlib.sha256(canonical.encode()).hexdigest()])
        signing = ("AWS4" + SECRET).encode()
        for part in (day, region, service, "aws4_request"):
            signing = digest(signing, part)
        mine = hmac.new(signing, to_sign.encode(), hashlib.sha256).hexdigest()
        return None if mine == fields["Signature"] else "SignatureDoesNotMatch"

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        while os.path.exists(silent):
            time.sleep(0.02)
        code = self.wrong_signature(body)
        if code:
            return self.refuse(400 if code.startswith("Auth") else 403, code)
        path, _, query = self.path.partition("?")
        _, bucket, *rest = urllib.parse.unquote(path).split("/", 2)
        if bucket == "locked":
            return self.refuse(403, "AccessDenied")
        if bucket != "bucket":
            return self.refuse(404, "NoSuchBucket")
        if not rest:
            return self.list(dict(urllib.parse.parse_qsl(query)))
        key = rest[0]
        if self.command == "PUT":
            objects[key] = body
            return self.answer(200)
        if self.command == "DELETE":
            objects.pop(key, None)
            return self.answer(204)
        if key not in objects:
            return self.refuse(404, "NoSuchKey")
        whole = objects[key]
        ranged = self.headers.get("Range")
        if not ranged:
            return self.answer(200, whole)
        first, last = (int(n) for n in ranged.removeprefix("bytes=").split("-"))
        if first >= len(whole):
            return self.refuse(416, "InvalidRange")
        return self.answer(206, whole[first:last + 1])

    def list(self, asked):
        names = sorted(key for key in objects if key.startswith(asked.get("prefix", "")))
        keys = "".join(f"<Contents><Key>{name}</Key></Contents>"
                       for name in names[:int(asked["max-keys"])])
        self.answer(200, f"<ListBucketResult>{keys}</ListBucketResult>".encode())

    do_GET = do_PUT = do_HEAD = do_DELETE = handle_one


silent = sys.argv[1] + ".silent"
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w", encoding="utf-8") as file:
    file.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
