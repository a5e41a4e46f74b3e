/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frontend.h - the parts of the module and what they ask of one another.
 *
 *	main.c        load, unload, parameters
 *	xenbus.c      the handshake of a lane: follows the parent's state, one work item
 *	connection.c  one connection: ring, event and mask page, port
 *	ring.c        requests and responses
 *	operations.c  register operations over both lanes
 *	submit.c      in-kernel API of operations
 *	tables.c      what the slow lane's parent says of its registers and vectors
 *	vectors.c     the device's interrupt controller over both lanes
 *	signal.c      the event; doorbells, interrupts, masks of apertures
 *	memory.c      pages, grants, quarantine
 *	limits.c      what the guest has, and what of it an aperture may take
 *	existing.c    memory that a program or driver had before
 *	partial.c     copies of its first and last page
 *	foreign.c     memory of the parent
 *	directory.c   page directory of an aperture
 *	aperture.c    life of an aperture, in-kernel API
 *	device.c      devices and fast lanes: finding, holding, sizes
 *	suspend.c     save, restore, migration
 *	chardev.c     /dev/xen/aperture<devid>: files, apertures, interrupts
 *	file.c        the same: operations and vectors of a file
 *	sysfs.c       attributes
 *	nodes.c       reading the parent's nodes
 *	status.c      names and errnos
 *
 * Locks, outermost first:
 *	xen_aperture.lock	mutex: life of one aperture; held over requests
 *	xen_aperture_dev.lock	spinlock: table of apertures
 *	apf_connection.slot_lock	spinlock, irq: slot -> aperture; callbacks run under it
 *	apf_vectors.call_lock	spinlock, irq: callbacks of vectors run under it
 *	apf_vectors.lock	spinlock, irq: state of vectors
 *	xen_aperture_dev.ring_lock	spinlock, irq: rings of both lanes, entries, operations
 *	xen_aperture.signal_lock	spinlock, irq: aperture -> connection
 *	apf_partial.lock	spinlock, irq: copies of partial pages
 *	apf_lane.lock		spinlock, irq: connection, flags; of the slow lane: its device's gone
 * mmap() holds a program's mmap_lock around xen_aperture.lock: nothing that is done under the
 * latter may want an mmap_lock. So memory is pinned before, and counted without a lock.
 * Callbacks of operations run under none. The handshake's work item holds none of them
 * while it talks to xenstore.
 */
#ifndef FRONTEND_H
#define FRONTEND_H

#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xen_aperture.h>
#include <xen/grant_table.h>
#include <xen/interface/io/ring.h>
#include <xen/interface/event_channel.h>
#include <xen/xenbus.h>

#include <xen/io/apertureif.h>
#include <xen/io/aperture_signal.h>
#include <xen/aperture.h>

#include "foreign.h"

#define APF_NAME "xen-aperture"

/* main.c */
extern u64 apf_max_size;
extern unsigned int apf_request_timeout_ms;
extern unsigned int apf_operation_timeout_ms;
extern bool apf_look_again;
extern unsigned int apf_ring_page_order;
extern unsigned int apf_file_max_apertures;
extern u64 apf_file_max_size;
extern unsigned int apf_quarantine_max_pages;
extern struct workqueue_struct *apf_work;		/* handshakes, reaping */
extern struct workqueue_struct *apf_callbacks;	/* callbacks of apertures' owners */

/* limits.c */
#define APF_REFS_KEPT	256u	/* references left for the guest's disks and networks */
#define APF_REFS_SMALL	8u	/* so few are had from what is kept */

unsigned int apf_refs_max(void);
unsigned int apf_refs_used(void);
u64 apf_memory_limit(void);
void apf_refs_ended(unsigned int count);
void apf_refs_give_back(grant_ref_t *gref, unsigned int count);
int apf_refs_claim(grant_ref_t *gref, unsigned int count);
bool apf_refs_headroom(void);
void apf_say_no_refs(unsigned int need);
int apf_admit_refs(unsigned int refs);
int apf_admit_memory(unsigned int pages);
int apf_admit_foreign(unsigned int pages);
int apf_admit_quarantine(struct xen_aperture_dev *dev);
int apf_admit_length(struct xen_aperture_dev *dev, u64 length);

/* Pages of this guest, granted to a peer. */
struct apf_memory {
	struct list_head quarantine;
	unsigned int pages;
	unsigned int granted;		/* references that are not ended */
	domid_t peer;
	bool read_only;
	bool claimed;			/* references are there, nothing is granted */
	bool of_connection;		/* ring, event page, or a share of the device's pages */
	struct apf_pins *pins;		/* a program's pages, but for ... */
	bool first_copied, last_copied;	/* ... those, which are copies */
	struct page **page;		/* NULL: freed, or none yet */
	grant_ref_t *gref;		/* INVALID_GRANT_REF: none */
};

struct page *apf_page_alloc(void);
struct apf_memory *apf_memory_new(unsigned int pages);
int apf_memory_fill(struct apf_memory *m);
struct apf_memory *apf_memory_alloc(unsigned int pages);
struct apf_memory *apf_memory_share(struct page *const *page, unsigned int pages);
int apf_memory_claim(struct apf_memory *m, struct apf_memory *other);
void apf_memory_unclaim(struct apf_memory *m);
int apf_memory_grant(struct apf_memory *m, domid_t peer, bool read_only);
void apf_memory_regrant(struct apf_memory *m);
unsigned int apf_memory_revoke(struct apf_memory *m);
unsigned int apf_memory_release(struct apf_memory *m);
unsigned int apf_quarantined(void);
bool apf_quarantine_holds_connections(void);
void apf_quarantine_drain(void);

static inline bool apf_memory_pinned(const struct apf_memory *m, unsigned int i)
{
	return m->pins && !(i == 0 && m->first_copied) &&
	       !(i == m->pages - 1 && m->last_copied);
}

/* existing.c: pages that a program or driver had before */
struct apf_pins;
void apf_page_let_go(struct page *page);
void apf_pins_release(struct apf_pins *pins, struct page *page);
void apf_pins_end(struct apf_pins *pins);
unsigned int apf_pinned_pages(void);

/* What an aperture of memory that existed consists of. */
struct apf_existing {
	struct apf_memory *memory;	/* pages and references, nothing granted */
	struct apf_memory *directory;	/* likewise */
	struct apf_partial *partial;	/* NULL: all pages are whole */
	void *buffer;			/* of the kernel; NULL: of a program */
	u64 length;
	u32 offset;
};

struct xen_aperture *apf_offer_user(struct xen_aperture_dev *dev,
				    const struct xen_aperture_wish *wish, u64 address, u64 length,
				    u32 *status);

/* partial.c: copies of a first and last page that are not the aperture's whole */
struct apf_partial;
struct apf_partial *apf_partial_make(struct apf_memory *m, u32 offset, u64 length, bool to_parent);
void apf_partial_sync(struct apf_partial *p, bool parent_wins);
void apf_partial_end(struct apf_partial *p);
void apf_partial_free(struct apf_partial *p);

/* A directory: its pages, all granted read-only. */
struct apf_memory *apf_directory_make(const struct apf_memory *m, domid_t peer);
unsigned int apf_directory_pages(unsigned int pages);
int apf_directory_fill(struct apf_memory *d, const struct apf_memory *m, domid_t peer);

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

/* The two lanes of a device. */
enum apf_which {
	APF_FAST,
	APF_SLOW,
	APF_LANES,
};

static inline enum xenapt_owner apf_owner(enum apf_which which)
{
	return which == APF_FAST ? XENAPT_OWNER_FAST : XENAPT_OWNER_SLOW;
}

/* What the slow lane's parent wrote into the event page before state 4: a checked copy. */
struct apf_tables {
	u32 vectors;
	u32 independents;
	struct xenapt_span independent[XENAPT_INDEPENDENTS];
};

/*
 * A xenbus device and its handshake. The slow lane is the device itself; a fast one comes and
 * goes, and finds the device by its number.
 */
struct apf_lane {
	struct kref ref;
	struct list_head list;		/* fast lanes: device.c */
	enum apf_which which;
	unsigned int nr;
	char name[24];
	struct xenbus_device *xbdev;	/* valid until remove() returns */
	struct xen_aperture_dev *dev;	/* slow: its device; fast: NULL */
	domid_t peer;

	spinlock_t lock;
	bool gone;			/* remove() was called */
	bool up;			/* requests may be made: apertures are restored */
	struct apf_connection *conn;
	struct work_struct state_work;

	bool suspended;			/* suspend.c has it; also restored without its nodes */
	bool resumed;			/* ... and in a new domain */
	struct work_struct late_work;
	struct xenbus_watch late_watch;

	u32 error;			/* enum xenapt_status that ended the last connection */
	bool error_ours;
	char error_text[96];
	unsigned int connections;
	u32 failed_epoch;		/* given up; 0: none */
	bool restart;			/* was closed before: state 1 once the parent is */
};

struct apf_connection {
	struct kref ref;
	struct apf_lane *lane;
	struct xen_aperture_dev *dev;
	u32 epoch;
	unsigned int version;
	unsigned int order;
	bool operations;		/* feature-operations was agreed */
	u32 features;			/* XENAPT_FEATURE_* agreed, of the slow lane */
	bool route_all;			/* fast lane: independent registers too */
	bool connected;			/* both in state 4 */
	spinlock_t kill_lock;		/* innermost */
	atomic_t dead;			/* 0, or enum xenapt_status: why; set once */
	bool ours;			/* this side found the error */
	u32 told;			/* the parent's last word, when it ended this; 0: none */
	char why[96];

	struct apf_memory *ring_memory;
	struct apf_memory *event_memory;
	struct apf_memory *mask_memory;		/* the device's pages, for this peer */
	struct apf_memory *record_memory;	/* likewise; NULL without operations */
	void *ring_map;
	struct xenapt_event_page *event;
	struct xenapt_mask_page *mask;
	struct xenapt_counters *count;		/* this lane's, in the mask page */
	evtchn_port_t port;
	unsigned int irq;		/* 0: none */

	/* dev->ring_lock */
	struct xenapt_front_ring ring;
	bool unpushed;			/* requests that the peer was not shown yet */
	struct apf_entry *entry;	/* of the control requests: one for each place of the ring */
	u64 next_id;
	bool late;			/* an entry is APF_LATE */
	wait_queue_head_t wait;
	struct apf_tables tables;

	bool early;			/* unmask took a signal whose event is still to come */
	spinlock_t slot_lock;
	struct xen_aperture *slot[XENAPT_MAX_APERTURES];
};

struct apf_offer;
struct apf_done;
struct apf_connection *apf_connection_make(struct apf_lane *lane, struct xen_aperture_dev *dev,
					   const struct apf_offer *offer);
void apf_connection_end(struct apf_connection *c);
void apf_connection_put(struct apf_connection *c);
__printf(4, 5)
void apf_connection_kill(struct apf_connection *c, enum xenapt_status why, bool ours,
			const char *fmt, ...);
void apf_connection_heed(struct apf_connection *c, u32 status);

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
int apf_request_raw(struct apf_connection *c, const struct xenapt_request *req,
		    const struct xenapt_request *raw, struct xenapt_response *rsp);
unsigned int apf_ring_take(struct apf_connection *c);
struct apf_done;
unsigned int apf_ring_take_locked(struct apf_connection *c, struct apf_done *done);
void apf_ring_remind(struct apf_connection *c);
void apf_ring_release_late(struct apf_connection *c);

/* ring.c, with dev->ring_lock held */
static inline unsigned int apf_ring_room(const struct apf_connection *c)
{
	return RING_FREE_REQUESTS(&c->ring);
}

struct xenapt_request *apf_ring_next(struct apf_connection *c);
bool apf_ring_tell(struct apf_connection *c, u8 type);
void apf_ring_push(struct apf_connection *c);

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
	struct apf_memory *memory;	/* NULL: the parent's */
	struct apf_memory *directory;
	struct apf_partial *partial;
	struct apf_foreign *foreign;	/* memory of the parent */
	bool given;			/* the parent counts it, until RELEASE */
	u32 foreign_ref;		/* its directory; valid when given */
	unsigned int lost;		/* times the parent did not have it any more */
	u64 kept;			/* jiffies, when its contents were the last time; 0: never */
	void *map;			/* of the kernel; existing memory: the caller's */
	bool existing;
	u64 size;			/* bytes */
	u32 offset;			/* of the first byte in the first page */
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

static inline unsigned int apf_aperture_pages(const struct xen_aperture *ap)
{
	return DIV_ROUND_UP(ap->offset + ap->size, XENAPT_PAGE_SIZE);
}

/* aperture.c */
struct xen_aperture *apf_aperture_make(struct xen_aperture_dev *dev,
				       const struct xen_aperture_wish *wish,
				       const struct apf_existing *existing, u32 *status);
void apf_aperture_put(struct xen_aperture *ap);
/* hurry: without a word to the parent, which the reaper has. 0: it is over; or why that is the reaper's. */
int apf_aperture_free(struct xen_aperture *ap, bool hurry);
void apf_aperture_restore(struct xen_aperture *ap, struct apf_connection *c);
void apf_aperture_resignal(struct xen_aperture *ap, struct apf_connection *c);
void apf_aperture_regrant(struct xen_aperture *ap);
void apf_aperture_leave(struct xen_aperture *ap, unsigned long deadline, bool suspend);
void apf_aperture_give_up(struct xen_aperture *ap);
bool apf_aperture_reap(struct xen_aperture *ap);
int apf_aperture_mmap(struct xen_aperture *ap, struct vm_area_struct *vma, unsigned long first);

/* operations.c */
struct apf_op_entry {
	u64 id;
	u64 sequence;
	struct xen_aperture_operation *op;	/* NULL: nobody waits for it any more */
	u8 submitter;
	u8 lane;			/* enum apf_which */
	bool out;			/* on that lane, unanswered */
};

/* One of the 64. What its number left behind on the lanes outlives its user. */
struct xen_aperture_submitter {
	struct xen_aperture_dev *dev;
	struct list_head waiting;	/* operations on no lane, in order */
	struct list_head turn;		/* in apf_operations.turn while there are such */
	u64 since;			/* sequence of the last operation before its user's first */
	u8 number;
	bool used;
	bool resume[2];			/* by lane: it declined since the last that was sent there */
	u8 out[APF_LANES];
};

struct apf_operation_counts {
	u64 submitted;
	u64 fast;			/* ended by the answer of the fast lane */
	u64 slow;
	u64 declined_fast;		/* sent on to the other */
	u64 declined_slow;
	u64 replayed;			/* sent again after a lane's death */
	u64 taken;			/* TAKE requests */
	u64 unanswered;			/* ended without an answer */
	u64 found;			/* answers that the timer took: their event may come yet */
	u64 reminded;			/* events sent again, to who owes an answer */
};

struct apf_operations {
	bool gone;
	bool refused;			/* the parent that is connected knows none */
	bool fast_seen;			/* the record may be a fast lane's */
	bool take_due;			/* tell the slow lane's parent that there is no fast lane */
	bool kick;			/* the fast lane's parent shall look at the record */
	bool ticking;
	u32 free;			/* bit of each free entry */
	u32 out[APF_LANES];
	u32 live;			/* submitted, not ended */
	u64 number;
	u64 sequence;
	struct apf_connection *lane[APF_LANES];	/* connected; perhaps dead, not detached */
	struct list_head turn;
	struct timer_list timer;
	struct apf_operation_counts count;
	struct apf_op_entry entry[XENAPT_OP_ENTRIES];
	struct xen_aperture_submitter submitter[XENAPT_OP_SUBMITTERS];
};

/* Operations that ended, in order: their callbacks run when ring_lock was let go. */
struct apf_done {
	struct xen_aperture_operation *first, **end;
};

void apf_operations_init(struct xen_aperture_dev *dev);
void apf_operations_attach(struct apf_connection *c);
void apf_operations_detach(struct apf_connection *c);
void apf_operations_end(struct xen_aperture_dev *dev);
bool apf_operation_answer(struct apf_connection *c, const struct xenapt_response *rsp,
			  struct apf_done *done);
void apf_operations_go_on(struct xen_aperture_dev *dev);
void apf_operations_done(struct apf_done *done);

/* ring_lock is held: is there something to send that was not when it was submitted? */
static inline bool apf_operations_wait(const struct apf_operations *o)
{
	return !list_empty(&o->turn) || o->kick || o->take_due;
}
int apf_operations_submit(struct xen_aperture_submitter *s, struct xen_aperture_operation *ops,
			  unsigned int count, unsigned long deadline);
unsigned int apf_operations_cancel(struct xen_aperture_operation *ops, unsigned int count);

/* submit.c */
bool apf_operation_valid(const struct xen_aperture_operation *op);

/* tables.c */
int apf_tables_read(struct apf_connection *c, char *why, size_t size);
bool apf_tables_independent(const struct apf_tables *t, u64 reg, unsigned int size);

/* vectors.c */
struct apf_vector {
	xen_aperture_vector_fn fn;
	void *data;
	bool claimed;
	bool masked;
	bool acked;
	bool in_service;
	u64 delivered;
	u64 coalesced;
	u64 held;
};

struct apf_vectors {
	spinlock_t call_lock;
	spinlock_t lock;
	unsigned int count;		/* of the device; valid once known */
	bool known;
	u64 hidden;			/* the mask: what the page's word says, unless spoilt */
	u64 owed;			/* pending at a lane that died */
	struct apf_connection *link[APF_LANES];
	struct apf_vector vector[XENAPT_SIGNALS / 4];
};

void apf_vectors_init(struct xen_aperture_dev *dev);
void apf_vectors_attach(struct apf_connection *c);
void apf_vectors_detach(struct apf_connection *c);
void apf_vectors_count(struct xen_aperture_dev *dev, unsigned int count);
unsigned int apf_vectors_take(struct apf_connection *c);

struct xen_aperture_dev {
	struct kref ref;
	struct list_head list;
	unsigned int nr;
	char name[24];
	struct apf_lane *slow;

	struct page *mask_page;			/* for both lanes, and all connections */
	struct page *record_page[XENAPT_RECORD_PAGES];
	struct xenapt_mask_page *mask;

	spinlock_t lock;
	bool gone;			/* remove() was called; slow->lock */
	struct xen_aperture *aperture[XENAPT_MAX_APERTURES];
	unsigned int apertures;

	spinlock_t ring_lock;
	struct apf_operations operations;
	struct apf_vectors vectors;

	wait_queue_head_t wait;		/* up or gone changed */
	struct delayed_work reap_work;
	struct miscdevice misc;
	bool misc_registered;
};

/* device.c */
struct apf_lane *apf_lane_make(struct xenbus_device *xbdev, enum apf_which which);
void apf_lane_put(struct apf_lane *lane);
void apf_fast_list(struct apf_lane *lane);
void apf_fast_unlist(struct apf_lane *lane);
struct apf_lane *apf_fast_get(unsigned int nr);
void apf_fast_kick(unsigned int nr);
struct apf_connection *apf_lane_connection(struct apf_lane *lane);
struct xen_aperture_dev *apf_device_make(struct apf_lane *slow);
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
void apf_device_leave(struct xen_aperture_dev *dev, unsigned long deadline, bool suspend);
void apf_device_give_up(struct xen_aperture_dev *dev);
void apf_device_sync(struct xen_aperture_dev *dev);
void apf_device_forget_clocks(struct xen_aperture_dev *dev);
void apf_device_reap(struct work_struct *work);
unsigned int apf_device_ending(struct xen_aperture_dev *dev);

/* xenbus.c */
int apf_xenbus_register(void);
void apf_xenbus_unregister(void);
void apf_state_work(struct work_struct *work);
void apf_kick(struct apf_lane *lane);
void apf_lane_disconnect(struct apf_lane *lane, const char *why);
struct apf_connection *apf_lane_hold(struct apf_lane *lane);

/* suspend.c */
extern const struct dev_pm_ops apf_pm_ops;
int apf_suspend(struct xenbus_device *xbdev);
int apf_resume(struct xenbus_device *xbdev);
void apf_late_work(struct work_struct *work);
void apf_suspend_end(struct apf_lane *lane);

/* nodes.c: of the parent, strictly as the contract says */
struct apf_offer {
	unsigned int version;		/* highest of both; 0: none in common */
	unsigned int max_ring_order;
	u32 epoch;
	bool operations;		/* feature-operations */
	u32 features;			/* XENAPT_FEATURE_* that the child will use */
	bool route_all;			/* fast lane */
	char versions[64];
};

#define APF_FEATURES	4

struct apf_feature {
	const char *node;
	u32 feature;			/* XENAPT_FEATURE_* */
};

extern const struct apf_feature apf_features[APF_FEATURES];
int apf_nodes_offer(struct apf_lane *lane, struct apf_offer *offer, char *why, size_t size);
int apf_nodes_agreed(struct apf_lane *lane, u32 *version, u32 *epoch, char *why,
		    size_t size);

/* chardev.c */
#define APF_RECORDS	(XENAPT_INTERRUPT_VECTOR + 64)	/* apertures, then vectors */

struct apf_file {
	struct xen_aperture_dev *dev;
	struct xen_aperture_submitter *submitter;	/* once it operated */
	spinlock_t lock;
	struct xen_aperture *ap[XENAPT_MAX_APERTURES];
	u64 vectors;				/* bit of each claimed */
	atomic64_t raised[64];			/* interrupts of vectors */
	u64 seen[APF_RECORDS];			/* interrupts that read() returned */
	u32 made[APF_RECORDS];			/* changes when seen begins anew */
	unsigned int apertures;			/* with those being made */
	u64 bytes;				/* likewise, as wanted, then as granted */
	wait_queue_head_t wait;
};

int apf_chardev_add(struct xen_aperture_dev *dev);
void apf_chardev_remove(struct xen_aperture_dev *dev);
struct xen_aperture *apf_file_aperture(struct apf_file *f, unsigned long slot);

/* file.c */
struct xenapt_ioc_operate;
struct xenapt_ioc_vector;
long apf_file_operate(struct apf_file *f, struct xenapt_ioc_operate __user *user);
long apf_file_vector(struct apf_file *f, struct xenapt_ioc_vector __user *user);
void apf_file_end(struct apf_file *f);

/* sysfs.c */
extern const struct attribute_group *apf_groups[];

#endif /* FRONTEND_H */
