/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * xen_aperture.h - /dev/xen/aperture<devid> of a guest: apertures for programs.
 *
 * One file per device of kind "aperture". A program offers memory, maps it, rings
 * the doorbell, and waits for interrupts with poll and read:
 *
 *	int fd = open("/dev/xen/aperture0", O_RDWR | O_CLOEXEC);
 *	struct xenapt_ioc_offer o = { .wanted = 1 << 20, .least = 4096 };
 *
 *	ioctl(fd, XENAPT_IOC_OFFER, &o);
 *	p = mmap(NULL, o.granted, PROT_READ | PROT_WRITE, MAP_SHARED, fd, o.offset);
 *	... write to p ...
 *	ioctl(fd, XENAPT_IOC_DOORBELL, o.slot);
 *	poll, then read(fd, records, sizeof(records));
 *
 * Ownership
 *	An aperture belongs to the open file that offered it, not to a process: it
 *	can be used through every descriptor of that file, also after fork and exec.
 *	Another open file cannot name it. It ends with XENAPT_IOC_WITHDRAW, or when
 *	the last descriptor and the last mapping of the file are gone (also by kill).
 *	Pages that a program still has mapped stay readable and writable for it until
 *	munmap, but no longer reach the other side.
 *
 * Outage
 *	When the other side restarts, apertures stay and are connected again without
 *	the program. Doorbells rung meanwhile succeed; after the outage each aperture
 *	gets one doorbell and one interrupt, whether or not one was rung.
 *
 * Layouts are the same for 32-bit programs on a 64-bit kernel. Reserved fields must
 * be 0, else EINVAL.
 */
#ifndef _LINUX_XEN_APERTURE_H
#define _LINUX_XEN_APERTURE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct xenapt_ioc_query - what the device is and admits
 * @connected: 1 while requests can be made, 0 in an outage
 * @version: version of the contract agreed; 0 while not connected
 * @epoch: names the connection; changes with each one
 * @apertures: apertures of this file
 * @max_size: bytes; the guest's own limit for one aperture
 * @file_bytes: bytes in the apertures of this file
 * @file_max_bytes: most bytes that the apertures of one file may have
 * @file_max_apertures: most apertures of one file
 * @quarantined_pages: pages of the whole guest that a peer still maps
 *	although their owner is gone
 * @reserved: 0
 */
struct xenapt_ioc_query {
	__u32 connected;
	__u32 version;
	__u32 epoch;
	__u32 apertures;
	__u64 max_size;
	__u64 file_bytes;
	__u64 file_max_bytes;
	__u32 file_max_apertures;
	__u32 reserved0;
	__u64 quarantined_pages;
	__u64 reserved[4];
};

/**
 * struct xenapt_ioc_offer - make an aperture of new, zeroed pages
 * @wanted: in: bytes, multiple of 4096: the largest size of use
 * @least: in: bytes: less is of no use; 0: any size is
 * @flags: in: 0
 * @tag: in: what the memory is for: the device type's choice
 * @granted: out: bytes: the size agreed; all of it is mapped by the other side
 * @offset: out: of the memory, for mmap
 * @slot: out: names the aperture in this file, 0..63
 * @status: out: enum xenapt_status of apertureif.h: 0, or why the other side or
 *	this one refused; also set when the call fails, but for EFAULT
 * @reserved: 0
 *
 * Errors: EINVAL (reserved field; size 0 or not a multiple), EFBIG (above what the
 * contract knows), ERANGE (less than @least could be had), ENOSPC (this guest's grant
 * references; the kernel log names the limit), ENOMEM, EUSERS (apertures of the file or
 * device), EDQUOT (bytes of the file, or pages that the other side maps), ENOTCONN
 * (outage), ENODEV (device is gone), EIO (the device refused it), ETIMEDOUT, EFAULT (nothing was left behind).
 */
struct xenapt_ioc_offer {
	__u64 wanted;
	__u64 least;
	__u32 flags;
	__u32 tag;
	__u64 granted;
	__u64 offset;
	__u32 slot;
	__u32 status;
	__u64 reserved[2];
};

/**
 * struct xenapt_ioc_withdraw - end an aperture
 * @slot: in
 * @status: out: enum xenapt_status, as above
 * @reserved: 0
 *
 * EBUSY: the other side still needs it, it stays as it is: ask again later. ETIMEDOUT:
 * not known, the other side may still do it: ask again.
 */
struct xenapt_ioc_withdraw {
	__u32 slot;
	__u32 status;
	__u64 reserved[2];
};

/**
 * struct xenapt_interrupts - record of read()
 * @slot: the aperture
 * @count: interrupts since the last read; several may have become one
 *
 * read() returns as many whole records as fit, one for each aperture that had an
 * interrupt; it waits for the first, or fails with EAGAIN when O_NONBLOCK. 0 when the
 * device is gone. poll() says POLLIN for the same, POLLHUP when the device is gone.
 */
struct xenapt_interrupts {
	__u32 slot;
	__u32 count;
};

#define XENAPT_IOC_QUERY	_IOR('X', 0xa0, struct xenapt_ioc_query)
#define XENAPT_IOC_OFFER	_IOWR('X', 0xa1, struct xenapt_ioc_offer)
#define XENAPT_IOC_WITHDRAW	_IOWR('X', 0xa2, struct xenapt_ioc_withdraw)

/* The argument is the slot itself. No request is made, and nothing is copied. */
#define XENAPT_IOC_DOORBELL	_IO('X', 0xa3)

#endif /* _LINUX_XEN_APERTURE_H */
