/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a worker gives up for ever, once its Xen handles are open: root's name (if
 * a user is configured), all capabilities, core dumps, new programs and processes,
 * the network, and reaching into other processes. Plugins are loaded after this.
 * The user of the workers has SANDBOX_THREADS threads in all (not if that is root), each worker
 * SANDBOX_FILES descriptors.
 *
 * It keeps what it holds: the event channel handle, for one guest only, what it has mapped, the
 * control channel, the log.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include <sys/types.h>

#define SANDBOX_THREADS	512u
#define SANDBOX_FILES	8192u

/* Does the user exist? 0, or -1 with xapt_error(). "" and "root" do. */
int sandbox_user(const char *name, uid_t *uid, gid_t *gid);

/* 0, or -1 with xapt_error(): then do not go on. */
int sandbox_enter(uid_t uid, gid_t gid);

/* Its last part: the system calls that fail from now on. Needs no privilege but PR_SET_NO_NEW_PRIVS. */
int sandbox_filter(void);

#endif
