// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the parent in this kernel: the directory, and the life of a mapping. The directory is
 * copied by Xen: nothing of it is ever mapped, and what was checked is what is used.
 */
#include <linux/file.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <xen/page.h>

#include <xen/io/apertureif.h>

#include "foreign_parts.h"

#define NAME "xen-aperture"

static void free_foreign(struct kref *ref)
{
	struct apf_foreign *f = container_of(ref, struct apf_foreign, ref);

	if (f->file)
		fput(f->file);
	if (f->spare)
		__free_page(f->spare);
	kvfree(f->gref);
	kvfree(f->handle);
	kfree(f);
}

void foreign_get(struct apf_foreign *f)
{
	kref_get(&f->ref);
}

void foreign_put(struct apf_foreign *f)
{
	kref_put(&f->ref, free_foreign);
}

static struct apf_foreign *make(u64 length, bool read_only)
{
	struct apf_foreign *f;
	unsigned int i;

	if (!length || length > XENAPT_MAX_SIZE)
		return ERR_PTR(-EINVAL);
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return ERR_PTR(-ENOMEM);
	kref_init(&f->ref);
	mutex_init(&f->lock);
	init_waitqueue_head(&f->wait);
	INIT_LIST_HEAD(&f->views);
	f->read_only = read_only;
	f->pages = DIV_ROUND_UP(length, XENAPT_PAGE_SIZE);
	f->gref = kvcalloc(f->pages, sizeof(*f->gref), GFP_KERNEL | __GFP_NOWARN);
	f->handle = kvcalloc(f->pages, sizeof(*f->handle), GFP_KERNEL | __GFP_NOWARN);
	if (!f->gref || !f->handle || foreign_user_init(f)) {
		foreign_put(f);
		return ERR_PTR(-ENOMEM);
	}
	for (i = 0; i < f->pages; i++)
		f->handle[i] = INVALID_GRANT_HANDLE;
	return f;
}

/* Xen copies the page: it need not be mapped, and is read once. */
static int fetch(domid_t parent, grant_ref_t ref, struct xenapt_directory *to)
{
	struct gnttab_copy op = {
		.source.u.ref = ref,
		.source.domid = parent,
		.dest.u.gmfn = virt_to_gfn(to),
		.dest.domid = DOMID_SELF,
		.len = XEN_PAGE_SIZE,
		.flags = GNTCOPY_source_gref,
	};

	gnttab_batch_copy(&op, 1);
	return op.status == GNTST_okay ? 0 : op.status;
}

struct expected {
	u16 level;
	u32 index;
	unsigned int count;
};

/* number: as the contract counts a directory's pages. */
static int fetch_checked(domid_t parent, grant_ref_t ref, unsigned int number,
			 const struct expected *e, struct xenapt_directory *d)
{
	int status = fetch(parent, ref, d);

	if (status) {
		pr_warn_ratelimited(NAME ": domain %u: directory page %u: reference %u cannot be read: Xen says %d\n",
				    parent, number, ref, status);
		return -EPROTO;
	}
	if (d->magic == XENAPT_DIR_MAGIC && d->level == e->level && d->count == e->count &&
	    d->index == e->index && !d->zero)
		return 0;
	pr_warn_ratelimited(NAME ": domain %u: directory page %u: magic %#x level %u count %u index %u zero %#x, expected %#x %u %u %u 0\n",
			    parent, number, d->magic, d->level, d->count, d->index, d->zero,
			    XENAPT_DIR_MAGIC, e->level, e->count, e->index);
	return -EPROTO;
}

/* index: references of the list pages; the last of them need not be full. */
static int fetch_lists(struct apf_foreign *f, const u32 *index, unsigned int lists,
		       unsigned int first, struct xenapt_directory *d)
{
	struct expected e = { .level = XENAPT_DIR_LIST };
	unsigned int at;
	int err = 0;

	for (e.index = 0; e.index < lists && !err; e.index++) {
		at = e.index * XENAPT_DIR_ENTRIES;
		e.count = min(f->pages - at, XENAPT_DIR_ENTRIES);
		err = fetch_checked(f->parent, index[e.index], first + e.index, &e, d);
		if (!err)
			memcpy(f->gref + at, d->gref, e.count * sizeof(*f->gref));
		cond_resched();
	}
	return err;
}

static int fetch_directory(struct apf_foreign *f, u32 directory)
{
	unsigned int lists = DIV_ROUND_UP(f->pages, XENAPT_DIR_ENTRIES);
	struct expected e = { .level = XENAPT_DIR_INDEX, .count = lists };
	struct xenapt_directory *index = (void *)__get_free_page(GFP_KERNEL);
	struct xenapt_directory *list = (void *)__get_free_page(GFP_KERNEL);
	int err = -ENOMEM;

	if (!index || !list)
		goto out;
	if (lists == 1) {
		err = fetch_lists(f, &directory, 1, 0, list);
		goto out;
	}
	err = fetch_checked(f->parent, directory, 0, &e, index);
	if (!err)
		err = fetch_lists(f, index->gref, lists, 1, list);
out:
	free_page((unsigned long)index);
	free_page((unsigned long)list);
	return err;
}

struct apf_foreign *apf_foreign_map(domid_t parent, u32 directory, u64 length, bool read_only)
{
	struct apf_foreign *f = make(length, read_only);
	int err;

	if (IS_ERR(f))
		return f;
	f->parent = parent;
	err = fetch_directory(f, directory);
	if (!err)
		err = foreign_pages_map(f);
	if (!err)
		return f;
	foreign_put(f);
	return ERR_PTR(err);
}

/* Programs see nothing of it any more on return, and cannot map it again but by a fault. */
static void enter(struct apf_foreign *f, enum foreign_state state)
{
	mutex_lock(&f->lock);
	f->state = state;
	mutex_unlock(&f->lock);
	foreign_user_revoke(f);
}

void apf_foreign_unmap(struct apf_foreign *f)
{
	if (!f)
		return;
	enter(f, FOREIGN_ENDED);
	wake_up_all(&f->wait);
	foreign_pages_unmap(f);
	foreign_put(f);
}

void *apf_foreign_memory(struct apf_foreign *f)
{
	return f->address;
}

int apf_foreign_leave(struct apf_foreign *f, bool keep)
{
	unsigned int noio = memalloc_noio_save();
	int err;

	enter(f, FOREIGN_AWAY);
	err = foreign_pages_leave(f, keep);
	memalloc_noio_restore(noio);
	return err;
}

bool apf_foreign_away(struct apf_foreign *f)
{
	return READ_ONCE(f->state) == FOREIGN_AWAY;
}

void apf_foreign_give_up(struct apf_foreign *f)
{
	enter(f, FOREIGN_ENDED);
	wake_up_all(&f->wait);
}

int apf_foreign_return(struct apf_foreign *f, domid_t parent, u32 directory, bool same)
{
	int err;

	f->parent = parent;
	f->same = same;
	err = fetch_directory(f, directory);
	if (!err)
		err = foreign_pages_return(f);
	if (err)
		return err;
	mutex_lock(&f->lock);
	f->state = FOREIGN_THERE;
	mutex_unlock(&f->lock);
	wake_up_all(&f->wait);
	return 0;
}
