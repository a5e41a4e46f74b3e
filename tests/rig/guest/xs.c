// SPDX-License-Identifier: GPL-2.0-only
#include "xs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* xen/io/xs_wire.h */
enum { XS_DIRECTORY = 1, XS_READ = 2, XS_WATCH = 4, XS_WRITE = 11, XS_RM = 13, XS_WATCH_EVENT = 15,
       XS_ERROR = 16 };

struct message {
	uint32_t type, id, transaction, len;
};

struct event {
	struct event *next;
	char path[];
};

static int bus = -1;
static struct event *events, **last_event = &events;

static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "EINVAL", EINVAL }, { "EACCES", EACCES }, { "EEXIST", EEXIST }, { "EISDIR", EISDIR },
	{ "ENOENT", ENOENT }, { "ENOMEM", ENOMEM }, { "ENOSPC", ENOSPC }, { "EQUOTA", EDQUOT },
	{ "E2BIG", E2BIG },
};

static int error_number(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].number;
	return EIO;
}

int xs_file(void)
{
	return bus;
}

int xs_open_bus(void)
{
	for (int i = 0; i < 20; i++) {
		bus = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
		if (bus >= 0)
			return 0;
		usleep(50000);
	}
	return -1;
}

static int read_all(void *to, size_t len)
{
	char *p = to;

	while (len) {
		ssize_t n = read(bus, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

/* The kernel takes a message in pieces, but one write each keeps it whole. */
static int send_message(uint32_t type, const struct iovec *parts, int count)
{
	char out[sizeof(struct message) + XS_VALUE_MAX];
	struct message m = { .type = type };
	size_t len = sizeof(m);

	for (int i = 0; i < count; i++) {
		if (len + parts[i].iov_len > sizeof(out)) {
			errno = E2BIG;
			return -1;
		}
		memcpy(out + len, parts[i].iov_base, parts[i].iov_len);
		len += parts[i].iov_len;
	}
	m.len = len - sizeof(m);
	memcpy(out, &m, sizeof(m));
	return write(bus, out, len) == (ssize_t)len ? 0 : -1;
}

static int queue_event(const char *path)
{
	struct event *e = malloc(sizeof(*e) + strlen(path) + 1);

	if (!e)
		return -1;
	e->next = NULL;
	strcpy(e->path, path);
	*last_event = e;
	last_event = &e->next;
	return 0;
}

/* Read one message. Returns its type, and its payload with a NUL behind it. */
static int receive(char *value, uint32_t *len)
{
	struct message m;

	if (read_all(&m, sizeof(m)))
		return -1;
	if (m.len > XS_VALUE_MAX) {
		errno = EIO;
		return -1;
	}
	if (read_all(value, m.len))
		return -1;
	value[m.len] = '\0';
	*len = m.len;
	return m.type;
}

static int request(uint32_t type, const struct iovec *parts, int count, char *value)
{
	char none[XS_VALUE_MAX + 1];
	uint32_t len;
	int got;

	if (!value)
		value = none;
	if (send_message(type, parts, count))
		return -1;
	for (;;) {
		got = receive(value, &len);
		if (got < 0)
			return -1;
		if (got == XS_WATCH_EVENT) {
			if (queue_event(value))
				return -1;
			continue;
		}
		break;
	}
	if (got == XS_ERROR) {
		errno = error_number(value);
		return -1;
	}
	return len;
}

static struct iovec text(const char *s)
{
	return (struct iovec){ .iov_base = (void *)s, .iov_len = strlen(s) + 1 };
}

int xs_get(const char *path, char *value)
{
	struct iovec part = text(path);

	return request(XS_READ, &part, 1, value);
}

int xs_list(const char *path, char *value)
{
	struct iovec part = text(path);

	return request(XS_DIRECTORY, &part, 1, value);
}

int xs_put(const char *path, const void *value, size_t len)
{
	struct iovec parts[2] = { text(path), { .iov_base = (void *)value, .iov_len = len } };

	return request(XS_WRITE, parts, 2, NULL) < 0 ? -1 : 0;
}

int xs_remove(const char *path)
{
	struct iovec part = text(path);

	return request(XS_RM, &part, 1, NULL) < 0 ? -1 : 0;
}

int xs_watch_path(const char *path)
{
	struct iovec parts[2] = { text(path), text("rig") };

	return request(XS_WATCH, parts, 2, NULL) < 0 ? -1 : 0;
}

int xs_wait(char *path, int timeout_ms)
{
	struct pollfd p = { .fd = bus, .events = POLLIN };
	struct event *e = events;
	uint32_t len;
	int type;

	if (e) {
		strcpy(path, e->path);
		events = e->next;
		if (!events)
			last_event = &events;
		free(e);
		return 1;
	}
	type = poll(&p, 1, timeout_ms);
	if (type <= 0)
		return type < 0 && errno != EINTR ? -1 : 0;
	type = receive(path, &len);
	if (type < 0)
		return -1;
	return type == XS_WATCH_EVENT ? 1 : 0;
}
