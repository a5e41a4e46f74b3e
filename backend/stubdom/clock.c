// SPDX-License-Identifier: GPL-2.0-only
#include "clock.h"

#include "machine.h"

static uint64_t last;

static inline uint64_t ticks(void)
{
	uint32_t low, high;

	/* The load of the parameters before it, not after. */
	asm volatile("lfence\n\trdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline uint64_t scale(uint64_t delta, uint32_t mul, int8_t shift)
{
	delta = shift < 0 ? delta >> -shift : delta << shift;
	return (uint64_t)((unsigned __int128)delta * mul >> 32);
}

/* Xen changes the parameters while version is odd. */
uint64_t clock_now(void)
{
	const volatile struct vcpu_time_info *t = &stub_shared.vcpu_info[0].time;
	uint64_t now;
	uint32_t version;

	do {
		version = t->version & ~1u;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		now = t->system_time +
		      scale(ticks() - t->tsc_timestamp, t->tsc_to_system_mul, t->tsc_shift);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (t->version != version);
	/* Two processors' parameters may differ by a little. */
	if (now < last)
		return last;
	last = now;
	return now;
}
