// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of an aperture: section 5 of the contract, as the child sees it. state runs
 * ahead of the parent's: it is what the parent may have reached if an answer was
 * lost. So a request that was not answered is undone as if it had worked.
 */
#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "frontend.h"

#define REAP_SOON	(HZ / 10)
#define KEEP_AGAIN	(60 * HZ)	/* what a parent loses of one aperture is kept no more often */

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

	apf_partial_free(ap->partial);
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

static bool parent_owned(const struct xen_aperture *ap)
{
	return ap->wish.flags & XENAPT_OPEN_PARENT_OWNED;
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
	return open->wanted <= XENAPT_MAX_SIZE &&
	       rsp->value && rsp->value % XENAPT_PAGE_SIZE == 0 && rsp->value <= open->wanted &&
	       rsp->value >= open->least && rsp->value <= apf_max_size &&
	       rsp->slot < XENAPT_MAX_APERTURES;
}

/* Does the other side know what is asked of it? */
static bool agreed(const struct xen_aperture *ap, const struct apf_connection *c)
{
	u32 need = ap->offset ? XENAPT_FEATURE_UNALIGNED : 0;

	if (ap->wish.flags & (XENAPT_OPEN_CHILD_READ_ONLY | XENAPT_OPEN_PARENT_READ_ONLY))
		need |= XENAPT_FEATURE_READ_ONLY;
	if (parent_owned(ap))
		need |= XENAPT_FEATURE_PARENT_MEMORY;
	return !(need & ~c->features);
}

static int open_aperture(struct xen_aperture *ap, struct apf_connection *c, u64 wanted, u64 least)
{
	struct xenapt_request req = { .type = XENAPT_REQ_OPEN };
	struct xenapt_response rsp;
	int err;

	if (!agreed(ap, c)) {
		ap->status = XENAPT_E_UNSUPPORTED;
		return -EOPNOTSUPP;
	}
	req.u.open.flags = ap->wish.flags;
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
	if (!ap->existing)
		ap->size = rsp.value;
	return 0;
}

/* References first, then pages: what is short is known before anything is there. */
static int make_memory(struct xen_aperture *ap)
{
	unsigned int pages = ap->size / XENAPT_PAGE_SIZE;
	unsigned int lists = apf_directory_pages(pages);
	int err = apf_admit_refs(pages + lists) ?: apf_admit_memory(pages + lists);

	if (err)
		return err;
	ap->memory = apf_memory_new(pages);
	ap->directory = apf_memory_new(lists);
	if (!ap->memory || !ap->directory)
		return -ENOMEM;
	err = apf_memory_claim(ap->memory, ap->directory);
	if (!err)
		err = apf_memory_fill(ap->memory);
	return err ?: apf_memory_fill(ap->directory);
}

static int grant_memory(struct xen_aperture *ap)
{
	domid_t peer = ap->dev->slow->peer;
	int err;

	err = apf_memory_grant(ap->memory, peer, ap->wish.flags & XENAPT_OPEN_PARENT_READ_ONLY);
	return err ?: apf_directory_fill(ap->directory, ap->memory, peer);
}

/* directory: of this side; or of the parent's memory, which is asked for again; 0: new. */
static int ask_offer(struct xen_aperture *ap, u32 directory, struct xenapt_response *rsp)
{
	struct xenapt_request req = { .type = XENAPT_REQ_OFFER };
	int err;

	req.u.offer.handle = ap->handle;
	req.u.offer.length = ap->size;
	req.u.offer.offset = ap->offset;
	req.u.offer.directory = directory;
	ap->state = XENAPT_STATE_OFFERED;
	err = ask(ap, ap->home, &req, rsp);
	if (err && ap->status != XENAPT_E_GONE)
		ap->state = XENAPT_STATE_OPENED;
	return err;
}

/* New memory of the parent, in the place of what it lost if there was some. */
static int map_foreign(struct xen_aperture *ap, u64 directory, bool same)
{
	domid_t peer = ap->dev->slow->peer;
	struct apf_foreign *f;
	int err = 0;

	if (directory > U32_MAX) {
		ap->status = XENAPT_E_MALFORMED;
		return -EPROTO;
	}
	ap->given = true;
	ap->foreign_ref = directory;
	if (ap->foreign) {
		err = apf_foreign_return(ap->foreign, peer, directory, same);
	} else {
		f = apf_foreign_map(peer, directory, ap->size,
				    ap->wish.flags & XENAPT_OPEN_CHILD_READ_ONLY);
		err = PTR_ERR_OR_ZERO(f);
		ap->foreign = err ? NULL : f;
	}
	if (err)
		ap->status = err == -EPROTO ? XENAPT_E_DIRECTORY :
			     err == -EIO ? XENAPT_E_GRANT : XENAPT_E_MEMORY;
	return err;
}

/* Memory and time of this guest for what the parent says: not if it says so again and again. */
static bool worth_keeping(struct xen_aperture *ap)
{
	if (ap->kept && time_before64(get_jiffies_64(), ap->kept + KEEP_AGAIN))
		return false;
	if (apf_admit_memory(apf_aperture_pages(ap)))
		return false;
	ap->kept = get_jiffies_64();
	return true;
}

/* The parent lost its memory, this side has it mapped: what was in it goes into new memory. */
static void leave_lost(struct xen_aperture *ap)
{
	ap->lost++;
	pr_warn_ratelimited("%s: aperture %u: the parent does not have its memory any more: new memory, with what this guest saw last\n",
			    ap->dev->name, ap->id);
	if (apf_foreign_leave(ap->foreign, worth_keeping(ap)))
		pr_warn_ratelimited("%s: aperture %u: the contents were not kept, for want of memory or because they were less than a minute ago: they are zeros now\n",
				    ap->dev->name, ap->id);
}

/* What the parent still counts as given is asked for again, also when this side let go of it. */
static int offer_foreign(struct xen_aperture *ap)
{
	bool there = ap->foreign && !apf_foreign_away(ap->foreign);
	u32 again = ap->foreign && ap->given ? ap->foreign_ref : 0;
	struct xenapt_response rsp;
	int err;

	err = ask_offer(ap, again, &rsp);
	if (again && err && ap->status == XENAPT_E_LOST) {
		if (there)
			leave_lost(ap);
		there = false;
		ap->given = false;
		again = 0;
		err = ask_offer(ap, 0, &rsp);
	}
	if (err)
		return err;
	if (!there)
		return map_foreign(ap, rsp.value, again);
	if (rsp.value == ap->foreign_ref)
		return 0;
	ap->status = XENAPT_E_MALFORMED;
	return -EPROTO;
}

static int offer_aperture(struct xen_aperture *ap)
{
	struct xenapt_response rsp;

	return parent_owned(ap) ? offer_foreign(ap) :
	       ask_offer(ap, ap->directory->gref[0], &rsp);
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

static int open_wished(struct xen_aperture *ap, struct apf_connection *c)
{
	u64 bytes = round_up(ap->size, XENAPT_PAGE_SIZE);

	return ap->existing ? open_aperture(ap, c, bytes, bytes) :
	       open_aperture(ap, c, ap->wish.wanted, ap->wish.least);
}

static int create(struct xen_aperture *ap, struct apf_connection *c)
{
	int err;

	err = open_wished(ap, c);
	if (err)
		return err;
	/* OPEN takes nothing anywhere but says how much it will be; OFFER makes the parent allocate. */
	if (parent_owned(ap)) {
		err = apf_admit_foreign(ap->size / XENAPT_PAGE_SIZE);
	} else {
		err = ap->existing ? 0 : make_memory(ap);
		err = err ?: grant_memory(ap);
	}
	if (err) {
		ap->status = XENAPT_E_MEMORY;
		return err;
	}
	err = offer_aperture(ap);
	if (!err)
		err = map_aperture(ap);
	return err;
}

static void take_existing(struct xen_aperture *ap, const struct apf_existing *e)
{
	ap->existing = true;
	ap->memory = e->memory;
	ap->directory = e->directory;
	ap->partial = e->partial;
	ap->map = e->buffer;
	ap->size = e->length;
	ap->offset = e->offset;
}

static bool flags_ok(u32 flags)
{
	const u32 read_only = XENAPT_OPEN_CHILD_READ_ONLY | XENAPT_OPEN_PARENT_READ_ONLY;

	return !(flags & ~(read_only | XENAPT_OPEN_PARENT_OWNED)) &&
	       (flags & read_only) != read_only;
}

static void discard(const struct apf_existing *e)
{
	if (!e)
		return;
	apf_partial_end(e->partial);
	apf_partial_free(e->partial);
	apf_memory_release(e->directory);
	apf_memory_release(e->memory);
}

static struct xen_aperture *begin(struct xen_aperture_dev *dev,
				  const struct xen_aperture_wish *wish, u32 *status)
{
	struct xen_aperture *ap;
	int err = 0;

	*status = XENAPT_E_GONE;
	if (READ_ONCE(dev->gone))
		return ERR_PTR(-ENODEV);
	*status = XENAPT_E_MALFORMED;
	if (!flags_ok(wish->flags))
		return ERR_PTR(-EINVAL);
	*status = XENAPT_E_MEMORY;
	err = apf_admit_quarantine(dev);
	if (err)
		return ERR_PTR(err);
	ap = make(dev, wish);
	if (PTR_ERR_OR_ZERO(ap) == -EUSERS)
		*status = XENAPT_E_APERTURES;
	return ap;
}

/* existing, and what it consists of, is taken over also when this fails; NULL: new memory. */
struct xen_aperture *apf_aperture_make(struct xen_aperture_dev *dev,
				       const struct xen_aperture_wish *wish,
				       const struct apf_existing *existing, u32 *status)
{
	struct xen_aperture *ap = begin(dev, wish, status);
	struct apf_connection *c;
	int err = -ENOTCONN;

	if (IS_ERR(ap)) {
		discard(existing);
		return ap;
	}
	*status = XENAPT_E_GONE;
	/* After the claim of an id: a reconnect from here on waits for ap->lock. */
	mutex_lock(&ap->lock);
	if (existing)
		take_existing(ap, existing);
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
	apf_aperture_free(ap, err == -ETIMEDOUT);	/* it was waited for once */
	return ERR_PTR(err);
}

struct xen_aperture *xen_aperture_create(struct xen_aperture_dev *dev,
					 const struct xen_aperture_wish *wish, u32 *status)
{
	u32 unused;

	return apf_aperture_make(dev, wish, NULL, status ?: &unused);
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

/* Nothing of the other side's is to come: the last of it to where it belongs, and let go. Idempotent. */
static void end_copies(struct xen_aperture *ap)
{
	apf_partial_sync(ap->partial, false);
	apf_partial_end(ap->partial);
}

static void withdrawn(struct xen_aperture *ap)
{
	unsigned int left;

	apf_detach(ap);
	spin_lock_irq(&ap->signal_lock);
	ap->withdrawn = true;
	spin_unlock_irq(&ap->signal_lock);
	if (parent_owned(ap))
		return;		/* unmapped before RELEASE */
	end_copies(ap);
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
	/* Xen's word, not the parent's. The directory is this module's own. */
	if (!err && ap->memory && apf_memory_revoke(ap->memory)) {
		ap->status = XENAPT_E_BUSY;
		err = -EBUSY;
	}
	mutex_unlock(&ap->lock);
	return err;
}
EXPORT_SYMBOL_GPL(xen_aperture_withdraw);

/*
 * The parent keeps what it gave until it hears RELEASE. Its connection is gone: on the next one the
 * memory is asked for again, to be released.
 */
static int claim_to_release(struct xen_aperture *ap)
{
	struct xenapt_response rsp;
	struct apf_connection *c;
	int err;

	apf_detach(ap);		/* dead, but perhaps not ended: it still knows the slot */
	apf_foreign_unmap(ap->foreign);
	ap->foreign = NULL;
	set_home(ap, NULL);
	ap->state = XENAPT_STATE_NONE;
	if (READ_ONCE(ap->dev->gone))
		return 0;
	c = apf_device_connection(ap->dev);
	if (!c)
		return -ENOTCONN;
	err = open_aperture(ap, c, ap->size, ap->size);
	if (!err)
		ask_offer(ap, ap->foreign_ref, &rsp);
	else if (ap->status != XENAPT_E_GONE && ap->status != XENAPT_E_APERTURES)
		ap->given = false;	/* it will not be released: nothing more to do here */
	apf_connection_put(c);
	return connected(ap) || !ap->given ? 0 : -ENOTCONN;
}

/* ap->lock is held. 0: nothing is left of it but the structure. */
static int finish(struct xen_aperture *ap)
{
	struct xenapt_response rsp;
	bool released = false;
	int err = 0;

	if (ap->given && !connected(ap))
		err = claim_to_release(ap);
	if (!err && connected(ap) &&
	    (ap->state == XENAPT_STATE_OFFERED || ap->state == XENAPT_STATE_MAPPED))
		err = ask_withdraw(ap);
	if (err)
		return err;
	apf_detach(ap);		/* before RELEASE: then another may get the slot */
	apf_foreign_unmap(ap->foreign);		/* likewise: RELEASE says that it is */
	ap->foreign = NULL;
	if (connected(ap) && ap->state != XENAPT_STATE_NONE) {
		err = ask_named(ap, XENAPT_REQ_RELEASE, &rsp);
		released = ap->status != XENAPT_E_GONE;
	}
	if ((err == -ETIMEDOUT || err == -EINTR) && connected(ap))
		return err;
	/* Not heard: it counts as given until it is asked for again, to be released. */
	if (ap->given && !released && !connected(ap) && !READ_ONCE(ap->dev->gone))
		return -ENOTCONN;
	set_home(ap, NULL);
	ap->state = XENAPT_STATE_NONE;
	if (!ap->existing)
		vunmap(ap->map);
	ap->map = NULL;
	end_copies(ap);
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
static bool in_a_hurry(struct xen_aperture *ap, bool hurry)
{
	return (connected(ap) || ap->given) &&
	       (hurry || current->flags & PF_EXITING || fatal_signal_pending(current));
}

int apf_aperture_free(struct xen_aperture *ap, bool hurry)
{
	int err;

	kref_get(&ap->ref);	/* the reaper may be done with it as soon as the lock is let go */
	mutex_lock(&ap->lock);
	silence(ap);
	ap->live = false;
	hurry = in_a_hurry(ap, hurry);
	err = hurry ? -EINTR : finish(ap);
	WRITE_ONCE(ap->ending, err);
	/* A device that is gone has no connection, or soon has none: nothing can fail then. */
	while (err && !apf_device_want_reap(ap->dev, hurry ? 0 : REAP_SOON)) {
		cond_resched();
		err = finish(ap);
	}
	WRITE_ONCE(ap->ending, err);
	if (!err)
		apf_device_unclaim(ap->dev, ap);
	else
		end_copies(ap);		/* what they are copies of is its owner's alone from here on */
	mutex_unlock(&ap->lock);
	cancel_work_sync(&ap->work);
	if (!err)
		apf_aperture_put(ap);
	apf_aperture_put(ap);
	return err;
}

void xen_aperture_free(struct xen_aperture *ap)
{
	if (ap)
		apf_aperture_free(ap, false);
}
EXPORT_SYMBOL_GPL(xen_aperture_free);

/* True: it is still not done with. The caller holds a reference. */
bool apf_aperture_reap(struct xen_aperture *ap)
{
	bool ending;

	if (!READ_ONCE(ap->ending))
		return false;		/* not behind a request of its owner's */
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
		err = ap->existing ? open_wished(ap, c) :
		      open_aperture(ap, c, ap->size, ap->size);
		if (!err)
			err = offer_aperture(ap);
		if (!err)
			err = map_aperture(ap);
		if (err && !apf_connection_dead(c))
			pr_warn_ratelimited("%s: aperture %u was not connected again: %s (%d)\n",
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

/* The device lets go before the contents are copied; what it does not give back stays counted there. */
static void withdraw_before(struct xen_aperture *ap, unsigned long deadline, bool suspend)
{
	struct xenapt_response rsp;
	int err = -EBUSY;
	bool keep;

	while (err == -EBUSY && connected(ap) && ap->state >= XENAPT_STATE_OFFERED &&
	       ap->state <= XENAPT_STATE_MAPPED && time_before(jiffies, deadline)) {
		err = ask_withdraw(ap);
		if (err == -EBUSY)
			msleep(10);
	}
	apf_detach(ap);
	keep = suspend || worth_keeping(ap);
	if (apf_foreign_leave(ap->foreign, keep) || !keep)
		pr_warn_ratelimited("%s: aperture %u: the contents of %u pages of the parent's were not kept, for want of memory or because they were less than a minute ago: they are zeros now\n",
				    ap->dev->name, ap->id, apf_aperture_pages(ap));
	if (connected(ap) && ap->state == XENAPT_STATE_WITHDRAWN &&
	    !ask_named(ap, XENAPT_REQ_RELEASE, &rsp))
		ap->given = false;
	set_home(ap, NULL);
	ap->state = XENAPT_STATE_NONE;
}

/*
 * Before a suspend, until deadline; or when the parent's domain is gone, so it seems. One that is over but for its end
 * goes now.
 */
void apf_aperture_leave(struct xen_aperture *ap, unsigned long deadline, bool suspend)
{
	mutex_lock(&ap->lock);
	if (ap->foreign && !ap->live) {
		apf_foreign_unmap(ap->foreign);
		ap->foreign = NULL;
	} else if (ap->foreign && !apf_foreign_away(ap->foreign)) {
		withdraw_before(ap, deadline, suspend);
	}
	mutex_unlock(&ap->lock);
}

/* The device is gone: whoever waits for memory that is away waits for nothing. */
void apf_aperture_give_up(struct xen_aperture *ap)
{
	mutex_lock(&ap->lock);
	if (ap->foreign && apf_foreign_away(ap->foreign))
		apf_foreign_give_up(ap->foreign);
	mutex_unlock(&ap->lock);
}

/* In a new domain: what the old one was given is not its own. */
void apf_aperture_regrant(struct xen_aperture *ap)
{
	mutex_lock(&ap->lock);
	ap->given = false;
	if (ap->live && !ap->withdrawn && ap->memory && ap->directory) {
		ap->memory->peer = ap->dev->slow->peer;
		ap->directory->peer = ap->dev->slow->peer;
		apf_memory_regrant(ap->memory);
		apf_memory_regrant(ap->directory);
	}
	mutex_unlock(&ap->lock);
}

static void *map_memory(const struct xen_aperture *ap)
{
	bool read_only = ap->wish.flags & XENAPT_OPEN_CHILD_READ_ONLY;

	return vmap(ap->memory->page, ap->memory->pages, VM_MAP,
		    read_only ? PAGE_KERNEL_RO : PAGE_KERNEL);
}

void *xen_aperture_memory(struct xen_aperture *ap)
{
	void *map;

	mutex_lock(&ap->lock);
	if (!ap->map && ap->live && ap->memory)
		ap->map = map_memory(ap);
	map = ap->foreign ? apf_foreign_memory(ap->foreign) : ap->map;
	mutex_unlock(&ap->lock);
	return map;
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

void xen_aperture_sync(struct xen_aperture *ap)
{
	apf_partial_sync(ap->partial, false);
}
EXPORT_SYMBOL_GPL(xen_aperture_sync);

/* Each page in the map has a reference of its own: it outlives the aperture. */
static int map_own(struct apf_memory *m, struct vm_area_struct *vma, unsigned long first)
{
	unsigned long count = vma_pages(vma);

	if (first >= m->pages || count > m->pages - first)
		return -EINVAL;
	apf_vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	return vm_insert_pages(vma, vma->vm_start, m->page + first, &count);
}

int apf_aperture_mmap(struct xen_aperture *ap, struct vm_area_struct *vma, unsigned long first)
{
	int err;

	if (ap->wish.flags & XENAPT_OPEN_CHILD_READ_ONLY) {
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		apf_vm_flags_clear(vma, VM_MAYWRITE);
	}
	if (mutex_lock_killable(&ap->lock))
		return -EINTR;
	if (ap->existing)
		err = -EINVAL;
	else if (!ap->live || ap->withdrawn)
		err = -ESHUTDOWN;
	else
		err = ap->foreign ? apf_foreign_mmap(ap->foreign, vma, first) :
		      map_own(ap->memory, vma, first);
	mutex_unlock(&ap->lock);
	return err;
}
