# SPDX-License-Identifier: GPL-2.0-only
"""The emulated machine: its disks, its channels, its start and its end."""

import ctypes
import io
import math
import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
TOP = HERE.parent.parent
XEN_ARGS = ("console=com1 com1=115200,8n1 console_timestamps=none loglvl=info guest_loglvl=warning "
            "dom0_mem=1280M,max:1280M bootscrub=false conring_size=4M")
DOM0_ARGS = "console=hvc0 loglevel=5 panic=-1 oops=panic cryptomgr.notests rdinit=/init"
MT_ARGS = " mitigations=off"    # an eighth faster; in det the figures are those of a kernel as it comes


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get("XEN_APERTURE_CACHE") or base + "/xen-aperture")


def image():
    return cache() / "image-bookworm"


def root_owned(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return None if info.name.endswith("__pycache__") else info


def trees(part, more):
    """What is laid over the base of "dom0" or "guest": the stage's, then that of a folder of the caller's."""
    return [t for t in (TOP / "build/stage" / part, *([Path(more) / part] if more else [])) if t.is_dir()]


def guest_overlay(more):
    """The trees for guests as cpio archives that follow the base one."""
    archives = b""
    for tree in trees("guest", more):
        names = subprocess.run(["find", ".", "!", "-name", "."], cwd=tree, check=True, capture_output=True)
        archives += subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=tree, check=True,
                                   input=names.stdout, capture_output=True).stdout
    return archives


def add_bytes(tar, name, data, mode=0o644):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(data), mode, int(time.time())
    tar.addfile(info, io.BytesIO(data))


def make_disk(path, tests, more):
    """This run's files, laid over dom0's root by its initramfs."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for tree in trees("dom0", more):
            for entry in sorted(tree.iterdir()):
                add_tree(tar, entry, entry.name)
        tar.add(HERE / "dom0", "rig/dom0", filter=root_owned)
        for shared in sorted((TOP / "tests/integration").glob("_*.sh")):
            tar.add(shared, f"rig/tests/{shared.name}", filter=root_owned)
        tar.add(tests, "rig/tests", filter=root_owned)
        tar.add(TOP / "configs/guests", "rig/guests", filter=root_owned)
        tar.add(image() / "rigctl", "rig/bin/rigctl", filter=root_owned)
        add_bytes(tar, "boot/xen-aperture/initramfs", (image() / "guest.cpio").read_bytes() + guest_overlay(more))


def add_tree(tar, path, name):
    """Only files: a directory entry would change the owner or replace a link (bin -> usr/bin)."""
    if path.is_dir() and not path.is_symlink():
        for entry in sorted(path.iterdir()):
            add_tree(tar, entry, f"{name}/{entry.name}")
    else:
        for short in ("bin", "sbin", "lib"):
            if name.startswith(short + "/"):
                name = "usr/" + name
        tar.add(path, name, filter=root_owned)


class Tail:
    """Complete lines of a file that grows."""

    def __init__(self, path):
        self.path = path
        self.offset = 0
        self.rest = b""

    def lines(self):
        with open(self.path, "rb") as source:
            source.seek(self.offset)
            data = source.read()
        self.offset += len(data)
        *whole, self.rest = (self.rest + data).split(b"\n")
        return [line.decode("utf-8", "replace").rstrip("\r") for line in whole]


def accelerator(mode, smp):
    if mode == "det":
        return ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", str(smp)]
    return ["-accel", "tcg,thread=multi", "-smp", str(smp)]


def die_with_parent():
    """In the new process: no emulator outlives the rig, however the rig ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG


class Machine:
    """One QEMU. `folder` holds its disks and channels."""

    def __init__(self, folder, mode="mt", smp=1, memory=3072, xen_args="", shell=False, disk=None,
                 patience=1):
        self.folder = Path(folder)
        self.mode = mode
        self.shell = shell
        self.disk = disk
        self.patience = math.ceil(patience)
        self.command = self.arguments(mode, smp, memory, xen_args)
        self.process = None
        self.log = None

    def arguments(self, mode, smp, memory, xen_args):
        img, here = image(), self.folder
        args = DOM0_ARGS + (MT_ARGS if mode == "mt" else "")
        dom0 = f"{img}/vmlinux {args} rig.mode={'shell' if self.shell else 'test'} rig.patience={self.patience}"
        return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
                "-name", "xen-aperture-rig", "-machine", "pc", "-cpu", "qemu64,+svm,+npt",
                *accelerator(mode, smp), "-m", str(memory), "-display", "none", "-vga", "none",
                "-kernel", f"{img}/xen.elf",
                "-append", f"{XEN_ARGS} dom0_max_vcpus={smp} {xen_args}".strip(),
                "-initrd", f"{dom0},{img}/dom0.cpio",
                "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
                "-drive", f"file={img}/root.img,format=raw,if=virtio,snapshot=on",
                "-drive", f"file={here}/run.tar,format=raw,if=virtio,readonly=on",
                "-drive", f"file={here}/save.tar,format=raw,if=virtio",
                *(["-drive", f"file={self.disk},format=raw,if=virtio,readonly=on"] if self.disk else []),
                "-device", "virtio-serial-pci",
                "-chardev", f"file,id=results,path={here}/results",
                "-device", "virtserialport,nr=1,chardev=results,name=results",
                "-chardev", f"file,id=guests,path={here}/guests",
                "-device", "virtserialport,nr=2,chardev=guests,name=guests",
                "-chardev", f"pipe,id=orders,path={here}/orders",
                "-device", "virtserialport,nr=3,chardev=orders,name=orders"]

    def prepare(self, tests, more=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        make_disk(self.folder / "run.tar", tests, more)
        with open(self.folder / "save.tar", "wb") as save:
            save.truncate(512 << 20)
        for name in ("results", "guests", "console"):
            (self.folder / name).write_bytes(b"")
        for name in ("orders.in", "orders.out"):
            (self.folder / name).unlink(missing_ok=True)
            os.mkfifo(self.folder / name)

    def start(self):
        if self.shell:
            self.process = subprocess.Popen(self.command, preexec_fn=die_with_parent)
            return
        with open(self.folder / "console", "wb") as console, open(self.folder / "qemu.err", "wb") as errors:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=console,
                                            stderr=errors, start_new_session=True,
                                            preexec_fn=die_with_parent)

    def running(self):
        return self.process.poll() is None

    def beat(self):
        """Wakes the emulator's main loop, which does nothing else with this signal. In the fast mode it now and
        then slept on while timers were due: no domain had its clock until some input came, such as the
        question after a hang. Only once dom0 is up: before, the signal would end it."""
        if self.mode == "mt":
            self.process.send_signal(signal.SIGIO)

    def processor_seconds(self):
        """Of the emulator, all its threads: says what a test costs on a busy machine too."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            return 0

    def order(self, command):
        """Have dom0 run a shell command. Nothing happens when it cannot."""
        try:
            pipe = os.open(self.folder / "orders.in", os.O_WRONLY | os.O_NONBLOCK)
            os.write(pipe, command.encode() + b"\n")
            os.close(pipe)
        except OSError:
            pass

    def debug_keys(self, keys):
        """Xen's own keys: three times Ctrl-A gives the serial line to Xen, again gives it back."""
        try:
            self.process.stdin.write(b"\x01\x01\x01" + keys.encode() + b"\x01\x01\x01")
            self.process.stdin.flush()
        except OSError:
            pass

    def stop(self, grace=0):
        """Wait up to `grace` seconds for its own end, then end it."""
        try:
            self.process.wait(grace or 0.01)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
