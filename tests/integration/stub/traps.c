// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stub domain that traps in each of its lives, in another way each time, and checks that memory was
 * cleared before. When it has nothing new to do it does the first thing over and over.
 */
#include "console.h"
#include "events.h"
#include "grants.h"
#include "lane.h"
#include "machine.h"
#include "start.h"
#include "trap.h"

extern uint8_t stub_text_start[], stub_guard[];

static uint64_t lives;	/* cleared by a restart */

static void undefined(void)
{
	asm volatile("ud2");
}

static void divide(void)
{
	asm volatile("divl %%ecx" : : "a" (1), "d" (0), "c" (0));
}

static void breakpoint(void)
{
	asm volatile("int3");
}

static void null_read(void)
{
	asm volatile("mov 0x18, %%eax" : : : "eax");
}

static void null_call(void)
{
	asm volatile("call *%0" : : "r" (0ul));
}

static void text_write(void)
{
	*(volatile uint8_t *)stub_text_start = 1;
}

static void no_address(void)
{
	asm volatile("mov (%0), %%eax" : : "r" (0x8000000000000000ul) : "eax");
}

static void guard(void)
{
	*(volatile uint8_t *)stub_guard = 1;
}

static void outside(void)
{
	restart_entry();
}

static void (*const kinds[])(void) = {
	undefined, divide, breakpoint, null_read, null_call, text_write, no_address, guard, outside,
};

void stub_begin(void)
{
	uint64_t n = trap_restarts();

	if (lives++)
		console_say(CONSOLE_ERROR, "memory was not cleared");
	lane_init();
	events_init();
	grants_init();
	console_say(CONSOLE_INFO, "life %lu begins", n);
	if (n < sizeof(kinds) / sizeof(kinds[0]))
		kinds[n]();
	undefined();
	machine_shutdown(SHUTDOWN_poweroff);
}

void stub_boot(const struct start_info *start)
{
	machine_init(start);
	console_init();
	trap_init();
	stub_begin();
}
