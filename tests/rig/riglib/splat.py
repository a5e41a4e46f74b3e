# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel or the hypervisor prints when something is broken."""

import re

LINUX = re.compile(
    r"-\[ cut here \]-|\bBUG: |\bkernel BUG at |\bOops: |\bWARNING: CPU: |\bWARNING: possible |"
    r"\bKernel panic|\bgeneral protection fault|\bUnable to handle |\bINFO: task .* blocked for |"
    r"\bdetected stalls? on|\bself-detected stall|soft lockup|hard LOCKUP|\bBad page |"
    r"\blist_(add|del) corruption|\brefcount_t: |\bUBSAN: |\bKASAN: |\bKFENCE: |\bkmemleak: |"
    r"\bunchecked MSR access|\bsegfault at |\btraps: |\birq \d+: nobody cared|"
    r"\bgrant table reference .* still in use|WARNING: (g\.e\. .*|leaking g\.e\.)|"
    r"\bxen:grant_table: |\bvmap allocation .* failed|\bpage allocation failure|"
    r"\bOut of memory: |\bCall Trace:")
XEN = re.compile(
    r"\(XEN\).*(\bXen (BUG|WARN) at |\bAssertion |\bPanic on CPU|\bFATAL |\bXen call trace|"
    r"\bdomain_crash|\bDomain \d+ .*crashed|\bDom0 crashed|\bcrashed on cpu|\bUnhandled |\bwatchdog |\bWatchdog |"
    r"\bWARNING|\bERROR|\bError |\bUBSAN|\b[a-z0-9_/-]+\.c:\d+[: ])")

# Printed by an untouched boot, and harmless. Exact text, within the line.
UNTOUCHED = ()

# The machinery's own lines on the consoles
OURS = re.compile(r"^\[(test|rig)\] |rig-mark ")


def find(line, allowed=()):
    """True when the line belongs to a splat, a crash or a warning of the hypervisor."""
    if OURS.search(line) or any(text in line for text in UNTOUCHED):
        return False
    if any(text in line for text in allowed):
        return False
    return bool(LINUX.search(line) or XEN.search(line))


def kind(line):
    if "(XEN)" in line:
        return "warning or crash of the hypervisor"
    return "kernel splat in " + (line.split("]")[0][1:] if re.match(r"\[[a-z]\S*\] ", line) else "dom0")
