// SPDX-License-Identifier: GPL-2.0-only
#include "journal.h"

#include "persist.h"

struct journal journals[IOREQ_VCPUS] STUB_PERSIST;
static uint64_t ids STUB_PERSIST;

struct step journal_step(unsigned int v)
{
	return journals[v].step[journals[v].now];
}

void journal_write(unsigned int v, const struct step *s)
{
	struct journal *j = &journals[v];
	uint8_t next = !j->now;

	j->step[next] = *s;
	persist_order();
	j->now = next;
	persist_order();
}

void journal_begin(unsigned int v, const struct xapt_access *access)
{
	struct journal *j = &journals[v];

	j->access = *access;
	j->now = 0;
	j->step[0].id = 0;
	j->since = 0;
	j->tries = 0;
	xapt_access_begin(&j->step[0].walk);
	persist_order();
	j->phase = JOURNAL_TAKEN;
	persist_order();
}

uint64_t journal_id(unsigned int entry)
{
	ids++;
	return XENAPT_OP_ID | ids << 5 | entry;
}
