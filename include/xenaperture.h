/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenaperture.h - serve aperture devices: the parent's side, in C.
 *
 *        guest (child)                            this domain (parent)
 *   +---------------------+                  +-----------------------------+
 *   | pages of the guest  |=== same memory ==| void *data, uint64_t length |
 *   | doorbell(slot)      |----------------->| table.doorbell(slot)        |
 *   | interrupt callback  |<-----------------| xenaperture_interrupt(slot) |
 *   +---------------------+                  +-----------------------------+
 *
 * An aperture is a range of memory, the guest's or this domain's, that both have mapped. A
 * device is up to 64 of them (slots 0..63) with two sets of edge-triggered
 * signals. A device author writes a table of functions, below, and one of two
 * things makes a device of it:
 *
 *   plugin     a shared object <type>.so in the device folder of apertured,
 *              which starts one process per guest and serves all devices of
 *              that guest in it. The entry symbol is xenaperture_device.
 *              Link nothing: the calls of part 2 come from apertured.
 *   program    any program that calls xenaperture_open() for a device that the
 *              administrator attached with server=program. Link libxenaperture.
 *
 * The smallest plugin is backend/devices/mem/mem.c.
 *
 * Errors       -1 or NULL with errno set. xenaperture_error() has the text.
 * Ownership    nothing passed in is kept unless it says so; nothing passed out
 *              is freed by the caller.
 * Units        lengths and offsets in bytes.
 * Threads      All functions of a table are called by one thread: the one that
 *              runs xenaperture_process() (in apertured: the only one). All calls
 *              for a device belong into that same thread. A device with threads of
 *              its own wakes it with an eventfd and xenaperture_listen(). They may
 *              read and write aperture memory until withdraw was answered with 0.
 * Processes    Do not fork() and use aperture memory in the new process: it is not
 *              there. Do not mprotect(), mremap() or munmap() it.
 * Trust        Aperture memory is written by the guest at any moment. Read each
 *              word once into a local variable, check that, and use only that.
 *              The pages stay mapped and harmless whatever the guest does; it
 *              cannot cause a fault here.
 */
#ifndef XENAPERTURE_H
#define XENAPERTURE_H

#include <stddef.h>
#include <stdint.h>

#include <xenaperture_model.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XENAPERTURE_API		__attribute__((visibility("default")))

/* What a table says it was written for. New fields come at its end. */
#define XENAPERTURE_TABLE_VERSION	1

#define XENAPERTURE_SLOTS	64	/* apertures of a device, 0..63 */
#define XENAPERTURE_SIGNALS	64	/* signals of a device's own, 0..63 */

/* One device of one guest. */
struct xenaperture;

/*
 * 1. The device: functions that the author writes
 * ===============================================
 *
 *    create -> { mapped -> { doorbell }* -> withdraw }* -> destroy
 *
 * A device object lives as long as one connection to the guest. When the guest
 * loads its driver again, or the process was killed and started again, a new
 * object is created, and the guest maps its apertures into it anew, with their
 * contents as they were. What must outlive that belongs into the aperture.
 *
 * No function may wait: all devices of a guest share the thread. Members that are
 * NULL are left out; type, create and doorbell must be there.
 */
struct xenaperture_table {
	size_t size;		/* sizeof(struct xenaperture_table) */
	uint32_t version;	/* XENAPERTURE_TABLE_VERSION */
	const char *type;	/* as in the device's node: "mem"; a-z 0-9 - */

	/*
	 * A guest connects. Returns the object that the others get as device, not
	 * NULL; or NULL with errno: the device is closed with E_DEVICE. opaque: as
	 * given to xenaperture_open(); in a plugin NULL. xa is good until destroy
	 * returns.
	 */
	void *(*create)(struct xenaperture *xa, void *opaque);

	/* The connection ended. Nothing is mapped any more. */
	void (*destroy)(void *device);

	/*
	 * An aperture was mapped: length bytes (1 at least) at data, which need not be aligned;
	 * readable, and writable unless xenaperture_aperture_flags() has XENAPERTURE_READ_ONLY.
	 * tag: what the guest says it is for. Not 0: refused, the guest's request ends with E_DEVICE, the log says so, and
	 * withdraw is not called for it. errno means nothing here.
	 */
	int (*mapped)(void *device, unsigned int slot, void *data, uint64_t length,
		      uint32_t tag);

	/*
	 * The guest wants the memory back. 0: the device has let go of it, and it is
	 * gone when this returns. Not 0: busy, the guest asks again later. force: the
	 * connection ended, it is taken whatever is returned.
	 */
	int (*withdraw)(void *device, unsigned int slot, int force);

	/* The guest rang an aperture's doorbell, once or more, or this is spurious. */
	void (*doorbell)(void *device, unsigned int slot);

	/* The guest rang signal n of the device, 0..63. */
	void (*signal)(void *device, unsigned int n);

	/* fd, given to xenaperture_listen(), is ready; events: EPOLLIN, ... */
	void (*ready)(void *device, int fd, uint32_t events);

	/*
	 * Registers, commands, vectors and state: xenaperture_model.h. NULL: the device
	 * has none, operations end with E_UNSUPPORTED. slow: what the first device cannot do;
	 * may be NULL when everything in the model is XENAPERTURE_FAST. With a model doorbell may be
	 * NULL. The guest can claim its vectors 0 .. model.vectors - 1, without a model none.
	 */
	const struct xenaperture_model *model;
	const struct xenaperture_functions *slow;
};

/* The entry symbol of a plugin: the author defines it. */
extern XENAPERTURE_API const struct xenaperture_table xenaperture_device;

/*
 * 2. Calls that a device makes
 * ============================
 */

/*
 * Interrupt the guest: for the aperture in slot; or by vector n of the device's model,
 * whoever has the state now (xenaperture_raise() is for those that follow from it). What
 * was written to the aperture before is visible to the guest's callback. Interrupts
 * that the guest has not taken yet merge into one. 0, or EINVAL.
 */
XENAPERTURE_API int xenaperture_interrupt(struct xenaperture *xa, unsigned int slot);
XENAPERTURE_API int xenaperture_interrupt_device(struct xenaperture *xa, unsigned int n);

/*
 * Doorbells of the aperture in slot: mask stops them, for a device that looks into
 * the memory by itself meanwhile; the guest then sends no events. After unmask they
 * come again; doorbell() is called soon if it rang meanwhile. Look once more after
 * unmask before you sleep: what the guest wrote earlier it may have announced
 * while masked. Masks end with the connection. 0, or EINVAL.
 */
XENAPERTURE_API int xenaperture_mask(struct xenaperture *xa, unsigned int slot);
XENAPERTURE_API int xenaperture_unmask(struct xenaperture *xa, unsigned int slot);

/*
 * What kind of aperture is in slot, from mapped() to withdraw(). 0: none, or memory of the
 * guest's that both sides write.
 */
#define XENAPERTURE_READ_ONLY		(1u << 0)	/* this side only reads: a store is a fault */
#define XENAPERTURE_CHILD_READ_ONLY	(1u << 1)	/* the guest only reads */
#define XENAPERTURE_OWNED		(1u << 2)	/* the memory is this side's, given to the guest */

XENAPERTURE_API uint32_t xenaperture_aperture_flags(const struct xenaperture *xa,
						    unsigned int slot);

/*
 * The device's own sources of events: call table.ready when fd is ready. events:
 * EPOLLIN, EPOLLOUT, ... of <sys/epoll.h>, level-triggered; 0: no more. For time use
 * a timerfd, for other threads an eventfd. Call it with 0 before you close fd. What
 * is left is forgotten after destroy. At most 64. 0, or -1: EINVAL, ENOSPC, and
 * epoll_ctl()'s.
 */
XENAPERTURE_API int xenaperture_listen(struct xenaperture *xa, int fd, uint32_t events);

/*
 * The device cannot go on: the guest is told E_DEVICE, the connection ends soon
 * after this function of the table has returned. text: why, for people.
 */
XENAPERTURE_API void xenaperture_fail(struct xenaperture *xa, const char *text);

/*
 * Parent kernel mode: give the aperture in slot to a consumer in this domain's kernel, which works
 * with the same pages. Needs the module xen-aperture-parent; "block" comes with it: the aperture is the disk
 * /dev/xenapt-<domid>-<devid>-<slot>; other modules bring others (xen/aperture_parent.h).
 * From mapped() on, until withdraw was answered with 0; what is still attached then is detached by
 * force. An interrupt by the consumer is xenaperture_interrupt() for the slot. flags:
 * XENAPERTURE_KERNEL_READ_ONLY: it only reads, as always with a read-only aperture.
 *
 * 0, or -1: ENODEV the module is not loaded, EACCES this process may not use it (it was loaded after
 * the process started), ENOENT no such consumer, EBUSY attached already, EINVAL nothing is mapped
 * in slot, and the consumer's errors.
 */
#define XENAPERTURE_KERNEL_READ_ONLY	(1u << 0)

XENAPERTURE_API int xenaperture_kernel_attach(struct xenaperture *xa, unsigned int slot,
					      const char *consumer, unsigned int flags);

/*
 * Take it back. EBUSY: the consumer needs it, answer withdraw with busy; force: whatever it says. What it
 * does at that moment ends with an error on its side. EINVAL: not attached.
 */
XENAPERTURE_API int xenaperture_kernel_detach(struct xenaperture *xa, unsigned int slot, int force);

/* Pass a doorbell on. 0, or -1: EINVAL not attached. */
XENAPERTURE_API int xenaperture_kernel_doorbell(struct xenaperture *xa, unsigned int slot);

/* Who is served. */
XENAPERTURE_API unsigned int xenaperture_domid(const struct xenaperture *xa);
XENAPERTURE_API unsigned int xenaperture_devid(const struct xenaperture *xa);

/* "<type>.<key> = text" of apertured.conf, or NULL. Program: NULL. */
XENAPERTURE_API const char *xenaperture_setting(const struct xenaperture *xa, const char *key);

/*
 * Files of the administrator's, one for each direction, that are there before the device, between its
 * processes and after it: <folder>/<type>-<guest>-<devid>.out and .in, folder as apertured.conf says (files),
 * made when missing, readable by root only. OUTPUT to write, INPUT to read and write. From create() on.
 * The descriptor is the caller's, to close. -1: ENOTSUP in a program; what the daemon cannot open
 * (xenaperture_error()).
 */
#define XENAPERTURE_OUTPUT	0
#define XENAPERTURE_INPUT	1

XENAPERTURE_API int xenaperture_file(struct xenaperture *xa, unsigned int which);

/*
 * A line in the log, with guest, device and type in front; no newline. The guest may
 * decide how often: of more than 30 a minute from all its devices the rest is left
 * out and counted, but for XENAPERTURE_DEBUG.
 */
enum xenaperture_level {
	XENAPERTURE_ERROR	= 0,
	XENAPERTURE_WARNING	= 1,
	XENAPERTURE_INFO	= 2,
	XENAPERTURE_DEBUG	= 3,
};

XENAPERTURE_API void xenaperture_log(const struct xenaperture *xa, enum xenaperture_level level,
				     const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * 3. Programs
 * ===========
 *
 *	struct pollfd p = { .events = POLLIN };
 *	struct xenaperture *xa = xenaperture_open(5, 0, &table, NULL);
 *
 *	if (!xa)
 *		errx(1, "%s", xenaperture_error());
 *	p.fd = xenaperture_fd(xa);
 *	while (poll(&p, 1, -1) >= 0 && !xenaperture_process(xa))
 *		;
 *	warnx("%s", xenaperture_error());
 *	xenaperture_close(xa);
 *
 * Needs: root, or read and write access to /dev/xen/gntdev, /dev/xen/evtchn,
 * /dev/xen/xenbus (or xenstored's socket) and the device's nodes.
 */

/*
 * Of its own memory a program gives a guest so many bytes at most, what was given before
 * included (apertureif.h, section 5.2); what was given is lost when the program ends.
 */
#define XENAPERTURE_PROGRAM_GIVES	(16u << 20)

/*
 * Serve device devid of guest domid, which was attached with server=program. table
 * must stay as it is until close; its type must be the device's. The guest need
 * not be there yet with its driver. NULL: ENOENT no such device, EBUSY it is
 * apertured's or another program's, EINVAL the table is wrong or the type differs,
 * EPERM, ENODEV this is not a Xen domain, and others.
 */
XENAPERTURE_API struct xenaperture *xenaperture_open(unsigned int domid, unsigned int devid,
						     const struct xenaperture_table *table,
						     void *opaque);

/* A descriptor that polls readable when there is something to process. Not to be read. */
XENAPERTURE_API int xenaperture_fd(struct xenaperture *xa);

/*
 * Do what is there to do, without waiting. 0, or -1: ENODEV the device was detached
 * or the guest is gone, EIO the connection to xenstore broke. After -1: close.
 */
XENAPERTURE_API int xenaperture_process(struct xenaperture *xa);

/* Is a guest connected now? 1 or 0. */
XENAPERTURE_API int xenaperture_connected(const struct xenaperture *xa);

/*
 * End: calls withdraw (forced) and destroy if a guest is connected, tells the
 * guest, unmaps, frees xa. A later program may open the device again: the guest
 * connects anew. NULL: nothing.
 */
XENAPERTURE_API void xenaperture_close(struct xenaperture *xa);

/* What went wrong last in this thread; "" if nothing did. Good until the next call. */
XENAPERTURE_API const char *xenaperture_error(void);

#ifdef __cplusplus
}
#endif

#endif /* XENAPERTURE_H */
