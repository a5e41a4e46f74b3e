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
 * A device with registers is operated, and its vectors (numbered interrupts) come the
 * same way as those of apertures:
 *
 *	struct xenapt_ioc_operation op[2] = {
 *		{ .reg = 0x10, .size = 8, .direction = XENAPT_OP_WRITE, .value = 1000 },
 *		{ .reg = 0x00, .size = 8, .direction = XENAPT_OP_READ },
 *	};
 *	struct xenapt_ioc_operate all = { .operations = (uintptr_t)op, .count = 2 };
 *	struct xenapt_ioc_vector v = { .vector = 3, .action = XENAPT_VECTOR_CLAIM };
 *
 *	ioctl(fd, XENAPT_IOC_VECTOR, &v);
 *	ioctl(fd, XENAPT_IOC_OPERATE, &all);	each has a status, op[1].result is the value
 *
 * Memory that a program already has is offered as it is, at any address and length:
 *
 *	struct xenapt_ioc_offer_memory m = { .address = (uintptr_t)buffer, .length = 10001 };
 *
 *	ioctl(fd, XENAPT_IOC_OFFER_MEMORY, &m);
 *	... write to buffer ...
 *	ioctl(fd, XENAPT_IOC_DOORBELL, m.slot);
 *
 *	Not one byte outside of it is visible to the other side: a first or last page that it
 *	does not fill is a copy, which is brought up to date both ways, byte by byte, at offer,
 *	doorbell, interrupt, XENAPT_IOC_SYNC and withdraw (a byte that both sides changed since
 *	the last time is the program's at doorbell, sync and withdraw, the other side's at an
 *	interrupt). Whole pages are the same memory on both sides at once.
 *	The pages are pinned: they count against RLIMIT_MEMLOCK, stay where they are under
 *	memory pressure, and stay the other side's until the aperture ends, whatever the
 *	program does with its address space (munmap, fork, exec, exit). After fork the aperture
 *	stays with the parent's memory. Anonymous memory, private file mappings, memfd, tmpfs, shared
 *	memory and hugetlb can be offered; a writable shared mapping of a file on a disk can
 *	not (EOPNOTSUPP: its pages may be written back while the other side changes them).
 *
 * Memory may also come from the other side (XENAPT_OFFER_PARENT_OWNED): same call, same
 * mmap, its pages are the other domain's.
 *
 * Ownership
 *	An aperture belongs to the open file that offered it, not to a process: it
 *	can be used through every descriptor of that file, also after fork and exec.
 *	Another open file cannot name it. It ends with XENAPT_IOC_WITHDRAW, or when
 *	the last descriptor and the last mapping of the file are gone (also by kill).
 *	Pages that a program still has mapped stay readable and writable for it until
 *	munmap, but no longer reach the other side.
 *	When the file goes and the other side does not let go, copies of first and last pages get
 *	nothing of it any more.
 *
 * Access
 *	A descriptor that was opened for reading only admits XENAPT_IOC_QUERY; every other request on
 *	it is EBADF. read() of interrupts needs one that was opened for reading.
 *
 * Outage
 *	When the other side restarts, apertures stay and are connected again without
 *	the program. Doorbells rung meanwhile succeed; after the outage each aperture
 *	gets one doorbell and one interrupt, whether or not one was rung. Operations wait for
 *	the device, up to the module's operation_timeout_ms; claimed vectors stay claimed. When the other side's
 *	domain is gone, its memory is as under Suspend until the device is detached.
 *
 * Suspend
 *	When the guest is saved, restored or moved, likewise. Memory of the other side's is other memory
 *	afterwards, with the same contents, at the same addresses; a touch waits until it is there (in a system
 *	call up to the module's request_timeout_ms, then EFAULT; SIGBUS when the device is gone). What only
 *	the other side writes is zeros until it did.
 *
 * Layouts are the same for 32-bit programs on a 64-bit kernel. Reserved fields must
 * be 0, else EINVAL.
 */
#ifndef _LINUX_XEN_APERTURE_H
#define _LINUX_XEN_APERTURE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* xenapt_ioc_query.features */
#define XENAPT_FEATURE_UNALIGNED	(1u << 0)
#define XENAPT_FEATURE_OPERATIONS	(1u << 1)
#define XENAPT_FEATURE_READ_ONLY	(1u << 2)
#define XENAPT_FEATURE_PARENT_MEMORY	(1u << 3)

/* flags of an offer */
#define XENAPT_OFFER_CHILD_READ_ONLY	(1u << 0)	/* this guest only reads: mmap without PROT_WRITE */
#define XENAPT_OFFER_PARENT_READ_ONLY	(1u << 1)	/* the other side only reads */
#define XENAPT_OFFER_PARENT_OWNED	(1u << 2)	/* the memory is the other side's */

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
 * @features: XENAPT_FEATURE_* agreed with the other side; 0 while not connected
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
	__u32 features;
	__u64 quarantined_pages;
	__u64 reserved[4];
};

/**
 * struct xenapt_ioc_offer - make an aperture of new, zeroed pages
 * @wanted: in: bytes, multiple of 4096: the largest size of use
 * @least: in: bytes: less is of no use; 0: any size is
 * @flags: in: XENAPT_OFFER_*
 * @tag: in: what the memory is for: the device type's choice
 * @granted: out: bytes: the size agreed; all of it is mapped by the other side
 * @offset: out: of the memory, for mmap
 * @slot: out: names the aperture in this file, 0..63
 * @status: out: enum xenapt_status of apertureif.h: 0, or why the other side or
 *	this one refused; also set when the call fails, but for EFAULT
 * @reserved: 0
 *
 * Errors: EINVAL (reserved field; unknown flag, or both read-only; size 0 or not a multiple),
 * EOPNOTSUPP (@flags: the other side does not know it), EFBIG (above what the
 * contract knows), ERANGE (less than @least could be had), ENOSPC (this guest's grant
 * references; the kernel log names the limit), ENOMEM, EUSERS (apertures of the file or
 * device), EDQUOT (bytes of the file, or pages that the other side maps or gives), ENOTCONN
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
 * struct xenapt_ioc_offer_memory - make an aperture of memory that the program has
 * @address: in: of the first byte; need not be aligned
 * @length: in: bytes, 1 at least
 * @flags: in: XENAPT_OFFER_PARENT_READ_ONLY or 0
 * @tag: in: what the memory is for
 * @slot: out: names the aperture in this file. It has no mmap of its own
 * @status: out: as above
 * @reserved: 0
 *
 * The memory must be writable for the program, unless @flags has XENAPT_OFFER_PARENT_READ_ONLY.
 *
 * Errors: as XENAPT_IOC_OFFER, and EFAULT (not all of it is mapped, or not writable),
 * EOPNOTSUPP (a shared mapping of a file on a disk, device memory, or the other side takes no
 * unaligned memory), ENOMEM with @status E_MEMORY (RLIMIT_MEMLOCK: see the kernel log), ERANGE (the
 * other side takes less than @length).
 */
struct xenapt_ioc_offer_memory {
	__u64 address;
	__u64 length;
	__u32 flags;
	__u32 tag;
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
 * EBUSY: the other side still needs it, it stays as it is: ask again later. Also when the other side
 * said that it let go but has pages mapped: then nothing reaches it any more, and the aperture stays in the
 * file until it did let go, or until the file is closed: only that gives up. ETIMEDOUT: not known,
 * the other side may still do it: ask again.
 */
struct xenapt_ioc_withdraw {
	__u32 slot;
	__u32 status;
	__u64 reserved[2];
};

/**
 * struct xenapt_interrupts - record of read()
 * @slot: 0..63: the aperture; 64 + n: vector n, claimed by this file
 * @count: interrupts since the last read; several may have become one
 *
 * read() returns as many whole records as fit, one for each aperture or vector that had
 * an interrupt; it waits for the first, or fails with EAGAIN when O_NONBLOCK. 0 when the
 * device is gone. poll() says POLLIN for the same, POLLHUP when the device is gone.
 */
struct xenapt_interrupts {
	__u32 slot;
	__u32 count;
};

#define XENAPT_INTERRUPT_VECTOR	64u	/* slot of vector 0 in a record */
#define XENAPT_OPERATE_MAX	256u	/* operations of one call */

/* Which device answered an operation. */
#define XENAPT_LANE_NONE	0	/* none: it was never sent, and had no effect */
#define XENAPT_LANE_FAST	1	/* the first device, in the stub domain */
#define XENAPT_LANE_SLOW	2	/* the second device, a process */

/**
 * struct xenapt_ioc_operation - one operation of a XENAPT_IOC_OPERATE
 * @reg: in: offset of the register in bytes; or the command's number
 * @value: in: what to write, or the command's argument
 * @result: out: what was read; a change: the value before it; a command: its result
 * @offset: in: range: first byte in the aperture
 * @length: in: range: bytes; 0: the operation has no range, @slot and @offset are 0
 * @slot: in: range: an aperture of this file
 * @size: in: bytes: 1, 2, 4, 8; 0: a command
 * @direction: in: XENAPT_OP_READ 0, _WRITE 1, _SET 2, _CLEAR 3, _EXCHANGE 4 of
 *	apertureif.h; a command: XENAPT_OP_WRITE
 * @lane: out: XENAPT_LANE_* that it was last sent on
 * @status: out: enum xenapt_status of apertureif.h: 0, or why it failed. E_TIMEOUT: no
 *	answer in time, it may still be executed, unless @lane is NONE; E_GONE: likewise, and no
 *	device was connected any more
 * @reserved: 0
 */
struct xenapt_ioc_operation {
	__u64 reg;
	__u64 value;
	__u64 result;
	__u64 offset;
	__u32 length;
	__u32 slot;
	__u8  size;
	__u8  direction;
	__u8  lane;
	__u8  reserved0;
	__u32 status;
	__u64 reserved;
};

/**
 * struct xenapt_ioc_operate - submit operations, wait for all answers
 * @operations: in: address of an array of struct xenapt_ioc_operation
 * @count: in: of them, 1..XENAPT_OPERATE_MAX
 * @answered: out: how many have a status of the device (of any kind)
 * @index: out, with EINVAL: the first operation that is none
 * @flags: in: 0
 * @reserved: 0
 *
 * They are sent in the order of the array, and take effect in this order, also with
 * regard to earlier calls on the same file. Calls that run at once on one file have no
 * order between them.
 *
 * Returns 0 when each operation has its @status, also if that is an error. Errors: EINVAL
 * (@count, reserved field, or operation @index is none: nothing was sent), EBADF (@index: no such
 * aperture in this file; nothing was sent), EFAULT, ENOMEM, EUSERS (more than 64 files
 * operate the device), EOPNOTSUPP (its parent knows no operations), ENODEV, EINTR (a
 * signal: those without an answer have E_TIMEOUT; the array is up to date).
 */
struct xenapt_ioc_operate {
	__u64 operations;
	__u32 count;
	__u32 answered;
	__u32 index;
	__u32 flags;
	__u64 reserved[2];
};

#define XENAPT_VECTOR_STATE	0	/* nothing; any vector */
#define XENAPT_VECTOR_CLAIM	1	/* this file gets its interrupts; it is unmasked */
#define XENAPT_VECTOR_RELEASE	2
#define XENAPT_VECTOR_MASK	3	/* no interrupts; what comes stays pending */
#define XENAPT_VECTOR_UNMASK	4	/* what is pending is delivered now */
#define XENAPT_VECTOR_ACK	5	/* claimed with XENAPT_VECTOR_ACKED: done with it */

/* xenapt_ioc_vector.flags with CLAIM */
#define XENAPT_VECTOR_ACKED	1u	/* after an interrupt no other until ACK */

/* xenapt_ioc_vector.state */
#define XENAPT_VECTOR_IS_CLAIMED	(1u << 0)	/* by anybody in this guest */
#define XENAPT_VECTOR_IS_MASKED		(1u << 1)	/* by MASK, or not claimed */
#define XENAPT_VECTOR_IS_IN_SERVICE	(1u << 2)	/* delivered, not acknowledged */
#define XENAPT_VECTOR_IS_PENDING_FAST	(1u << 3)	/* raised by the first device, not taken */
#define XENAPT_VECTOR_IS_PENDING_SLOW	(1u << 4)	/* raised by the second device, not taken */
#define XENAPT_VECTOR_IS_OWED		(1u << 5)	/* taken from a device, not delivered */

/**
 * struct xenapt_ioc_vector - the interrupt controller's view of one vector
 * @vector: in: 0..63
 * @action: in: XENAPT_VECTOR_*
 * @flags: in: 0; CLAIM: XENAPT_VECTOR_ACKED
 * @state: out: after the action
 * @delivered: out: interrupts since the device was there
 * @coalesced: out: raised by a device while another of the same vector was not delivered yet, as
 *	far as the guest sees it
 * @held: out: found pending when it was unmasked or acknowledged
 * @reserved: 0
 *
 * Errors: EINVAL (no such action, flag or vector; ACK without XENAPT_VECTOR_ACKED), EBUSY
 * (claimed already), EPERM (not claimed by this file), ENOTCONN (CLAIM before the device
 * was connected once), ENXIO (CLAIM: the device has fewer vectors), ENODEV, EFAULT.
 */
struct xenapt_ioc_vector {
	__u32 vector;
	__u32 action;
	__u32 flags;
	__u32 state;
	__u64 delivered;
	__u64 coalesced;
	__u64 held;
	__u64 reserved[2];
};

#define XENAPT_IOC_QUERY	_IOR('X', 0xa0, struct xenapt_ioc_query)
#define XENAPT_IOC_OFFER	_IOWR('X', 0xa1, struct xenapt_ioc_offer)
#define XENAPT_IOC_WITHDRAW	_IOWR('X', 0xa2, struct xenapt_ioc_withdraw)

#define XENAPT_IOC_OPERATE	_IOWR('X', 0xa4, struct xenapt_ioc_operate)
#define XENAPT_IOC_VECTOR	_IOWR('X', 0xa5, struct xenapt_ioc_vector)

#define XENAPT_IOC_OFFER_MEMORY	_IOWR('X', 0xa6, struct xenapt_ioc_offer_memory)

/*
 * The argument is the slot itself: bring the copies of partial pages up to date, both ways.
 * Does nothing for memory that has none.
 */
#define XENAPT_IOC_SYNC		_IO('X', 0xa7)

/* The argument is the slot itself. No request is made, and nothing but partial pages is copied. */
#define XENAPT_IOC_DOORBELL	_IO('X', 0xa3)

#endif /* _LINUX_XEN_APERTURE_H */
