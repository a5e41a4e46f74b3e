# SPDX-License-Identifier: GPL-2.0-only
"""Runs cases over as many boots as it takes, watches every console, and judges."""

import sys
import threading
import time
from dataclasses import dataclass, field

from . import splat
from .machine import Machine, Tail

BOOT_TIMEOUT = 60      # seconds from QEMU's start to dom0's first line
MARK_TIMEOUT = 3        # seconds for the consoles to catch up with the results
BEAT = 0.1              # seconds between two calls that wake the emulator
STANDSTILL = 2          # seconds of a sleep of 0.02
WHERE_TIMEOUT = 20      # seconds for dom0 to gather backtraces after a hang
CONTEXT = 40            # lines kept after the first of a splat
LAST_LINES = 8          # of each console, shown for a hang


@dataclass
class Result:
    case: object
    verdict: str = ""           # ok, not ok, broken, skip
    reason: str = ""
    seconds: float = 0
    processor: float = 0        # seconds of the emulator
    notes: list = field(default_factory=list)
    metrics: dict = field(default_factory=dict)
    splats: list = field(default_factory=list)
    last_progress: str = "none"

    def as_dict(self):
        return {"test": self.case.test.name, "guests": self.case.type, "vcpus": self.case.vcpus,
                "rows": self.case.test.rows, "verdict": self.verdict, "reason": self.reason,
                "seconds": round(self.seconds, 2), "notes": self.notes, "metrics": self.metrics}


class Console:
    """Lines of one channel, with the memory of the last ones by domain and of splats."""

    def __init__(self, path, domain_of):
        self.tail = Tail(path)
        self.domain_of = domain_of
        self.mark = None
        self.follow = 0


class Queue:
    """The cases of a run that nobody has begun, for several sessions. A session has the guests of one type, and
    takes others when there is none left for it."""

    def __init__(self, cases):
        self.left = list(cases)
        self.lock = threading.Lock()

    def take(self, kind):
        """For a session with guests of this type; None: in their order. Returns None when nothing is left."""
        with self.lock:
            case = min(self.left, key=lambda c: self.rank(c, kind) if kind else 0, default=None)
            if case:
                self.left.remove(case)
            return case

    @staticmethod
    def rank(case, kind):
        return 0 if case.type == kind else 1 if case.type == "none" else 2

    def put_back(self, case):
        with self.lock:
            self.left.insert(0, case)


def dom0_or_xen(line):
    return "Xen" if line.startswith("(XEN)") else "dom0"


def guest_name(line):
    return line.split("]")[0][1:] if line.startswith("[") else "guests"


class Boot:
    """One boot: gives it one case after the other, feeds events to the session until it ends."""

    def __init__(self, session):
        self.session = session
        self.given = None           # the case that it was given and has not begun
        self.machine = Machine(session.folder, session.mode, session.smp, xen_args=session.xen_args,
                               disk=session.disk, patience=session.patience)
        self.current = None
        self.done = []
        self.started = False
        self.finished = False
        self.ready = False          # the current test's guests are there
        self.spoilt = False
        self.last = {}
        self.stray = []

    def give(self):
        """The next case, or the end."""
        case = self.given = self.session.take()
        line = ""
        if case:
            line = (f"{case.number}|{case.test.name}|{case.type}|{case.vcpus}|"
                    f"{'fresh' if case.test.fresh else 'shared'}|{'yes' if self.session.long else ''}")
        self.machine.order(f"rig_next '{line}'")

    def run(self):
        self.machine.prepare(self.session.tests, self.session.more)
        folder = self.session.folder
        self.results = Tail(folder / "results")
        self.consoles = [Console(folder / "console", dom0_or_xen), Console(folder / "guests", guest_name)]
        self.machine.start()
        self.session.log(f"rig: {' '.join(self.machine.command)}")
        self.begin = self.heard = time.monotonic()
        try:
            self.watch()
        finally:
            self.machine.stop(0 if self.spoilt else 10)
            if self.given:
                self.session.queue.put_back(self.given)

    def watch(self):
        beaten = 0
        while not self.finished and not self.spoilt:
            if self.started and time.monotonic() - beaten > BEAT:
                self.machine.beat()
                beaten = time.monotonic()
            alive = self.machine.running()
            self.read_consoles()
            for line in self.results.lines():
                self.heard = time.monotonic()
                self.event(line)
            if self.spoilt or self.finished:
                break
            if not alive:
                self.died()
            elif self.silence() > self.allowed():
                self.hung()
            self.pause()
        self.read_consoles()

    def pause(self):
        """Far too long a sleep: this machine stood still, not the test."""
        before = time.monotonic()
        time.sleep(0.02)
        slept = time.monotonic() - before
        if slept > STANDSTILL:
            self.heard += slept
            self.session.log(f"rig: this machine stood still for {slept:.1f} s")

    def silence(self):
        return time.monotonic() - self.heard

    def allowed(self):
        base = self.current.case.test.timeout if self.current and self.ready else BOOT_TIMEOUT
        return base * self.session.patience

    # --- consoles -----------------------------------------------------------------------------
    def read_consoles(self):
        """The number of lines read."""
        count = 0
        for console in self.consoles:
            for line in console.tail.lines():
                self.console_line(console, line)
                count += 1
        return count

    def console_line(self, console, line):
        domain = console.domain_of(line)
        self.session.log(f"{time.monotonic() - self.begin:8.2f} {line}")
        if "rig-mark " in line:
            console.mark = line.split("rig-mark ")[1].strip()
            return
        self.last.setdefault(domain, []).append(line)
        del self.last[domain][:-LAST_LINES]
        allowed = self.current.case.test.allow if self.current else ()
        where = self.current.splats if self.current else self.stray
        if console.follow:
            console.follow -= 1
            where.append("  " + line)
        elif splat.find(line, allowed):
            where.append(f"{splat.kind(line)}: {line}")
            console.follow = CONTEXT

    def await_marks(self, mark, timeout=MARK_TIMEOUT):
        end = time.monotonic() + timeout * self.session.patience
        while time.monotonic() < end and any(c.mark != mark for c in self.consoles):
            time.sleep(0.02)
            self.read_consoles()
        for console in self.consoles:
            console.follow = 0

    # --- results ------------------------------------------------------------------------------
    def event(self, line):
        word, _, rest = line.partition(" ")
        if word == "boot":
            self.session.say(f"dom0 is up after {time.monotonic() - self.begin:.1f} s")
            self.started = True
        elif word == "next":
            self.give()
        elif word == "start":
            self.ready = False
            self.current, self.given = Result(self.given), None
            self.current.splats += self.stray
            self.stray = []
            self.test_begin, self.test_cpu = time.monotonic(), self.machine.processor_seconds()
            self.session.say(f"{self.current.case.title}")
        elif word == "guest":
            self.session.say(f"    starting guest {rest}")
        elif word == "ready":
            self.ready = True
            self.test_begin, self.test_cpu = time.monotonic(), self.machine.processor_seconds()
        elif word == "end":
            self.ended(rest)
        elif word == "bye":
            self.finished = True
        elif self.current:
            self.about_test(word, rest)

    def about_test(self, word, rest):
        result = self.current
        if word == "progress":
            result.last_progress = rest
            self.session.say(f"    {rest}")
        elif word == "diag":
            result.notes.append(rest)
        elif word == "metric":
            key, _, value = rest.partition("=")
            result.metrics[key] = value
        elif word in ("fail", "broken", "skip") and not result.verdict:
            result.verdict = {"fail": "not ok"}.get(word, word)
            result.reason = rest

    def ended(self, rest):
        number, status, _ = (rest + " 0 0").split(" ", 2)
        result = self.current
        self.await_marks(number)
        result.seconds = time.monotonic() - self.test_begin
        result.processor = self.machine.processor_seconds() - self.test_cpu
        if status != "0" and not result.verdict:
            result.verdict = "broken" if status == "98" else "not ok"
            result.reason = f"{result.case.test.name}.sh ended with status {status}"
            self.show_last(result, ("test",))
        elif status == "0" and result.verdict != "skip":
            result.verdict = result.verdict or "ok"
        self.close(result)

    def close(self, result):
        if result.splats:
            result.verdict, result.reason = "not ok", result.splats[0]
            self.spoilt = True
        self.done.append(result.case)
        self.current = None
        self.session.record(result)

    def show_last(self, result, domains=None):
        for domain, lines in self.last.items():
            if domains is None or domain in domains:
                result.notes.append(f"last lines of {domain}:")
                result.notes += ["  " + line for line in lines]

    # --- ends that nobody wanted --------------------------------------------------------------
    def died(self):
        self.spoilt = True
        self.read_consoles()
        if not self.current:
            self.tell_last("the machine ended without a test")
            return
        result, self.current.verdict = self.current, "not ok"
        result.reason = f"the machine ended during the test, after '{result.last_progress}'"
        result.seconds = time.monotonic() - self.test_begin
        self.show_last(result)
        self.close(result)

    def tell_last(self, what):
        self.session.say(f"{what}; the consoles end with:")
        errors = (self.session.folder / "qemu.err").read_text(errors="replace").splitlines()
        for line in sum(self.last.values(), errors[-LAST_LINES:]):
            self.session.say("    " + line)

    def hung(self):
        self.spoilt = True
        result = self.current
        if not result:
            self.tell_last("no life in dom0")
            return
        result.verdict = "not ok"
        result.seconds = time.monotonic() - self.test_begin
        result.reason = (f"hang: no progress for {self.allowed():.0f} s after "
                         f"'{result.last_progress}'")
        self.show_last(result)
        self.ask_where(result)
        self.close(result)

    def ask_where(self, result):
        """Backtraces of every kernel, and the state of every vCPU from Xen, into the log."""
        self.session.log("--- hang: what follows was asked for by the rig")
        result.notes.append("backtraces of the kernels and Xen's view of the vCPUs are in the log, after '--- hang'")
        splats, self.current = result.splats[:], None
        self.machine.order("rig_where")
        self.await_marks("where", WHERE_TIMEOUT)
        self.machine.debug_keys("0dq")
        self.settle()
        result.splats = splats
        self.stray = []

    def settle(self):
        """Until the consoles were silent for a second, ten at most."""
        begin = quiet = time.monotonic()
        while self.machine.running():
            now = time.monotonic()
            if self.read_consoles():
                quiet = now
            if now - quiet > self.session.patience or now - begin > 10 * self.session.patience:
                return
            time.sleep(0.05)


class Session:
    """One emulator after the other, until nothing is left in the queue."""

    def __init__(self, queue, kind, folder, options, out, patience):
        self.queue, self.kind, self.folder, self.out, self.patience = queue, kind, folder, out, patience
        self.tests, self.mode, self.long = options.tests, options.mode, options.long
        self.smp, self.xen_args, self.disk = options.smp or 1, options.xen, options.disk
        self.more = options.add
        self.results = []
        self.logfile = open(folder / "log", "w", buffering=1)

    def take(self):
        return self.queue.take(self.kind)

    def log(self, text):
        self.logfile.write(text + "\n")

    def say(self, text):
        self.log(f"rig: {text}")
        print(f"{self.folder.name}: {text}", file=sys.stderr, flush=True)

    def record(self, result):
        self.results.append(result)
        self.out.result(result, self.folder / "log")

    def run(self):
        """True when every case was ok."""
        stray, failures = [], 0
        while self.queue.left:
            boot = Boot(self)
            boot.run()
            stray += boot.stray
            failures = 0 if boot.done or boot.finished else failures + 1
            if failures == 2:
                self.out.bail(f"dom0 does not start or ends before the first test; log: {self.folder}/log")
                return False
            if self.queue.left:
                self.say(f"{len(self.queue.left)} tests are left: a new boot")
        for line in stray:
            self.out.comment(line)
        return not stray and all(r.verdict == "ok" for r in self.results)
