// SPDX-License-Identifier: GPL-2.0-only
#include "console.h"

#include <stdint.h>
#include <xen/io/console.h>

#include "clock.h"
#include "events.h"
#include "machine.h"
#include "text.h"

#define BURST	40u	/* lines at once; then one in 100 ms */
#define PACE	(100u * NS_PER_MS)

static const char *const names[] = { "error", "warning", "info", "debug" };

static struct xencons_interface *ring;
static enum console_level limit;
static uint64_t paid;		/* lines written, as time */
static unsigned int dropped;

void console_init(void)
{
	ring = machine_page(stub_start->console.domU.mfn);
	limit = CONSOLE_INFO;
}

bool console_level(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i])) {
			limit = (enum console_level)i;
			return true;
		}
	}
	return false;
}

/* The whole text or nothing. */
static bool write_all(const char *text, size_t n)
{
	XENCONS_RING_IDX prod = ring->out_prod;
	XENCONS_RING_IDX cons = __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);
	size_t i;

	if (prod - cons > sizeof(ring->out) || sizeof(ring->out) - (prod - cons) < n)
		return false;
	for (i = 0; i < n; i++)
		ring->out[MASK_XENCONS_IDX(prod++, ring->out)] = text[i];
	__atomic_store_n(&ring->out_prod, prod, __ATOMIC_RELEASE);
	events_send(stub_start->console.domU.evtchn);
	return true;
}

static bool may_say(void)
{
	uint64_t now = clock_now();

	if (paid + BURST * PACE < now)
		paid = now - BURST * PACE;
	if (paid + PACE > now)
		return false;
	paid += PACE;
	return true;
}

void console_say(enum console_level level, const char *format, ...)
{
	char line[240];
	va_list args;
	size_t n;

	if (level > limit)
		return;
	if (!may_say()) {
		dropped++;
		return;
	}
	n = text_make(line, sizeof(line), "%s: ", names[level]);
	va_start(args, format);
	n += text_vmake(line + n, sizeof(line) - n - 40, format, args);
	va_end(args);
	if (dropped)
		n += text_make(line + n, sizeof(line) - n, " (%u lines left out)", dropped);
	line[n++] = '\n';
	if (write_all(line, n))
		dropped = 0;
	else
		dropped++;
}
