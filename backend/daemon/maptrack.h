/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many pages of other domains this one can map: Xen keeps an entry in its maptrack table for
 * each mapping, two where a process of a PV kernel maps. The table never takes more frames
 * than was said when the domain was made, and there is no call that tells how many. Domain 0 has
 * what Xen's command line says; a driver domain is taken to have the default, and its administrator sets
 * max_mapped_total where its configuration says otherwise: three quarters of 256 pages a frame, half of
 * it if its kernel is PV.
 */
#ifndef DAEMON_MAPTRACK_H
#define DAEMON_MAPTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "xen.h"

/* Three quarters of what there is: the rest is for disks and networks. x NULL: not domain 0. */
uint64_t maptrack_bound(struct xen *x);

/* Its parts: frames, as Xen's command line has them, else the default; pages of so many frames. */
uint64_t maptrack_frames(const char *command_line);
uint64_t maptrack_pages(uint64_t frames, bool pv);

#endif
