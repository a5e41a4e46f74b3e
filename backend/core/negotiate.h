/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What both ends agree on before memory is described: versions, connection
 * parameters, sizes. Pure functions: the same input gives the same answer on the
 * parent, in the stub domain and on the fake.
 */
#ifndef XAPT_CORE_NEGOTIATE_H
#define XAPT_CORE_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/apertureif.h>

/* What the child wrote into its directory, read once and checked. */
struct xapt_frontend {
	uint16_t version;
	uint32_t epoch;
	uint32_t ring_order;
	uint32_t ring_ref[1u << XENAPT_MAX_RING_ORDER];
	uint32_t event_ref;
	uint32_t mask_ref;
	uint32_t port;		/* the child's unbound event channel */
	uint64_t max_size;	/* the child's limit, XENAPT_MAX_SIZE if none */
	bool unaligned;		/* feature-unaligned */
	bool read_only;		/* feature-read-only */
	bool parent_memory;	/* feature-parent-memory */
	bool operations;	/* feature-operations: record_ref is valid */
	uint32_t record_ref[XENAPT_RECORD_PAGES];
};

/* What the parent offered when the child wrote it. */
struct xapt_offerings {
	const uint16_t *versions;
	size_t nr_versions;
	uint32_t epoch;
	uint32_t max_ring_order;
};

/* Why something was refused, for error nodes and logs. node may be empty. */
struct xapt_problem {
	enum xenapt_status status;
	char node[24];
	char value[40];		/* what was found, cut; "" if missing */
};

/*
 * read returns the text of one node of the child's directory, or NULL. It stays
 * valid until the next call. Each node is asked for once.
 */
typedef const char *(*xapt_read_fn)(void *ctx, const char *node);

/*
 * Read and check the child's directory. Returns XENAPT_OK, or the error with
 * *problem filled. A child that answers another epoch is XENAPT_E_GONE:
 * not an error, its nodes belong to an earlier connection.
 */
enum xenapt_status xapt_read_frontend(xapt_read_fn read, void *ctx,
				      const struct xapt_offerings *offer,
				      struct xapt_frontend *fe, struct xapt_problem *problem);

/* The policy that the toolstack wrote into the parent's directory. */
struct xapt_policy {
	char type[XENAPT_TYPE_MAX + 1];
	uint64_t max_size;
	uint32_t max_apertures;
};

enum xenapt_status xapt_read_policy(xapt_read_fn read, void *ctx, struct xapt_policy *policy,
				    struct xapt_problem *problem);

/* The highest version in both lists, 0 if there is none. Lists ascend. */
uint16_t xapt_choose_version(const uint16_t *a, size_t na, const uint16_t *b, size_t nb);

/*
 * The size of an aperture: the smallest of what is wanted, the policy, and the
 * pages that Xen's limits leave. *granted is set when XENAPT_OK or
 * XENAPT_E_SIZE_LEAST is returned. Order of the checks: apertureif.h, OPEN.
 */
enum xenapt_status xapt_negotiate_size(uint64_t wanted, uint64_t least, uint64_t policy,
				       uint64_t pages_left, uint64_t *granted);

/* "E_SIZE_ZERO" and so on; "E_?" for a number that is none. */
const char *xapt_status_name(uint32_t status);

#endif
