/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aperture.h - apertures for drivers in a guest's kernel.
 *
 * An aperture is memory of this guest that the domain serving the device has mapped,
 * with a doorbell (guest to parent) and an interrupt (parent to guest). The wire
 * contract is xen/io/apertureif.h. In short:
 *
 *	dev = xen_aperture_dev_get(0);
 *	err = xen_aperture_dev_wait(dev, 10000);
 *	ap = xen_aperture_create(dev, &(struct xen_aperture_wish){
 *		.wanted = SZ_16M, .least = SZ_1M, .work = answered }, &status);
 *	memcpy(xen_aperture_memory(ap), data, len);
 *	xen_aperture_doorbell(ap);
 *	...
 *	xen_aperture_free(ap);
 *	xen_aperture_dev_put(dev);
 *
 * Peer data: the parent can write to the memory at any time. Copy once, then check.
 *
 * Outages: when the parent restarts, apertures live on with the same pages; they are
 * connected again without their owner, and then each gets one doorbell and one
 * interrupt (spurious is legal, lost is not). In between, doorbells succeed and are
 * delivered by that one; withdraw and free act locally.
 *
 * Suspend (save, migration): an outage as well. Memory of the parent's is exchanged for other memory with
 * the same contents; its address stays, and can be used all the time. What only the parent writes is
 * zeros until it did.
 *
 * Contexts: functions may sleep, and wait up to request_timeout_ms for each answer of
 * the parent, unless their description says "any context".
 *
 * A device may have registers and commands (operations) and up to 64 vectors:
 *
 *	s = xen_aperture_submitter_get(dev);
 *	xen_aperture_vector_claim(dev, 0, ticked, data, 0);
 *	op = { .reg = 0x10, .size = 8, .direction = XENAPT_OP_WRITE, .value = 1000, .done = fn };
 *	xen_aperture_submit(s, &op, 1);		op is the module's until fn(&op) is called
 *	err = xen_aperture_read(s, 0x00, 8, &value);
 *
 * Operations go to the first device (stub domain, fast lane) where there is one, and from there or
 * straight to the second (process, slow lane). Whichever answers, dies or comes: each
 * operation ends once, with one status, within operation_timeout_ms (module parameter).
 */
#ifndef _XEN_APERTURE_H
#define _XEN_APERTURE_H

#include <linux/list.h>
#include <linux/types.h>
#include <xen/io/apertureif.h>

struct xen_aperture;
struct xen_aperture_dev;

/**
 * typedef xen_aperture_fn - an interrupt of an aperture
 * @ap: the aperture
 * @data: of the wish
 */
typedef void (*xen_aperture_fn)(struct xen_aperture *ap, void *data);

/**
 * struct xen_aperture_wish - what an aperture shall be
 * @wanted: bytes, multiple of 4096: the largest size of use
 * @least: bytes: less is of no use; 0: any size is
 * @tag: what the memory is for: the device type's choice
 * @flags: XENAPT_OPEN_*: read-only for one side; the parent owns the memory
 * @irq: called for each interrupt, in hard interrupt context with interrupts off,
 *	never for two interrupts of one aperture at once. May be NULL. It may ring
 *	doorbells, mask, wake and queue; it must not sleep, nor free the aperture.
 * @work: called after interrupts, in process context (a workqueue), once for one or
 *	several, never twice at once for one aperture. May be NULL. It may sleep, but
 *	must not free its aperture.
 * @data: handed to both
 */
struct xen_aperture_wish {
	u64 wanted;
	u64 least;
	u32 tag;
	u32 flags;
	xen_aperture_fn irq;
	xen_aperture_fn work;
	void *data;
};

/**
 * xen_aperture_dev_get() - a device of kind "aperture"
 * @nr: its number (devid)
 *
 * Return: the device, held until xen_aperture_dev_put(); NULL: there is none.
 */
struct xen_aperture_dev *xen_aperture_dev_get(unsigned int nr);

/**
 * xen_aperture_dev_put() - let go of a device
 * @dev: from xen_aperture_dev_get(), or NULL
 */
void xen_aperture_dev_put(struct xen_aperture_dev *dev);

/**
 * xen_aperture_dev_wait() - wait until requests can be made
 * @dev: the device
 * @timeout_ms: most milliseconds to wait
 *
 * Return: 0, -ETIMEDOUT, -EINTR (fatal signal), -ENODEV (the device is gone).
 */
int xen_aperture_dev_wait(struct xen_aperture_dev *dev, unsigned int timeout_ms);

/**
 * xen_aperture_dev_connected() - can one of the two lanes take operations now? any context
 * @dev: the device
 * @lane: XENAPT_OWNER_FAST or XENAPT_OWNER_SLOW
 */
bool xen_aperture_dev_connected(struct xen_aperture_dev *dev, enum xenapt_owner lane);

/**
 * xen_aperture_create() - agree on a size, make the memory, let the parent map it
 * @dev: a connected device
 * @wish: copied
 * @status: where to store the enum xenapt_status of a refusal; may be NULL
 *
 * The pages are new and zeroed. They are allocated one by one, so large apertures do
 * not need contiguous memory, and without invoking the OOM killer.
 *
 * Return: the aperture, mapped by the parent and owned by the caller until
 * xen_aperture_free(); or ERR_PTR, with nothing left behind:
 * -EINVAL (size 0 or not a multiple of 4096), -EFBIG (above XENAPT_MAX_SIZE), -ERANGE
 * (less than @wish->least could be had), -ENOSPC (grant references; the log names the
 * limit), -ENOMEM, -EUSERS (too many apertures), -EDQUOT (the parent maps no more, or
 * too many pages are in quarantine), -ENOTCONN, -ENODEV, -ETIMEDOUT, -EINTR, or another
 * from xen_aperture_errno().
 */
struct xen_aperture *xen_aperture_create(struct xen_aperture_dev *dev,
					 const struct xen_aperture_wish *wish, u32 *status);

/**
 * xen_aperture_offer() - an aperture of kernel memory that exists
 * @dev: a connected device
 * @wish: copied; wanted and least are not used; flags: XENAPT_OPEN_PARENT_READ_ONLY or 0
 * @buffer: of vmalloc or the page allocator (single pages, alloc_pages_exact(), or __GFP_COMP); or of
 *	kmalloc, if no whole page of it is of a slab: above 8 KiB, or less than a page. Need not be aligned,
 *	nor contiguous in memory. Not of the stack or a module's image
 * @length: bytes
 * @status: as for xen_aperture_create()
 *
 * The buffer must stay allocated until xen_aperture_free() returned, and for as long as
 * xen_aperture_withdraw() says -EBUSY. Partial first and last pages are copies: see
 * xen_aperture_sync(). Whole pages are held: freed early, they are lost, not reused. That is why those are
 * refused that have no reference count of their own: a slab's, and all but the first of an allocation of
 * several pages that is not compound.
 *
 * Return: as xen_aperture_create(), or -EINVAL (no such memory, length 0).
 */
struct xen_aperture *xen_aperture_offer(struct xen_aperture_dev *dev,
					const struct xen_aperture_wish *wish, void *buffer,
					size_t length, u32 *status);

/**
 * xen_aperture_sync() - bring copies of partial pages up to date, both ways; any context
 * @ap: the aperture, of xen_aperture_offer()
 *
 * Octet by octet, what one side changed since the last time goes to the other; where both did,
 * the child's wins here and at a doorbell, the parent's at an interrupt. Also done at offer
 * and withdraw.
 */
void xen_aperture_sync(struct xen_aperture *ap);

/**
 * xen_aperture_memory() - the memory as one range of kernel addresses
 * @ap: the aperture
 *
 * Of memory that existed: the buffer itself. Read-only where the child only reads.
 *
 * Return: page-aligned pointer to xen_aperture_size() bytes, valid until
 * xen_aperture_free(); NULL: no room for it in the kernel's address space.
 */
void *xen_aperture_memory(struct xen_aperture *ap);

/**
 * xen_aperture_size() - bytes agreed; any context
 * @ap: the aperture
 */
u64 xen_aperture_size(const struct xen_aperture *ap);

/**
 * xen_aperture_id() - number of the aperture in its device, 0..63; any context
 * @ap: the aperture
 *
 * It stays the same over outages, and is not the slot of the contract.
 */
unsigned int xen_aperture_id(const struct xen_aperture *ap);

/**
 * xen_aperture_doorbell() - tell the parent that there is something to do
 * @ap: the aperture
 *
 * Any context. What was written to the memory before is visible to whoever takes the
 * doorbell. Doorbells that were not taken yet become one.
 *
 * Return: 0 (also in an outage), -ENODEV (the device is gone), -ESHUTDOWN (withdrawn).
 */
int xen_aperture_doorbell(struct xen_aperture *ap);

/**
 * xen_aperture_mask() - no interrupts from here on; any context
 * @ap: the aperture
 *
 * For an owner that looks at the memory by itself. A callback may still be on its way.
 */
void xen_aperture_mask(struct xen_aperture *ap);

/**
 * xen_aperture_unmask() - let interrupts come again; any context
 * @ap: the aperture
 *
 * Return: true when one was pending: it counts as taken now, no callback comes for it,
 * and the caller looks at the memory once more.
 */
bool xen_aperture_unmask(struct xen_aperture *ap);

/**
 * xen_aperture_withdraw() - the parent shall unmap the memory
 * @ap: the aperture
 *
 * Afterwards the memory is private again: readable and writable by its owner until
 * xen_aperture_free().
 *
 * Return: 0 (also when it was withdrawn before), -EBUSY (somebody still maps it: the
 * aperture works on; or the parent said that it did not, and Xen says that it does: then it is over, and the
 * memory is not private yet. Ask again later; only xen_aperture_free() gives up), -ETIMEDOUT or
 * -EINTR (not known: the parent may still do it; ask again, or free), or from xen_aperture_errno().
 */
int xen_aperture_withdraw(struct xen_aperture *ap);

/**
 * xen_aperture_free() - end an aperture
 * @ap: the aperture, or NULL; not valid afterwards
 *
 * Withdraws it first where needed. What the parent still maps stays allocated and is
 * counted and asked for again later, without the caller. No callback runs after return. Of a
 * buffer of xen_aperture_offer() no partial page is read or written any more, whatever the parent does.
 */
void xen_aperture_free(struct xen_aperture *ap);

struct xen_aperture_submitter;
struct xen_aperture_operation;

/**
 * typedef xen_aperture_done_fn - an operation ended
 * @op: it; the caller's again
 *
 * With interrupts off, usually in hard interrupt context; no lock of the module is held. It may
 * submit, also the same structure; it must not sleep.
 */
typedef void (*xen_aperture_done_fn)(struct xen_aperture_operation *op);

/**
 * struct xen_aperture_operation - a register access or command, and its answer
 * @reg: offset of the register in bytes; or the command's number
 * @value: what to write, or the command's argument
 * @offset: range: first byte inside of @range
 * @length: range: bytes
 * @range: aperture that the operation works on; NULL: none. It is held by the module until done
 * @size: bytes: 1, 2, 4, 8; 0: a command
 * @direction: XENAPT_OP_*; a command: XENAPT_OP_WRITE
 * @done: called once when it ended; NULL only for xen_aperture_operate()
 * @data: the caller's
 * @status: answer: enum xenapt_status. XENAPT_E_TIMEOUT: no answer in time, or cancelled; the
 *	device may still execute it, unless @lane is NONE. XENAPT_E_GONE: likewise, and no lane was
 *	connected, or the device was removed. Peer data: numbers that the contract does not
 *	know may come
 * @lane: answer: enum xenapt_owner: the lane that answered, or that it was last sent on;
 *	XENAPT_OWNER_NONE: it was never sent, and had no effect
 * @result: answer: value read; a change: the value before it; a command: its result
 * @priv: the module's
 *
 * The caller fills in everything up to @data (the rest may be anything), and leaves all of it
 * alone until it ended.
 */
struct xen_aperture_operation {
	u64 reg;
	u64 value;
	u64 offset;
	u32 length;
	u8 size;
	u8 direction;
	struct xen_aperture *range;
	xen_aperture_done_fn done;
	void *data;

	u32 status;
	u8 lane;
	u64 result;

	struct {
		struct list_head list;
		struct xen_aperture_submitter *submitter;
		u64 sequence;
		unsigned long deadline;
		void *waiter;
		struct xen_aperture_operation *next;
		u8 state;
		u8 to;
		bool keep;
		s8 entry;
	} priv;
};

/**
 * xen_aperture_submitter_get() - one who submits operations in order
 * @dev: the device
 *
 * Operations of one submitter take effect in the order in which they were submitted.
 * Between submitters there is no order, and one does not wait for another.
 *
 * Return: the submitter, which holds the device; or ERR_PTR: -EUSERS (64 there are), -ENODEV.
 */
struct xen_aperture_submitter *xen_aperture_submitter_get(struct xen_aperture_dev *dev);

/**
 * xen_aperture_submitter_put() - let go of it; any context but under its own done callback
 * @submitter: from xen_aperture_submitter_get(), or NULL; all its operations ended
 */
void xen_aperture_submitter_put(struct xen_aperture_submitter *submitter);

/**
 * xen_aperture_submit() - start operations; any context
 * @submitter: who
 * @ops: array of them, in order
 * @count: how many; any number: what has no place waits in the module
 *
 * The whole array costs one event to each lane at most. Nothing is allocated.
 *
 * Return: 0: each one's done will be called once, perhaps before this returns. Otherwise
 * none was submitted: -EINVAL (size, direction, or no done), -EOPNOTSUPP (the parent knows
 * no operations), -ENODEV.
 */
int xen_aperture_submit(struct xen_aperture_submitter *submitter,
			struct xen_aperture_operation *ops, unsigned int count);

/**
 * xen_aperture_cancel() - end operations that nobody will wait for; any context
 * @ops: array of submitted operations
 * @count: how many
 *
 * Each that did not end yet ends with XENAPT_E_TIMEOUT, its done called from here. Others
 * may be about to be called elsewhere at this moment.
 */
void xen_aperture_cancel(struct xen_aperture_operation *ops, unsigned int count);

/**
 * xen_aperture_operate() - submit operations, wait until all ended
 * @submitter: who
 * @ops: array of them, in order; done and data are not used
 * @count: how many
 *
 * Return: 0: each has a status, which may be an error. -EINTR: a signal; those without an
 * answer were cancelled. Otherwise as xen_aperture_submit(), and none was submitted.
 */
int xen_aperture_operate(struct xen_aperture_submitter *submitter,
			 struct xen_aperture_operation *ops, unsigned int count);

/**
 * xen_aperture_read() - read a register, wait for it
 * @submitter: who
 * @reg: its offset
 * @size: 1, 2, 4, 8 bytes
 * @value: where to store it
 *
 * Return: 0, or as xen_aperture_operate(), or the errno of its status.
 */
int xen_aperture_read(struct xen_aperture_submitter *submitter, u64 reg, unsigned int size,
		      u64 *value);

/**
 * xen_aperture_write() - write a register, wait for it
 * @submitter: who
 * @reg: its offset
 * @size: 1, 2, 4, 8 bytes
 * @value: the value
 *
 * Return: as xen_aperture_read().
 */
int xen_aperture_write(struct xen_aperture_submitter *submitter, u64 reg, unsigned int size,
		       u64 value);

/**
 * typedef xen_aperture_vector_fn - an interrupt of a vector
 * @dev: the device
 * @vector: 0..63
 * @data: of the claim
 *
 * With interrupts off, usually in hard interrupt context; never twice at once for one
 * device. It may submit, mask, unmask and acknowledge; it must not sleep, claim or release.
 */
typedef void (*xen_aperture_vector_fn)(struct xen_aperture_dev *dev, unsigned int vector,
				       void *data);

/* xen_aperture_vector_claim(): after an interrupt no other until xen_aperture_vector_ack() */
#define XEN_APERTURE_VECTOR_ACKED	(1u << 0)

/**
 * xen_aperture_vector_claim() - get the interrupts of a vector
 * @dev: a device that was connected once
 * @vector: its number
 * @fn: called for each
 * @data: handed to it
 * @flags: XEN_APERTURE_VECTOR_ACKED or 0
 *
 * The vector is unmasked; what was pending is delivered now, perhaps before this returns.
 * A claim outlives outages. There may be spurious interrupts after one; none is lost.
 *
 * Return: 0, -EINVAL (64 or more, unknown flag), -ENOTCONN (never connected), -ENXIO (the
 * device has fewer), -EBUSY (claimed), -ENODEV.
 */
int xen_aperture_vector_claim(struct xen_aperture_dev *dev, unsigned int vector,
			      xen_aperture_vector_fn fn, void *data, unsigned int flags);

/**
 * xen_aperture_vector_release() - end a claim; no callback runs after return
 * @dev: the device
 * @vector: claimed by the caller
 */
void xen_aperture_vector_release(struct xen_aperture_dev *dev, unsigned int vector);

/**
 * xen_aperture_vector_mask() - no interrupts from here on; any context
 * @dev: the device
 * @vector: claimed by the caller
 *
 * What comes stays pending. A callback may still be on its way.
 */
void xen_aperture_vector_mask(struct xen_aperture_dev *dev, unsigned int vector);

/**
 * xen_aperture_vector_unmask() - let interrupts come again; any context
 * @dev: the device
 * @vector: claimed by the caller
 *
 * Return: true when it was pending: this counts as delivered now, no callback comes for
 * it, and the caller does what its callback would do. (With XEN_APERTURE_VECTOR_ACKED it is in
 * service then.)
 */
bool xen_aperture_vector_unmask(struct xen_aperture_dev *dev, unsigned int vector);

/**
 * xen_aperture_vector_ack() - done with an interrupt; any context
 * @dev: the device
 * @vector: claimed by the caller with XEN_APERTURE_VECTOR_ACKED
 *
 * Lets the next one come, and looks again. In short: do what there is to do, while ack.
 *
 * Return: true when it was pending: this counts as delivered, as above, and it stays in service.
 */
bool xen_aperture_vector_ack(struct xen_aperture_dev *dev, unsigned int vector);

/**
 * struct xen_aperture_vector_state - the controller's view of a vector
 * @claimed: somebody gets its interrupts
 * @masked: by xen_aperture_vector_mask(), or not claimed
 * @in_service: delivered, not acknowledged
 * @pending_fast: raised by the first device, not taken
 * @pending_slow: raised by the second device, not taken
 * @owed: taken from a device (that may be gone), not delivered
 * @delivered: interrupts, with those that unmask and ack returned
 * @coalesced: raised by a device while another was not delivered yet, as far as seen here
 * @held: found pending by unmask or ack
 */
struct xen_aperture_vector_state {
	bool claimed;
	bool masked;
	bool in_service;
	bool pending_fast;
	bool pending_slow;
	bool owed;
	u64 delivered;
	u64 coalesced;
	u64 held;
};

/**
 * xen_aperture_vector_state() - look at any vector; any context
 * @dev: the device
 * @vector: 0..63
 * @state: filled in
 *
 * Return: 0, -EINVAL (64 or more).
 */
int xen_aperture_vector_state(struct xen_aperture_dev *dev, unsigned int vector,
			      struct xen_aperture_vector_state *state);

/**
 * xen_aperture_status_name() - name of an enum xenapt_status as the contract has it
 * @status: any value
 *
 * Return: "E_SIZE_LEAST", "OK", or "E_?" for a number that the contract does not know.
 */
const char *xen_aperture_status_name(u32 status);

/**
 * xen_aperture_errno() - the negative errno that goes with an enum xenapt_status
 * @status: any value
 */
int xen_aperture_errno(u32 status);

/*
 * For the self-test module only: symbols of namespace XEN_APERTURE_TEST. They make
 * requests and descriptions that the functions above never make.
 */
struct page;
struct xenapt_request;
struct xenapt_response;

/**
 * struct xen_aperture_test_memory - granted pages with a page directory
 * @pages: number of pages
 * @page: the pages, zeroed
 * @gref: their grant references, as the directory has them
 * @directories: number of directory pages
 * @directory: the directory pages: 0 is the one to name in OFFER; may be spoilt
 * @reference: grant reference of directory page 0
 * @priv: not for the test
 */
struct xen_aperture_test_memory {
	unsigned int pages;
	struct page **page;
	u32 *gref;
	unsigned int directories;
	struct xenapt_directory **directory;
	u32 reference;
	void *priv;
};

/**
 * xen_aperture_test_request() - send any request, wait for its response
 * @dev: a connected device
 * @req: sent as it is, but for id
 * @rsp: the response, copied
 *
 * Return: 0 with a response (its status may be an error), -ENOTCONN, -ETIMEDOUT, -EINTR.
 */
int xen_aperture_test_request(struct xen_aperture_dev *dev, const struct xenapt_request *req,
			      struct xenapt_response *rsp);

/**
 * xen_aperture_test_alloc() - make granted pages and a directory of them
 * @dev: the device whose parent gets the grants
 * @pages: how many, 1..XENAPT_MAX_PAGES
 *
 * Return: the memory, or ERR_PTR.
 */
struct xen_aperture_test_memory *xen_aperture_test_alloc(struct xen_aperture_dev *dev,
							 unsigned int pages);

/**
 * xen_aperture_test_free() - end the grants and free the pages
 * @memory: from xen_aperture_test_alloc()
 *
 * Return: number of pages that the parent still maps: they went to the quarantine.
 */
unsigned int xen_aperture_test_free(struct xen_aperture_test_memory *memory);

/**
 * xen_aperture_test_gref() - grant reference of a page of an aperture
 * @ap: the aperture
 * @page: 0 .. size / 4096 - 1
 */
u32 xen_aperture_test_gref(const struct xen_aperture *ap, unsigned int page);

/**
 * xen_aperture_test_raw() - send any request on either lane, wait for its response
 * @dev: the device
 * @lane: XENAPT_OWNER_FAST or XENAPT_OWNER_SLOW
 * @req: sent as it is
 * @rsp: the response, copied
 * @keep_id: also its id as it is; else one is made (without XENAPT_OP_ID). An id
 *	that an operation of the module has outstanding gives the answer to that one
 *
 * No check, no routing, no order. Return: as xen_aperture_test_request().
 */
int xen_aperture_test_raw(struct xen_aperture_dev *dev, enum xenapt_owner lane,
			  const struct xenapt_request *req, struct xenapt_response *rsp,
			  bool keep_id);

/**
 * xen_aperture_test_spoilt() - send a request that somebody writes over in the ring
 * @dev: the device
 * @lane: XENAPT_OWNER_FAST or XENAPT_OWNER_SLOW
 * @req: what the module takes it for, with its id
 * @spoilt: what stands in the ring
 * @rsp: the response, copied: one that answers @req
 *
 * Return: as xen_aperture_test_raw(). -ENOTCONN as well when what was answered is not @req.
 */
int xen_aperture_test_spoilt(struct xen_aperture_dev *dev, enum xenapt_owner lane,
			     const struct xenapt_request *req, const struct xenapt_request *spoilt,
			     struct xenapt_response *rsp);

/* Shared pages, for peek and poke. */
enum xen_aperture_test_page {
	XEN_APERTURE_TEST_RING_FAST,	/* first page: req_prod, req_event, rsp_prod, rsp_event */
	XEN_APERTURE_TEST_RING_SLOW,
	XEN_APERTURE_TEST_EVENT_FAST,
	XEN_APERTURE_TEST_EVENT_SLOW,
	XEN_APERTURE_TEST_MASK,
	XEN_APERTURE_TEST_RECORD,	/* two pages */
};

/**
 * xen_aperture_test_poke() - write octets to a shared page; any context
 * @dev: the device
 * @page: which
 * @offset: first octet
 * @from: source
 * @n: octets, within one page; 2, 4, 8 aligned ones are one store
 *
 * Return: 0, -ENOTCONN (that lane has no connection), -EINVAL (not in the page).
 */
int xen_aperture_test_poke(struct xen_aperture_dev *dev, enum xen_aperture_test_page page,
			   unsigned int offset, const void *from, unsigned int n);

/**
 * xen_aperture_test_peek() - read octets of a shared page; any context
 * @dev: the device
 * @page: which
 * @offset: first octet
 * @to: destination
 * @n: octets, within one page
 *
 * Return: as xen_aperture_test_poke().
 */
int xen_aperture_test_peek(struct xen_aperture_dev *dev, enum xen_aperture_test_page page,
			   unsigned int offset, void *to, unsigned int n);

/**
 * xen_aperture_test_event() - send a lane's event; any context
 * @dev: the device
 * @lane: XENAPT_OWNER_FAST or XENAPT_OWNER_SLOW
 *
 * Return: 0, -ENOTCONN.
 */
int xen_aperture_test_event(struct xen_aperture_dev *dev, enum xenapt_owner lane);

/**
 * xen_aperture_test_hold() - take a lane's ring from the module; may sleep
 * @dev: the device
 * @lane: XENAPT_OWNER_FAST or XENAPT_OWNER_SLOW
 *
 * From here on nobody takes responses: its event is not heard. Nothing may be outstanding, and
 * the caller sees to it that nothing is sent.
 *
 * Return: 0, -ENOTCONN, -EBUSY (something is outstanding).
 */
int xen_aperture_test_hold(struct xen_aperture_dev *dev, enum xenapt_owner lane);

/**
 * xen_aperture_test_unhold() - give the ring back; may sleep
 * @dev: the device
 * @lane: as to xen_aperture_test_hold(), which returned 0
 *
 * The module goes on where the indices are, when the parent answered all that it was shown.
 *
 * Return: 0, -ENOTCONN (it died meanwhile), -EBUSY (not all is answered: the ring is as it is, and
 * breaks).
 */
int xen_aperture_test_unhold(struct xen_aperture_dev *dev, enum xenapt_owner lane);

#endif /* _XEN_APERTURE_H */
