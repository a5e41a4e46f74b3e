// SPDX-License-Identifier: GPL-2.0-only
/* How consumers reach the memory of a view, which may be gone: include/xen/aperture_parent.h. */
#include <linux/highmem.h>
#include <linux/module.h>

#include "parent.h"

bool xen_aperture_view_enter(struct xen_aperture_view *view)
{
	return refcount_inc_not_zero(&apk_view(view)->users);
}
EXPORT_SYMBOL_GPL(xen_aperture_view_enter);

void xen_aperture_view_leave(struct xen_aperture_view *view)
{
	struct apk_view *v = apk_view(view);

	if (refcount_dec_and_test(&v->users))
		complete(&v->unused);
}
EXPORT_SYMBOL_GPL(xen_aperture_view_leave);

struct page *xen_aperture_view_page(struct xen_aperture_view *view, u32 index)
{
	return apk_view(view)->page[index];
}
EXPORT_SYMBOL_GPL(xen_aperture_view_page);

static bool within(const struct xen_aperture_view *view, u64 offset, size_t n)
{
	return offset <= view->length && n <= view->length - offset;
}

/* One page's part of a copy; how much it was. */
static size_t copy_part(struct apk_view *v, u64 at, void *buffer, size_t n, bool write)
{
	size_t in_page = offset_in_page(at), part = min_t(size_t, n, PAGE_SIZE - in_page);
	char *page = kmap_local_page(v->page[at >> PAGE_SHIFT]);

	if (write)
		memcpy(page + in_page, buffer, part);
	else
		memcpy(buffer, page + in_page, part);
	kunmap_local(page);
	return part;
}

static int copy(struct xen_aperture_view *view, u64 offset, void *buffer, size_t n, bool write)
{
	u64 at = view->offset + offset;

	if (!within(view, offset, n))
		return -EINVAL;
	if (!xen_aperture_view_enter(view))
		return -ENODEV;
	while (n) {
		size_t part = copy_part(apk_view(view), at, buffer, n, write);

		at += part;
		buffer += part;
		n -= part;
	}
	xen_aperture_view_leave(view);
	return 0;
}

int xen_aperture_view_read(struct xen_aperture_view *view, u64 offset, void *to, size_t n)
{
	return copy(view, offset, to, n, false);
}
EXPORT_SYMBOL_GPL(xen_aperture_view_read);

int xen_aperture_view_write(struct xen_aperture_view *view, u64 offset, const void *from, size_t n)
{
	return view->read_only ? -EROFS : copy(view, offset, (void *)from, n, true);
}
EXPORT_SYMBOL_GPL(xen_aperture_view_write);
