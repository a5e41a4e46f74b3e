/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PARENT_H
#define PARENT_H

#include <linux/completion.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/workqueue.h>
#include <linux/xen_aperture_parent.h>
#include <xen/aperture_parent.h>

#define APK_NAME	"xen-aperture-parent"

struct eventfd_ctx;

/* What a consumer sees, and what is behind it. */
struct apk_view {
	struct xen_aperture_view pub;
	struct xen_aperture_consumer *consumer;
	struct eventfd_ctx *interrupt;	/* may be NULL */

	struct mutex call;		/* calls of the consumer: one at a time */
	bool attached;			/* the consumer has it */

	/* The pages: there while users is not 0, of which one is for their being there at all. */
	refcount_t users;
	struct completion unused;
	struct mutex pins;
	bool gone;			/* the mapping ended, perhaps before the pages were pinned */
	bool pinned;
	struct page **page;

	unsigned long start, end;	/* addresses in the process, whole pages */
	struct mmu_interval_notifier notifier;
	struct work_struct work;	/* the mapping ended: take it from the consumer */
};

static inline struct apk_view *apk_view(struct xen_aperture_view *view)
{
	return container_of(view, struct apk_view, pub);
}

extern struct workqueue_struct *apk_work;

/* view.c. The view that @a describes, of this process, pinned and attached; or ERR_PTR. */
struct apk_view *apk_view_create(const struct xenapt_parent_attach *a, u16 domid);
/* 0: the consumer has let go, no page is pinned. -EBUSY only without force. */
int apk_view_end(struct apk_view *v, bool force);
/* After apk_view_end(). */
void apk_view_free(struct apk_view *v);
int apk_view_doorbell(struct apk_view *v);
unsigned long apk_pinned_pages(void);

/* pin.c. Check the range, follow its mapping's end, pin the pages. */
int apk_pin(struct apk_view *v, const struct xenapt_parent_attach *a);
/* Nobody uses the pages any more; idempotent. */
void apk_unpin(struct apk_view *v);
/* The end of what apk_pin() made, after apk_unpin(). Waits for those who were told. */
void apk_pin_end(struct apk_view *v);

/* access.c: xen_aperture_view_*() of the memory. */

/* consumer.c. Held; or NULL. */
struct xen_aperture_consumer *apk_consumer_get(const char *name);
void apk_consumer_put(struct xen_aperture_consumer *c);

/* chardev.c */
int apk_chardev_register(void);
void apk_chardev_unregister(void);

/* block.c */
int apk_block_register(void);
void apk_block_unregister(void);

#endif /* PARENT_H */
