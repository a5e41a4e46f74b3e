// SPDX-License-Identifier: LGPL-2.1-or-later
/* The calls of xenaperture.h part 2: what a device may ask of its connection. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "connection.h"
#include "log.h"

static int invalid(const char *what, unsigned int n)
{
	return xapt_error_set(EINVAL, "%s %u: must be below 64", what, n);
}

int xenaperture_interrupt(struct xenaperture *x, unsigned int slot)
{
	if (slot >= XENAPERTURE_SLOTS)
		return invalid("slot", slot);
	xapt_device_interrupt(&x->core, XENAPT_SIGNAL_APERTURE + slot);
	return 0;
}

int xenaperture_interrupt_device(struct xenaperture *x, unsigned int n)
{
	uint32_t vectors = x->table.model ? x->table.model->vectors : 0;

	if (n >= vectors)
		return xapt_error_set(EINVAL, "vector %u: the device's model has %u", n, vectors);
	xapt_device_interrupt(&x->core, n);
	return 0;
}

int xenaperture_mask(struct xenaperture *x, unsigned int slot)
{
	if (slot >= XENAPERTURE_SLOTS)
		return invalid("slot", slot);
	xapt_signals_mask(&x->core.signals, XENAPT_SIGNAL_APERTURE + slot);
	return 0;
}

int xenaperture_unmask(struct xenaperture *x, unsigned int slot)
{
	if (slot >= XENAPERTURE_SLOTS)
		return invalid("slot", slot);
	if (xapt_signals_unmask(&x->core.signals, XENAPT_SIGNAL_APERTURE + slot)) {
		/* No event comes for it: a turn without one. */
		x->core.more = true;
		xapt_guest_again(x->guest, x);
	}
	return 0;
}

uint32_t xenaperture_aperture_flags(const struct xenaperture *x, unsigned int slot)
{
	const struct xapt_aperture *a = &x->core.aperture[slot % XENAPERTURE_SLOTS];
	uint32_t flags = slot < XENAPERTURE_SLOTS ? a->flags : 0;

	return (flags & XENAPT_OPEN_PARENT_READ_ONLY ? XENAPERTURE_READ_ONLY : 0) |
	       (flags & XENAPT_OPEN_CHILD_READ_ONLY ? XENAPERTURE_CHILD_READ_ONLY : 0) |
	       (flags & XENAPT_OPEN_PARENT_OWNED ? XENAPERTURE_OWNED : 0);
}

static void listener_ready(struct xapt_source *source, uint32_t events)
{
	struct xapt_listener *l = (struct xapt_listener *)source;
	struct xenaperture *x = l->x;

	if (!x->table.ready) {
		xapt_guest_listen(x->guest, source, 0);
		return;
	}
	x->table.ready(x->device, source->fd, events);
	if (xapt_connection_publish(x))
		xapt_guest_refresh(x->guest, true);
}

/* The listener of fd; fd -1: a free one. */
static struct xapt_listener *find_listener(struct xenaperture *x, int fd)
{
	unsigned int i;

	for (i = 0; i < XAPT_LISTEN_MAX; i++)
		if (x->listener[i].source.fd == fd)
			return &x->listener[i];
	return NULL;
}

int xenaperture_listen(struct xenaperture *x, int fd, uint32_t events)
{
	struct xapt_listener *l;
	int err;

	if (fd < 0)
		return xapt_error_set(EINVAL, "descriptor %d: must not be negative", fd);
	l = find_listener(x, fd);
	if (!l && !events)
		return 0;
	if (!l)
		l = find_listener(x, -1);
	if (!l)
		return xapt_error_set(ENOSPC, "a device listens to %d descriptors at most",
				      XAPT_LISTEN_MAX);
	l->x = x;
	l->source = (struct xapt_source){ listener_ready, fd };
	err = xapt_guest_listen(x->guest, &l->source, events);
	if (err || !events)
		l->source.fd = -1;
	return err ? xapt_error_set(errno, "descriptor %d cannot be polled", fd) : 0;
}

void xenaperture_fail(struct xenaperture *x, const char *text)
{
	if (!x->reason[0])
		xapt_printable(x->reason, sizeof(x->reason), text);
	xapt_device_fail(&x->core, XENAPT_E_DEVICE);
	/* Wakes the loop, whose owner sees the status. */
	xapt_guest_again(x->guest, x);
}

unsigned int xenaperture_domid(const struct xenaperture *x)
{
	return x->guest->domid;
}

unsigned int xenaperture_devid(const struct xenaperture *x)
{
	return x->link.devid;
}

const char *xenaperture_setting(const struct xenaperture *x, const char *key)
{
	return x->setting ? x->setting(x->table.type, key) : NULL;
}

int xenaperture_file(struct xenaperture *x, unsigned int which)
{
	if (which > XENAPERTURE_INPUT)
		return xapt_error_set(EINVAL, "file %u: must be 0 or 1", which);
	return x->file ? x->file(x, which) : xapt_error_set(ENOTSUP, "a program opens its own files");
}

void xenaperture_log(const struct xenaperture *x, enum xenaperture_level level,
		     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	xapt_vlog_some(&x->guest->said, level, x->who, format, args);
	va_end(args);
}

const char *xenaperture_error(void)
{
	return xapt_error();
}
