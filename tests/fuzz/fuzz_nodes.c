/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any text in any node: either a reason that names the node, or numbers that are what
 * the text said and within the contract's range.
 */
#include "fuzz.h"

#include <stdbool.h>

#include "negotiate.h"
#include "parse.h"

static const char *const names[] = {
	"epoch", "version", "ring-page-order", "ring-ref0", "ring-ref1", "ring-ref2", "ring-ref3",
	"event-ref", "mask-ref", "event-channel", "feature-unaligned", "max-size", "type",
	"max-apertures",
};
#define NAMES	(sizeof(names) / sizeof(*names))

static const char *const good[NAMES] = { "7", "1", "1", "9", "10", "11", "12", "20", "21", "17", "1",
					 "65536", "mem", "8" };

static struct {
	char *text[NAMES];
	unsigned int asked[NAMES];
} nodes;

static size_t find(const char *name)
{
	size_t i;

	for (i = 0; i < NAMES && strcmp(names[i], name); i++)
		;
	return i;
}

static const char *read_node(void *ctx, const char *name)
{
	size_t i = find(name);

	(void)ctx;
	if (i == NAMES)
		return NULL;
	MUST(nodes.asked[i]++ == 0);
	return nodes.text[i];
}

/* A copy of its own, so that a read behind its end is seen. */
static char *text(struct input *in, size_t i)
{
	size_t n = take(in, 1) % 24, k;
	char *s;

	switch (take(in, 1) % 8) {
	case 0:
		return NULL;
	case 1:
		s = malloc(n + 1);
		for (k = 0; k < n; k++)
			s[k] = (char)take(in, 1);
		break;
	case 2:
		s = malloc(n + 1);
		for (k = 0; k < n; k++)
			s[k] = "0123456789-, x"[take(in, 1) % 14];
		break;
	default:
		return strdup(good[i]);
	}
	s[n] = 0;
	return s;
}

static uint64_t number(const char *name)
{
	return strtoull(nodes.text[find(name)], NULL, 10);
}

static bool spelled(const char *name, uint64_t value)
{
	char s[24];

	snprintf(s, sizeof(s), "%llu", (unsigned long long)value);
	return nodes.text[find(name)] && !strcmp(nodes.text[find(name)], s);
}

static void check_frontend(const struct xapt_frontend *fe)
{
	MUST(spelled("epoch", 7) && fe->epoch == 7);
	MUST(spelled("version", fe->version) && (fe->version == 1 || fe->version == 5));
	MUST(fe->ring_order <= 2);
	MUST(!nodes.text[2] ? !fe->ring_order : spelled("ring-page-order", fe->ring_order));
	for (size_t i = 0; i < 1u << fe->ring_order; i++)
		MUST(spelled(names[3 + i], fe->ring_ref[i]));
	MUST(spelled("event-ref", fe->event_ref));
	MUST(spelled("mask-ref", fe->mask_ref));
	MUST(spelled("event-channel", fe->port));
	MUST(fe->unaligned == (nodes.text[10] && spelled("feature-unaligned", 1)));
	MUST(!nodes.text[11] ? fe->max_size == XENAPT_MAX_SIZE : spelled("max-size", fe->max_size));
	REACHED();
}

static void check_problem(const struct xapt_problem *p, enum xenapt_status status)
{
	MUST(p->status == status);
	MUST(memchr(p->node, 0, sizeof(p->node)) && memchr(p->value, 0, sizeof(p->value)));
	MUST(find(p->node) < NAMES);
	if (status != XENAPT_E_GONE && !nodes.text[find(p->node)])
		MUST(!p->value[0]);
}

static void check_policy(const struct xapt_policy *p)
{
	MUST(!strcmp(p->type, nodes.text[12]) && xapt_parse_type(p->type));
	MUST(spelled("max-size", p->max_size) && p->max_size % 4096 == 0);
	MUST(p->max_size >= 4096 && p->max_size <= XENAPT_MAX_SIZE);
	MUST(spelled("max-apertures", p->max_apertures) && p->max_apertures >= 1 &&
	     p->max_apertures <= XENAPT_MAX_APERTURES && number("max-apertures"));
}

static void check_versions(const char *list)
{
	uint16_t v[XENAPT_MAX_VERSIONS];
	size_t n = xapt_parse_versions(list, v), at = 0;
	char s[64] = "";

	for (size_t i = 0; i < n; i++) {
		MUST(v[i] && (!i || v[i] > v[i - 1]));
		at += (size_t)snprintf(s + at, sizeof(s) - at, i ? ",%u" : "%u", v[i]);
	}
	if (n)
		MUST(!strcmp(s, list));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t versions[] = { 1, 5 };
	const struct xapt_offerings offer = { versions, 2, 7, 2 };
	struct input in = { data, data + size };
	struct xapt_problem problem;
	struct xapt_frontend fe;
	struct xapt_policy policy;
	enum xenapt_status status;

	for (size_t i = 0; i < NAMES; i++)
		nodes.text[i] = text(&in, i);
	memset(&problem, 0x5a, sizeof(problem));
	memset(nodes.asked, 0, sizeof(nodes.asked));
	status = xapt_read_frontend(read_node, NULL, &offer, &fe, &problem);
	if (status == XENAPT_OK)
		check_frontend(&fe);
	else
		check_problem(&problem, status);
	memset(nodes.asked, 0, sizeof(nodes.asked));
	status = xapt_read_policy(read_node, NULL, &policy, &problem);
	if (status == XENAPT_OK)
		check_policy(&policy);
	else
		check_problem(&problem, status);
	check_versions(nodes.text[1]);
	for (size_t i = 0; i < NAMES; i++)
		free(nodes.text[i]);
	return 0;
}
