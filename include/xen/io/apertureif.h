/* SPDX-License-Identifier: MIT */
/*
 * apertureif.h - the aperture device: wire contract between a guest (child)
 * and the domain that serves it (parent).
 *
 * This header is the specification. Whoever writes one side from it alone can
 * talk to the other side. Nothing here depends on an operating system.
 *
 * 1. What it is
 * =============
 *
 * An aperture is a range of pages that two domains have mapped at once. A
 * device of kind "aperture" carries up to 64 of them between one frontend and
 * one backend, one request ring that creates and ends them, and two sets of
 * 256 edge-triggered signals: doorbells (child to parent) and interrupts
 * (parent to child). Payload never travels through the ring or xenstore.
 *
 *   child  = frontend domain: the guest.        Owns the memory (version 1).
 *   parent = backend domain: dom0 or a driver domain. Maps it.
 *
 * Pages are 4096 bytes, sizes are in bytes, all integers are little-endian,
 * padding and reserved fields are written as zero. A receiver refuses a request
 * whose reserved fields or unknown flags are not zero (XENAPT_E_MALFORMED).
 *
 * 2. Xenstore
 * ===========
 *
 * Example, guest 5, device 0, connected:
 *
 *   /local/domain/0/backend/aperture/5/0/            owner: parent, read: child
 *       frontend        = "/local/domain/5/device/aperture/0"   toolstack
 *       frontend-id     = "5"                                   toolstack
 *       online          = "1"                                   toolstack
 *       type            = "mem"                                 toolstack
 *       max-size        = "16777216"                            toolstack
 *       max-apertures   = "8"                                   toolstack
 *       server          = "apertured"                           toolstack
 *       state           = "4"                                   toolstack, then parent
 *       versions        = "1"                                   parent
 *       max-ring-page-order = "4"                               parent
 *       epoch           = "1"                                   parent
 *       version         = "1"                                   parent
 *   /local/domain/5/device/aperture/0/               owner: child, read: parent
 *       backend         = "/local/domain/0/backend/aperture/5/0" toolstack
 *       backend-id      = "0"                                   toolstack
 *       state           = "4"                                   toolstack, then child
 *       version         = "1"                                   child
 *       epoch           = "1"                                   child
 *       ring-page-order = "0"                                   child
 *       ring-ref0       = "9"                                   child
 *       event-ref       = "10"                                  child
 *       mask-ref        = "11"                                  child
 *       event-channel   = "17"                                  child
 *       max-size        = "67108864"                            child
 *
 * Numbers are decimal digits only: no sign, space, prefix or leading zero
 * (but "0" itself), and no more than the range says. Anything else, or a node
 * that is missing where none is optional, is XENAPT_E_NODE.
 *
 * 2.1 Backend nodes
 *
 *   frontend, frontend-id, online, state     as for every xenbus device.
 *   type            1..31 characters a-z 0-9 -, first a letter: which device
 *                   serves it. Comes from the toolstack, never from the child.
 *   max-size        largest single aperture the policy allows: a multiple of
 *                   4096, 4096..XENAPT_MAX_SIZE.
 *   max-apertures   1..XENAPT_MAX_APERTURES; how many may be open at once.
 *   server          "apertured" (or missing): the daemon serves the device;
 *                   "program": a program of the administrator's does.
 *   versions        comma-separated versions the parent speaks, ascending,
 *                   each 1..65535, at most 8 of them: "1" or "1,2".
 *   max-ring-page-order  0..XENAPT_MAX_RING_ORDER. Missing: 0.
 *   epoch           1..2^32-1: raised by the parent each time it enters
 *                   InitWait. Names one connection attempt.
 *   feature-*       "1" or "0"; missing: 0. Table in section 8.
 *   version         the version agreed, written before state 4.
 *   error           "NAME: text" when the parent gave up; NAME from section 7.
 *
 * 2.2 Frontend nodes
 *
 *   backend, backend-id, state               as for every xenbus device.
 *   version         the highest version of both; one of the parent's list.
 *   epoch           copy of the parent's epoch this connection answers.
 *   ring-page-order 0..the parent's max-ring-page-order. Missing: 0.
 *   ring-ref%u      grant references of the ring's pages, 0..2^order - 1.
 *   event-ref       grant reference of the event page (read-write).
 *   mask-ref        grant reference of the mask page (read-only grant).
 *   event-channel   an unbound port, remote = the backend domain.
 *   max-size        the child's own limit for one aperture. Missing: no limit.
 *   feature-*       the features the child will use; only ones offered to it.
 *   error           "NAME: text" when the child gave up.
 *
 * The child owns its directory and can change it at any time. The parent reads
 * every node once, in one pass after state 3 was seen, and uses the copy.
 *
 * 3. States
 * =========
 *
 *      parent (backend)                        child (frontend)
 *   1  Initialising: made by the toolstack     1  Initialising
 *   2  InitWait: versions, limits, epoch
 *      are written              ------------->    chooses a version, makes ring
 *                                                 and pages, writes its nodes,
 *                               <-------------  3  Initialised
 *      reads the nodes once, maps ring, event
 *      and mask page, binds the port, writes
 *      version
 *   4  Connected                ------------->  4  Connected: requests may flow
 *   5  Closing                  <------------>  5  Closing
 *   6  Closed                   <------------>  6  Closed
 *
 * Either side may come first; each waits for the other in its state.
 *
 * Parent restarts (crash, upgrade): it may enter InitWait from any state, with
 * a raised epoch. The child takes that as the end of the old connection: all
 * handles are void, outstanding requests end with XENAPT_E_GONE at the child.
 * It makes a new ring, event page, mask page and port, writes the new epoch
 * and state 3. A parent ignores state 3 with another epoch than its own. After
 * Connected the child may open and offer the same memory again under the same
 * grant references: they never stopped being valid. After a restart each side
 * behaves as if every doorbell and interrupt was pending once (spurious is
 * legal, lost is not).
 *
 * Child restarts (module unloaded and loaded): it closes (5, 6), then enters 1.
 * A parent that sees 1 while it is Closed and online is "1" enters InitWait.
 *
 * Removal: the toolstack writes online = "0", and state 5 on the backend; the
 * child withdraws everything, closes (5, 6); the parent enters 6 and unmaps;
 * the toolstack removes both directories.
 *
 * No common version: the child writes error = "E_VERSION: ..." and state 6.
 * A version that was not offered: the parent writes error and state 5.
 *
 * 4. Ring
 * =======
 *
 * Xen's ring.h, types below, on 2^ring-page-order contiguous pages that the
 * child made (SHARED_RING_INIT). Child produces requests, parent responses.
 * Notifications follow ring.h's req_event and rsp_event over the one event
 * channel. A response carries the id of its request; order may differ.
 *
 * A producer index further ahead of the consumer than the ring has entries is
 * XENAPT_E_RING: the side that sees it consumes nothing more, puts the code
 * into its status word (section 6), notifies once and closes (state 5).
 *
 * 5. Life of an aperture
 * ======================
 *
 *            OPEN           OFFER            MAP          WITHDRAW      RELEASE
 *   (none) --------> opened -------> offered -----> mapped ------> withdrawn --> (none)
 *                      |                |________________________^        |
 *                      |___________________________ RELEASE ______________|
 *
 *   OPEN      asks for a size: wanted, and the least that is of use. The
 *             parent answers with granted = the smallest of wanted, its policy,
 *             and what Xen's limits leave; a 64-bit handle; and a slot.
 *             wanted 0 is XENAPT_E_SIZE_ZERO, not a multiple of 4096
 *             XENAPT_E_SIZE_ALIGN, above XENAPT_MAX_SIZE XENAPT_E_SIZE_MAX;
 *             a result below least is XENAPT_E_SIZE_LEAST. (checked in this
 *             order)
 *   OFFER     describes the memory by a page directory (section 5.1). A
 *             length above granted is XENAPT_E_SIZE. The parent copies and
 *             checks the directory; "ok" is the acknowledgement.
 *   MAP       the parent maps all pages in one batch; one bad reference undoes
 *             the whole (XENAPT_E_GRANT; the index of the first bad page in
 *             value; the aperture stays offered). Only an acknowledged
 *             aperture can be mapped, and only once.
 *   WITHDRAW  answered "ok" only when nothing is mapped any more. A device that
 *             still needs the memory answers XENAPT_E_BUSY: ask again later.
 *             After "ok" the child ends the grants and may free the pages.
 *   RELEASE   ends the handle. Handles are never used twice on a connection.
 *
 * The handle is opaque: made by the parent, valid on one connection of one
 * device only. An unknown, stale or foreign one is XENAPT_E_HANDLE. A request
 * that the aperture's state does not admit is XENAPT_E_STATE, with the state
 * (XENAPT_STATE_*) in value.
 *
 * The child must not reuse a page or reference between OFFER and the answer to
 * WITHDRAW, nor after a connection ended as long as Xen says that it is mapped.
 *
 * 5.1 Page directory
 *
 * n = ceil((offset + length) / 4096) page references. Up to 1020 of them fit
 * one list page, and the OFFER's directory is that page (level 1). More go
 * to ceil(n / 1020) list pages, whose references stand in one index page
 * (level 2), and the directory is the index page. So every directory page is
 * known after one fetch, and all list pages can be fetched in one batch.
 *
 *   octet  0        4      6      8        12       16                    4096
 *          +--------+------+------+--------+--------+----------------------+
 *          | magic  | level| count| index  | zero   | gref[0 .. count-1]   |
 *          +--------+------+------+--------+--------+----------------------+
 *
 * All list pages but the last are full. count, level and index must be what n
 * implies, and the page must be mappable, else XENAPT_E_DIRECTORY with the page's
 * number in value (0 = the page the OFFER names, k = list page k - 1 of a level 2
 * directory). The
 * parent copies the directory; later changes to it have no effect. Directory
 * pages are granted read-only and may be ended after the OFFER is answered.
 *
 * 6. Signals
 * ==========
 *
 * Two pages, made and zeroed by the child. The event page is written by both
 * sides, the mask page by the child only (Xen enforces it).
 *
 * Signal numbers: 0..63 belong to the device type, 64 + slot to the aperture in
 * that slot; 128..255 are reserved, never set, and ignored when set.
 *
 *   raise      set the pending bit (atomic or). On 0 -> 1 read the
 *              receiver's mask bit; if clear, send the event (notified),
 *              else do not (suppressed). On 1 -> 1 do not send (suppressed).
 *              published = notified + suppressed.
 *   take       the receiver clears the pending bits that it does not mask
 *              (atomic and), and handles the ones that were set.
 *   mask       the receiver sets its mask bit: it will look by itself.
 *   unmask     clear the mask bit, full barrier, read pending: a bit that is
 *              set is handled now, no event comes for it.
 *
 * aperture_signal.h has these as code that both sides share.
 *
 * status: 0, or the code of the error that ended the connection at the writer.
 * The writer sets it before its last event; the reader treats it as data.
 *
 * 7. Errors: see enum xenapt_status. The name without "XENAPT_" is what both
 * sides write into error nodes and logs.
 *
 * 8. Versions, features and what is reserved
 * ==========================================
 *
 * Version 1 is this document. A field or node that is not named here is
 * not used. Known features (both nodes must say "1"):
 *
 *   feature-operations      OPERATION requests (layout below, semantics with it)
 *   feature-read-only       XENAPT_OPEN_CHILD_READ_ONLY, _PARENT_READ_ONLY
 *   feature-parent-memory   XENAPT_OPEN_PARENT_OWNED: the parent owns the pages
 *   feature-unaligned       OFFER with an offset other than 0
 *   feature-fast-lane       a second xenbus device, kind "aperture-fast", same
 *                           devid, backend = the device stub domain, with a ring
 *                           and event page of its own and this device's mask page
 *   feature-state-record    node record-ref: state record and in-flight log
 *
 * A version 1 parent of this release offers feature-unaligned only. Flags
 * and requests of a feature that was not agreed are XENAPT_E_UNSUPPORTED.
 */
#ifndef XEN_PUBLIC_IO_APERTUREIF_H
#define XEN_PUBLIC_IO_APERTUREIF_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define XENAPT_DEVICE_KIND		"aperture"
#define XENAPT_VERSION			1

#define XENAPT_PAGE_SIZE		4096u
#define XENAPT_MAX_RING_ORDER		4u	/* 16 pages */
#define XENAPT_MAX_APERTURES		64u	/* slots 0..63 of a device */

/* Directory: references in one page; pages, and bytes, in one aperture. */
#define XENAPT_DIR_ENTRIES		1020u
#define XENAPT_MAX_PAGES		(XENAPT_DIR_ENTRIES * XENAPT_DIR_ENTRIES)
#define XENAPT_MAX_SIZE			((uint64_t)XENAPT_MAX_PAGES * XENAPT_PAGE_SIZE)

/* Node names, relative to the device's directory. */
#define XENAPT_NODE_TYPE		"type"
#define XENAPT_NODE_MAX_SIZE		"max-size"
#define XENAPT_NODE_MAX_APERTURES	"max-apertures"
#define XENAPT_NODE_SERVER		"server"
#define XENAPT_NODE_ONLINE		"online"
#define XENAPT_NODE_VERSIONS		"versions"
#define XENAPT_NODE_VERSION		"version"
#define XENAPT_NODE_EPOCH		"epoch"
#define XENAPT_NODE_MAX_RING_ORDER	"max-ring-page-order"
#define XENAPT_NODE_RING_ORDER		"ring-page-order"
#define XENAPT_NODE_RING_REF		"ring-ref"	/* followed by 0, 1, ... */
#define XENAPT_NODE_EVENT_REF		"event-ref"
#define XENAPT_NODE_MASK_REF		"mask-ref"
#define XENAPT_NODE_EVENT_CHANNEL	"event-channel"
#define XENAPT_NODE_ERROR		"error"
#define XENAPT_NODE_FEATURE_UNALIGNED	"feature-unaligned"

#define XENAPT_MAX_VERSIONS		8u
#define XENAPT_TYPE_MAX			31u

/*
 * Errors. In responses, status words, error nodes (by name), logs and counters.
 * Numbers are part of the contract and are never used again for another thing.
 */
enum xenapt_status {
	XENAPT_OK		= 0,
	/* the request itself */
	XENAPT_E_MALFORMED	= 1,	/* reserved field, unknown flag */
	XENAPT_E_UNSUPPORTED	= 2,	/* unknown request, feature not agreed */
	XENAPT_E_HANDLE		= 3,	/* unknown, stale or foreign handle */
	XENAPT_E_STATE		= 4,	/* not admitted in this state; value: it */
	/* sizes */
	XENAPT_E_SIZE_ZERO	= 16,	/* 0 bytes wanted or described */
	XENAPT_E_SIZE_ALIGN	= 17,	/* wanted is not a multiple of 4096 */
	XENAPT_E_SIZE_MAX	= 18,	/* above XENAPT_MAX_SIZE */
	XENAPT_E_SIZE_LEAST	= 19,	/* result below least; value: result */
	XENAPT_E_SIZE		= 20,	/* description and size disagree */
	/* limits; value: the limit */
	XENAPT_E_APERTURES	= 32,	/* max-apertures are open */
	XENAPT_E_MAPPED_PAGES	= 33,	/* the parent maps no more for this guest */
	XENAPT_E_MEMORY		= 34,	/* the other side is out of memory */
	/* memory */
	XENAPT_E_DIRECTORY	= 48,	/* directory lies; value: page number */
	XENAPT_E_GRANT		= 49,	/* a reference cannot be mapped; value: index */
	XENAPT_E_BUSY		= 50,	/* the device still needs the memory */
	/* the connection */
	XENAPT_E_RING		= 64,	/* impossible ring index */
	XENAPT_E_NODE		= 65,	/* node missing or not what it must be */
	XENAPT_E_VERSION	= 66,	/* no common version, or not offered */
	XENAPT_E_DEVICE		= 67,	/* no such device type, or it failed */
	XENAPT_E_GONE		= 68,	/* the other side went away (local only) */
};

/* Life of an aperture as the parent sees it; value of XENAPT_E_STATE. */
enum xenapt_aperture_state {
	XENAPT_STATE_NONE	= 0,
	XENAPT_STATE_OPENED	= 1,
	XENAPT_STATE_OFFERED	= 2,
	XENAPT_STATE_MAPPED	= 3,
	XENAPT_STATE_WITHDRAWN	= 4,
};

/* Requests. 0 is none of them, so that a zeroed entry is refused. */
#define XENAPT_REQ_OPEN			1
#define XENAPT_REQ_OFFER		2
#define XENAPT_REQ_MAP			3
#define XENAPT_REQ_WITHDRAW		4
#define XENAPT_REQ_RELEASE		5
#define XENAPT_REQ_OPERATION		16	/* feature-operations */

/* xenapt_open.flags */
#define XENAPT_OPEN_CHILD_READ_ONLY	(1u << 0)	/* feature-read-only */
#define XENAPT_OPEN_PARENT_READ_ONLY	(1u << 1)	/* feature-read-only */
#define XENAPT_OPEN_PARENT_OWNED	(1u << 2)	/* feature-parent-memory */

/*
 *   octet 0            8      9      10           16
 *         +------------+------+------+------------+------------------------+
 *         | id         | type | zero | zero       | body, 48 octets        |
 *         +------------+------+------+------------+------------------------+
 */
struct xenapt_open {
	uint64_t wanted;	/* bytes: the largest size ever described */
	uint64_t least;		/* bytes: less is of no use; 0: anything is */
	uint32_t flags;		/* XENAPT_OPEN_* */
	uint32_t tag;		/* what the memory is for: the device type's choice */
	uint64_t reserved[3];
};

struct xenapt_offer {
	uint64_t handle;
	uint64_t length;	/* bytes, 1..granted */
	uint32_t offset;	/* of the first byte in the first page, 0..4095 */
	uint32_t directory;	/* grant reference of the directory's first page */
	uint64_t reserved[3];
};

struct xenapt_named {		/* MAP, WITHDRAW, RELEASE */
	uint64_t handle;
	uint64_t reserved[5];
};

struct xenapt_operation {	/* feature-operations */
	uint64_t handle;	/* aperture of the range, or 0 */
	uint64_t reg;		/* register or command */
	uint64_t value;
	uint64_t offset;	/* range inside the aperture */
	uint32_t length;
	uint8_t  size;		/* 1, 2, 4, 8; 0: a command */
	uint8_t  direction;	/* 0 read, 1 write */
	uint16_t flags;
	uint64_t reserved;
};

struct xenapt_request {
	uint64_t id;		/* the child's choice, returned unchanged */
	uint8_t  type;		/* XENAPT_REQ_* */
	uint8_t  zero[7];
	union {
		struct xenapt_open open;
		struct xenapt_offer offer;
		struct xenapt_named named;
		struct xenapt_operation operation;
		uint8_t body[48];
	} u;
};

/*
 *   octet 0            8      9        12         16
 *         +------------+------+--------+----------+--------+--------+--------+
 *         | id         | type | zero   | status   | handle | value  | slot.. |
 *         +------------+------+--------+----------+--------+--------+--------+
 */
struct xenapt_response {
	uint64_t id;
	uint8_t  type;		/* of the request */
	uint8_t  zero[3];
	uint32_t status;	/* enum xenapt_status */
	uint64_t handle;	/* OPEN: the new handle; others: as asked */
	uint64_t value;		/* OPEN ok: granted bytes. MAP ok: pages mapped.
				 * Errors: as their line says, else 0 */
	uint32_t slot;		/* OPEN ok: 0..63 */
	uint32_t reserved;
};

#define XENAPT_DIR_MAGIC		0x52444158u	/* "XADR" */
#define XENAPT_DIR_LIST			1
#define XENAPT_DIR_INDEX		2

struct xenapt_directory {
	uint32_t magic;		/* XENAPT_DIR_MAGIC */
	uint16_t level;		/* XENAPT_DIR_LIST, XENAPT_DIR_INDEX */
	uint16_t count;		/* references used, 1..1020 */
	uint32_t index;		/* number of this page within its level */
	uint32_t zero;
	uint32_t gref[XENAPT_DIR_ENTRIES];
};

/* Signals. */
#define XENAPT_SIGNALS			256u
#define XENAPT_SIGNAL_WORDS		(XENAPT_SIGNALS / 64u)
#define XENAPT_SIGNAL_APERTURE		64u	/* + slot */
#define XENAPT_SIGNAL_DEFINED		128u	/* the first reserved number */

/*
 * Counters that the writer of a page keeps in it, for whoever looks. They count
 * from the start of the connection. Plain 64-bit stores: a reader may see one a
 * moment before another.
 */
struct xenapt_counters {
	uint64_t published;	/* signals raised */
	uint64_t notified;	/* ... with an event */
	uint64_t suppressed;	/* ... without: already pending, or masked */
	uint64_t taken;		/* signals of the other side taken */
	uint64_t coalesced;	/* raised while already pending (part of suppressed) */
	uint64_t events;	/* events received */
	uint64_t spurious;	/* ... with nothing to do */
	uint64_t requests;	/* ring requests: sent (child), consumed (parent) */
	uint64_t responses;	/* ring responses: consumed (child), sent (parent) */
	uint64_t errors;	/* responses with a status other than ok */
	uint64_t mapped_pages;	/* mapped now (parent); 0 (child) */
	uint64_t reserved[5];
};

/* Event page. Blocks of 128 octets so that writers do not share cache lines. */
struct xenapt_event_page {
	uint64_t interrupt[XENAPT_SIGNAL_WORDS];	/* 0x000 parent sets, child clears */
	uint64_t pad0[12];
	uint64_t doorbell[XENAPT_SIGNAL_WORDS];		/* 0x080 child sets, parent clears */
	uint64_t pad1[12];
	uint64_t doorbell_mask[XENAPT_SIGNAL_WORDS];	/* 0x100 parent writes */
	uint32_t status;				/* 0x120 parent writes: xenapt_status */
	uint32_t pad2;
	uint64_t pad3[11];
	struct xenapt_counters parent;			/* 0x180 parent writes */
	uint64_t reserved[448];				/* 0x200 zero */
};

/* Mask page: the child writes, parents (of both lanes) only read. */
struct xenapt_mask_page {
	uint64_t interrupt_mask[XENAPT_SIGNAL_WORDS];	/* 0x000 */
	uint32_t status;				/* 0x020 xenapt_status */
	uint32_t pad0;
	uint64_t pad1[11];
	struct xenapt_counters child;			/* 0x080 */
	uint64_t reserved[480];				/* 0x100 zero */
};

#ifndef __cplusplus
_Static_assert(sizeof(struct xenapt_request) == 64, "request");
_Static_assert(sizeof(struct xenapt_response) == 40, "response");
_Static_assert(sizeof(struct xenapt_directory) == XENAPT_PAGE_SIZE, "directory");
_Static_assert(sizeof(struct xenapt_event_page) == XENAPT_PAGE_SIZE, "event page");
_Static_assert(sizeof(struct xenapt_mask_page) == XENAPT_PAGE_SIZE, "mask page");
#endif

/* Include Xen's ring.h first to get struct xenapt_sring and friends. */
#ifdef DEFINE_RING_TYPES
DEFINE_RING_TYPES(xenapt, struct xenapt_request, struct xenapt_response);
#endif

#endif /* XEN_PUBLIC_IO_APERTUREIF_H */
