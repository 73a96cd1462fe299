#!/usr/bin/env python3
"""Make Tests/CofferCryptoTests/Vectors/key-pairs.json with the Python package `cryptography`.

usage: key-vectors.py > key-pairs.json

For each kind of key: a private key as PKCS #8, its public key as SubjectPublicKeyInfo, a signature of each scheme over
one message, for RSA a ciphertext of each OAEP hash and key material of each transport, and for a curve a peer's key with
the secret that both share; keys that Coffer refuses, digests, and codes of HMAC. The keys are fresh each time and protect
nothing. It needs Python 3 with `cryptography`, and the command `openssl` for what that does not make.
"""
import hashlib
import hmac
import json
import subprocess
import sys

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

MESSAGE = bytes(range(200))
PLAINTEXT = bytes(range(100, 132))
MATERIAL = bytes(range(77))
WRAPPING_KEY = bytes(range(50, 82))
HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
OAEP = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}
CURVES = {
    "p256": (ec.SECP256R1(), "sha256"),
    "p384": (ec.SECP384R1(), "sha384"),
    "p521": (ec.SECP521R1(), "sha512"),
    "secp256k1": (ec.SECP256K1(), "sha256"),
}


def pkcs8(key):
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).hex()


def spki(key):
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    ).hex()


def rsa_pair(bits):
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    public = key.public_key()
    signatures, ciphertexts, transports = {}, {}, {}
    for name, digest in HASHES.items():
        pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
        signatures[f"rsaPSS.{name}"] = key.sign(MESSAGE, pss, digest).hex()
        signatures[f"rsaPKCS1.{name}"] = key.sign(MESSAGE, padding.PKCS1v15(), digest).hex()
    for name, digest in OAEP.items():
        oaep = padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)
        ciphertexts[name] = public.encrypt(PLAINTEXT, oaep).hex()
        transports[f"oaep.{name}"] = public.encrypt(MATERIAL, oaep).hex()
        wrapped = keywrap.aes_key_wrap_with_padding(WRAPPING_KEY, MATERIAL)
        transports[f"aesKeyWrap.{name}"] = (public.encrypt(WRAPPING_KEY, oaep) + wrapped).hex()
    return {
        "kind": f"rsa{bits}", "pkcs8": pkcs8(key), "spki": spki(public), "signatures": signatures,
        "ciphertexts": ciphertexts, "transports": transports,
    }


def curve_pair(kind):
    curve, digest = CURVES[kind]
    key, peer = ec.generate_private_key(curve), ec.generate_private_key(curve)
    return {
        "kind": kind, "pkcs8": pkcs8(key), "spki": spki(key.public_key()),
        "signatures": {f"ecdsa.{digest}": key.sign(MESSAGE, ec.ECDSA(HASHES[digest])).hex()},
        "peer": spki(peer.public_key()),
        "sharedSecret": key.exchange(ec.ECDH(), peer.public_key()).hex(),
    }


def edwards_pair():
    key = ed25519.Ed25519PrivateKey.generate()
    return {
        "kind": "ed25519", "pkcs8": pkcs8(key), "spki": spki(key.public_key()),
        "signatures": {"ed25519": key.sign(MESSAGE).hex()},
    }


def openssl(*arguments):
    """A private key of the command's making, as PKCS #8."""
    made = subprocess.run(["openssl", "genpkey", *arguments], check=True, capture_output=True)
    converted = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER"],
        check=True, capture_output=True, input=made.stdout,
    )
    return {"pkcs8": converted.stdout.hex()}


def main():
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    pairs = [rsa_pair(bits) for bits in (2048, 3072, 4096)]
    pairs += [curve_pair(kind) for kind in CURVES] + [edwards_pair()]
    outsiders = {
        "secp224r1": ec.generate_private_key(ec.SECP224R1()),
        "rsa1024": rsa.generate_private_key(public_exponent=65537, key_size=1024),
        "rsaExponent3": rsa.generate_private_key(public_exponent=3, key_size=2048),
    }
    outsiders = {
        name: {"pkcs8": pkcs8(key), "spki": spki(key.public_key())} for name, key in outsiders.items()
    }
    outsiders["p256SpelledOut"] = openssl(
        "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"
    )
    outsiders["rsaThreePrimes"] = openssl(
        "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_primes:3"
    )
    names = ["sha1", "sha224", "sha256", "sha384", "sha512"]
    json.dump(
        {
            "source": "tools/key-vectors.py, cryptography " + __import__("cryptography").__version__,
            "message": MESSAGE.hex(), "plaintext": PLAINTEXT.hex(), "material": MATERIAL.hex(),
            "pairs": pairs,
            "outsiders": outsiders,
            "digests": {name: hashlib.new(name, MESSAGE).hexdigest() for name in names},
            "codes": {name: hmac.new(MATERIAL, MESSAGE, name).hexdigest() for name in names},
        },
        sys.stdout,
        indent=1,
    )
    print()


main()
