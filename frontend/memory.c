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

#define QUARANTINE_PERIOD	(HZ / 4)
#define QUARANTINE_UNLOAD_MS	5000u
#define CONNECTION_PAGES_MAX	1024	/* of ended connections in quarantine: some 200 */

static LIST_HEAD(quarantine);
static DEFINE_MUTEX(quarantine_lock);
static atomic_t quarantined = ATOMIC_INIT(0);
static atomic_t of_connections = ATOMIC_INIT(0);	/* of them */
static void quarantine_retry(struct work_struct *work);
static DECLARE_DELAYED_WORK(quarantine_work, quarantine_retry);

static void free_arrays(struct apf_memory *m)
{
	apf_pins_end(m->pins);
	kvfree(m->page);
	kvfree(m->gref);
	kfree(m);
}

static void free_page_at(struct apf_memory *m, unsigned int i)
{
	if (!m->page[i])
		return;
	if (apf_memory_pinned(m, i))
		apf_pins_release(m->pins, m->page[i]);
	else
		apf_page_let_go(m->page[i]);	/* a program may still have it mapped */
	m->page[i] = NULL;
}

/* One page for the other side: zeroed. */
struct page *apf_page_alloc(void)
{
	return alloc_page(APF_GFP);
}

int apf_memory_fill(struct apf_memory *m)
{
	unsigned int i;

	for (i = 0; i < m->pages; i++) {
		m->page[i] = apf_page_alloc();
		if (!m->page[i])
			return -ENOMEM;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Room for pages and references; NULL: there is none. */
struct apf_memory *apf_memory_new(unsigned int pages)
{
	struct apf_memory *m = kzalloc(sizeof(*m), GFP_KERNEL);
	unsigned int i;

	if (!m)
		return NULL;
	INIT_LIST_HEAD(&m->quarantine);
	m->pages = pages;
	m->page = kvcalloc(pages, sizeof(*m->page), GFP_KERNEL | __GFP_NOWARN);
	m->gref = kvcalloc(pages, sizeof(*m->gref), GFP_KERNEL | __GFP_NOWARN);
	if (!m->page || !m->gref) {
		free_arrays(m);
		return NULL;
	}
	for (i = 0; i < pages; i++)
		m->gref[i] = INVALID_GRANT_REF;
	return m;
}

struct apf_memory *apf_memory_alloc(unsigned int pages)
{
	struct apf_memory *m;
	int err = apf_admit_refs(pages) ?: apf_admit_memory(pages);

	if (err)
		return ERR_PTR(err);
	m = apf_memory_new(pages);
	if (!m)
		return ERR_PTR(-ENOMEM);
	err = apf_memory_fill(m);
	if (!err)
		return m;
	apf_memory_release(m);
	return ERR_PTR(err);
}

/* The same pages for one more peer: freed when their owner and every peer let go. */
struct apf_memory *apf_memory_share(struct page *const *page, unsigned int pages)
{
	struct apf_memory *m = apf_memory_new(pages);
	unsigned int i;

	if (!m)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < pages; i++) {
		get_page(page[i]);
		m->page[i] = page[i];
	}
	return m;
}

/*
 * The references of m, and of another if there is one: all or none, and nothing is granted yet. So
 * that running out of them is known before there are pages. A few are always admitted.
 */
int apf_memory_claim(struct apf_memory *m, struct apf_memory *other)
{
	unsigned int need = m->pages + (other ? other->pages : 0);
	int err = apf_refs_claim(m->gref, m->pages);

	m->claimed = !err;
	if (!err && other) {
		err = apf_refs_claim(other->gref, other->pages);
		other->claimed = !err;
	}
	if (!err && need > APF_REFS_SMALL && !apf_refs_headroom())
		err = -ENOSPC;
	if (!err)
		return 0;
	apf_memory_unclaim(m);
	if (other)
		apf_memory_unclaim(other);
	apf_say_no_refs(need);
	return err;
}

void apf_memory_unclaim(struct apf_memory *m)
{
	if (m->claimed)
		apf_refs_give_back(m->gref, m->pages);
	m->claimed = false;
}

int apf_memory_grant(struct apf_memory *m, domid_t peer, bool read_only)
{
	unsigned int i;
	int err = m->claimed ? 0 : apf_memory_claim(m, NULL);

	if (err)
		return err;
	m->claimed = false;
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

	for (i = 0; m->granted && i < m->pages; i++)	/* claimed only: perhaps without pages */
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
		apf_refs_ended(1);
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

static void count_quarantined(const struct apf_memory *m, int pages)
{
	atomic_add(pages, &quarantined);
	if (m->of_connection)
		atomic_add(pages, &of_connections);
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
	apf_memory_unclaim(m);
	left = apf_memory_revoke(m);
	free_revoked(m);
	if (!left) {
		free_arrays(m);
		return 0;
	}
	mutex_lock(&quarantine_lock);
	list_add_tail(&m->quarantine, &quarantine);
	count_quarantined(m, left);
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
		count_quarantined(m, (int)(left - before));
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

/*
 * A parent decides how often its lane connects: one that keeps what it mapped each time would get
 * all of the guest's references.
 */
bool apf_quarantine_holds_connections(void)
{
	return atomic_read(&of_connections) >= CONNECTION_PAGES_MAX;
}

/*
 * The kernel's own list takes what stays: it frees each page when its grant ended. It knows
 * nothing of pins: a plain reference takes their place.
 */
static void hand_to_kernel(struct apf_memory *m)
{
	struct page *page;
	unsigned int i;

	for (i = 0; i < m->pages; i++) {
		if (m->gref[i] == INVALID_GRANT_REF)
			continue;
		page = m->page[i];
		if (apf_memory_pinned(m, i)) {
			get_page(page);
			apf_pins_release(m->pins, page);
		}
		apf_refs_ended(1);
		gnttab_end_foreign_access(m->gref[i], page);
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
