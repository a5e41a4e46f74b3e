/* SPDX-License-Identifier: GPL-2.0-only */
/* poison_words.h - the words of the shared pages, as docs/protocol.md names them. */
#ifndef POISON_WORDS_H
#define POISON_WORDS_H

#include <xen/io/apertureif.h>

enum poison_page {
	POISON_RING,		/* first page */
	POISON_EVENT,
	POISON_MASK,
	POISON_RECORD,
	POISON_SLOT,		/* of the record: the one that head names */
	POISON_PAGES
};

struct poison_word {
	const char *name;
	enum poison_page page;
	unsigned int offset, size;	/* octets */
	unsigned int count;		/* of the kind, one behind the other: each in turn, then what happens */
	int keeps;			/* nobody writes it again: the test puts back what was there */
};

#define POISON_AT(s, m)		__builtin_offsetof(struct s, m), sizeof(((struct s *)0)->m)
#define POISON_RG(n, at, k)	{ "ring." n, POISON_RING, at, 4, 1, k }
#define POISON_EV(n, m, k)	{ "event." n, POISON_EVENT, POISON_AT(xenapt_event_page, m), 1, k }
#define POISON_EVS(n, m, c, k)	{ "event." n, POISON_EVENT, POISON_AT(xenapt_event_page, m), c, k }
#define POISON_MK(n, m, k)	{ "mask." n, POISON_MASK, POISON_AT(xenapt_mask_page, m), 1, k }
#define POISON_MKS(n, m, c, k)	{ "mask." n, POISON_MASK, POISON_AT(xenapt_mask_page, m), c, k }
#define POISON_RC(n, m, k)	{ "record." n, POISON_RECORD, POISON_AT(xenapt_record, m), 1, k }
#define POISON_RCS(n, m, c, k)	{ "record." n, POISON_RECORD, POISON_AT(xenapt_record, m), c, k }
#define POISON_SL(n, m)		{ "slot." n, POISON_SLOT, POISON_AT(xenapt_slot, m), 1, 0 }

#define POISON_COUNTERS(s)	(sizeof(struct s) / 8)

static const struct poison_word poison_words[] = {
	POISON_RG("req_event", 4, 0),
	POISON_RG("rsp_event", 12, 0),
	POISON_RG("reserved", 16, 1),
	POISON_EV("interrupt[0]", interrupt[0], 0),
	POISON_EV("interrupt[1]", interrupt[1], 0),
	POISON_EV("interrupt[2]", interrupt[2], 0),
	POISON_EV("interrupt[3]", interrupt[3], 0),
	POISON_EV("doorbell[0]", doorbell[0], 0),
	POISON_EV("doorbell[1]", doorbell[1], 0),
	POISON_EV("doorbell[2]", doorbell[2], 0),
	POISON_EV("doorbell[3]", doorbell[3], 0),
	POISON_EV("doorbell_mask[0]", doorbell_mask[0], 1),
	POISON_EV("doorbell_mask[1]", doorbell_mask[1], 1),
	POISON_EV("doorbell_mask[2]", doorbell_mask[2], 1),
	POISON_EV("doorbell_mask[3]", doorbell_mask[3], 1),
	POISON_EV("pad", pad0[0], 1),
	POISON_EVS("counters", parent.published, POISON_COUNTERS(xenapt_counters), 0),
	POISON_EV("vectors", vectors, 1),
	POISON_EV("independents", independents, 1),
	POISON_EV("independent", independent[0].first, 1),
	POISON_EV("reserved", reserved[0], 1),
	POISON_MK("interrupt_mask[0]", interrupt_mask[0], 1),
	POISON_MK("interrupt_mask[1]", interrupt_mask[1], 1),
	POISON_MK("interrupt_mask[2]", interrupt_mask[2], 1),
	POISON_MK("interrupt_mask[3]", interrupt_mask[3], 1),
	POISON_MKS("counters", child.published, POISON_COUNTERS(xenapt_counters), 0),
	POISON_MKS("fast_counters", fast.published, POISON_COUNTERS(xenapt_counters), 0),
	POISON_MK("reserved", reserved[0], 1),
	POISON_RC("wanted", wanted, 0),
	POISON_RC("zero", zero0, 1),
	POISON_RC("stamp[0].clock", stamp[0].clock, 0),
	POISON_RC("stamp[0].now", stamp[0].now, 0),
	POISON_RC("stamp[1].clock", stamp[1].clock, 0),
	POISON_RC("stamp[1].now", stamp[1].now, 0),
	POISON_RC("beat", beat, 0),
	POISON_RC("skew", skew, 0),
	POISON_RCS("counters", fast.hits, POISON_COUNTERS(xenapt_fast_counters), 0),
	POISON_RC("head", head, 0),
	POISON_SL("magic", magic),
	POISON_SL("length", length),
	POISON_SL("state_size", state_size),
	POISON_SL("generation", generation),
	POISON_SL("checksum", checksum),
	POISON_SL("now", now),
	POISON_SL("type", type),
	POISON_SL("state_version", state_version),
	POISON_SL("done.id", done[0].id),
	POISON_SL("done.value", done[0].value),
	POISON_SL("done.status", done[0].status),
	POISON_SL("done.zero", done[0].zero),
	POISON_SL("state", state[0]),
	/* Those that end a connection come last. */
	POISON_RG("req_prod", 0, 0),
	POISON_RG("rsp_prod", 8, 0),
	POISON_EV("status", status, 0),
	POISON_MK("status", status, 0),
	POISON_MK("fast_status", fast_status, 0),
};

/* A word of the state record: whoever has the state, or gets it, finds the poison when it loads. */
static inline int poison_is_of_record(const struct poison_word *w)
{
	return w->page == POISON_RECORD || w->page == POISON_SLOT;
}

#endif /* POISON_WORDS_H */
