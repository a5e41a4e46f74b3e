/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer's state, and what its two halves share. The registers: xenaperture_timer.h.
 */
#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>

#include <xenaperture_model.h>
#include <xenaperture_timer.h>

#define TIMER_STATE_VERSION	1

struct timer_comparator {
	uint64_t deadline;
	uint64_t period;
	uint64_t expired;	/* = delivered + merged + skipped + backlog */
	uint64_t delivered;
	uint64_t merged;
	uint64_t skipped;
	uint64_t backlog;	/* not 0 only while the comparator is pending */
	uint32_t control;
	uint32_t zero;
};

struct timer_state {
	uint64_t pending;	/* bit of each comparator */
	uint64_t label;
	uint64_t date_offset;	/* DATE - COUNTER, wrapping */
	uint32_t synced;	/* 0, 1: date_offset is something */
	uint32_t zero;
	struct timer_comparator comparator[XENAPERTURE_TIMER_NUMBER];
};

_Static_assert(sizeof(struct timer_state) <= XENAPT_STATE_MAX, "timer_state");

enum timer_register {
	TIMER_COUNTER,
	TIMER_DATE,
	TIMER_PENDING,
	TIMER_COMPARATORS,
	TIMER_ACKNOWLEDGE,
	TIMER_WALL,
	TIMER_PERIOD_MIN,
	TIMER_LABEL,
	TIMER_DEADLINE,
	TIMER_PERIOD,
	TIMER_CONTROL,
	TIMER_EXPIRED,
	TIMER_DELIVERED,
	TIMER_MERGED,
	TIMER_SKIPPED,
	TIMER_BACKLOG,
};

extern const struct xenaperture_model timer_model;

/* The slow half, and the settings that it takes from device. */
extern const struct xenaperture_functions timer_slow;

struct timer_device {
	uint64_t period_min;	/* ns */
};

/* PERIOD, for both halves: least is the shortest one that the caller admits. */
uint32_t timer_set_period(struct xenaperture_run *run, uint32_t n, uint64_t period, uint64_t least);

#endif
