/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "store.h"

#define TRANSACTION_TRIES 50
#define ANSWER_SECONDS 10

/* First line of a file, or "" when it cannot be read. */
static void read_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (!file)
		return;
	if (!fgets(line, size, file))
		line[0] = '\0';
	fclose(file);
}

static bool on_xen(void)
{
	char type[16];

	read_line("/sys/hypervisor/type", type, sizeof(type));
	return !strcmp(type, "xen\n") || !access("/proc/xen/capabilities", F_OK);
}

static int check_host(bool any_domain)
{
	char capabilities[64];

	if (geteuid() != 0) {
		say("needs root, this is user %u: run it as root, or with sudo",
		    (unsigned int)geteuid());
		return EXIT_NO_XEN;
	}
	if (!on_xen()) {
		say("this machine does not run under Xen (neither /proc/xen/capabilities nor "
		    "/sys/hypervisor/type says so): boot the Xen entry of the boot menu; "
		    "if it did, mount xenfs on /proc/xen");
		return EXIT_NO_XEN;
	}
	read_line("/proc/xen/capabilities", capabilities, sizeof(capabilities));
	if (!any_domain && !strstr(capabilities, "control_d")) {
		say("this domain does not control Xen (/proc/xen/capabilities lacks control_d): "
		    "run it in domain 0; if this is domain 0, mount xenfs on /proc/xen");
		return EXIT_NO_XEN;
	}
	return EXIT_OK;
}

#define UNREACHABLE "start it (systemctl start xenstored, or /etc/init.d/xen start)"

static void no_answer(int signal)
{
	static const char text[] = "xen-aperture: xenstore does not answer: " UNREACHABLE "\n";

	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_FAILED);
	_exit(EXIT_NO_XEN);
}

/* Without a daemon the kernel's own device takes the question, and no answer ever comes. */
static bool answers(const struct store *store, const char *path)
{
	char text[24];
	bool there;

	signal(SIGALRM, no_answer);
	alarm(ANSWER_SECONDS);
	errno = 0;
	there = store_read(store, text, sizeof(text), "%s", path);
	alarm(0);
	return there || errno == ENOENT;
}

static int open_in(struct store *store, bool any_domain)
{
	int status = check_host(any_domain);

	*store = (struct store){ .transaction = XBT_NULL };
	if (status != EXIT_OK)
		return status;
	store->xs = xs_open(0);
	/* Of this domain's own directory: every domain may ask for that. */
	if (store->xs && answers(store, "domid"))
		return EXIT_OK;
	say("cannot reach xenstore (%s): " UNREACHABLE, strerror(errno));
	store_close(store);
	return EXIT_NO_XEN;
}

int store_open(struct store *store)
{
	return open_in(store, false);
}

int store_open_here(struct store *store)
{
	return open_in(store, true);
}

void store_close(struct store *store)
{
	if (store->xs)
		xs_close(store->xs);
	store->xs = NULL;
}

/* What a format makes of its arguments; a path that does not fit names nothing. */
#define PATH_FROM(path, format)						\
	do {								\
		va_list args_;						\
		int length_;						\
									\
		va_start(args_, format);				\
		length_ = vsnprintf(path, sizeof(path), format, args_);	\
		va_end(args_);						\
		if (length_ < 0 || (size_t)length_ >= sizeof(path))	\
			strcpy(path, "/path-too-long");			\
	} while (0)

static bool read_node(const struct store *store, char *text, size_t size, const char *path)
{
	unsigned int length;
	char *value = xs_read(store->xs, store->transaction, path, &length);

	text[0] = '\0';
	if (!value)
		return false;
	snprintf(text, size, "%s", value);
	make_printable(text);
	free(value);
	return true;
}

bool store_read(const struct store *store, char *text, size_t size, const char *format, ...)
{
	char path[STORE_PATH_MAX];

	PATH_FROM(path, format);
	return read_node(store, text, size, path);
}

bool store_number(const struct store *store, uint64_t *number, uint64_t max,
		  const char *format, ...)
{
	char path[STORE_PATH_MAX], text[24];

	PATH_FROM(path, format);
	*number = 0;
	return read_node(store, text, sizeof(text), path) && xapt_parse_u64(text, 0, max, number);
}

bool store_exists(const struct store *store, const char *format, ...)
{
	char path[STORE_PATH_MAX], text[2];

	PATH_FROM(path, format);
	return read_node(store, text, sizeof(text), path);
}

char **store_directory(const struct store *store, unsigned int *count, const char *format, ...)
{
	char path[STORE_PATH_MAX];
	char **names;

	PATH_FROM(path, format);
	*count = 0;
	names = xs_directory(store->xs, store->transaction, path, count);
	if (!names)
		*count = 0;
	return names;
}

static bool set_access(const struct store *store, struct store_access access, const char *path)
{
	struct xs_permissions perms[2] = {
		{ .id = access.owner, .perms = XS_PERM_NONE },
		{ .id = access.reader, .perms = XS_PERM_READ },
	};

	return xs_set_permissions(store->xs, store->transaction, path, perms,
				  access.reader == access.owner ? 1 : 2);
}

bool store_mkdir(const struct store *store, struct store_access access, const char *path)
{
	return xs_mkdir(store->xs, store->transaction, path) && set_access(store, access, path);
}

bool store_write(const struct store *store, struct store_access access, const char *path,
		 const char *value)
{
	return xs_write(store->xs, store->transaction, path, value,
			(unsigned int)strlen(value)) &&
	       set_access(store, access, path);
}

bool store_change(const struct store *store, const char *value, const char *format, ...)
{
	char path[STORE_PATH_MAX];

	PATH_FROM(path, format);
	return xs_write(store->xs, store->transaction, path, value,
			(unsigned int)strlen(value));
}

bool store_remove(const struct store *store, const char *path)
{
	return xs_rm(store->xs, store->transaction, path) || errno == ENOENT;
}

/* 1: committed, 0: others interfered, -1: refused or failed. */
static int transact_once(struct store *store, int (*body)(struct store *store, void *data,
			 struct why *why), void *data, struct why *why)
{
	int status;

	store->transaction = xs_transaction_start(store->xs);
	if (store->transaction == XBT_NULL)
		return why_set(why, "xenstore starts no transaction: %s", strerror(errno));
	status = body(store, data, why);
	if (!xs_transaction_end(store->xs, store->transaction, status != 0) && !status) {
		if (errno != EAGAIN)
			status = why_set(why, "xenstore refused the change: %s", strerror(errno));
		else
			status = 1;
	}
	store->transaction = XBT_NULL;
	return status < 0 ? -1 : !status;
}

int store_transact(struct store *store, int (*body)(struct store *store, void *data,
		   struct why *why), void *data, struct why *why)
{
	int tries, done;

	for (tries = 0; tries < TRANSACTION_TRIES; tries++) {
		done = transact_once(store, body, data, why);
		if (done) {
			errno = 0;
			return done > 0 ? 0 : -1;
		}
	}
	why_set(why, "xenstore was busy %d times running: others change the same nodes; try again",
		TRANSACTION_TRIES);
	errno = EAGAIN;
	return -1;
}

void guest_of(const struct store *store, unsigned int domid, struct guest *guest)
{
	*guest = (struct guest){ .domid = domid };
	guest->exists = store_exists(store, "/local/domain/%u", domid);
	store_read(store, guest->name, sizeof(guest->name), "/local/domain/%u/name", domid);
}

/* As it stands there: what is shown of it is cut and made printable. */
static bool has_name(const struct store *store, unsigned int domid, const char *name)
{
	char path[STORE_PATH_MAX];
	unsigned int length;
	char *value;
	bool same;

	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	value = xs_read(store->xs, store->transaction, path, &length);
	same = value && !strcmp(value, name);
	free(value);
	return same;
}

int guest_named(const struct store *store, const char *name, struct guest *guest, struct why *why)
{
	unsigned int count, i, found = 0;
	char **ids = store_directory(store, &count, "/local/domain");
	uint64_t domid;

	for (i = 0; i < count; i++) {
		if (!xapt_parse_u64(ids[i], 0, DOMID_MAX, &domid) ||
		    !has_name(store, (unsigned int)domid, name))
			continue;
		guest_of(store, (unsigned int)domid, guest);
		found++;
	}
	free(ids);
	if (found > 1)
		return why_set(why, "%u domains have the name \"%.63s\": use the number "
			       "(xl list shows it)", found, name);
	if (!found)
		return why_set(why, "there is no domain \"%.63s\": xl list shows those that run",
			       name);
	return 0;
}

int guest_find(const struct store *store, const char *text, struct guest *guest, struct why *why)
{
	uint64_t domid;

	if (!xapt_parse_u64(text, 0, DOMID_MAX, &domid))
		return guest_named(store, text, guest, why);
	guest_of(store, (unsigned int)domid, guest);
	return 0;
}

int guest_find_running(const struct store *store, const char *text, struct guest *guest,
		       struct why *why)
{
	if (guest_find(store, text, guest, why))
		return -1;
	if (!guest->exists)
		return why_set(why, "there is no domain %u: xl list shows those that run",
			       guest->domid);
	return 0;
}

int store_write_nodes(const struct store *store, struct store_access access, const char *path,
		      const struct store_node *nodes, unsigned int count, struct why *why)
{
	char node[STORE_PATH_MAX + 32];
	unsigned int i;

	if (!store_exists(store, "%s", path) && !store_mkdir(store, access, path))
		return why_set(why, "cannot make %s in xenstore: %s", path, strerror(errno));
	for (i = 0; i < count; i++) {
		snprintf(node, sizeof(node), "%s/%s", path, nodes[i].name);
		if (!store_write(store, access, node, nodes[i].value))
			return why_set(why, "cannot write %s in xenstore: %s", node,
				       strerror(errno));
	}
	return 0;
}
