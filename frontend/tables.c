// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the slow lane's parent wrote into the event page before it connected: how many
 * vectors, and which registers do not depend on the state record. Copied once, then checked.
 */
#include "frontend.h"

static bool ascending(const struct apf_tables *t)
{
	unsigned int i;

	for (i = 0; i < t->independents; i++) {
		if (t->independent[i].last < t->independent[i].first)
			return false;
		if (i && t->independent[i].first <= t->independent[i - 1].last)
			return false;
	}
	return true;
}

int apf_tables_read(struct apf_connection *c, char *why, size_t size)
{
	struct apf_tables *t = &c->tables;

	memset(t, 0, sizeof(*t));
	if (!c->operations)
		return 0;
	t->vectors = READ_ONCE(c->event->vectors);
	t->independents = READ_ONCE(c->event->independents);
	if (t->vectors > XENAPT_SIGNAL_APERTURE || t->independents > XENAPT_INDEPENDENTS) {
		scnprintf(why, size, "%u vectors and %u independent spans, at most %u and %u",
			  t->vectors, t->independents, XENAPT_SIGNAL_APERTURE,
			  XENAPT_INDEPENDENTS);
		return -EPROTO;
	}
	memcpy(t->independent, c->event->independent,
	       t->independents * sizeof(t->independent[0]));
	if (ascending(t))
		return 0;
	scnprintf(why, size, "the spans of independent registers do not ascend");
	return -EPROTO;
}

/* Does one span cover the access? Commands are never in the table. */
bool apf_tables_independent(const struct apf_tables *t, u64 reg, unsigned int size)
{
	unsigned int low = 0, high = t->independents, middle;

	if (!size)
		return false;
	while (low < high) {
		middle = (low + high) / 2;
		if (reg > t->independent[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->independents && reg >= t->independent[low].first &&
	       size - 1 <= t->independent[low].last - reg;
}
