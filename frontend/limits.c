// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest has, and what of it an aperture may take. Checked before anything is made; a
 * refusal names the limit, its value, the need, and what raises it.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "frontend.h"

#define GREFS_PER_FRAME		(XEN_PAGE_SIZE / sizeof(struct grant_entry_v1))
#define GREF_CHUNK		1024u
#define FOREIGN_COST		96u	/* bytes: reference, handle, pages' and page table entries */
#define SMALL_PAGES		64u	/* no look at the guest's memory for so few */

static atomic_t refs_used = ATOMIC_INIT(0);

unsigned int apf_refs_max(void)
{
	return gnttab_max_grant_frames() * GREFS_PER_FRAME;
}

unsigned int apf_refs_used(void)
{
	return atomic_read(&refs_used);
}

/* Bytes of one aperture that the guest's whole grant table could describe. */
u64 apf_memory_limit(void)
{
	u64 grefs = apf_refs_max();
	u64 spare = 1024 + grefs / XENAPT_DIR_ENTRIES + 2;

	grefs = grefs > spare ? grefs - spare : 1;
	return min_t(u64, grefs * XENAPT_PAGE_SIZE, XENAPT_MAX_SIZE);
}

void apf_refs_ended(unsigned int count)
{
	atomic_sub(count, &refs_used);
}

void apf_refs_give_back(grant_ref_t *gref, unsigned int count)
{
	apf_refs_ended(count);
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
	atomic_add(count, &refs_used);
	return 0;
}

/* All or none. */
int apf_refs_claim(grant_ref_t *gref, unsigned int count)
{
	unsigned int done = 0, n;
	int err = 0;

	while (done < count && !err) {
		n = min(count - done, GREF_CHUNK);
		err = claim_chunk(gref + done, n);
		if (!err)
			done += n;
		cond_resched();
	}
	if (err)
		apf_refs_give_back(gref, done);
	return err ? -ENOSPC : 0;
}

/* Are there so many left as the guest's disks and networks shall have? */
bool apf_refs_headroom(void)
{
	grant_ref_t head;

	if (gnttab_alloc_grant_references(APF_REFS_KEPT, &head))
		return false;
	gnttab_free_grant_references(head);
	return true;
}

void apf_say_no_refs(unsigned int need)
{
	pr_warn_ratelimited(APF_NAME ": no grant references: %u needed, limit is max_grant_frames=%u (%u references for all devices of this guest, %u kept free, %u in use by this module): raise max_grant_frames in the guest's configuration\n",
			    need, gnttab_max_grant_frames(), apf_refs_max(), APF_REFS_KEPT,
			    apf_refs_used());
}

/* The rest of the guest keeps a sixteenth of its memory, and 4 MiB. */
static long memory_kept(void)
{
	return SZ_4M / PAGE_SIZE + totalram_pages() / 16;
}

static bool memory_is_there(unsigned int pages)
{
	long spare = si_mem_available() - memory_kept();

	return pages <= SMALL_PAGES || (spare > 0 && pages < spare);
}

/* Bookkeeping of 12 bytes a page and the tables are within what is kept. */
int apf_admit_memory(unsigned int pages)
{
	if (memory_is_there(pages))
		return 0;
	pr_warn_ratelimited(APF_NAME ": %u pages wanted, %ld are available, %ld of them kept for the rest of the guest: raise memory in the guest's configuration, or end programs\n",
			    pages, si_mem_available(), memory_kept());
	return -ENOMEM;
}

/*
 * Memory of the parent's: what is noted of it here, and the page tables. How many mappings Xen has room
 * for no guest can ask; xen-aperture looks at it before the device is there.
 */
int apf_admit_foreign(unsigned int pages)
{
	return apf_admit_memory(DIV_ROUND_UP((u64)pages * FOREIGN_COST, PAGE_SIZE));
}

int apf_admit_refs(unsigned int refs)
{
	if ((u64)refs + APF_REFS_KEPT <= apf_refs_max() || refs <= APF_REFS_SMALL)
		return 0;
	apf_say_no_refs(refs);
	return -ENOSPC;
}

/* Pages that peers do not let go of. */
int apf_admit_quarantine(struct xen_aperture_dev *dev)
{
	unsigned int held = apf_quarantined() + apf_device_ending(dev);
	unsigned int most = READ_ONCE(apf_quarantine_max_pages);

	if (held <= most)
		return 0;
	pr_warn_ratelimited("%s: %u pages are in quarantine, limit quarantine_max_pages=%u: a peer does not let go of them: end that peer, or raise the module's quarantine_max_pages\n",
			    dev->name, held, most);
	return -EDQUOT;
}

int apf_admit_length(struct xen_aperture_dev *dev, u64 length)
{
	if (length <= apf_max_size)
		return 0;
	pr_warn_ratelimited("%s: %llu bytes offered, limit is max_size=%llu: raise the module's max_size\n",
			    dev->name, length, apf_max_size);
	return -ERANGE;
}
