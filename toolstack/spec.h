/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spec.h - the text that describes a device.
 *
 *     type=mem,size=16M[,apertures=8][,id=N][,server=apertured|program][,backend=0]
 *                      [,fast=yes|no]
 *     type=timer,io=0x600|mmio=auto|mmio=0xff000000[,timeout=5000][,id=N]
 *
 * Keys in any order, each at most once, blanks around keys and values ignored.
 *
 *   type       1..31 characters a-z 0-9 -, first a letter
 *   size       largest single aperture: bytes, or with K, M or G (powers of
 *              1024); a multiple of 4096, 4096..XENAPT_MAX_SIZE. type=timer has
 *              none, and needs no size
 *   apertures  1..64, default 8: how many may be open at once
 *   id         0..63, default: the lowest that is free
 *   server     apertured (default) or program
 *   backend    name or id of the domain that serves it, default 0
 *   fast       yes: with a first device in the guest's stub domain; default no. Only with
 *              server=apertured
 *   io, mmio   a trapped device: the guest's own instructions reach the first device at
 *              these ports, or memory addresses; auto: a free window for each id. They
 *              mean fast=yes. Without size, apertures, server=program and backend
 *   timeout    10..60000 ms, default 5000: how long such an instruction waits for the
 *              second device
 *
 * The parser has no effects and needs no Xen.
 */
#ifndef TOOL_SPEC_H
#define TOOL_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/apertureif.h>

#include "address.h"
#include "say.h"

#define SPEC_TEXT_MAX		511u	/* characters of a whole specification */
#define SPEC_DEFAULT_APERTURES	8u
#define SPEC_MAX_ID		63	/* a guest has at most 64 devices */
#define SPEC_ANY_ID		(-1)
#define SPEC_NAME_MAX		63u	/* characters of a domain's name here */
#define SPEC_TIMEOUT_MIN	10u	/* ms */
#define SPEC_TIMEOUT_MAX	60000u
#define SPEC_TIMEOUT		5000u
#define SPEC_PLACE_MAX		32u	/* characters of spec_place() */

struct spec {
	char type[XENAPT_TYPE_MAX + 1];
	uint64_t max_size;		/* bytes */
	unsigned int max_apertures;
	int id;				/* SPEC_ANY_ID, or 0..SPEC_MAX_ID */
	bool by_program;		/* server=program */
	char backend[SPEC_NAME_MAX + 1];
	bool fast;			/* a first device; always with a door */
	enum door door;			/* not DOOR_RINGS: trapped */
	bool anywhere;			/* mmio=auto */
	uint64_t address;		/* else */
	unsigned int timeout_ms;	/* of a trapped one */
};

/* How first devices are to be: options of the command line. */
#define FAST_SPIN_MAX		100000u	/* microseconds */
#define FAST_REVOKE_MAX		60000u	/* ms, apertureif.h section 9 */

struct fast_options {
	const char *stub;		/* file of the stub domain; NULL: the installed one */
	unsigned int spin_us;
	bool route_all;
	unsigned int revoke_ms;		/* 0: not given, what section 9 says */
};

/* 0 and *spec, or -1 and the reason. */
int spec_parse(const char *text, struct spec *spec, struct why *why);

/* The same as text again: keys that are the default are left out. */
void spec_write(const struct spec *spec, char *text, size_t size);

/* Where a trapped device with this number is. */
uint64_t spec_address(const struct spec *spec, unsigned int id);

/* "io 0x600", "mmio 0xff000000", "mmio auto" while it has no number; "-": no trapped one. */
void spec_place(const struct spec *spec, char text[SPEC_PLACE_MAX]);

/* A size alone, named key in messages. 0 and *size, or -1 and the reason. */
int spec_parse_size(const char *key, const char *text, uint64_t *size, struct why *why);

/*
 * Give every device of a new guest a number: the ones that name none get the
 * lowest that no other takes. -1 and the reason when two name the same, or the same address.
 */
int spec_number(struct spec *specs, unsigned int count, struct why *why);

#endif /* TOOL_SPEC_H */
