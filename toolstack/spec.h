/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spec.h - the text that describes a device.
 *
 *     type=mem,size=16M[,apertures=8][,id=N][,server=apertured|program][,backend=0]
 *
 * Keys in any order, each at most once, blanks around keys and values ignored.
 *
 *   type       1..31 characters a-z 0-9 -, first a letter
 *   size       largest single aperture: bytes, or with K, M or G (powers of
 *              1024); a multiple of 4096, 4096..XENAPT_MAX_SIZE
 *   apertures  1..64, default 8: how many may be open at once
 *   id         0..63, default: the lowest that is free
 *   server     apertured (default) or program
 *   backend    name or id of the domain that serves it, default 0
 *
 * The parser has no effects and needs no Xen.
 */
#ifndef TOOL_SPEC_H
#define TOOL_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/apertureif.h>

#include "say.h"

#define SPEC_TEXT_MAX		511u	/* characters of a whole specification */
#define SPEC_DEFAULT_APERTURES	8u
#define SPEC_MAX_ID		63	/* a guest has at most 64 devices */
#define SPEC_ANY_ID		(-1)
#define SPEC_NAME_MAX		63u	/* characters of a domain's name here */

struct spec {
	char type[XENAPT_TYPE_MAX + 1];
	uint64_t max_size;		/* bytes */
	unsigned int max_apertures;
	int id;				/* SPEC_ANY_ID, or 0..SPEC_MAX_ID */
	bool by_program;		/* server=program */
	char backend[SPEC_NAME_MAX + 1];
};

/* 0 and *spec, or -1 and the reason. */
int spec_parse(const char *text, struct spec *spec, struct why *why);

/* A size alone, named key in messages. 0 and *size, or -1 and the reason. */
int spec_parse_size(const char *key, const char *text, uint64_t *size, struct why *why);

/*
 * Give every device of a new guest a number: the ones that name none get the
 * lowest that no other takes. -1 and the reason when two name the same.
 */
int spec_number(struct spec *specs, unsigned int count, struct why *why);

#endif /* TOOL_SPEC_H */
