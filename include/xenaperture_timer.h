/* SPDX-License-Identifier: MIT */
/*
 * xenaperture_timer.h - data sheet of the timer device, type "timer".
 *
 * A free-running counter in nanoseconds and 8 comparators, each with one vector: comparator
 * n raises vector n. For guest programs (XENAPT_IOC_OPERATE), guest kernels and
 * other parents. All registers are little-endian; those not written here do not exist.
 *
 * Registers. F: the first device executes it. S: only the second one does. D: the first
 * device executes it, but declines as described. I: independent of the device's state.
 *
 *   offset  width sizes  n access by  name       reset
 *   0x000     8   4 8    1  r     F   COUNTER     -    ns; never goes back, runs on while the guest
 *                                                      is paused
 *   0x008     8   4 8    1  r     D   DATE        -    ns since 1970-01-01 UTC: COUNTER + what SYNC found.
 *                                                      Before the first SYNC the first device declines and
 *                                                      the second one answers from its own clock
 *   0x010     8   any    1  r w   F   PENDING     0    bit n: a tick of comparator n is to be acknowledged
 *   0x018     4   any    1  r     F   COMPARATORS 8    how many
 *   0x020     8   any    1    w   F   ACKNOWLEDGE       bits that are 1 in the value: cleared in PENDING
 *   0x040     8   4 8    1  r     S I WALL        -    ns since 1970 UTC: the second device's clock, now
 *   0x048     8   4 8    1  r     S I PERIOD_MIN  -    ns: shortest period the administrator admits
 *   0x050     8   any    1  r w   S   LABEL       0    8 octets that the device keeps for the guest
 *   0x100+8n  8   4 8    8  r w   F   DEADLINE    0    COUNTER value at which the next tick is due
 *   0x140+8n  8   4 8    8  r w   D   PERIOD      0    ns from tick to tick; 0: none is set. Writing a
 *                                                      value of 1 .. PERIOD_FAST - 1 is declined by the first
 *                                                      device: the second knows the administrator's limit
 *   0x180+4n  4   any    8  r w   F   CONTROL     0    CONTROL_*
 *   0x1c0+8n  8   4 8    8  r     F   EXPIRED     0    ticks that fell due
 *   0x200+8n  8   4 8    8  r     F   DELIVERED   0    ... and were put into PENDING, with an interrupt
 *   0x240+8n  8   4 8    8  r     F   MERGED      0    ... and became part of a later delivered one
 *   0x280+8n  8   4 8    8  r     F   SKIPPED     0    ... and never come
 *   0x2c0+8n  8   4 8    8  r     F   BACKLOG     0    ... and are still to be delivered or merged
 *
 * At any moment EXPIRED = DELIVERED + MERGED + SKIPPED + BACKLOG.
 *
 * Commands                      argument                              result
 *   1  ARM_AFTER  F   bits 63..8: ns, bits 7..0: comparator   the deadline: COUNTER + ns. Arms it
 *   2  SYNC       S   ignored                                 DATE. From now on DATE is fast
 *
 * Ticks. An armed comparator has a tick due when COUNTER reaches DEADLINE. One-shot: it is not
 * armed any more. Periodic: DEADLINE moves on by PERIOD; the grid is DEADLINE + k * PERIOD whatever
 * was late. DEADLINE in the past is due at once, each point of the grid that has passed is a
 * tick.
 *
 * A tick sets the comparator's bit in PENDING and interrupts the guest. A tick that falls due
 * while the bit is still set is missed. What becomes of missed ticks is the comparator's policy:
 *
 *   DELIVER_ALL  each comes separately: the acknowledgement of one delivers the next, at once
 *   MERGE        the acknowledgement delivers one tick for all that were missed
 *   SKIP         they never come: after the acknowledgement the next one is the next of the grid
 *
 * That depends on deadlines and acknowledgements alone, not on how late a device looked.
 * The policy at the acknowledgement decides over the backlog.
 *
 * Acknowledge: XENAPT_OP_CLEAR on PENDING with the comparator's bit. The answer is PENDING
 * before: if the bit was clear in it, the interrupt was a spurious one. By trapped accesses, which
 * cannot read and write at once: read PENDING, then write its bits to ACKNOWLEDGE.
 *
 * By ports a register of 8 octets is reached in halves, low one first in memory order. A counter that
 * moves is read high, low, high again until both are the same. DEADLINE and PERIOD are written
 * while the comparator is not armed; PERIOD as 0 into the low half, then the high half, then the low one.
 * Commands cannot be given by trapped accesses: DEADLINE does what ARM_AFTER does, and DATE is
 * always the second device's until a SYNC came by a ring.
 *
 * Writes, in detail. What is refused (XENAPT_E_VALUE) changes nothing.
 *   PENDING    sets no bit: one that is 1 in the value and 0 in the register is refused.
 *   DEADLINE   counts at once, armed or not.
 *   PERIOD     counts from the tick after the next one. 0 is refused while armed periodic;
 *              PERIOD_LEAST .. PERIOD_MOST else.
 *   CONTROL    armed and periodic needs a PERIOD. Unknown bits and policies are refused. Disarming
 *              stops future ticks, not those that were due.
 */
#ifndef XENAPERTURE_TIMER_H
#define XENAPERTURE_TIMER_H

#define XENAPERTURE_TIMER_TYPE		"timer"
#define XENAPERTURE_TIMER_NUMBER	8u	/* comparators, and vectors */

#define XENAPERTURE_TIMER_COUNTER	0x000u
#define XENAPERTURE_TIMER_DATE		0x008u
#define XENAPERTURE_TIMER_PENDING	0x010u
#define XENAPERTURE_TIMER_COMPARATORS	0x018u
#define XENAPERTURE_TIMER_ACKNOWLEDGE	0x020u
#define XENAPERTURE_TIMER_WALL		0x040u
#define XENAPERTURE_TIMER_PERIOD_MIN	0x048u
#define XENAPERTURE_TIMER_LABEL		0x050u
#define XENAPERTURE_TIMER_DEADLINE(n)	(0x100u + 8u * (n))
#define XENAPERTURE_TIMER_PERIOD(n)	(0x140u + 8u * (n))
#define XENAPERTURE_TIMER_CONTROL(n)	(0x180u + 4u * (n))
#define XENAPERTURE_TIMER_EXPIRED(n)	(0x1c0u + 8u * (n))
#define XENAPERTURE_TIMER_DELIVERED(n)	(0x200u + 8u * (n))
#define XENAPERTURE_TIMER_MERGED(n)	(0x240u + 8u * (n))
#define XENAPERTURE_TIMER_SKIPPED(n)	(0x280u + 8u * (n))
#define XENAPERTURE_TIMER_BACKLOG(n)	(0x2c0u + 8u * (n))

#define XENAPERTURE_TIMER_ARMED		(1u << 0)
#define XENAPERTURE_TIMER_PERIODIC	(1u << 1)	/* else one-shot */
#define XENAPERTURE_TIMER_DELIVER_ALL	(0u << 2)
#define XENAPERTURE_TIMER_MERGE		(1u << 2)
#define XENAPERTURE_TIMER_SKIP		(2u << 2)
#define XENAPERTURE_TIMER_POLICY	(3u << 2)	/* mask of the three */

/* ns. Between LEAST and FAST the administrator decides: timer.min-period of apertured.conf. */
#define XENAPERTURE_TIMER_PERIOD_LEAST	10000u			/* 10 us */
#define XENAPERTURE_TIMER_PERIOD_FAST	100000u			/* 100 us */
#define XENAPERTURE_TIMER_PERIOD_MOST	(1ull << 60)		/* 36 years */

#define XENAPERTURE_TIMER_ARM_AFTER	1u
#define XENAPERTURE_TIMER_SYNC		2u

/* Argument of ARM_AFTER. */
#define XENAPERTURE_TIMER_AFTER(n, ns)	((unsigned long long)(ns) << 8 | (n))

#endif /* XENAPERTURE_TIMER_H */
