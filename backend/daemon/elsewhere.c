// SPDX-License-Identifier: GPL-2.0-only
#include "elsewhere.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "parse.h"

#define SIGN		"data/aperture-backend"		/* below our own domain's directory */
#define LIMITS		"data/aperture-limits"
#define DOMID_MAX	0x7fef
#define ROOT_MAX	80

void elsewhere_sign(struct xapt_bus *b, bool serves)
{
	bool done;

	if (!b->own)
		return;
	if (!serves)
		xs_rm(b->xs, XBT_NULL, LIMITS);
	done = serves ? xs_write(b->xs, XBT_NULL, SIGN, "1", 1) : xs_rm(b->xs, XBT_NULL, SIGN);
	if (!done && serves)
		xapt_log(XENAPERTURE_WARNING, "", "xenstore: cannot write " SIGN ": %s; xen-aperture will not find this domain",
			 strerror(errno));
}

void elsewhere_policy(struct xapt_bus *b, const struct config *config, uint64_t max_mapped)
{
	char text[256];
	int n;

	if (!b->own)
		return;
	n = snprintf(text, sizeof(text),
		     "max_pages_per_guest=%llu max_mapped_total=%llu max_size=%llu max_given=%llu max_given_total=%llu",
		     (unsigned long long)config->max_pages_per_guest, (unsigned long long)max_mapped,
		     (unsigned long long)config->max_size,
		     b->gives ? (unsigned long long)config->max_given : 0,
		     (unsigned long long)config->max_given_total);
	if (!xs_write(b->xs, XBT_NULL, LIMITS, text, (unsigned int)n))
		xapt_log(XENAPERTURE_WARNING, "", "xenstore: cannot write " LIMITS ": %s; xen-aperture will not see the policy of this domain",
			 strerror(errno));
}

static void clear_guest(struct xapt_bus *b, const char *root, uint32_t backend, const char *name)
{
	char path[ROOT_MAX + 16];
	uint32_t guest;

	if (!xapt_parse_u32(name, 0, DOMID_MAX, &guest) || xapt_bus_domain(b, guest))
		return;
	snprintf(path, sizeof(path), "%s/%u", root, guest);
	if (xs_rm(b->xs, XBT_NULL, path))
		xapt_log(XENAPERTURE_INFO, "", "guest %u is gone: domain %u is told", guest, backend);
}

static void clear_backend(struct xapt_bus *b, uint32_t backend)
{
	char root[ROOT_MAX];
	unsigned int i, n = 0;
	char **guests;

	snprintf(root, sizeof(root), "/local/domain/%u/backend/" XENAPT_DEVICE_KIND, backend);
	guests = xs_directory(b->xs, XBT_NULL, root, &n);
	for (i = 0; guests && i < n; i++)
		clear_guest(b, root, backend, guests[i]);
	free(guests);
}

void elsewhere_clear(struct xapt_bus *b)
{
	unsigned int i, n = 0;
	char **domains = xs_directory(b->xs, XBT_NULL, "/local/domain", &n);
	uint32_t domid;

	for (i = 0; domains && i < n; i++)
		if (xapt_parse_u32(domains[i], 1, DOMID_MAX, &domid))
			clear_backend(b, domid);
	free(domains);
}
