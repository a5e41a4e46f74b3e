// SPDX-License-Identifier: GPL-2.0-only
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sockios.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"

int sandbox_user(const char *name, uid_t *uid, gid_t *gid)
{
	struct passwd *pw;

	*uid = 0;
	*gid = 0;
	if (!*name || !strcmp(name, "root"))
		return 0;
	errno = 0;
	pw = getpwnam(name);
	if (!pw)
		return xapt_error_set(errno ? errno : ENOENT, "user \"%s\": %s", name,
				      errno ? strerror(errno) : "does not exist");
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

static int refuse(const char *what)
{
	return xapt_error_set(errno, "cannot %s: %s", what, strerror(errno));
}

static int drop_user(uid_t uid, gid_t gid)
{
	if (!uid)
		return 0;
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return refuse("change the user");
	return 0;
}

static int drop_bounding(void)
{
	cap_value_t cap;

	for (cap = 0; cap < cap_max_bits(); cap++)
		if (cap_drop_bound(cap))
			return refuse("drop a capability");
	return 0;
}

static int drop_capabilities(void)
{
	cap_t none = cap_init();
	int err = !none || cap_set_proc(none);

	cap_free(none);
	return err ? refuse("drop capabilities") : 0;
}

/* No business of a device: each fails with EPERM. */
static const int denied[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
	SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(fsopen), SCMP_SYS(open_tree),
	SCMP_SYS(move_mount), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
	SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(personality),
	SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(acct), SCMP_SYS(quotactl),
	SCMP_SYS(ioprio_set),
};

/* The kernel looks at 32 bits only. */
#define LOW(arg, value)		{ arg, SCMP_CMP_MASKED_EQ, 0xffffffffu, value }
#define NOT_ZERO(arg)		{ arg, SCMP_CMP_NE, 0, 0 }
/* The letter of all calls of gntdev and gntalloc. */
#define XEN_GRANT_CALLS		'G'

/*
 * The workers of all guests are one user: no signal by way of a descriptor's owner, no hand
 * on another one's scheduling, no input typed into the terminal that it was started from. It maps what the
 * supervisor prepared, by mmap: of grants it makes none, names none, and takes none away.
 */
static const struct {
	int call;
	struct scmp_arg_cmp arg;
} denied_form[] = {
	{ SCMP_SYS(fcntl), LOW(1, F_SETOWN) },
	{ SCMP_SYS(fcntl), LOW(1, F_SETOWN_EX) },
	{ SCMP_SYS(fcntl), LOW(1, F_SETSIG) },
	{ SCMP_SYS(ioctl), LOW(1, FIOSETOWN) },
	{ SCMP_SYS(ioctl), LOW(1, SIOCSPGRP) },
	{ SCMP_SYS(ioctl), LOW(1, TIOCSTI) },
	{ SCMP_SYS(ioctl), LOW(1, TIOCLINUX) },
	{ SCMP_SYS(ioctl), { 1, SCMP_CMP_MASKED_EQ, 0xff00, XEN_GRANT_CALLS << 8 } },
	{ SCMP_SYS(prctl), LOW(0, PR_SET_PDEATHSIG) },
	{ SCMP_SYS(sched_setaffinity), NOT_ZERO(0) },
	{ SCMP_SYS(sched_setscheduler), NOT_ZERO(0) },
	{ SCMP_SYS(sched_setparam), NOT_ZERO(0) },
	{ SCMP_SYS(sched_setattr), NOT_ZERO(0) },
	{ SCMP_SYS(setpriority), NOT_ZERO(0) },
	{ SCMP_SYS(setpriority), NOT_ZERO(1) },
	{ SCMP_SYS(prlimit64), NOT_ZERO(0) },
};

static int add_rules(scmp_filter_ctx filter)
{
	unsigned int i;

	for (i = 0; i < sizeof(denied) / sizeof(*denied); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0))
			return -1;
	for (i = 0; i < sizeof(denied_form) / sizeof(*denied_form); i++)
		if (seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), denied_form[i].call, 1,
					   &denied_form[i].arg))
			return -1;
	/* Threads yes, processes no; clone3 hides its flags: the C library has clone for it. */
	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
			     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0))
		return -1;
	/* Itself it may kill: abort() does. */
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
				SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid())) ? -1 : 0;
}

int sandbox_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = !filter || add_rules(filter) ? -ENOMEM : seccomp_load(filter);

	if (filter)
		seccomp_release(filter);
	return err ? xapt_error_set(-err, "cannot set the system call filter: %s",
				    strerror(-err)) : 0;
}

int sandbox_enter(uid_t uid, gid_t gid)
{
	struct rlimit none = { 0, 0 }, threads = { SANDBOX_THREADS, SANDBOX_THREADS };
	struct rlimit files = { SANDBOX_FILES, SANDBOX_FILES };

	if (setrlimit(RLIMIT_CORE, &none))
		return refuse("forbid core dumps");
	/* Each may be one of gntdev's, with pages prepared. The supervisor has more. */
	if (setrlimit(RLIMIT_NOFILE, &files) && errno != EPERM)
		return refuse("limit files");
	/* Of all workers together, or one could keep the supervisor from starting a process. */
	if (setrlimit(RLIMIT_NPROC, &threads))
		return refuse("limit threads");
	if (drop_bounding() || drop_user(uid, gid) || drop_capabilities())
		return -1;
	/* A change of the user takes this one back. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return refuse("restrict the process");
	return sandbox_filter();
}
