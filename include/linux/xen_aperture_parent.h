/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xen_aperture_parent.h - /dev/xen/aperture-parent: what the process that serves a device
 * asks of xen-aperture-parent.ko.
 *
 * The process has an aperture mapped (through gntdev, or gntalloc if it owns the memory) and
 * gives that range of its addresses to a consumer in the kernel, which works with the same
 * pages: the grant is mapped once. The process stays in charge of the handshake, of
 * withdraw, and of both signals. What was given ends with the mapping: when the
 * process unmaps it, or is killed, the consumer has let go of the pages before they go.
 *
 * Device authors do not need this header: xenaperture.h has calls for it.
 */
#ifndef _LINUX_XEN_APERTURE_PARENT_H
#define _LINUX_XEN_APERTURE_PARENT_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define XENAPT_PARENT_DEVICE	"/dev/xen/aperture-parent"

#define XENAPT_CONSUMER_NAME	32	/* octets, with the 0 at its end */
#define XENAPT_PARENT_VIEWS	256	/* of one open file, at most */

/*
 * The guest that this file is for; the argument is its domain number, 0..32751. Once for an open file,
 * and before ATTACH: afterwards the file can be handed to a process that is trusted less.
 * EBUSY: it was said before. EINVAL: no domain number.
 */
#define XENAPT_PARENT_GUEST	_IO('A', 0x40)

#define XENAPT_ATTACH_READ_ONLY	(1u << 0)	/* the consumer only reads */

/**
 * struct xenapt_parent_attach - a range of addresses for a consumer
 * @address: first octet of the aperture; need not be aligned
 * @length: octets, 1 at least; within one mapping of gntdev or gntalloc
 * @consumer: its name, ended by 0
 * @flags: XENAPT_ATTACH_*
 * @interrupt: eventfd that is signalled when the consumer interrupts the guest, or -1
 * @devid: the device in the guest
 * @slot: the aperture's, 0..63
 * @tag: the guest's
 * @id: answer: number for the calls below, of this file
 * @reserved: 0
 *
 * Errors: ENOTCONN (no guest was named), EINVAL (reserved, flags, slot, length 0, name not
 * ended), EOVERFLOW (the range wraps), ENOENT (no such consumer), EFAULT (not mapped), ENODEV (mapped, but
 * no aperture), EACCES (the mapping cannot be written), EBADF (@interrupt), ENOSPC (views
 * of this file), and the consumer's.
 */
struct xenapt_parent_attach {
	__u64 address;
	__u64 length;
	char consumer[XENAPT_CONSUMER_NAME];
	__u32 flags;
	__s32 interrupt;
	__u32 devid;
	__u32 slot;
	__u32 tag;
	__u32 id;
	__u32 reserved[2];
};
#define XENAPT_PARENT_ATTACH	_IOWR('A', 0x41, struct xenapt_parent_attach)

#define XENAPT_DETACH_FORCE	(1u << 0)	/* whatever the consumer says */

/**
 * struct xenapt_parent_detach - the consumer lets go
 * @id: from ATTACH
 * @flags: XENAPT_DETACH_*
 *
 * After 0 no page is pinned. Errors: EBUSY (the consumer still needs it: it works on), EBADF
 * (no such id), EINVAL (flags).
 */
struct xenapt_parent_detach {
	__u32 id;
	__u32 flags;
};
#define XENAPT_PARENT_DETACH	_IOW('A', 0x42, struct xenapt_parent_detach)

/* The guest rang: tell the consumer. The argument is the id. EBADF; ESHUTDOWN: it was detached. */
#define XENAPT_PARENT_DOORBELL	_IO('A', 0x43)

#endif /* _LINUX_XEN_APERTURE_PARENT_H */
