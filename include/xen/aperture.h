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
 * Contexts: functions may sleep, and wait up to request_timeout_ms for each answer of
 * the parent, unless their description says "any context".
 */
#ifndef _XEN_APERTURE_H
#define _XEN_APERTURE_H

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
 * xen_aperture_memory() - the memory as one range of kernel addresses
 * @ap: the aperture
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
 * aperture works on, ask again later), -ETIMEDOUT or -EINTR (not known: the parent may
 * still do it; ask again, or free), or from xen_aperture_errno().
 */
int xen_aperture_withdraw(struct xen_aperture *ap);

/**
 * xen_aperture_free() - end an aperture
 * @ap: the aperture, or NULL; not valid afterwards
 *
 * Withdraws it first where needed. What the parent still maps stays allocated and is
 * counted and asked for again later, without the caller. No callback runs after return.
 */
void xen_aperture_free(struct xen_aperture *ap);

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

#endif /* _XEN_APERTURE_H */
