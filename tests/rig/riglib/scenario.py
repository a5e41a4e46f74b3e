# SPDX-License-Identifier: GPL-2.0-only
"""Test scripts and the cases that their headers ask for."""

import re
from dataclasses import dataclass, field
from pathlib import Path

TYPES = ("pv", "pvh", "pv+pvh", "none")
HEADER = re.compile(r"#\s*(title|rows|guests|guests-long|vcpus|vcpus-long|long|timeout|guest|allow)\s*:\s*(.*?)\s*$")


class Mistake(Exception):
    """What the caller asked for, or a test's header, is wrong."""


@dataclass
class Test:
    """One script: its header."""
    name: str
    path: Path
    title: str = ""
    rows: list = field(default_factory=list)
    guests: list = field(default_factory=lambda: ["none"])
    vcpus: list = field(default_factory=lambda: [1])
    guests_long: list = field(default_factory=list)     # more of them with --long
    vcpus_long: list = field(default_factory=list)
    long: bool = False
    timeout: int = 60           # seconds without progress
    fresh: bool = False
    allow: list = field(default_factory=list)   # texts of warnings that the test provokes


@dataclass
class Case:
    """One run of a test: one TAP line."""
    test: Test
    type: str
    vcpus: int
    number: int = 0

    @property
    def long(self):
        """Only --long runs it, or its name."""
        return self.test.long or self.type in self.test.guests_long or self.vcpus in self.test.vcpus_long

    @property
    def title(self):
        name = self.test.name
        if self.type != "none":
            name += f" {self.type} vcpus={self.vcpus}"
        elif self.test.vcpus + self.test.vcpus_long != [1]:
            name += f" vcpus={self.vcpus}"
        return f"{name} [{' '.join(self.test.rows)}]"


def words(value):
    return value.replace(",", " ").split()


def guest_types(test, value):
    for kind in words(value):
        if kind not in TYPES:
            raise Mistake(f"{test.path}: guests: '{kind}' is none of {' '.join(TYPES)}")
    return words(value)


def set_field(test, key, value):
    if key == "title":
        test.title = value
    elif key == "rows":
        test.rows = words(value)
    elif key == "guests":
        test.guests = guest_types(test, value)
    elif key == "guests-long":
        test.guests_long = guest_types(test, value)
    elif key == "vcpus":
        test.vcpus = [int(n) for n in words(value)]
    elif key == "vcpus-long":
        test.vcpus_long = [int(n) for n in words(value)]
    elif key == "timeout":
        test.timeout = int(value)
    elif key == "long":
        test.long = value == "yes"
    elif key == "guest":
        test.fresh = value == "fresh"
    elif key == "allow":
        test.allow.append(value)


def parse(path):
    test = Test(path.stem, path)
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        match = HEADER.match(line)
        if match:
            try:
                set_field(test, *match.groups())
            except ValueError as error:
                raise Mistake(f"{path}: {match.group(1)}: {error}") from error
    if not test.title:
        raise Mistake(f"{path}: no '# title:' in its header")
    return test


def load(folder):
    """All tests of a folder, by name. A test's name is its file's, without .sh."""
    return {p.stem: parse(p) for p in sorted(Path(folder).glob("*.sh")) if not p.stem.startswith("_")}


def rows_wanted(tests, only):
    for row in only:
        if not any(row in test.rows for test in tests):
            raise Mistake(f"no test shows row '{row}'; rows shown: "
                          f"{' '.join(sorted({r for t in tests for r in t.rows}))}")
    return [t for t in tests if not only or set(only) & set(t.rows)]


def by_name(tests, names):
    chosen = []
    for name in names:
        stem = Path(name).stem
        if stem not in tests:
            raise Mistake(f"no test '{name}'; there are: {' '.join(tests)}")
        chosen.append(tests[stem])
    return chosen


def cases_of(test, guests, vcpus, long):
    """Each combination once. What is for --long only also runs when it is asked for by its value."""
    kinds = test.guests + [g for g in test.guests_long if long or guests == g]
    counts = test.vcpus + [v for v in test.vcpus_long if long or vcpus == v]
    return [Case(test, g, v) for g in kinds for v in (counts if g != "none" else [1])
            if guests in (None, g) and vcpus in (None, v)]


def select(tests, names=(), only=(), guests=None, vcpus=None, long=False):
    """The cases to run, numbered from 1. `tests` is what load() gave."""
    chosen = by_name(tests, names) if names else [t for t in tests.values() if long or not t.long]
    chosen = rows_wanted(chosen, only)
    cases = [case for t in chosen for case in cases_of(t, guests, vcpus, long)]
    if not cases:
        raise Mistake("nothing to run: no test fits what was asked for")
    for number, case in enumerate(cases, 1):
        case.number = number
    return cases
