// SPDX-License-Identifier: GPL-2.0-only
/*
 * Granted memory: allocate, grant; revoke, check, free. A page that a peer still
 * maps is never freed: it waits in the quarantine until Xen says that it is not.
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <xen/page.h>

#include "frontend.h"

/* Order 0 only, no OOM killer, no warning: a large request fails by itself. */
#define APF_GFP (GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

#define GREFS_PER_FRAME		(XEN_PAGE_SIZE / sizeof(struct grant_entry_v1))
#define GREF_CHUNK		1024u
#define GREF_HEADROOM		256u	/* left for the guest's disks and networks */
#define QUARANTINE_PERIOD	(HZ / 4)
#define QUARANTINE_UNLOAD_MS	5000u

static LIST_HEAD(quarantine);
static DEFINE_MUTEX(quarantine_lock);
static atomic_t quarantined = ATOMIC_INIT(0);
static void quarantine_retry(struct work_struct *work);
static DECLARE_DELAYED_WORK(quarantine_work, quarantine_retry);

/* Bytes of one aperture that the guest's whole grant table could describe. */
u64 apf_memory_limit(void)
{
	u64 grefs = (u64)gnttab_max_grant_frames() * GREFS_PER_FRAME;
	u64 spare = 1024 + grefs / XENAPT_DIR_ENTRIES + 2;

	grefs = grefs > spare ? grefs - spare : 1;
	return min_t(u64, grefs * XENAPT_PAGE_SIZE, XENAPT_MAX_SIZE);
}

static void free_arrays(struct apf_memory *m)
{
	kvfree(m->page);
	kvfree(m->gref);
	kfree(m);
}

static void free_page_at(struct apf_memory *m, unsigned int i)
{
	if (!m->page[i])
		return;
	put_page(m->page[i]);	/* a program may still have it mapped */
	m->page[i] = NULL;
}

/* Leaves the rest of the guest a sixteenth of its memory, and 4 MiB. */
static bool memory_is_there(unsigned int pages)
{
	long spare = si_mem_available() - SZ_4M / PAGE_SIZE - totalram_pages() / 16;

	return pages <= 64 || (spare > 0 && pages < spare);
}

static int alloc_pages_one_by_one(struct apf_memory *m)
{
	unsigned int i;

	for (i = 0; i < m->pages; i++) {
		m->page[i] = alloc_page(APF_GFP);
		if (!m->page[i])
			return -ENOMEM;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

struct apf_memory *apf_memory_alloc(unsigned int pages)
{
	struct apf_memory *m;
	unsigned int i;
	int err = -ENOMEM;

	if (!memory_is_there(pages)) {
		pr_warn_ratelimited(APF_NAME ": %u pages wanted, %ld are available\n", pages,
				    si_mem_available());
		return ERR_PTR(-ENOMEM);
	}
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&m->quarantine);
	m->pages = pages;
	m->page = kvcalloc(pages, sizeof(*m->page), GFP_KERNEL | __GFP_NOWARN);
	m->gref = kvcalloc(pages, sizeof(*m->gref), GFP_KERNEL | __GFP_NOWARN);
	if (m->page && m->gref) {
		for (i = 0; i < pages; i++)
			m->gref[i] = INVALID_GRANT_REF;
		err = alloc_pages_one_by_one(m);
	}
	if (!err)
		return m;
	for (i = 0; m->page && i < pages; i++)
		free_page_at(m, i);
	free_arrays(m);
	return ERR_PTR(err);
}

static void give_back(grant_ref_t *gref, unsigned int count)
{
	while (count--) {
		gnttab_free_grant_reference(gref[count]);
		gref[count] = INVALID_GRANT_REF;
	}
}

static int claim_chunk(grant_ref_t *gref, unsigned int count)
{
	grant_ref_t head;
	unsigned int i;
	int err;

	err = gnttab_alloc_grant_references(count, &head);
	if (err)
		return err;
	for (i = 0; i < count; i++)
		gref[i] = gnttab_claim_grant_reference(&head);
	gnttab_free_grant_references(head);
	return 0;
}

/* All references first, so that running out of them undoes nothing half-granted. */
static int claim_all(grant_ref_t *gref, unsigned int count)
{
	unsigned int done = 0, n;
	grant_ref_t head;
	int err = 0;

	while (done < count && !err) {
		n = min(count - done, GREF_CHUNK);
		err = claim_chunk(gref + done, n);
		if (!err)
			done += n;
		cond_resched();
	}
	if (!err && count > 8) {
		err = gnttab_alloc_grant_references(GREF_HEADROOM, &head);
		if (!err)
			gnttab_free_grant_references(head);
	}
	if (err)
		give_back(gref, done);
	return err ? -ENOSPC : 0;
}

static void say_no_grefs(unsigned int need)
{
	unsigned int frames = gnttab_max_grant_frames();

	pr_warn_ratelimited(APF_NAME ": no grant references: %u needed, limit is max_grant_frames=%u (%zu references for all devices of this guest, %u kept free): raise max_grant_frames in the guest's configuration\n",
			    need, frames, frames * GREFS_PER_FRAME, GREF_HEADROOM);
}

int apf_memory_grant(struct apf_memory *m, domid_t peer, bool read_only)
{
	u64 limit = (u64)gnttab_max_grant_frames() * GREFS_PER_FRAME;
	unsigned int i;
	int err = -ENOSPC;

	if (m->pages < limit)
		err = claim_all(m->gref, m->pages);
	if (err) {
		say_no_grefs(m->pages);
		return err;
	}
	m->peer = peer;
	m->read_only = read_only;
	for (i = 0; i < m->pages; i++)
		gnttab_grant_foreign_access_ref(m->gref[i], peer, xen_page_to_gfn(m->page[i]),
						read_only);
	m->granted = m->pages;
	return 0;
}

/* After a restore the grant table is new and empty; the references are still ours. */
void apf_memory_regrant(struct apf_memory *m)
{
	unsigned int i;

	for (i = 0; i < m->pages; i++)
		if (m->gref[i] != INVALID_GRANT_REF)
			gnttab_grant_foreign_access_ref(m->gref[i], m->peer,
							xen_page_to_gfn(m->page[i]),
							m->read_only);
}

/* Returns how many pages the peer still maps. May be called again. */
unsigned int apf_memory_revoke(struct apf_memory *m)
{
	unsigned int i;

	for (i = 0; m->granted && i < m->pages; i++) {
		if (m->gref[i] == INVALID_GRANT_REF)
			continue;
		if (!gnttab_try_end_foreign_access(m->gref[i]))
			continue;
		m->gref[i] = INVALID_GRANT_REF;
		m->granted--;
	}
	return m->granted;
}

static void free_revoked(struct apf_memory *m)
{
	unsigned int i;

	for (i = 0; i < m->pages; i++)
		if (m->gref[i] == INVALID_GRANT_REF)
			free_page_at(m, i);
}

/*
 * Revoke, check, free. What is still mapped goes to the quarantine: returns how many
 * pages. m is not valid afterwards.
 */
unsigned int apf_memory_release(struct apf_memory *m)
{
	unsigned int left;

	if (!m)
		return 0;
	left = apf_memory_revoke(m);
	free_revoked(m);
	if (!left) {
		free_arrays(m);
		return 0;
	}
	mutex_lock(&quarantine_lock);
	list_add_tail(&m->quarantine, &quarantine);
	atomic_add(left, &quarantined);
	mutex_unlock(&quarantine_lock);
	schedule_delayed_work(&quarantine_work, QUARANTINE_PERIOD);
	return left;
}

static bool quarantine_pass(void)
{
	struct apf_memory *m, *next;
	unsigned int before, left;
	bool empty;

	mutex_lock(&quarantine_lock);
	list_for_each_entry_safe(m, next, &quarantine, quarantine) {
		before = m->granted;
		left = apf_memory_revoke(m);
		free_revoked(m);
		atomic_sub(before - left, &quarantined);
		if (!left) {
			list_del(&m->quarantine);
			free_arrays(m);
		}
		cond_resched();
	}
	empty = list_empty(&quarantine);
	mutex_unlock(&quarantine_lock);
	return empty;
}

static void quarantine_retry(struct work_struct *work)
{
	if (!quarantine_pass())
		schedule_delayed_work(&quarantine_work, QUARANTINE_PERIOD);
}

unsigned int apf_quarantined(void)
{
	return atomic_read(&quarantined);
}

/* The kernel's own list takes what stays: it frees each page when its grant ended. */
static void hand_to_kernel(struct apf_memory *m)
{
	unsigned int i;

	for (i = 0; i < m->pages; i++) {
		if (m->gref[i] != INVALID_GRANT_REF)
			gnttab_end_foreign_access(m->gref[i], m->page[i]);
	}
	free_arrays(m);
}

/* At unload: waits for peers a bounded time. */
void apf_quarantine_drain(void)
{
	unsigned int waited;
	struct apf_memory *m, *next;

	cancel_delayed_work_sync(&quarantine_work);
	for (waited = 0; !quarantine_pass() && waited < QUARANTINE_UNLOAD_MS; waited += 20)
		msleep(20);
	if (list_empty(&quarantine))
		return;
	pr_warn(APF_NAME ": %u pages are still mapped by a peer: left to the kernel\n",
		apf_quarantined());
	list_for_each_entry_safe(m, next, &quarantine, quarantine) {
		list_del(&m->quarantine);
		hand_to_kernel(m);
	}
}
