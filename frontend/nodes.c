// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parent's nodes, strictly as section 2 of the contract says. Each is read once;
 * what is wrong is named with the node and its value.
 */
#include <linux/ctype.h>
#include <linux/slab.h>

#include "frontend.h"

/* Decimal digits up to the end or to stop; no leading zero. Moves *s behind them. */
static bool parse_number(const char **s, char stop, u64 max, u64 *value)
{
	const char *p = *s;
	u64 v = 0;

	if (!isdigit(*p) || (*p == '0' && isdigit(p[1])))
		return false;
	for (; isdigit(*p); p++) {
		v = v * 10 + (*p - '0');
		if (v > max)
			return false;
	}
	if (*p && *p != stop)
		return false;
	*value = v;
	*s = p;
	return true;
}

/* -ENOENT: missing. The string has no NUL inside. */
static int read_node(struct apf_lane *lane, const char *node, char *buf, size_t size)
{
	unsigned int len;
	char *s = xenbus_read(XBT_NIL, lane->xbdev->otherend, node, &len);
	int err = 0;

	if (IS_ERR(s))
		return PTR_ERR(s);
	if (len >= size || strlen(s) != len)
		err = -EINVAL;
	strscpy(buf, s, size);
	kfree(s);
	return err;
}

static int read_number(struct apf_lane *lane, const char *node, u64 min, u64 max,
		       u64 *value, char *why, size_t size)
{
	const char *s;
	char buf[24];
	int err = read_node(lane, node, buf, sizeof(buf));

	if (err == -ENOENT) {
		scnprintf(why, size, "%s is missing", node);
		return err;
	}
	s = buf;
	if (!err && parse_number(&s, '\0', max, value) && *value >= min)
		return 0;
	scnprintf(why, size, "%s is \"%.24s\", must be %llu..%llu", node,
		  err && err != -EINVAL ? "?" : buf, min, max);
	return -EINVAL;
}

/* Highest version of the list that this side speaks too; 0: none. */
static bool parse_versions(const char *s, unsigned int *version)
{
	unsigned int count = 0;
	u64 last = 0, v;

	*version = 0;
	for (;;) {
		if (!parse_number(&s, ',', 65535, &v) || v <= last ||
		    ++count > XENAPT_MAX_VERSIONS)
			return false;
		if (v == XENAPT_VERSION)
			*version = v;
		last = v;
		if (!*s)
			return true;
		s++;
	}
}

const struct apf_feature apf_features[APF_FEATURES] = {
	{ XENAPT_NODE_FEATURE_UNALIGNED, XENAPT_FEATURE_UNALIGNED },
	{ XENAPT_NODE_FEATURE_OPERATIONS, XENAPT_FEATURE_OPERATIONS },
	{ XENAPT_NODE_FEATURE_READ_ONLY, XENAPT_FEATURE_READ_ONLY },
	{ XENAPT_NODE_FEATURE_PARENT_MEMORY, XENAPT_FEATURE_PARENT_MEMORY },
};

static int read_offered(struct apf_lane *lane, struct apf_offer *offer, char *why, size_t size)
{
	unsigned int i;
	u64 offered;
	int err;

	for (i = 0; i < APF_FEATURES; i++) {
		offered = 0;
		err = read_number(lane, apf_features[i].node, 0, 1, &offered, why, size);
		if (err && err != -ENOENT)
			return err;
		if (!err && offered)
			offer->features |= apf_features[i].feature;
	}
	offer->operations = offer->features & XENAPT_FEATURE_OPERATIONS;
	return 0;
}

/* The child connects a fast lane for operations only; nobody need offer them there. */
static int read_features(struct apf_lane *lane, struct apf_offer *offer, char *why, size_t size)
{
	char route[16];
	int err;

	if (lane->which == APF_SLOW)
		return read_offered(lane, offer, why, size);
	offer->operations = true;
	offer->features = XENAPT_FEATURE_OPERATIONS;
	err = read_node(lane, XENAPT_NODE_ROUTE, route, sizeof(route));
	offer->route_all = !err && !strcmp(route, "all");
	if (err == -ENOENT || offer->route_all || (!err && !strcmp(route, "declared")))
		return 0;
	scnprintf(why, size, XENAPT_NODE_ROUTE " is \"%.15s\", must be declared or all",
		  err && err != -EINVAL ? "?" : route);
	return -EINVAL;
}

int apf_nodes_offer(struct apf_lane *lane, struct apf_offer *offer, char *why, size_t size)
{
	u64 epoch, order = 0;
	int err;

	err = read_number(lane, XENAPT_NODE_EPOCH, 1, U32_MAX, &epoch, why, size);
	if (err)
		return err;
	offer->epoch = epoch;
	err = read_number(lane, XENAPT_NODE_MAX_RING_ORDER, 0, XENAPT_MAX_RING_ORDER, &order, why,
			  size);
	if (err && err != -ENOENT)
		return err;
	offer->max_ring_order = err || lane->which == APF_FAST ? 0 : order;
	err = read_features(lane, offer, why, size);
	if (err)
		return err;
	err = read_node(lane, XENAPT_NODE_VERSIONS, offer->versions, sizeof(offer->versions));
	if (!err && parse_versions(offer->versions, &offer->version))
		return 0;
	if (err == -ENOENT)
		scnprintf(why, size, XENAPT_NODE_VERSIONS " is missing");
	else
		scnprintf(why, size, XENAPT_NODE_VERSIONS
			  " is \"%.24s\", must be 1..%u ascending numbers, 1..65535",
			  offer->versions, XENAPT_MAX_VERSIONS);
	return -EINVAL;
}

/* When the parent is in state 4: what it agreed to. */
int apf_nodes_agreed(struct apf_lane *lane, u32 *version, u32 *epoch, char *why,
		    size_t size)
{
	u64 v, e;
	int err = read_number(lane, XENAPT_NODE_VERSION, 1, 65535, &v, why, size);

	if (!err)
		err = read_number(lane, XENAPT_NODE_EPOCH, 1, U32_MAX, &e, why, size);
	if (err)
		return err;
	*version = v;
	*epoch = e;
	return 0;
}
