// SPDX-License-Identifier: GPL-2.0-only
#include "trap.h"

#include "clock.h"
#include "console.h"
#include "ioreq.h"
#include "machine.h"
#include "persist.h"
#include "start.h"
#include "text.h"

#define FROM_OUTSIDE	256u	/* restart_entry's "number" */
#define PAGE_FAULT	14u
#define MASK_EVENTS	4u	/* trap_info.flags: upcalls stay masked */

/* boot.S writes the first three. */
struct {
	uint64_t number, error, address;
	uint64_t touched;	/* by a page fault */
	uint64_t serves;
} trap_record STUB_PERSIST;

uint64_t trap_serves;

static uint64_t restarts STUB_PERSIST;
static uint64_t began STUB_PERSIST;
static uint64_t recent[TRAP_STORM] STUB_PERSIST;	/* when, by number */
static uint64_t pause_ms STUB_PERSIST;

extern uint8_t stub_bss_start[], stub_bss_end[];
extern const char trap_0[], trap_1[], trap_3[], trap_4[], trap_5[], trap_6[], trap_7[], trap_10[],
	trap_11[], trap_12[], trap_13[], trap_14[], trap_16[], trap_17[], trap_18[], trap_19[];

#define TRAP(n)	{ n, MASK_EVENTS, FLAT_KERNEL_CS, (unsigned long)trap_##n }

void trap_init(void)
{
	static const struct trap_info table[] = {
		TRAP(0), TRAP(1), TRAP(3), TRAP(4), TRAP(5), TRAP(6), TRAP(7), TRAP(10), TRAP(11),
		TRAP(12), TRAP(13), TRAP(14), TRAP(16), TRAP(17), TRAP(18), TRAP(19), { 0 },
	};

	hypercall_traps(table);
	began = clock_now();
}

uint64_t trap_restarts(void)
{
	return restarts;
}

uint64_t trap_started(void)
{
	return began;
}

void trap_again(void)
{
	__builtin_trap();
}

static void say(void)
{
	char who[48] = "no device";

	if (trap_record.serves)
		text_make(who, sizeof(who), "guest %u device %u",
			  (unsigned int)(trap_record.serves >> 32), (unsigned int)trap_record.serves);
	if (trap_record.number == FROM_OUTSIDE)
		console_say(CONSOLE_ERROR, "restart %lu from outside, serving %s", restarts, who);
	else
		console_say(CONSOLE_ERROR,
			    "restart %lu: trap %lu, error %lx, at address %lx, touching %lx, serving %s",
			    restarts, trap_record.number, trap_record.error, trap_record.address,
			    trap_record.touched, who);
}

/* The tenth last was a moment ago. */
static int storm(void)
{
	uint64_t now = clock_now(), *slot = &recent[restarts % TRAP_STORM], then = *slot;

	*slot = now;
	return restarts > TRAP_STORM && now - then < TRAP_STORM_S * (uint64_t)NS_PER_S;
}

static void wait(uint64_t ms)
{
	uint64_t until = clock_now() + ms * NS_PER_MS;
	struct sched_poll poll = { .timeout = until };

	while (clock_now() < until)
		hypercall_sched(SCHEDOP_poll, &poll);
}

/* It grows in a storm, and shrinks when that is over. */
static void slow_down(void)
{
	if (trap_record.number == FROM_OUTSIDE)
		return;
	pause_ms = pause_ms ? pause_ms * 2 : 1;
	if (pause_ms > TRAP_PAUSE_MS)
		pause_ms = TRAP_PAUSE_MS;
	console_say(CONSOLE_ERROR, "%u restarts in %u s: the next life begins in %lu ms", TRAP_STORM,
		    TRAP_STORM_S, pause_ms);
	wait(pause_ms);
}

static void end_or_slow_down(void)
{
	if (ioreq_is_open()) {
		slow_down();
		return;
	}
	console_say(CONSOLE_ERROR, "%u restarts in %u s: this domain ends itself", TRAP_STORM,
		    TRAP_STORM_S);
	machine_shutdown(SHUTDOWN_crash);
}

/* From boot.S, on a fresh stack. */
void stub_restart(void) __attribute__((noreturn));
void stub_restart(void)
{
	restarts++;
	began = clock_now();
	trap_record.serves = trap_serves;
	trap_record.touched = trap_record.number == PAGE_FAULT ?
			      stub_shared.vcpu_info[0].arch.cr2 : 0;
	memset(stub_bss_start, 0, (size_t)(stub_bss_end - stub_bss_start));
	console_init();
	say();
	if (storm())
		end_or_slow_down();
	else
		pause_ms /= 2;
	stub_begin();
}
