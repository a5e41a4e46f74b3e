/* SPDX-License-Identifier: GPL-2.0-only */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "parse.h"
#include "stub.h"
#include "target.h"
#include "trapped.h"
#include "uuid.h"
#include "xl.h"

#ifndef XENAPERTURE_STUB_FILE
#define XENAPERTURE_STUB_FILE	"/usr/lib/xen-aperture/stub/aperture-stub"
#endif

#define FILE_MAX	(3u << 20)	/* bytes: it has 4 MiB, its stack and pages are in them */
#define DOMAIN		"/local/domain/%u"
#define TRY_US		100000u
#define GOING_TRIES	80u	/* for a domain that is being destroyed */
#define MAKING_TRIES	10u	/* for one that another xen-aperture makes */

const char *stub_file(const struct fast_options *options)
{
	return options->stub ? options->stub : XENAPERTURE_STUB_FILE;
}

bool stub_find(const struct store *store, unsigned int guest, struct stub *stub)
{
	unsigned int count, i;
	char **ids = store_directory(store, &count, STUB_LIST);
	uint64_t domid, whose;

	*stub = (struct stub){ .guest = guest };
	for (i = 0; i < count && !stub->domid; i++) {
		if (!xapt_parse_u64(ids[i], 1, DOMID_MAX, &domid) ||
		    !store_number(store, &whose, DOMID_MAX, STUB_LIST "/%s/guest", ids[i]) ||
		    whose != guest)
			continue;
		stub->domid = (unsigned int)domid;
		store_read(store, stub->name, sizeof(stub->name), STUB_LIST "/%s/name", ids[i]);
	}
	free(ids);
	return stub->domid;
}

/* ---- the file ---- */

/* xl reads it in quotes: these would end them. */
static int check_path(const char *file, struct why *why)
{
	const unsigned char *c;

	if (strlen(file) >= STORE_PATH_MAX * 2 - 16)
		return why_set(why, "--stub=%.40s... is %zu characters long, the limit is %u", file,
			       strlen(file), STORE_PATH_MAX * 2 - 17);
	for (c = (const unsigned char *)file; *c; c++)
		if (*c < ' ' || *c == '"' || *c == '\'' || *c == '\\')
			return why_set(why, "--stub=%.200s: quotes, backslashes and control "
				       "characters cannot be passed on to xl: rename it", file);
	return 0;
}

static int check_elf(int fd, const char *file, struct why *why)
{
	struct stat st;
	Elf64_Ehdr head;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return why_set(why, "%.200s is not a regular file: name the stub domain's program",
			       file);
	if (st.st_size > FILE_MAX)
		return why_set(why, "%.200s has %lld bytes, the limit is %u: a stub domain has 4 MiB",
			       file, (long long)st.st_size, FILE_MAX);
	if (read(fd, &head, sizeof(head)) != sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) || head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_machine != EM_X86_64 || head.e_type != ET_EXEC)
		return why_set(why, "%.200s is not an executable ELF file for x86-64: name the stub "
			       "domain's program", file);
	return 0;
}

int stub_check(const char *file, struct why *why)
{
	int fd, status;

	if (check_path(file, why))
		return -1;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return why_set(why, "cannot open the stub domain's program %.200s: %s", file,
			       strerror(errno));
	status = check_elf(fd, file, why);
	close(fd);
	return status;
}

/* ---- making it ---- */

void stub_words(const struct stub *stub, const char *file, struct stub_text *text,
		const char *words[STUB_WORDS])
{
	/* -e: no process of xl stays to watch it; apertured does. */
	static const char *const all[] = {
		"xl", "create", "-p", "-e", "-q", "/dev/null", "type=\"pv\"", "memory=4",
		"vcpus=1", "tsc_mode=\"native\"",
		"on_crash=\"preserve\"", "on_reboot=\"preserve\"", "on_poweroff=\"preserve\"",
		"on_watchdog=\"preserve\"",
	};
	unsigned int n = sizeof(all) / sizeof(all[0]);

	snprintf(text->name, sizeof(text->name), "name=\"%s\"", stub->name);
	snprintf(text->kernel, sizeof(text->kernel), "kernel=\"%s\"", file);
	snprintf(text->uuid, sizeof(text->uuid), "uuid=\"%s\"", stub->uuid);
	memcpy(words, all, sizeof(all));
	words[n++] = text->name;
	words[n++] = text->kernel;
	words[n++] = text->uuid;
	words[n] = NULL;
}

static int write_text(const struct store *store, struct store_access access, const char *folder,
		      const char *name, const char *value, struct why *why)
{
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (store_write(store, access, path, value))
		return 0;
	return why_set(why, "cannot write %s in xenstore: %s", path, strerror(errno));
}

static int make_folder(const struct store *store, struct store_access access, const char *path,
		       struct why *why)
{
	if (store_mkdir(store, access, path))
		return 0;
	return why_set(why, "cannot make %s in xenstore: %s", path, strerror(errno));
}

struct making {
	const struct stub *stub;
	const struct fast_options *options;
};

static int write_list(const struct store *store, const struct stub *stub, const char *file,
		      struct why *why)
{
	struct store_access own = { .owner = 0, .reader = 0 };
	char path[STORE_PATH_MAX], guest[16], maker[16];

	snprintf(guest, sizeof(guest), "%u", stub->guest);
	if (!store_exists(store, STUB_LIST) && make_folder(store, own, STUB_LIST, why))
		return -1;
	snprintf(path, sizeof(path), STUB_LIST "/%u", stub->domid);
	snprintf(maker, sizeof(maker), "%d", getpid());
	return make_folder(store, own, path, why) ||
	       write_text(store, own, path, "making", maker, why) ||
	       write_text(store, own, path, "guest", guest, why) ||
	       write_text(store, own, path, "name", stub->name, why) ||
	       (file && write_text(store, own, path, "file", file, why)) ? -1 : 0;
}

static int write_body(struct store *store, void *data, struct why *why)
{
	const struct making *making = data;
	const struct stub *stub = making->stub;
	struct store_access access = { .owner = stub->domid, .reader = 0 };
	char path[STORE_PATH_MAX], guest[16], spin[16];

	snprintf(path, sizeof(path), DOMAIN "/aperture", stub->domid);
	snprintf(guest, sizeof(guest), "%u", stub->guest);
	snprintf(spin, sizeof(spin), "%u", making->options->spin_us);
	if (!store_exists(store, DOMAIN, stub->guest))
		return why_set(why, "the guest ended while its stub domain was made");
	return write_list(store, stub, making->options->stub, why) ||
	       make_folder(store, access, path, why) ||
	       write_text(store, access, path, "guest", guest, why) ||
	       write_text(store, access, path, "spin-us", spin, why) ||
	       write_text(store, access, path, "log", "info", why) ? -1 : 0;
}

/* A guest without a name has its number in it; odd characters would end xl's quotes. */
static void choose_name(const struct guest *guest, struct stub *stub)
{
	char *c;

	if (guest->name[0])
		snprintf(stub->name, sizeof(stub->name), "%s-aperture", guest->name);
	else
		snprintf(stub->name, sizeof(stub->name), "domain-%u-aperture", guest->domid);
	for (c = stub->name; *c; c++)
		if (*c == '"' || *c == '\'' || *c == '\\')
			*c = '_';
}

/*
 * Does a domain have that name? One that is about to go may: that of the guest as it was before a reboot.
 * One that is not listed may be in another xen-aperture's making.
 */
static bool is_taken(const struct store *store, const struct stub *stub, struct guest *made,
		     bool *listed, unsigned int *whose)
{
	unsigned int tries, most;
	struct why ignored;

	for (tries = 0; !guest_named(store, stub->name, made, &ignored); tries++) {
		*listed = trapped_is_stub(store, made->domid, whose);
		if (*listed && store_exists(store, DOMAIN, *whose) &&
		    !store_exists(store, STUB_LIST "/%u/ending", made->domid))
			return true;
		most = *listed ? GOING_TRIES : MAKING_TRIES;
		if (tries >= most)
			return true;
		usleep(TRY_US);
	}
	return false;
}

static int create_paused(struct store *store, const char *file, struct stub *stub, struct why *why)
{
	const char *words[STUB_WORDS];
	struct stub_text text;
	struct guest made;
	unsigned int whose;
	bool listed;
	int status;

	if (is_taken(store, stub, &made, &listed, &whose) && listed)
		return why_set(why, "the name \"%s\" is that of stub domain %u, of guest %u, which was "
			       "renamed: rename its stub domain, too (xl rename %u ...)", stub->name,
			       made.domid, whose, made.domid);
	if (!guest_named(store, stub->name, &made, why))
		return why_set(why, "a domain \"%s\" exists already, number %u, and is no stub domain "
			       "that is listed: if no other xen-aperture is making it, end it (xl "
			       "destroy %u)", stub->name, made.domid, made.domid);
	stub_words(stub, file, &text, words);
	status = xl_run(words);
	/* Of an xl that failed something may be left; another's may have that name by now. */
	if (!guest_named(store, stub->name, &made, why) &&
	    (!status || uuid_is_of(store, made.domid, stub->uuid)))
		stub->domid = made.domid;
	if (!status && stub->domid)
		return 0;
	return why_set(why, "xl create of the stub domain %s failed (status %d): what it says above "
		       "is the reason", stub->name, status);
}

int stub_make(struct store *store, const struct guest *guest, const struct fast_options *options,
	      struct stub *stub, struct why *why)
{
	struct making making = { stub, options };
	struct why ignored;

	*stub = (struct stub){ .guest = guest->domid };
	choose_name(guest, stub);
	if (!uuid_choose(stub->uuid, why) &&
	    !create_paused(store, stub_file(options), stub, why) &&
	    !store_transact(store, write_body, &making, why))
		return 0;
	if (stub->domid)
		stub_destroy(store, stub, &ignored);
	return -1;
}

static int run_on(const struct stub *stub, const char *verb, struct why *why)
{
	char domid[16];
	const char *const words[] = { "xl", verb, domid, NULL };
	int status;

	snprintf(domid, sizeof(domid), "%u", stub->domid);
	status = xl_run(words);
	return status ? why_set(why, "xl %s %s (the stub domain %s) failed (status %d)", verb, domid,
				stub->name, status) : 0;
}

int stub_unpause(struct store *store, const struct stub *stub, struct why *why)
{
	char path[STORE_PATH_MAX];

	if (run_on(stub, "unpause", why))
		return -1;
	snprintf(path, sizeof(path), STUB_LIST "/%u/making", stub->domid);
	if (store_remove(store, path))
		return 0;
	return why_set(why, "cannot remove %s from xenstore: %s", path, strerror(errno));
}

int stub_complete(struct store *store, const struct stub *stub, struct why *why)
{
	uint64_t maker;

	if (!store_number(store, &maker, INT_MAX, STUB_LIST "/%u/making", stub->domid) || !maker ||
	    !kill((pid_t)maker, 0) || errno != ESRCH)
		return 0;
	return stub_unpause(store, stub, why);
}

/* ---- taking it away ---- */

static int forget_body(struct store *store, void *data, struct why *why)
{
	const struct stub *stub = data;
	char path[STORE_PATH_MAX];
	unsigned int count;

	snprintf(path, sizeof(path), STUB_LIST "/%u", stub->domid);
	if (!store_remove(store, path))
		return why_set(why, "cannot remove %s from xenstore: %s", path, strerror(errno));
	free(store_directory(store, &count, STUB_LIST));
	if (!count)
		store_remove(store, STUB_LIST);
	return 0;
}

/* It would hang the guest at its next access. */
static int check_server(const struct store *store, const struct stub *stub, struct why *why)
{
	if (!store_exists(store, DOMAIN, stub->domid) || !store_exists(store, DOMAIN, stub->guest) ||
	    !target_is_served(stub->guest))
		return 0;
	return why_set(why, "the stub domain %u still answers for accesses of guest %u, which would hang "
		       "without it: it stays. Detach the guest's trapped devices, or end the guest (xl "
		       "destroy %u): apertured takes it away then", stub->domid, stub->guest,
		       stub->guest);
}

/*
 * xl takes a while to destroy it: from now on another xen-aperture gives it no device, and what
 * another gave it before is seen here.
 */
static int end_body(struct store *store, void *data, struct why *why)
{
	const struct stub *stub = data;
	struct trapped_list trapped;
	unsigned int first;

	if (!store_exists(store, DOMAIN, stub->domid) || !store_exists(store, DOMAIN, stub->guest))
		return 0;
	trapped_find(store, stub->guest, &trapped);
	free(store_directory(store, &first, DEVICE_FRONTEND, stub->guest, device_node(true)));
	if (trapped.count || first)
		return why_set(why, "the stub domain %u has %u trapped and %u first devices of guest %u: it "
			       "stays", stub->domid, trapped.count, first, stub->guest);
	if (store_change(store, "1", STUB_LIST "/%u/ending", stub->domid))
		return 0;
	return why_set(why, "cannot write " STUB_LIST "/%u/ending in xenstore: %s", stub->domid,
		       strerror(errno));
}

int stub_destroy(struct store *store, const struct stub *stub, struct why *why)
{
	struct stub copy = *stub;

	if (check_server(store, stub, why) || store_transact(store, end_body, &copy, why))
		return -1;

	/* apertured may have been faster. */
	if (store_exists(store, DOMAIN, stub->domid) && run_on(stub, "destroy", why) &&
	    store_exists(store, DOMAIN, stub->domid))
		return -1;
	return store_transact(store, forget_body, &copy, why);
}

static bool stub_has_devices(const struct store *store, unsigned int guest)
{
	struct trapped_list trapped;
	unsigned int first;

	trapped_find(store, guest, &trapped);
	free(store_directory(store, &first, DEVICE_FRONTEND, guest, device_node(true)));
	return trapped.count || first;
}

int stub_drop_idle(struct store *store, unsigned int guest, struct why *why)
{
	struct trapped_list trapped;
	struct device_list list;
	struct stub stub;
	unsigned int left;

	if (!stub_find(store, guest, &stub))
		return 0;
	if (device_find(store, (int)guest, true, &list, why))
		return -1;
	trapped_find(store, guest, &trapped);
	left = list.count + trapped.count;
	device_list_free(&list);
	if (left || !stub_destroy(store, &stub, why))
		return 0;
	/* Somebody gave it one meanwhile? */
	return stub_has_devices(store, guest) ? 0 : -1;
}
