# SPDX-License-Identifier: GPL-2.0-only
"""Results as TAP version 14."""

import json
import threading


class Tap:
    """Writes to the stream as results come, from several sessions; stream None: nowhere."""

    def __init__(self, stream, count):
        self.stream, self.number = stream, 0
        self.lock = threading.Lock()
        self.line("TAP version 14")
        self.line(f"1..{count}")

    def line(self, text):
        if self.stream:
            print(text, file=self.stream, flush=True)

    def comment(self, text):
        self.line(f"# {text}")

    def bail(self, text):
        self.line(f"Bail out! {text}")

    def result(self, result, log):
        with self.lock:
            self.number += 1
            self.one(result, log, f"{self.number} - {result.case.title} ({result.seconds:.1f} s, "
                     f"{result.processor:.1f} s of processor)")

    def one(self, result, log, title):
        if result.verdict == "ok":
            self.line(f"ok {title}")
        elif result.verdict == "skip":
            self.line(f"ok {title} # SKIP {result.reason}")
        else:
            self.line(f"not ok {title}")
            self.failure(result, log)
        for note in result.notes:
            self.comment(note)
        for key, value in result.metrics.items():
            self.comment(f"{key}={value}")

    def failure(self, result, log):
        self.line("  ---")
        kind = "the test itself is broken" if result.verdict == "broken" else "the product failed"
        self.line(f"  message: {json.dumps(kind)}")
        self.line(f"  reason: {json.dumps(result.reason)}")
        self.line(f"  last progress: {json.dumps(result.last_progress)}")
        self.line(f"  log: {json.dumps(str(log))}")
        if result.splats:
            self.line("  splat: |")
            for text in result.splats:
                self.line(f"    {text}")
        self.line("  ...")
