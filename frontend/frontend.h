/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frontend.h - the parts of the module and what they ask of one another.
 *
 *	main.c        load, unload, parameters
 *	xenbus.c      the handshake: follows the parent's state, one work item
 *	connection.c  one connection: ring, event and mask page, port
 *	ring.c        requests and responses
 *	signal.c      doorbells, interrupts, masks
 *	memory.c      pages, grants, quarantine
 *	directory.c   page directory of an aperture
 *	aperture.c    life of an aperture, in-kernel API
 *	device.c      devices: finding, holding, sizes
 *	chardev.c     /dev/xen/aperture<devid>
 *	sysfs.c       attributes
 *	nodes.c       reading the parent's nodes
 *	status.c      names and errnos
 *
 * Locks, outermost first:
 *	xen_aperture.lock	mutex: life of one aperture; held over requests
 *	apf_device.lock		spinlock: table of apertures, connection, flags
 *	apf_connection.lock	spinlock, irq: ring and entries
 *	apf_connection.slot_lock	spinlock, irq: slot -> aperture; callbacks run under it
 *	xen_aperture.signal_lock	spinlock, irq: aperture -> connection
 * The handshake's work item holds none of them while it talks to xenstore.
 */
#ifndef FRONTEND_H
#define FRONTEND_H

#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <xen/grant_table.h>
#include <xen/interface/io/ring.h>
#include <xen/interface/event_channel.h>
#include <xen/xenbus.h>

#include <xen/io/apertureif.h>
#include <xen/io/aperture_signal.h>
#include <xen/aperture.h>

#define APF_NAME "xen-aperture"

/* main.c */
extern u64 apf_max_size;
extern unsigned int apf_request_timeout_ms;
extern unsigned int apf_ring_page_order;
extern unsigned int apf_file_max_apertures;
extern u64 apf_file_max_size;
extern unsigned int apf_quarantine_max_pages;
extern struct workqueue_struct *apf_work;		/* handshakes, reaping */
extern struct workqueue_struct *apf_callbacks;	/* callbacks of apertures' owners */

/* Pages of this guest, granted to a peer. */
struct apf_memory {
	struct list_head quarantine;
	unsigned int pages;
	unsigned int granted;		/* references that are not ended */
	domid_t peer;
	bool read_only;
	struct page **page;		/* NULL: freed */
	grant_ref_t *gref;		/* INVALID_GRANT_REF: none */
};

struct apf_memory *apf_memory_alloc(unsigned int pages);
int apf_memory_grant(struct apf_memory *m, domid_t peer, bool read_only);
void apf_memory_regrant(struct apf_memory *m);
unsigned int apf_memory_revoke(struct apf_memory *m);
unsigned int apf_memory_release(struct apf_memory *m);
unsigned int apf_quarantined(void);
void apf_quarantine_drain(void);
u64 apf_memory_limit(void);

/* A directory: its pages, all granted read-only. */
struct apf_memory *apf_directory_make(const struct apf_memory *m, domid_t peer);

enum apf_entry_state {
	APF_FREE,
	APF_SENT,		/* somebody waits for it */
	APF_ANSWERED,		/* rsp is valid, its waiter has not fetched it yet */
	APF_ABANDONED,		/* sent, and nobody waits any more */
	APF_LATE,		/* abandoned OPEN that was answered: the handle must go */
};

struct apf_entry {
	enum apf_entry_state state;
	u8 type;
	u64 id;
	struct xenapt_response rsp;
};

struct apf_connection {
	struct kref ref;
	struct xen_aperture_dev *dev;
	u32 epoch;
	unsigned int version;
	unsigned int order;
	bool connected;			/* both in state 4 */
	spinlock_t kill_lock;		/* innermost */
	atomic_t dead;			/* 0, or enum xenapt_status: why; set once */
	bool ours;			/* this side found the error */
	char why[96];

	struct apf_memory *ring_memory;
	struct apf_memory *event_memory;
	struct apf_memory *mask_memory;
	void *ring_map;
	struct xenapt_event_page *event;
	struct xenapt_mask_page *mask;
	evtchn_port_t port;
	unsigned int irq;		/* 0: none */

	spinlock_t lock;
	struct xenapt_front_ring ring;
	struct apf_entry *entry;		/* one for each entry of the ring */
	u64 next_id;
	bool late;			/* an entry is APF_LATE */
	wait_queue_head_t wait;

	bool early;			/* unmask took a signal whose event is still to come */
	spinlock_t slot_lock;
	struct xen_aperture *slot[XENAPT_MAX_APERTURES];
};

struct apf_connection *apf_connection_make(struct xen_aperture_dev *dev, u32 epoch,
					 unsigned int order);
void apf_connection_end(struct apf_connection *c);
void apf_connection_put(struct apf_connection *c);
__printf(4, 5)
void apf_connection_kill(struct apf_connection *c, enum xenapt_status why, bool ours,
			const char *fmt, ...);

static inline bool apf_connection_dead(struct apf_connection *c)
{
	return atomic_read_acquire(&c->dead);
}

/* ring.c: the counters that this side keeps in the mask page. Only it writes them. */
static inline void apf_count(u64 *counter)
{
	atomic64_inc((atomic64_t *)counter);
}

int apf_request(struct apf_connection *c, struct xenapt_request *req, struct xenapt_response *rsp);
unsigned int apf_ring_take(struct apf_connection *c);
void apf_ring_release_late(struct apf_connection *c);

/* signal.c */
irqreturn_t apf_interrupt(int irq, void *data);
bool apf_attach(struct xen_aperture *ap, struct apf_connection *c, unsigned int slot);
void apf_detach(struct xen_aperture *ap);
void apf_detach_all(struct apf_connection *c);
void apf_signal_both(struct xen_aperture *ap);

struct xen_aperture {
	struct kref ref;
	struct xen_aperture_dev *dev;
	unsigned int id;
	struct xen_aperture_wish wish;

	struct mutex lock;
	bool live;			/* made, and not being freed */
	bool ending;			/* freed by its owner, the parent not done with it */
	struct apf_memory *memory;
	struct apf_memory *directory;
	void *map;
	u64 size;
	struct apf_connection *home;	/* where handle is valid; NULL: nowhere */
	u64 handle;
	unsigned int slot;
	enum xenapt_aperture_state state;
	u32 status;			/* last refusal */

	spinlock_t signal_lock;
	struct apf_connection *link;	/* signals go there; NULL: outage */
	bool withdrawn;
	bool masked;
	bool owed;			/* an interrupt came in an outage, while masked */
	bool silent;			/* no callbacks any more */
	atomic64_t interrupts;
	struct work_struct work;
};

/* aperture.c */
void apf_aperture_put(struct xen_aperture *ap);
void apf_aperture_restore(struct xen_aperture *ap, struct apf_connection *c);
void apf_aperture_resignal(struct xen_aperture *ap, struct apf_connection *c);
void apf_aperture_regrant(struct xen_aperture *ap);
bool apf_aperture_reap(struct xen_aperture *ap);
int apf_aperture_mmap(struct xen_aperture *ap, struct vm_area_struct *vma, unsigned long first);

struct xen_aperture_dev {
	struct kref ref;
	struct list_head list;
	struct xenbus_device *xbdev;	/* valid until remove() returns */
	unsigned int nr;
	char name[24];
	domid_t peer;

	spinlock_t lock;
	bool gone;			/* remove() was called */
	bool up;			/* requests may be made: apertures are restored */
	struct apf_connection *conn;
	struct xen_aperture *aperture[XENAPT_MAX_APERTURES];
	unsigned int apertures;

	wait_queue_head_t wait;		/* up or gone changed */
	struct work_struct state_work;
	struct delayed_work reap_work;
	bool regrant;			/* the domain was restored: grants are void */

	u32 error;			/* enum xenapt_status that ended the last connection */
	bool error_ours;
	char error_text[96];
	unsigned int connections;
	u32 failed_epoch;		/* given up; 0: none */
	bool restart;			/* was closed before: state 1 once the parent is */
	struct miscdevice misc;
	bool misc_registered;
};

/* device.c */
struct xen_aperture_dev *apf_device_make(struct xenbus_device *xbdev);
void apf_device_hold(struct xen_aperture_dev *dev);
void apf_device_list(struct xen_aperture_dev *dev);
void apf_device_unlist(struct xen_aperture_dev *dev);
struct apf_connection *apf_device_connection(struct xen_aperture_dev *dev);
struct xen_aperture *apf_device_aperture(struct xen_aperture_dev *dev, unsigned int id);
int apf_device_claim(struct xen_aperture_dev *dev, struct xen_aperture *ap);
void apf_device_unclaim(struct xen_aperture_dev *dev, struct xen_aperture *ap);
bool apf_device_want_reap(struct xen_aperture_dev *dev, unsigned long delay);
void apf_device_restore(struct xen_aperture_dev *dev, struct apf_connection *c);
void apf_device_regrant(struct xen_aperture_dev *dev);
void apf_device_reap(struct work_struct *work);
unsigned int apf_device_ending(struct xen_aperture_dev *dev);

/* xenbus.c */
int apf_xenbus_register(void);
void apf_xenbus_unregister(void);
void apf_state_work(struct work_struct *work);
void apf_kick(struct xen_aperture_dev *dev);

/* nodes.c: of the parent, strictly as the contract says */
struct apf_offer {
	unsigned int version;		/* highest of both; 0: none in common */
	unsigned int max_ring_order;
	u32 epoch;
	char versions[64];
};

int apf_nodes_offer(struct xen_aperture_dev *dev, struct apf_offer *offer, char *why, size_t size);
int apf_nodes_agreed(struct xen_aperture_dev *dev, u32 *version, u32 *epoch, char *why,
		    size_t size);

/* chardev.c, sysfs.c */
int apf_chardev_add(struct xen_aperture_dev *dev);
void apf_chardev_remove(struct xen_aperture_dev *dev);
extern const struct attribute_group *apf_groups[];

#endif /* FRONTEND_H */
