#!/usr/bin/env python3
"""Decrypt a range of a Coffer volume file, from docs/format.md alone.

usage: decrypt-volume.py VOLUME_FILE --offset BYTES --count BYTES [--coffer PATH] [--home HOME] > plaintext
       decrypt-volume.py VOLUME_FILE --offset BYTES --count BYTES --volume-key-file FILE > plaintext

It shares no code with Coffer, so that what it reads does not depend on Coffer alone. It needs Python 3 and the
package `cryptography`, only reads, and takes no lock: give it a detached volume, or a copy of one.

A volume under an AWS managed key, such as alias/aws/ebs, cannot be read this way: the KMS lets the volume service alone
use such a key, and refuses the direct Decrypt.

Exit codes: 0 done, 1 the volume or its key is refused, 2 wrong usage.
"""
import argparse
import hashlib
import hmac
import os
import struct
import subprocess
import sys

try:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError:
    sys.exit("decrypt-volume: the Python package `cryptography` is not installed")

COPY_BYTES = 32768
COPY_OFFSETS = (0, 65536)
MAGIC = bytes.fromhex("434f464645521a0a")
MAC_AT, CHECKSUM_AT = 0xFC0, 0xFE0
SLOT_OFFSETS = (0x1000, 0x4000)
SLOT_ACTIVE = 1
EXTENSION_AT, MUST_UNDERSTAND = 0x7000, 0x8000
READABLE_STATES = (1, 2)  # ready, re-wrapping
XTS_KEY_BYTES = {1: 64, 2: 32}  # by cipher id
RUN_UNITS = 256


class Refused(Exception):
    """The volume or its key cannot be used; the text is one sentence."""


class NewerFormat(Refused):
    """A whole copy of a later format, or with unknown features: no older copy beside it may be used."""


class Header:
    """One copy of the header: magic, checksum, version and place are right; nothing is authenticated yet."""

    def __init__(self, copy, offset):
        if len(copy) < COPY_BYTES:
            raise Refused("lies past the end of the file")
        if copy[:8] != MAGIC:
            raise Refused("does not begin as a header does")
        if hashlib.sha256(zeroed(copy, CHECKSUM_AT, 32)).digest() != copy[CHECKSUM_AT:CHECKSUM_AT + 32]:
            raise Refused("is damaged (its checksum is wrong)")
        major, _, length = struct.unpack_from("<HHI", copy, 8)
        if major != 1:
            raise NewerFormat(f"the volume has format version {major}, which this tool does not know")
        if length != COPY_BYTES:
            raise Refused("has a length that no writer gives it")
        self.sequence, place, self.incompatible = struct.unpack_from("<QQI", copy, 0x10)
        if place != offset:
            raise Refused("lies in the wrong place")
        self.copy = copy
        self.state, = struct.unpack_from("<I", copy, 0x2C)
        self.uuid = copy[0x30:0x40]
        self.volume_id = copy[0x40:0x60].rstrip(b"\0").decode("ascii", "replace")
        self.size, self.data_offset, self.unit, self.cipher, self.first_unit = struct.unpack_from("<QQIIQ", copy, 0x60)
        self.salt = copy[0x90:0xB0]
        try:
            if self.cipher not in XTS_KEY_BYTES or self.unit not in (512, 4096) or self.first_unit != 0:
                raise Refused("has a cipher or data unit that no writer gives it")
            self.record_types = record_types(copy)
        except Refused as fault:
            if self.incompatible == 0:
                raise
            # What an unknown feature changed about the fields is not for this reader to judge.
            raise NewerFormat("the volume uses features that this tool does not know") from fault

    def blob(self):
        """The wrapped volume key in the active slot."""
        for base in SLOT_OFFSETS:
            state, kind, _, length = struct.unpack_from("<IIHH", self.copy, base)
            if state == SLOT_ACTIVE and kind == 1 and 1 <= length <= 6144:
                return self.copy[base + 0x860:base + 0x860 + length]
        raise Refused("the header has no active key slot")

    def authenticate(self, volume_key):
        """Compares the MAC in constant time, then checks what is only worth checking of an honest header."""
        key = derive(volume_key, self.salt, b"coffer/1/header-mac\0" + self.uuid, 32)
        message = zeroed(self.copy, MAC_AT, 64)
        if not hmac.compare_digest(hmac.digest(key, message, "sha256"), self.copy[MAC_AT:MAC_AT + 32]):
            raise Refused("the header was tampered with, or the volume key is another volume's")
        if self.incompatible != 0 or any(kind & MUST_UNDERSTAND for kind in self.record_types):
            raise Refused("the volume uses features that this tool does not know")
        if self.state not in READABLE_STATES:
            raise Refused(f"the volume's state ({self.state}) does not allow reading")

    def xts_key(self, volume_key):
        info = b"coffer/1/xts\0" + struct.pack("<II", self.cipher, self.unit) + self.uuid
        return derive(volume_key, self.salt, info, XTS_KEY_BYTES[self.cipher])


def zeroed(copy, offset, count):
    return copy[:offset] + bytes(count) + copy[offset + count:]


def record_types(copy):
    """The types of the extension's records."""
    kinds, at = [], EXTENSION_AT
    while at + 4 <= COPY_BYTES:
        kind, length = struct.unpack_from("<HH", copy, at)
        if kind == 0:
            break
        if kind == MUST_UNDERSTAND or at + 4 + length > COPY_BYTES:
            raise Refused("has extension records that no writer gives it")
        kinds.append(kind)
        at += 4 + length
    if any(copy[at:]):
        raise Refused("has extension records that no writer gives it")
    return kinds


def derive(volume_key, salt, info, count):
    return HKDF(hashes.SHA256(), count, salt, info).derive(volume_key)


def read_header(file):
    """The good copy with the higher sequence; copy A where both have the same."""
    headers, faults = [], []
    for name, offset in zip("AB", COPY_OFFSETS):
        file.seek(offset)
        try:
            headers.append(Header(file.read(COPY_BYTES), offset))
        except NewerFormat:
            raise
        except Refused as fault:
            faults.append(f"copy {name} {fault}")
    if not headers:
        raise Refused("no copy of the header can be used: " + ", ".join(faults))
    return max(headers, key=lambda header: header.sequence)


def ask_coffer(coffer, home, header):
    """Has Coffer's KMS decrypt the wrapped key: the one place that knows the command. The key comes by a pipe."""
    command = [coffer, "key", "decrypt", "--context", "aws:ebs:id=" + header.volume_id,
               "--ciphertext-file", "-", "--plaintext-file", "-"]
    if home:
        command += ["--home", home]
    try:
        done = subprocess.run(command, input=header.blob(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    except OSError as error:
        raise Refused(f"cannot run {coffer}: {error.strerror}") from error
    if done.returncode != 0:
        raise Refused("the KMS gave no key: " + " ".join(done.stderr.decode("utf-8", "replace").split()))
    return done.stdout


def volume_key_of(arguments, header):
    if arguments.volume_key_file:
        with open(arguments.volume_key_file, "rb") as file:
            key = file.read(65)
    else:
        key = ask_coffer(arguments.coffer, arguments.home, header)
    if len(key) != 64:
        raise Refused("a volume key has 64 bytes, and this one has not")
    return key


def decrypt_unit(xts_key, number, unit):
    """A data unit under its number. One that is all zero was never written, and reads as zeroes."""
    if not any(unit):
        return unit
    decryptor = Cipher(algorithms.AES(xts_key), modes.XTS(number.to_bytes(16, "little"))).decryptor()
    return decryptor.update(unit) + decryptor.finalize()


def decrypt_range(file, header, xts_key, offset, count, output):
    number, end = offset // header.unit, offset + count
    while number * header.unit < end:
        units = min(RUN_UNITS, -(-end // header.unit) - number)
        file.seek(header.data_offset + number * header.unit)
        run = file.read(units * header.unit)
        if len(run) != units * header.unit:
            raise Refused("the file ends before the volume's data does")
        plaintext = b"".join(
            decrypt_unit(xts_key, number + index, run[index * header.unit:(index + 1) * header.unit])
            for index in range(units))
        start = number * header.unit
        output.write(plaintext[max(offset - start, 0):min(end - start, len(plaintext))])
        number += units


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Decrypt a range of a Coffer volume file to standard output.",
        epilog="A volume under an AWS managed key, such as alias/aws/ebs, cannot be read this way: the KMS lets the "
               "volume service alone use such a key, and refuses the direct Decrypt.")
    parser.add_argument("volume_file")
    parser.add_argument("--offset", type=int, required=True, help="first byte, as the user of the volume counts")
    parser.add_argument("--count", type=int, required=True, help="how many bytes")
    parser.add_argument("--coffer", default="coffer", help="the coffer command (default: coffer)")
    parser.add_argument("--home", help="the home whose KMS holds the key")
    parser.add_argument("--volume-key-file", help="the 64 bytes of the volume key, in place of asking the KMS")
    return parser, parser.parse_args()


def main():
    parser, arguments = parse_arguments()
    try:
        with open(arguments.volume_file, "rb") as file:
            header = read_header(file)
            volume_key = volume_key_of(arguments, header)
            header.authenticate(volume_key)
            if arguments.offset < 0 or arguments.count < 0 or arguments.offset + arguments.count > header.size:
                parser.error(f"the volume has {header.size} bytes")
            xts_key = header.xts_key(volume_key)
            decrypt_range(file, header, xts_key, arguments.offset, arguments.count, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has enough
        return 1
    except (Refused, OSError) as error:
        print(f"decrypt-volume: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
