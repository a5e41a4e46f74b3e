// SPDX-License-Identifier: GPL-2.0-only
/*
 * timer - the slow half: what needs this domain's clock or the administrator's setting.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <xenaperture.h>

#include "timer.h"

static uint64_t wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t period_min(const struct xenaperture_run *run)
{
	const struct timer_device *d = run->device;

	return d ? d->period_min : XENAPERTURE_TIMER_PERIOD_LEAST;
}

static uint32_t slow_read(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t *value)
{
	(void)index;
	switch (id) {
	case TIMER_DATE:	/* declined: never synchronised */
	case TIMER_WALL:
		*value = wall();
		return XENAPT_OK;
	case TIMER_PERIOD_MIN:
		*value = period_min(run);
		return XENAPT_OK;
	case TIMER_LABEL:
		*value = ((const struct timer_state *)run->state)->label;
		return XENAPT_OK;
	}
	return XENAPT_E_DEVICE;
}

static uint32_t slow_write(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t value)
{
	switch (id) {
	case TIMER_PERIOD:	/* declined: a short one */
		return timer_set_period(run, index, value, period_min(run));
	case TIMER_LABEL:
		((struct timer_state *)run->state)->label = value;
		return XENAPT_OK;
	}
	return XENAPT_E_DEVICE;
}

static uint32_t slow_command(struct xenaperture_run *run, uint32_t number, uint64_t argument,
			     uint64_t *result)
{
	struct timer_state *s = run->state;

	(void)argument;
	if (number != XENAPERTURE_TIMER_SYNC)
		return XENAPT_E_DEVICE;
	*result = wall();
	s->date_offset = *result - run->now;
	s->synced = 1;
	return XENAPT_OK;
}

const struct xenaperture_functions timer_slow = {
	.read = slow_read,
	.write = slow_write,
	.command = slow_command,
};

/* "timer.min-period = 50000" in apertured.conf: ns. */
static int read_setting(struct xenaperture *xa, uint64_t *ns)
{
	const char *text = xenaperture_setting(xa, "min-period");
	unsigned long long n;
	char *end;

	*ns = XENAPERTURE_TIMER_PERIOD_LEAST;
	if (!text)
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || n < XENAPERTURE_TIMER_PERIOD_LEAST ||
	    n > XENAPERTURE_TIMER_PERIOD_FAST) {
		xenaperture_log(xa, XENAPERTURE_ERROR, "timer.min-period = %s: it must be %u to %u ns",
				text, XENAPERTURE_TIMER_PERIOD_LEAST, XENAPERTURE_TIMER_PERIOD_FAST);
		errno = EINVAL;
		return -1;
	}
	*ns = n;
	return 0;
}

static void *device_create(struct xenaperture *xa, void *opaque)
{
	struct timer_device *d = calloc(1, sizeof(*d));

	(void)opaque;
	if (d && read_setting(xa, &d->period_min)) {
		free(d);
		errno = EINVAL;
		return NULL;
	}
	return d;
}

static void device_destroy(void *device)
{
	free(device);
}

const struct xenaperture_table xenaperture_device = {
	.size = sizeof(xenaperture_device),
	.version = XENAPERTURE_TABLE_VERSION,
	.type = XENAPERTURE_TIMER_TYPE,
	.create = device_create,
	.destroy = device_destroy,
	.model = &timer_model,
	.slow = &timer_slow,
};
