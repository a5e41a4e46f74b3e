/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * poison_fields.h - the words of requests, responses and the page directory, as docs/protocol.md names
 * them: "open.wanted" in an OPEN, "opened.value" in the response to it.
 */
#ifndef POISON_FIELDS_H
#define POISON_FIELDS_H

#include <xen/io/apertureif.h>

/* What the word is in; or the response to that. */
enum poison_in {
	POISON_OPEN,
	POISON_OFFER,
	POISON_MAP,
	POISON_WITHDRAW,
	POISON_RELEASE,
	POISON_TAKE,
	POISON_OPERATION,
	POISON_RANGE,		/* an operation with a range */
	POISON_DIRECTORY,	/* that an OFFER names */
};

struct poison_field {
	const char *name;
	enum poison_in in;
	unsigned int offset, size;	/* octets */
	unsigned int count;		/* of the kind, one behind the other: each in turn has the same outcome */
};

#define POISON_Q(n, in, m, c)	{ n, in, __builtin_offsetof(struct xenapt_request, m), \
				  sizeof(((struct xenapt_request *)0)->m), c }
#define POISON_R(n, in, m, c)	{ n, in, __builtin_offsetof(struct xenapt_response, m), \
				  sizeof(((struct xenapt_response *)0)->m), c }
#define POISON_D(n, m)		{ "directory." n, POISON_DIRECTORY, __builtin_offsetof(struct xenapt_directory, m), \
				  sizeof(((struct xenapt_directory *)0)->m), 1 }

#define POISON_DIRECTORY_WORDS \
	POISON_D("magic", magic), \
	POISON_D("level", level), \
	POISON_D("count", count), \
	POISON_D("index", index), \
	POISON_D("zero", zero), \
	POISON_D("gref", gref[0])

/* Requests of the child, and what they name. */
static const struct poison_field poison_requests[] = {
	POISON_Q("request.zero", POISON_OPEN, zero[0], 7),
	POISON_Q("open.wanted", POISON_OPEN, u.open.wanted, 1),
	POISON_Q("open.least", POISON_OPEN, u.open.least, 1),
	POISON_Q("open.flags", POISON_OPEN, u.open.flags, 1),
	POISON_Q("open.tag", POISON_OPEN, u.open.tag, 1),
	POISON_Q("open.reserved", POISON_OPEN, u.open.reserved[0], 3),
	POISON_Q("offer.handle", POISON_OFFER, u.offer.handle, 1),
	POISON_Q("offer.length", POISON_OFFER, u.offer.length, 1),
	POISON_Q("offer.offset", POISON_OFFER, u.offer.offset, 1),
	POISON_Q("offer.directory", POISON_OFFER, u.offer.directory, 1),
	POISON_Q("offer.reserved", POISON_OFFER, u.offer.reserved[0], 3),
	POISON_DIRECTORY_WORDS,
	POISON_Q("map.handle", POISON_MAP, u.named.handle, 1),
	POISON_Q("map.reserved", POISON_MAP, u.named.reserved[0], 5),
	POISON_Q("withdraw.handle", POISON_WITHDRAW, u.named.handle, 1),
	POISON_Q("withdraw.reserved", POISON_WITHDRAW, u.named.reserved[0], 5),
	POISON_Q("release.handle", POISON_RELEASE, u.named.handle, 1),
	POISON_Q("release.reserved", POISON_RELEASE, u.named.reserved[0], 5),
	POISON_Q("take.handle", POISON_TAKE, u.named.handle, 1),
	POISON_Q("take.reserved", POISON_TAKE, u.named.reserved[0], 5),
	POISON_Q("range.handle", POISON_RANGE, u.operation.handle, 1),
	POISON_Q("range.offset", POISON_RANGE, u.operation.offset, 1),
	POISON_Q("range.length", POISON_RANGE, u.operation.length, 1),
	POISON_Q("operation.zero", POISON_OPERATION, zero[0], 7),
	POISON_Q("operation.handle", POISON_OPERATION, u.operation.handle, 1),
	POISON_Q("operation.reg", POISON_OPERATION, u.operation.reg, 1),
	POISON_Q("operation.value", POISON_OPERATION, u.operation.value, 1),
	POISON_Q("operation.offset", POISON_OPERATION, u.operation.offset, 1),
	POISON_Q("operation.length", POISON_OPERATION, u.operation.length, 1),
	POISON_Q("operation.size", POISON_OPERATION, u.operation.size, 1),
	POISON_Q("operation.direction", POISON_OPERATION, u.operation.direction, 1),
	POISON_Q("operation.flags", POISON_OPERATION, u.operation.flags, 1),
	POISON_Q("operation.submitter", POISON_OPERATION, u.operation.submitter, 1),
	POISON_Q("operation.reserved", POISON_OPERATION, u.operation.reserved[0], 7),
	/* Those that end a connection come last. */
	POISON_Q("request.id", POISON_OPEN, id, 1),
	POISON_Q("request.type", POISON_OPEN, type, 1),
	POISON_Q("operation.id", POISON_OPERATION, id, 1),
	POISON_Q("operation.type", POISON_OPERATION, type, 1),
};

#define POISON_ANSWER(n, in) \
	POISON_R(n ".status", in, status, 1), \
	POISON_R(n ".handle", in, handle, 1), \
	POISON_R(n ".value", in, value, 1), \
	POISON_R(n ".slot", in, slot, 1)

/* Responses of the parent. */
static const struct poison_field poison_responses[] = {
	POISON_R("response.zero", POISON_OPEN, zero[0], 3),
	POISON_R("response.reserved", POISON_OPEN, reserved, 1),
	POISON_ANSWER("opened", POISON_OPEN),
	POISON_ANSWER("offered", POISON_OFFER),
	POISON_ANSWER("mapped", POISON_MAP),
	POISON_ANSWER("withdrawn", POISON_WITHDRAW),
	POISON_ANSWER("released", POISON_RELEASE),
	POISON_ANSWER("taken", POISON_TAKE),
	POISON_R("operated.zero", POISON_OPERATION, zero[0], 3),
	POISON_R("operated.reserved", POISON_OPERATION, reserved, 1),
	POISON_ANSWER("operated", POISON_OPERATION),
	POISON_R("response.id", POISON_OPEN, id, 1),
	POISON_R("response.type", POISON_OPEN, type, 1),
	POISON_R("operated.id", POISON_OPERATION, id, 1),
	POISON_R("operated.type", POISON_OPERATION, type, 1),
};

/* Of memory that the parent owns. */
static const struct poison_field poison_gifts[] = {
	POISON_DIRECTORY_WORDS,
	POISON_R("given.value", POISON_OFFER, value, 1),
};

/* The fast lane knows operations only. */
static inline int poison_is_of_fast(const struct poison_field *f)
{
	return f->in == POISON_OPERATION;
}

#endif /* POISON_FIELDS_H */
