// SPDX-License-Identifier: LGPL-2.1-or-later
#include "aperture.h"

#include "directory.h"
#include "negotiate.h"

#define READ_ONLY_FLAGS	(XENAPT_OPEN_CHILD_READ_ONLY | XENAPT_OPEN_PARENT_READ_ONLY)
#define FEATURE_FLAGS	(READ_ONLY_FLAGS | XENAPT_OPEN_PARENT_OWNED)

static void put(struct xenapt_response *r, enum xenapt_status status, uint64_t value)
{
	r->status = status;
	r->value = value;
}

/* The aperture a handle names, if its state is one of those admitted; else NULL and r. */
static struct xapt_aperture *find(struct xapt_device *d, uint64_t handle, unsigned int admitted,
				  struct xenapt_response *r)
{
	struct xapt_aperture *a = &d->aperture[(handle ^ d->secret) % XENAPT_MAX_APERTURES];

	r->handle = handle;
	if (!handle || a->handle != handle) {
		put(r, XENAPT_E_HANDLE, 0);
		return NULL;
	}
	if (!(admitted & 1u << a->state)) {
		put(r, XENAPT_E_STATE, a->state);
		return NULL;
	}
	return a;
}

static bool parent_owned(const struct xapt_aperture *a)
{
	return a->flags & XENAPT_OPEN_PARENT_OWNED;
}

static void *memory_of(const struct xapt_aperture *a)
{
	return parent_owned(a) ? a->gift.addr : a->map;
}

void *xapt_aperture_range(struct xapt_device *d, uint64_t handle, uint64_t offset,
			  uint32_t length)
{
	struct xenapt_response r;
	struct xapt_aperture *a = find(d, handle, 1u << XENAPT_STATE_MAPPED, &r);

	if (!a || !length || offset >= a->length || length > a->length - offset)
		return NULL;
	return (char *)memory_of(a) + a->offset + offset;
}

static unsigned int slot_of(const struct xapt_device *d, const struct xapt_aperture *a)
{
	return (unsigned int)(a - d->aperture);
}

/* Never the same twice on a connection, never 0; the slot is in its low bits. */
static uint64_t new_handle(struct xapt_device *d, unsigned int slot)
{
	uint64_t handle;

	do {
		handle = (++d->sequence * XENAPT_MAX_APERTURES + slot) ^ d->secret;
	} while (!handle);
	return handle;
}

/* A free slot, or XENAPT_MAX_APERTURES if as many as allowed are open. */
static unsigned int free_slot(const struct xapt_device *d)
{
	unsigned int slot, open = 0, found = XENAPT_MAX_APERTURES;

	for (slot = 0; slot < XENAPT_MAX_APERTURES; slot++) {
		if (d->aperture[slot].state != XENAPT_STATE_NONE)
			open++;
		else if (found == XENAPT_MAX_APERTURES)
			found = slot;
	}
	return open < d->limits.max_apertures ? found : XENAPT_MAX_APERTURES;
}

static enum xenapt_status check_flags(const struct xapt_device *d, uint32_t flags)
{
	if (flags & ~FEATURE_FLAGS || (flags & READ_ONLY_FLAGS) == READ_ONLY_FLAGS)
		return XENAPT_E_MALFORMED;
	if ((flags & READ_ONLY_FLAGS && !d->limits.read_only) ||
	    (flags & XENAPT_OPEN_PARENT_OWNED && !d->limits.parent_memory))
		return XENAPT_E_UNSUPPORTED;
	return XENAPT_OK;
}

/* Pages: by the guest's own bound, and by that of all guests. */
static uint64_t mappable(const struct xapt_device *d)
{
	uint64_t own = *d->limits.pages_left;
	uint64_t all = d->host_ops->mappable ? d->host_ops->mappable(d->host) : own;

	return own < all ? own : all;
}

static enum xenapt_status negotiate(const struct xapt_device *d, const struct xenapt_open *q,
				    uint64_t *granted)
{
	enum xenapt_status status;
	uint64_t left;

	if (!(q->flags & XENAPT_OPEN_PARENT_OWNED)) {
		left = mappable(d);
		return xapt_negotiate_size(q->wanted, q->least, d->limits.max_size, left, granted);
	}
	left = !d->host_ops->givable ? 0 :
	       d->host_ops->givable(d->host, q->flags & XENAPT_OPEN_CHILD_READ_ONLY);
	status = xapt_negotiate_size(q->wanted, q->least, d->limits.max_size, left, granted);
	return status == XENAPT_E_SIZE_LEAST && !left ? XENAPT_E_GIVEN_PAGES : status;
}

void xapt_aperture_open(struct xapt_device *d, const struct xenapt_open *q,
			struct xenapt_response *r)
{
	enum xenapt_status status = check_flags(d, q->flags);
	struct xapt_aperture *a;
	uint64_t granted = 0;
	unsigned int slot;

	if (status == XENAPT_OK)
		status = negotiate(d, q, &granted);
	if (status != XENAPT_OK) {
		d->short_of = q->least;
		d->short_given = q->flags & XENAPT_OPEN_PARENT_OWNED;
		put(r, status, granted);
		return;
	}
	slot = free_slot(d);
	if (slot == XENAPT_MAX_APERTURES) {
		put(r, XENAPT_E_APERTURES, d->limits.max_apertures);
		return;
	}
	a = &d->aperture[slot];
	*a = (struct xapt_aperture){
		.state = XENAPT_STATE_OPENED,
		.handle = new_handle(d, slot),
		.granted = granted,
		.tag = q->tag,
		.flags = q->flags,
	};
	r->handle = a->handle;
	r->slot = slot;
	put(r, XENAPT_OK, granted);
}

static bool offer_fits(const struct xapt_device *d, const struct xapt_aperture *a,
		       const struct xenapt_offer *q, struct xapt_shape *shape,
		       struct xenapt_response *r)
{
	if (!q->length)
		put(r, XENAPT_E_SIZE_ZERO, 0);
	else if (q->length > a->granted)
		put(r, XENAPT_E_SIZE, a->granted);
	else if (q->offset && !d->limits.unaligned)
		put(r, XENAPT_E_UNSUPPORTED, 0);
	else if (q->offset && parent_owned(a))
		put(r, XENAPT_E_MALFORMED, 0);
	else if (!xapt_directory_shape(q->length, q->offset, shape))
		put(r, XENAPT_E_MALFORMED, 0);
	else
		return true;
	return false;
}

/* A batch of n failed at number bad. The child is to blame for its references only. */
static enum xenapt_status blame(uint32_t bad, uint32_t n, enum xenapt_status status)
{
	return bad < n ? status : XENAPT_E_MAPPED_PAGES;
}

/* Fetch and check the references of the list pages. pages: room for one page. */
static enum xenapt_status fetch_index(struct xapt_device *d, const struct xapt_shape *shape,
				      uint32_t directory, struct xenapt_directory *pages,
				      uint32_t *lists)
{
	uint32_t i, bad;

	if (d->host_ops->fetch(d->host, &directory, 1, pages, &bad))
		return blame(bad, 1, XENAPT_E_DIRECTORY);
	if (!xapt_directory_check_index(shape, pages))
		return XENAPT_E_DIRECTORY;
	for (i = 0; i < shape->lists; i++)
		lists[i] = pages->gref[i];
	return XENAPT_OK;
}

/* Fetch all list pages in one batch, check them, and copy their references out. */
static enum xenapt_status fetch_lists(struct xapt_device *d, const struct xapt_shape *shape,
				      const uint32_t *lists, struct xenapt_directory *pages,
				      uint32_t *refs, uint32_t *bad)
{
	uint32_t i, k, n = 0;

	if (d->host_ops->fetch(d->host, lists, shape->lists, pages, bad))
		return blame(*bad, shape->lists, XENAPT_E_DIRECTORY);
	for (i = 0; i < shape->lists; i++) {
		if (!xapt_directory_check_list(shape, i, &pages[i])) {
			*bad = i;
			return XENAPT_E_DIRECTORY;
		}
		for (k = 0; k < xapt_directory_count(shape, i); k++)
			refs[n++] = pages[i].gref[k];
	}
	return XENAPT_OK;
}

/* The whole directory into refs; pages has room for every list page. */
static void fetch_directory(struct xapt_device *d, const struct xapt_shape *shape,
			    uint32_t directory, struct xenapt_directory *pages, uint32_t *refs,
			    struct xenapt_response *r)
{
	enum xenapt_status status = XENAPT_OK;
	uint32_t lists[XENAPT_DIR_ENTRIES];
	uint32_t bad = 0, number = 0;

	lists[0] = directory;
	if (shape->indexed)
		status = fetch_index(d, shape, directory, pages, lists);
	if (status == XENAPT_OK) {
		status = fetch_lists(d, shape, lists, pages, refs, &bad);
		number = shape->indexed ? bad + 1u : 0u;
	}
	put(r, status, status == XENAPT_E_DIRECTORY ? number : 0);
}

static void free_refs(struct xapt_device *d, struct xapt_aperture *a)
{
	if (!a->refs)
		return;
	d->host_ops->free(d->host, a->refs, (uint64_t)a->pages * sizeof(*a->refs));
	if (d->limits.offered_left)
		*d->limits.offered_left += a->pages;
	a->refs = NULL;
}

/* The child's memory: copy and check what it says about it. */
static void take_description(struct xapt_device *d, struct xapt_aperture *a, uint32_t directory,
			     const struct xapt_shape *shape, struct xenapt_response *r)
{
	uint64_t refs_size = (uint64_t)shape->pages * sizeof(uint32_t);
	uint64_t pages_size = (uint64_t)shape->lists * sizeof(struct xenapt_directory);
	uint64_t *left = d->limits.offered_left;
	struct xenapt_directory *pages;
	uint32_t *refs;

	if (left && shape->pages > *left) {
		d->short_of = (uint64_t)shape->pages * XENAPT_PAGE_SIZE;
		d->short_given = false;
		put(r, XENAPT_E_MAPPED_PAGES, *left);
		return;
	}
	refs = d->host_ops->alloc(d->host, refs_size);
	pages = refs ? d->host_ops->alloc(d->host, pages_size) : NULL;
	if (pages) {
		fetch_directory(d, shape, directory, pages, refs, r);
		d->host_ops->free(d->host, pages, pages_size);
	} else {
		put(r, XENAPT_E_MEMORY, 0);
	}
	if (r->status != XENAPT_OK) {
		if (refs)
			d->host_ops->free(d->host, refs, refs_size);
		return;
	}
	a->refs = refs;
	if (left)
		*left -= shape->pages;
}

/* Memory of this side. */
static void give(struct xapt_device *d, struct xapt_aperture *a, uint32_t again,
		 const struct xapt_shape *shape, struct xenapt_response *r)
{
	struct xapt_gift gift = {
		.slot = slot_of(d, a),
		.pages = shape->pages,
		.child_read_only = a->flags & XENAPT_OPEN_CHILD_READ_ONLY,
		.parent_read_only = a->flags & XENAPT_OPEN_PARENT_READ_ONLY,
		.again = again,
	};
	enum xenapt_status status = d->host_ops->give(d->host, &gift);

	if (status == XENAPT_OK) {
		a->gift = gift;
	} else {
		d->short_of = (uint64_t)shape->pages * XENAPT_PAGE_SIZE;
		d->short_given = true;
	}
	put(r, status, status == XENAPT_OK ? gift.directory : 0);
}

void xapt_aperture_offer(struct xapt_device *d, const struct xenapt_offer *q,
			 struct xenapt_response *r)
{
	struct xapt_aperture *a = find(d, q->handle, 1u << XENAPT_STATE_OPENED, r);
	struct xapt_shape shape;

	if (!a || !offer_fits(d, a, q, &shape, r))
		return;
	if (parent_owned(a))
		give(d, a, q->directory, &shape, r);
	else
		take_description(d, a, q->directory, &shape, r);
	if (r->status != XENAPT_OK)
		return;
	a->pages = shape.pages;
	a->length = q->length;
	a->offset = q->offset;
	a->state = XENAPT_STATE_OFFERED;
}

/* False: it stays mapped. Memory of this side is not mapped from anywhere. */
static bool unmap(struct xapt_device *d, struct xapt_aperture *a)
{
	if (!a->map)
		return true;
	if (d->host_ops->unmap(d->host, a->map, a->pages))
		return false;
	a->map = NULL;
	if (d->host_ops->unreserve)
		d->host_ops->unreserve(d->host, a->pages);
	*d->limits.pages_left += a->pages;
	d->signals.count.mapped_pages -= a->pages;
	return true;
}

static bool map(struct xapt_device *d, struct xapt_aperture *a, struct xenapt_response *r)
{
	bool writable = !(a->flags & XENAPT_OPEN_PARENT_READ_ONLY);
	uint32_t bad = 0;

	if (a->pages > *d->limits.pages_left ||
	    (d->host_ops->reserve && !d->host_ops->reserve(d->host, a->pages))) {
		d->short_of = a->length;
		d->short_given = false;
		put(r, XENAPT_E_MAPPED_PAGES, mappable(d));
		return false;
	}
	if (d->host_ops->map(d->host, a->refs, a->pages, writable, &a->map, &bad)) {
		if (d->host_ops->unreserve)
			d->host_ops->unreserve(d->host, a->pages);
		put(r, blame(bad, a->pages, XENAPT_E_GRANT), bad < a->pages ? bad : 0);
		return false;
	}
	*d->limits.pages_left -= a->pages;
	d->signals.count.mapped_pages += a->pages;
	return true;
}

void xapt_aperture_map(struct xapt_device *d, uint64_t handle, struct xenapt_response *r)
{
	struct xapt_aperture *a = find(d, handle, 1u << XENAPT_STATE_OFFERED, r);

	if (!a)
		return;
	if (a->map) {
		put(r, XENAPT_E_BUSY, 0);
		return;
	}
	if (!parent_owned(a) && !map(d, a, r))
		return;
	if (d->ops->mapped(d->opaque, slot_of(d, a), (uint8_t *)memory_of(a) + a->offset,
			   a->length, a->tag, a->flags)) {
		unmap(d, a);
		put(r, XENAPT_E_DEVICE, 0);
		return;
	}
	free_refs(d, a);
	a->state = XENAPT_STATE_MAPPED;
	put(r, XENAPT_OK, a->pages);
}

void xapt_aperture_withdraw(struct xapt_device *d, uint64_t handle, struct xenapt_response *r)
{
	struct xapt_aperture *a = find(d, handle, 1u << XENAPT_STATE_OFFERED |
				       1u << XENAPT_STATE_MAPPED, r);

	if (!a)
		return;
	if (a->state == XENAPT_STATE_MAPPED && d->ops->withdraw(d->opaque, slot_of(d, a), false)) {
		put(r, XENAPT_E_BUSY, 0);
		return;
	}
	/* The device type has let go. If the mapping does not, the child may ask again. */
	a->state = XENAPT_STATE_OFFERED;
	if (!unmap(d, a)) {
		put(r, XENAPT_E_BUSY, 0);
		return;
	}
	free_refs(d, a);
	a->state = XENAPT_STATE_WITHDRAWN;
}

static void take_back(struct xapt_device *d, struct xapt_aperture *a, bool released)
{
	if (a->gift.addr)
		d->host_ops->take_back(d->host, &a->gift, released);
}

void xapt_aperture_release(struct xapt_device *d, uint64_t handle, struct xenapt_response *r)
{
	struct xapt_aperture *a = find(d, handle, 1u << XENAPT_STATE_OPENED |
				       1u << XENAPT_STATE_WITHDRAWN, r);

	if (!a)
		return;
	take_back(d, a, true);
	*a = (struct xapt_aperture){ .state = XENAPT_STATE_NONE };
}

void xapt_aperture_drop(struct xapt_device *d, unsigned int slot)
{
	struct xapt_aperture *a = &d->aperture[slot];

	if (a->state == XENAPT_STATE_MAPPED)
		d->ops->withdraw(d->opaque, slot, true);
	/* A mapping that will not go stays with this process: never reused. */
	unmap(d, a);
	take_back(d, a, false);
	free_refs(d, a);
	*a = (struct xapt_aperture){ .state = XENAPT_STATE_NONE };
}
