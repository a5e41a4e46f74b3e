// SPDX-License-Identifier: GPL-2.0-only
/* The slow half of the tests' device: everything that the model leaves to the process. */
#include <errno.h>
#include <time.h>

#include "check_registers.h"
#include "check_slow.h"

static uint32_t slow_read(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t *value)
{
	const struct check_apart *a = run->device;

	switch (id) {
	case CHECK_APART8:
		*value = a->eight;
		return XENAPT_OK;
	case CHECK_APART4:
		*value = a->four;
		return XENAPT_OK;
	case CHECK_APART2:
		*value = a->two;
		return XENAPT_OK;
	case CHECK_APART1:
		*value = a->one[index];
		return XENAPT_OK;
	default:
		return check_state_read(run->state, id, index, value) ? XENAPT_E_DEVICE : XENAPT_OK;
	}
}

static void raise(struct xenaperture_run *run, uint64_t vectors)
{
	unsigned int n;

	for (n = 0; n < CHECK_VECTORS; n++)
		if (vectors >> n & 1)
			xenaperture_raise(run, n);
}

static void raise_slow(struct xenaperture_run *run, uint64_t vectors)
{
	vectors &= ((uint64_t)1 << CHECK_VECTORS) - 1;
	((struct check_state *)run->state)->pending |= vectors;
	raise(run, vectors);
}

static uint32_t slow_write(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t value)
{
	struct check_apart *a = run->device;

	switch (id) {
	case CHECK_APART8:
		a->eight = value;
		return XENAPT_OK;
	case CHECK_APART4:
		a->four = (uint32_t)value;
		return XENAPT_OK;
	case CHECK_APART2:
		a->two = (uint16_t)value;
		return XENAPT_OK;
	case CHECK_APART1:
		a->one[index] = (uint8_t)value;
		return XENAPT_OK;
	case CHECK_DO_SLOW:
		if (value == CHECK_DO_RAISE_SLOW)
			raise_slow(run, ((const struct check_state *)run->state)->argument);
		/* fall through */
	default:
		return check_state_write(run->state, id, index, value) ? XENAPT_E_DEVICE
								       : XENAPT_OK;
	}
}

static uint64_t sum(const struct xenaperture_run *run)
{
	const volatile uint8_t *octets = run->range;
	uint64_t i, total = 0;

	for (i = 0; i < run->range_length; i++)
		total += octets[i];
	return total;
}

static void dwell(uint64_t now, uint64_t until)
{
	uint64_t ns = now < until ? until - now : 0;
	struct timespec left = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static uint32_t slow_command(struct xenaperture_run *run, uint32_t number, uint64_t argument,
			     uint64_t *result)
{
	switch (number) {
	case CHECK_DO_RAISE_SLOW:
		raise_slow(run, argument);
		return XENAPT_OK;
	case CHECK_DO_RAISE_APART:
		raise(run, argument);
		return XENAPT_OK;
	case CHECK_DO_DWELL:
		dwell(run->now, argument);
		/* fall through */
	case CHECK_DO_FOLD_SLOW:
		*result = check_state_command(run->state, number, argument);
		return XENAPT_OK;
	case CHECK_DO_SUM:
		if (!run->range)
			return XENAPT_E_VALUE;
		*result = sum(run);
		return XENAPT_OK;
	default:
		return XENAPT_E_DEVICE;
	}
}

const struct xenaperture_functions check_slow = {
	.read = slow_read,
	.write = slow_write,
	.command = slow_command,
};
