/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * measure.h - the facts that limits.h wants, as far as domain 0 can see them.
 *
 * Everything that cannot be had stays NOT_KNOWN. Nothing is changed.
 */
#ifndef TOOL_MEASURE_H
#define TOOL_MEASURE_H

#include "bounds.h"
#include "store.h"

struct measure;		/* handles on Xen */

/* NULL: libxc does not open; every fact of Xen is then not known. */
struct measure *measure_open(void);
void measure_close(struct measure *measure);

/* Nothing known. */
void facts_clear(struct facts *facts);

/* Of the machine: Xen's boot limits, quotas of xenstore. */
void measure_host(struct measure *measure, struct facts *facts);

/* Of a guest that is there. */
void measure_guest(struct measure *measure, const struct store *store, unsigned int guest,
		   struct facts *facts);

/* Of the guest's stub domain. */
void measure_stub(struct measure *measure, const struct store *store, unsigned int stub,
		  struct facts *facts);

/* Of a domain that serves; facts->guest is set. */
void measure_parent(struct measure *measure, const struct store *store, unsigned int backend,
		    struct facts *facts);

/* Is the domain paused by its administrator? */
bool measure_paused(struct measure *measure, unsigned int domid);

/* policy.c: what apertured.conf of this domain says; and what a daemon elsewhere says of its own. */
void measure_policy(struct facts *facts);
#define POLICY_TEXT	256u
void policy_parse(const char *text, struct facts *facts);

#endif /* TOOL_MEASURE_H */
