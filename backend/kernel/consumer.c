// SPDX-License-Identifier: GPL-2.0-only
/* Consumers by name. */
#include <linux/module.h>
#include <linux/string.h>

#include "parent.h"

static DEFINE_MUTEX(lock);
static struct xen_aperture_consumer *consumers;

static struct xen_aperture_consumer *find(const char *name)
{
	struct xen_aperture_consumer *c;

	for (c = consumers; c && strcmp(c->name, name); c = c->next)
		;
	return c;
}

int xen_aperture_consumer_register(struct xen_aperture_consumer *c)
{
	int err = 0;

	if (!c->name || !*c->name || strlen(c->name) >= XENAPT_CONSUMER_NAME || !c->attach)
		return -EINVAL;
	mutex_lock(&lock);
	if (find(c->name)) {
		err = -EEXIST;
	} else {
		c->next = consumers;
		consumers = c;
	}
	mutex_unlock(&lock);
	return err;
}
EXPORT_SYMBOL_GPL(xen_aperture_consumer_register);

void xen_aperture_consumer_unregister(struct xen_aperture_consumer *c)
{
	struct xen_aperture_consumer **p;

	mutex_lock(&lock);
	for (p = &consumers; *p && *p != c; p = &(*p)->next)
		;
	if (*p)
		*p = c->next;
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_GPL(xen_aperture_consumer_unregister);

struct xen_aperture_consumer *apk_consumer_get(const char *name)
{
	struct xen_aperture_consumer *c;

	mutex_lock(&lock);
	c = find(name);
	if (c && !try_module_get(c->owner))
		c = NULL;
	mutex_unlock(&lock);
	return c;
}

void apk_consumer_put(struct xen_aperture_consumer *c)
{
	module_put(c->owner);
}
