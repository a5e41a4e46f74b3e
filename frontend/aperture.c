// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of an aperture: section 5 of the contract, as the child sees it. state runs
 * ahead of the parent's: it is what the parent may have reached if an answer was
 * lost. So a request that was not answered is undone as if it had worked.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "frontend.h"

#define REAP_SOON	(HZ / 10)

static void work_callback(struct work_struct *work)
{
	struct xen_aperture *ap = container_of(work, struct xen_aperture, work);

	if (!READ_ONCE(ap->silent))
		ap->wish.work(ap, ap->wish.data);
}

static struct xen_aperture *make(struct xen_aperture_dev *dev,
				 const struct xen_aperture_wish *wish)
{
	struct xen_aperture *ap = kzalloc(sizeof(*ap), GFP_KERNEL);
	int err;

	if (!ap)
		return ERR_PTR(-ENOMEM);
	kref_init(&ap->ref);
	mutex_init(&ap->lock);
	spin_lock_init(&ap->signal_lock);
	INIT_WORK(&ap->work, work_callback);
	ap->wish = *wish;
	apf_device_hold(dev);
	ap->dev = dev;
	err = apf_device_claim(dev, ap);
	if (err) {
		apf_aperture_put(ap);
		return ERR_PTR(err);
	}
	return ap;
}

static void free_aperture(struct kref *ref)
{
	struct xen_aperture *ap = container_of(ref, struct xen_aperture, ref);

	xen_aperture_dev_put(ap->dev);
	kfree(ap);
}

void apf_aperture_put(struct xen_aperture *ap)
{
	kref_put(&ap->ref, free_aperture);
}

static void set_home(struct xen_aperture *ap, struct apf_connection *c)
{
	if (c)
		kref_get(&c->ref);
	if (ap->home)
		apf_connection_put(ap->home);
	ap->home = c;
}

static bool connected(struct xen_aperture *ap)
{
	return ap->home && !apf_connection_dead(ap->home);
}

/* A response with an error status is an error here, and remembered. */
static int ask(struct xen_aperture *ap, struct apf_connection *c, struct xenapt_request *req,
	       struct xenapt_response *rsp)
{
	int err = apf_request(c, req, rsp);

	if (err) {
		ap->status = XENAPT_E_GONE;
		return err;
	}
	ap->status = rsp->status;
	return xen_aperture_errno(rsp->status);
}

static int ask_named(struct xen_aperture *ap, u8 type, struct xenapt_response *rsp)
{
	struct xenapt_request req = { .type = type };

	req.u.named.handle = ap->handle;
	return ask(ap, ap->home, &req, rsp);
}

/* The parent's answer to OPEN, a copy: is it one that the contract admits? */
static bool granted_ok(const struct xenapt_open *open, const struct xenapt_response *rsp)
{
	return rsp->value && rsp->value % XENAPT_PAGE_SIZE == 0 && rsp->value <= open->wanted &&
	       rsp->value >= open->least && rsp->value <= apf_max_size &&
	       rsp->slot < XENAPT_MAX_APERTURES;
}

static int open_aperture(struct xen_aperture *ap, struct apf_connection *c, u64 wanted, u64 least)
{
	struct xenapt_request req = { .type = XENAPT_REQ_OPEN };
	struct xenapt_response rsp;
	int err;

	req.u.open.wanted = wanted;
	req.u.open.least = least;
	req.u.open.tag = ap->wish.tag;
	err = ask(ap, c, &req, &rsp);
	if (err)
		return err;
	set_home(ap, c);
	ap->handle = rsp.handle;
	ap->state = XENAPT_STATE_OPENED;
	if (!granted_ok(&req.u.open, &rsp)) {
		pr_warn_ratelimited("%s: parent granted %llu bytes in slot %u for %llu..%llu\n",
				    ap->dev->name, rsp.value, rsp.slot, least, wanted);
		ap->status = XENAPT_E_MALFORMED;
		return -EPROTO;
	}
	ap->slot = rsp.slot;
	ap->size = rsp.value;
	return 0;
}

static int make_memory(struct xen_aperture *ap)
{
	struct apf_memory *m;
	int err;

	m = apf_memory_alloc(ap->size / XENAPT_PAGE_SIZE);
	if (IS_ERR(m))
		return PTR_ERR(m);
	ap->memory = m;
	err = apf_memory_grant(m, ap->dev->peer, false);
	if (err)
		return err;
	m = apf_directory_make(ap->memory, ap->dev->peer);
	if (IS_ERR(m))
		return PTR_ERR(m);
	ap->directory = m;
	return 0;
}

static int offer_aperture(struct xen_aperture *ap)
{
	struct xenapt_request req = { .type = XENAPT_REQ_OFFER };
	struct xenapt_response rsp;
	int err;

	req.u.offer.handle = ap->handle;
	req.u.offer.length = ap->size;
	req.u.offer.directory = ap->directory->gref[0];
	ap->state = XENAPT_STATE_OFFERED;
	err = ask(ap, ap->home, &req, &rsp);
	if (err && ap->status != XENAPT_E_GONE)
		ap->state = XENAPT_STATE_OPENED;
	return err;
}

static int map_aperture(struct xen_aperture *ap)
{
	struct xenapt_response rsp;
	int err;

	ap->state = XENAPT_STATE_MAPPED;
	err = ask_named(ap, XENAPT_REQ_MAP, &rsp);
	if (err && ap->status != XENAPT_E_GONE)
		ap->state = XENAPT_STATE_OFFERED;
	if (err)
		return err;
	return apf_attach(ap, ap->home, ap->slot) ? 0 : -ENOTCONN;
}

static int create(struct xen_aperture *ap, struct apf_connection *c)
{
	int err;

	err = open_aperture(ap, c, ap->wish.wanted, ap->wish.least);
	if (err)
		return err;
	err = make_memory(ap);
	if (err) {
		ap->status = XENAPT_E_MEMORY;
		return err;
	}
	err = offer_aperture(ap);
	if (!err)
		err = map_aperture(ap);
	return err;
}

struct xen_aperture *xen_aperture_create(struct xen_aperture_dev *dev,
					 const struct xen_aperture_wish *wish, u32 *status)
{
	struct xen_aperture *ap;
	struct apf_connection *c;
	int err = -ENOTCONN;
	u32 unused;

	status = status ?: &unused;
	*status = XENAPT_E_GONE;
	if (READ_ONCE(dev->gone))
		return ERR_PTR(-ENODEV);
	if (apf_quarantined() + apf_device_ending(dev) > READ_ONCE(apf_quarantine_max_pages)) {
		pr_warn_ratelimited("%s: %u pages are in quarantine, limit quarantine_max_pages=%u: a peer does not let go of them\n",
				    dev->name, apf_quarantined() + apf_device_ending(dev),
				    READ_ONCE(apf_quarantine_max_pages));
		*status = XENAPT_E_MEMORY;
		return ERR_PTR(-EDQUOT);
	}
	ap = make(dev, wish);
	if (IS_ERR(ap)) {
		*status = PTR_ERR(ap) == -EUSERS ? XENAPT_E_APERTURES : XENAPT_E_MEMORY;
		return ap;
	}
	/* After the claim of an id: a reconnect from here on waits for ap->lock. */
	mutex_lock(&ap->lock);
	c = apf_device_connection(dev);
	if (c) {
		err = create(ap, c);
		*status = err ? ap->status : XENAPT_OK;
		apf_connection_put(c);
	}
	ap->live = !err;
	mutex_unlock(&ap->lock);
	if (!err)
		return ap;
	xen_aperture_free(ap);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(xen_aperture_create);

/* The parent's answer: everything but these means that it may still map something. */
static int ask_withdraw(struct xen_aperture *ap)
{
	struct xenapt_response rsp;
	int err = ask_named(ap, XENAPT_REQ_WITHDRAW, &rsp);

	if (err && ap->status == XENAPT_E_STATE &&
	    (rsp.value == XENAPT_STATE_OPENED || rsp.value == XENAPT_STATE_WITHDRAWN))
		err = 0;
	if (err && (ap->status == XENAPT_E_HANDLE || !connected(ap)))
		err = 0;
	if (!err)
		ap->state = XENAPT_STATE_WITHDRAWN;
	return err;
}

static void withdrawn(struct xen_aperture *ap)
{
	unsigned int left;

	apf_detach(ap);
	spin_lock_irq(&ap->signal_lock);
	ap->withdrawn = true;
	spin_unlock_irq(&ap->signal_lock);
	left = apf_memory_revoke(ap->memory) + apf_memory_revoke(ap->directory);
	if (left && connected(ap))
		pr_warn_ratelimited("%s: withdrawn, but the parent still maps %u pages\n",
				    ap->dev->name, left);
}

int xen_aperture_withdraw(struct xen_aperture *ap)
{
	int err = 0;

	if (mutex_lock_killable(&ap->lock))
		return -EINTR;
	if (!ap->live) {
		err = -ESHUTDOWN;
	} else if (!ap->withdrawn) {
		if (connected(ap))
			err = ask_withdraw(ap);
		if (!err)
			withdrawn(ap);
	}
	mutex_unlock(&ap->lock);
	return err;
}
EXPORT_SYMBOL_GPL(xen_aperture_withdraw);

/* ap->lock is held. 0: nothing is left of it but the structure. */
static int finish(struct xen_aperture *ap)
{
	struct xenapt_response rsp;
	int err = 0;

	if (connected(ap) &&
	    (ap->state == XENAPT_STATE_OFFERED || ap->state == XENAPT_STATE_MAPPED))
		err = ask_withdraw(ap);
	if (err)
		return err;
	apf_detach(ap);		/* before RELEASE: then another may get the slot */
	if (connected(ap) && ap->state != XENAPT_STATE_NONE)
		err = ask_named(ap, XENAPT_REQ_RELEASE, &rsp);
	if ((err == -ETIMEDOUT || err == -EINTR) && connected(ap))
		return err;
	set_home(ap, NULL);
	ap->state = XENAPT_STATE_NONE;
	vunmap(ap->map);
	ap->map = NULL;
	apf_memory_release(ap->directory);
	apf_memory_release(ap->memory);
	ap->directory = NULL;
	ap->memory = NULL;
	return 0;
}

/* No callback starts any more; ap->lock is held, so home stands still. */
static void silence(struct xen_aperture *ap)
{
	unsigned long flags;

	WRITE_ONCE(ap->silent, true);
	if (!ap->home)
		return;
	spin_lock_irqsave(&ap->home->slot_lock, flags);	/* one that runs has ended */
	spin_unlock_irqrestore(&ap->home->slot_lock, flags);
}

/* A program that ends, perhaps killed because of a parent that hangs, waits for nothing. */
static bool in_a_hurry(struct xen_aperture *ap)
{
	return connected(ap) && (current->flags & PF_EXITING || fatal_signal_pending(current));
}

void xen_aperture_free(struct xen_aperture *ap)
{
	bool hurry;
	int err;

	if (!ap)
		return;
	mutex_lock(&ap->lock);
	silence(ap);
	ap->live = false;
	hurry = in_a_hurry(ap);
	err = hurry ? -EINTR : finish(ap);
	ap->ending = err;
	/* A device that is gone has no connection: nothing can fail then. */
	while (err && !apf_device_want_reap(ap->dev, hurry ? 0 : REAP_SOON))
		err = finish(ap);
	if (!err)
		apf_device_unclaim(ap->dev, ap);
	mutex_unlock(&ap->lock);
	cancel_work_sync(&ap->work);
	if (!err)
		apf_aperture_put(ap);
}
EXPORT_SYMBOL_GPL(xen_aperture_free);

/* True: it is still not done with. The caller holds a reference. */
bool apf_aperture_reap(struct xen_aperture *ap)
{
	bool ending;

	mutex_lock(&ap->lock);
	ending = ap->ending;
	if (ending && !finish(ap)) {
		ap->ending = false;
		apf_device_unclaim(ap->dev, ap);
		apf_aperture_put(ap);
		ending = false;
	}
	mutex_unlock(&ap->lock);
	return ending;
}

/* On a new connection, with the same pages and references. */
void apf_aperture_restore(struct xen_aperture *ap, struct apf_connection *c)
{
	int err;

	mutex_lock(&ap->lock);
	if (ap->live && !ap->withdrawn) {
		set_home(ap, NULL);
		ap->state = XENAPT_STATE_NONE;
		err = open_aperture(ap, c, ap->size, ap->size);
		if (!err)
			err = offer_aperture(ap);
		if (!err)
			err = map_aperture(ap);
		if (err && !apf_connection_dead(c))
			pr_warn("%s: aperture %u was not connected again: %s (%d)\n",
				ap->dev->name, ap->id, xen_aperture_status_name(ap->status), err);
	}
	mutex_unlock(&ap->lock);
}

void apf_aperture_resignal(struct xen_aperture *ap, struct apf_connection *c)
{
	mutex_lock(&ap->lock);
	if (ap->live && ap->home == c)
		apf_signal_both(ap);
	mutex_unlock(&ap->lock);
}

void apf_aperture_regrant(struct xen_aperture *ap)
{
	mutex_lock(&ap->lock);
	if (ap->memory && ap->directory) {
		apf_memory_regrant(ap->memory);
		apf_memory_regrant(ap->directory);
	}
	mutex_unlock(&ap->lock);
}

void *xen_aperture_memory(struct xen_aperture *ap)
{
	mutex_lock(&ap->lock);
	if (!ap->map && ap->live)
		ap->map = vmap(ap->memory->page, ap->memory->pages, VM_MAP, PAGE_KERNEL);
	mutex_unlock(&ap->lock);
	return ap->map;
}
EXPORT_SYMBOL_GPL(xen_aperture_memory);

u64 xen_aperture_size(const struct xen_aperture *ap)
{
	return ap->size;
}
EXPORT_SYMBOL_GPL(xen_aperture_size);

unsigned int xen_aperture_id(const struct xen_aperture *ap)
{
	return ap->id;
}
EXPORT_SYMBOL_GPL(xen_aperture_id);

/* Each page in the map has a reference of its own: it outlives the aperture. */
int apf_aperture_mmap(struct xen_aperture *ap, struct vm_area_struct *vma, unsigned long first)
{
	unsigned long count = vma_pages(vma);
	int err = -EINVAL;

	if (mutex_lock_killable(&ap->lock))
		return -EINTR;
	if (!ap->live || ap->withdrawn) {
		err = -ESHUTDOWN;
	} else if (first < ap->memory->pages && count <= ap->memory->pages - first) {
		apf_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
		err = vm_insert_pages(vma, vma->vm_start, ap->memory->page + first, &count);
	}
	mutex_unlock(&ap->lock);
	return err;
}
