# SPDX-License-Identifier: GPL-2.0-only
"""Take the kernel proper (ELF) out of a bzImage: bzimage.py VMLINUZ VMLINUX"""

import lzma
import struct
import subprocess
import sys


def extract(data):
    """The offsets are those of the x86 boot protocol's setup header."""
    if data[0x202:0x206] != b"HdrS":
        raise ValueError("not a bzImage")
    setup = (data[0x1f1] + 1) * 512
    offset, length = struct.unpack_from("<II", data, 0x248)
    packed = data[setup + offset:setup + offset + length]
    if packed[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(packed)
    if packed[:4] == b"\x28\xb5\x2f\xfd":
        # Behind it is the size of what is inside.
        return subprocess.run(["zstd", "-dcq"], input=packed[:-4], check=True, stdout=subprocess.PIPE).stdout
    raise ValueError("the kernel inside is neither xz nor zstd compressed")


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as source:
        kernel = extract(source.read())
    with open(sys.argv[2], "wb") as target:
        target.write(kernel)
