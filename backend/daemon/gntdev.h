/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/xen/gntdev, for another process: what the supervisor does so that a worker can map pages of its guest, and of
 * no other. Sources: Linux drivers/xen/gntdev.c, include/uapi/xen/gntdev.h.
 */
#ifndef DAEMON_GNTDEV_H
#define DAEMON_GNTDEV_H

#include <stdint.h>

/*
 * A file of which these n pages of domid can be mapped, by whoever has it, once: by one mmap of all of them at
 * *index, in octets. Nothing is mapped before, and nothing is left when mapping and file are
 * gone. The descriptor, the caller's, or -1 with errno.
 */
int gntdev_file(uint32_t domid, const uint32_t *refs, uint32_t n, uint64_t *index);

/* As reads() of mapper.h. */
int gntdev_reads(uint32_t domid, uint32_t ref);

#endif
