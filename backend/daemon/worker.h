/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The worker: serves all devices of one guest, in a process of its own. It is
 * apertured started again with --worker; the supervisor puts three descriptors in place.
 */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <stdint.h>

#define WORKER_CONTROL_FD	3	/* message.h */
#define WORKER_CONFIG_FD	4	/* text of the configuration */
#define WORKER_REFS_FD		5	/* maps.h */

/* Returns an exit status when the supervisor closed the channel or something broke. */
int worker_main(uint32_t domid);

#endif
