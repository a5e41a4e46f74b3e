// SPDX-License-Identifier: GPL-2.0-only
/* For the self-test module only: what a well-behaved frontend never does. */
#include <linux/slab.h>

#include "frontend.h"

struct test_memory {
	struct xen_aperture_test_memory public;
	struct apf_memory *memory;
	struct apf_memory *directory;
};

int xen_aperture_test_request(struct xen_aperture_dev *dev, const struct xenapt_request *req,
			      struct xenapt_response *rsp)
{
	struct apf_connection *c = apf_device_connection(dev);
	struct xenapt_request copy = *req;
	int err;

	if (!c)
		return -ENOTCONN;
	err = apf_request(c, &copy, rsp);
	apf_connection_put(c);
	return err;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_request, XEN_APERTURE_TEST);

static int make_both(struct test_memory *t, struct xen_aperture_dev *dev, unsigned int pages)
{
	struct apf_memory *m = apf_memory_alloc(pages);
	int err;

	if (IS_ERR(m))
		return PTR_ERR(m);
	t->memory = m;
	err = apf_memory_grant(m, dev->peer, false);
	if (err)
		return err;
	m = apf_directory_make(t->memory, dev->peer);
	if (IS_ERR(m))
		return PTR_ERR(m);
	t->directory = m;
	return 0;
}

static int show(struct test_memory *t)
{
	struct xen_aperture_test_memory *p = &t->public;
	unsigned int i;

	p->pages = t->memory->pages;
	p->page = t->memory->page;
	p->gref = t->memory->gref;
	p->reference = t->directory->gref[0];
	p->directories = t->directory->pages;
	p->directory = kcalloc(p->directories, sizeof(*p->directory), GFP_KERNEL);
	for (i = 0; p->directory && i < p->directories; i++)
		p->directory[i] = page_address(t->directory->page[i]);
	p->priv = t;
	return p->directory ? 0 : -ENOMEM;
}

struct xen_aperture_test_memory *xen_aperture_test_alloc(struct xen_aperture_dev *dev,
							 unsigned int pages)
{
	struct test_memory *t = kzalloc(sizeof(*t), GFP_KERNEL);
	int err;

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->public.priv = t;
	err = make_both(t, dev, pages);
	if (!err)
		err = show(t);
	if (!err)
		return &t->public;
	xen_aperture_test_free(&t->public);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_alloc, XEN_APERTURE_TEST);

unsigned int xen_aperture_test_free(struct xen_aperture_test_memory *memory)
{
	struct test_memory *t = memory->priv;
	unsigned int left;

	left = apf_memory_release(t->directory);
	left += apf_memory_release(t->memory);
	kfree(t->public.directory);
	kfree(t);
	return left;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_free, XEN_APERTURE_TEST);

u32 xen_aperture_test_gref(const struct xen_aperture *ap, unsigned int page)
{
	return page < ap->memory->pages ? ap->memory->gref[page] : INVALID_GRANT_REF;
}
EXPORT_SYMBOL_NS_GPL(xen_aperture_test_gref, XEN_APERTURE_TEST);
