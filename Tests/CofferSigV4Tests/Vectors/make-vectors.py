#!/usr/bin/env python3
"""Usage: make-vectors.py > botocore.json

Signs requests with botocore (pip install botocore) and prints them with their signatures, so that the tests can
compare. The clock is fixed; the keys are the examples of AWS's documentation.
"""
import datetime
import json
from urllib.parse import urlsplit

import botocore.auth
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2015, 8, 30, 12, 36, 0, tzinfo=datetime.timezone.utc)
KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
SIGNERS = {"v4": SigV4Auth, "s3": S3SigV4Auth, "query": SigV4QueryAuth, "s3query": S3SigV4QueryAuth}




botocore.auth.get_current_datetime = lambda *_, **__: NOW


def vector(name, signer="v4", method="GET", url="https://example.amazonaws.com/", headers=(), body="", token=None,
           service="service", region="us-east-1", expires=3600):
    request = AWSRequest(method=method, url=url, data="" if "query" in signer else body.encode())
    request.headers["Host"] = urlsplit(url).netloc
    for key, value in headers:
        request.headers[key] = value
    credentials = Credentials(KEY, SECRET, token)
    options = {"expires": expires} if "query" in signer else {}
    auth = SIGNERS[signer](credentials, service, region, **options)
    canonical = []
    make = auth.canonical_request
    auth.canonical_request = lambda request: canonical.append(make(request)) or canonical[-1]
    auth.add_auth(request)
    parts = urlsplit(request.url)
    return {
        "name": name, "method": method, "path": parts.path, "query": parts.query,
        "headers": [[k, v] for k, v in request.headers.items()], "body": body, "service": service,
        "region": region, "token": token, "presigned": "query" in signer,
        "canonicalRequest": canonical[0],
    }


BASE = "https://example.amazonaws.com"
S3 = "https://examplebucket.s3.amazonaws.com"
KMS = "https://kms.us-east-1.amazonaws.com/"
KMS_HEADERS = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "TrentService.Decrypt"),
               ("User-Agent", "aws-cli/2"), ("Connection", "keep-alive")]
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

VECTORS = [
    vector("get-vanilla"),
    vector("post-vanilla", method="POST"),
    vector("no path", url=BASE),
    vector("odd path: dot", url=BASE + "/./"),
    vector("odd path: dots", url=BASE + "/example1/example2/../.."),
    vector("odd path: above the root", url=BASE + "/../../a"),
    vector("odd path: slashes", url=BASE + "//example//"),
    vector("odd path: pointless dot", url=BASE + "/./example"),
    vector("odd path: trailing dot", url=BASE + "/a/."),
    vector("odd path: three dots", url=BASE + "/.../a"),
    vector("odd path: encoded once, signed twice", url=BASE + "/a%20b/%E1%88%B4"),
    vector("odd path: raw blank", url=BASE + "/example space/"),
    vector("odd path: raw unicode", url=BASE + "/ሴ"),
    vector("odd path: marks", url=BASE + "/a+b=c:d@e!$&'()*,;[]~"),
    vector("odd path: unreserved", url=BASE + "/" + UNRESERVED),
    vector("odd path: encoded slash", url=BASE + "/a%2Fb/%2e%2e/c"),
    vector("query: order of names and case", url=BASE + "/?Param2=value2&Param1=value1&param1=value3"),
    vector("query: order of values", url=BASE + "/?a=2&a=10&a=1&a="),
    vector("query: name before a longer name", url=BASE + "/?ab=1&a=2&a-b=3&aB=4"),
    vector("query: unreserved", url=BASE + f"/?{UNRESERVED}={UNRESERVED}"),
    vector("query: encoded", url=BASE + "/?a%20b=c%2Bd%2Fe&%E1%88%B4=%E2%82%AC"),
    vector("query: no value", url=BASE + "/?acl="),
    vector("headers: repeated", headers=[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")]),
    vector("headers: blanks", headers=[("My-Header1", "  a   b  c "), ("My-Header2", '  "a   b   c"  '), ("E", "")]),
    vector("headers: order", headers=[("B", "1"), ("A", "2"), ("a-b", "3"), ("Ab", "4")]),
    vector("headers: unicode", headers=[("X-Amz-Meta-Name", "Größe € ሴ")]),
    vector("headers: plain date", headers=[("Date", "now")]),
    vector("form body", method="POST", body="Param1=value1",
           headers=[("Content-Type", "application/x-www-form-urlencoded; charset=utf8")]),
    vector("session token", token=TOKEN),
    vector("kms decrypt", method="POST", url=KMS, headers=KMS_HEADERS, service="kms", token=TOKEN,
           body='{"CiphertextBlob":"AQICAHg=","EncryptionContext":{"aws:ebs:id":"vol-1"}}'),
    vector("kms on a port", method="POST", url="http://127.0.0.1:4566/", headers=KMS_HEADERS, service="kms", body="{}"),
    vector("sts form", method="POST", url="https://sts.amazonaws.com/", service="sts",
           body="Action=GetCallerIdentity&Version=2011-06-15"),
    vector("s3 get", "s3", url=S3 + "/test.txt", headers=[("Range", "bytes=0-9")], service="s3"),
    vector("s3 put", "s3", method="PUT", url=S3 + "/a/../b//c/.", body="Welcome to Amazon S3.", service="s3"),
    vector("s3 unicode key", "s3", url=S3 + "/%E1%88%B4%20a%2Bb%25/~x", service="s3"),
    vector("s3 list", "s3", url=S3 + "/?prefix=J%2Fa&max-keys=2&list-type=2", service="s3", token=TOKEN),
    vector("s3 subresource", "s3", url=S3 + "/?lifecycle", service="s3"),
    vector("s3 put, unsigned by choice", "s3", method="PUT", url=S3 + "/k", service="s3", body="x",
           headers=[("Content-MD5", "nd1sBMtl6cOcCyWYmq4/nw=="), ("x-amz-acl", "private")]),
    vector("presigned", "query", url=BASE + "/?Action=GetCallerIdentity&Version=2011-06-15", service="sts"),
    vector("presigned with a header", "query", url=BASE + "/", headers=[("X-K8s-Aws-Id", "cluster")], service="sts",
           expires=60, token=TOKEN),
    vector("presigned s3", "s3query", url=S3 + "/test.txt", service="s3", expires=604800),
    vector("presigned s3 put", "s3query", method="PUT", url=S3 + "/%E1%88%B4/a%20b", service="s3", expires=1,
           body="anything", headers=[("x-amz-acl", "private"), ("Content-Type", "text/plain")], token=TOKEN),
    vector("presigned s3 with a query", "s3query", url=S3 + "/k?versionId=a%2Bb&response-content-type=text%2Fplain",
           service="s3"),
]
print(json.dumps({"accessKeyID": KEY, "secretAccessKey": SECRET, "time": "20150830T123600Z", "vectors": VECTORS},
                 indent=1, ensure_ascii=False))
