# SPDX-License-Identifier: GPL-2.0-only
"""Take the kernel proper (ELF) out of a bzImage: bzimage.py VMLINUZ VMLINUX"""

import lzma
import struct
import sys


def extract(data):
    """The offsets are those of the x86 boot protocol's setup header."""
    if data[0x202:0x206] != b"HdrS":
        raise ValueError("not a bzImage")
    setup = (data[0x1f1] + 1) * 512
    offset, length = struct.unpack_from("<II", data, 0x248)
    packed = data[setup + offset:setup + offset + length]
    if packed[:6] != b"\xfd7zXZ\0":
        raise ValueError("the kernel inside is not xz compressed")
    return lzma.LZMADecompressor().decompress(packed)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as source:
        kernel = extract(source.read())
    with open(sys.argv[2], "wb") as target:
        target.write(kernel)
