// SPDX-License-Identifier: LGPL-2.1-or-later
/* The calls of xenaperture.h that give an aperture to a consumer in the kernel. */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/xen_aperture_parent.h>

#include "connection.h"
#include "log.h"

#define LOAD	"load xen-aperture-parent (modprobe xen-aperture-parent)"

/* A slot that is attached. */
struct xapt_kernel_slot {
	struct xapt_source interrupt;	/* eventfd that the consumer signals */
	struct xenaperture *x;
	unsigned int slot;
	uint32_t id;			/* the module's; 0: none */
};

struct xapt_kernel {
	struct xapt_kernel_slot slot[XENAPERTURE_SLOTS];
};

void xapt_kernel_open(struct xapt_guest *g)
{
	g->kernel = open(XENAPT_PARENT_DEVICE, O_RDWR | O_CLOEXEC);
	if (g->kernel < 0)
		return;
	/* Whatever becomes of this process: it can name no other guest. */
	if (ioctl(g->kernel, XENAPT_PARENT_GUEST, (unsigned long)g->domid)) {
		close(g->kernel);
		g->kernel = -1;
	}
}

/* The module may have been loaded since. */
static int find_module(struct xenaperture *x)
{
	struct xapt_guest *g = x->guest;

	if (g->kernel < 0)
		xapt_kernel_open(g);
	if (g->kernel >= 0)
		return 0;
	if (errno == EACCES || errno == EPERM)
		return xapt_error_set(EACCES, XENAPT_PARENT_DEVICE ": %s; if xen-aperture-parent was loaded after this process started, start it again",
				      strerror(errno));
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return xapt_error_set(ENODEV, XENAPT_PARENT_DEVICE " is not there: " LOAD);
	return xapt_error_set(errno, XENAPT_PARENT_DEVICE ": %s", strerror(errno));
}

static struct xapt_kernel_slot *attached(struct xenaperture *x, unsigned int slot)
{
	if (slot >= XENAPERTURE_SLOTS || !x->kernel || !x->kernel->slot[slot].id)
		return NULL;
	return &x->kernel->slot[slot];
}

static int not_attached(unsigned int slot)
{
	return xapt_error_set(EINVAL, "slot %u: not attached to a kernel consumer", slot);
}

static void consumer_interrupts(struct xapt_source *source, uint32_t events)
{
	struct xapt_kernel_slot *s = (struct xapt_kernel_slot *)source;
	eventfd_t n;

	(void)events;
	if (!eventfd_read(source->fd, &n))
		xapt_device_interrupt(&s->x->core, XENAPT_SIGNAL_APERTURE + s->slot);
}

static void forget(struct xapt_kernel_slot *s)
{
	if (s->interrupt.fd >= 0) {
		xapt_guest_listen(s->x->guest, &s->interrupt, 0);
		close(s->interrupt.fd);
	}
	s->interrupt.fd = -1;
	s->id = 0;
}

static int prepare(struct xenaperture *x, unsigned int slot)
{
	struct xapt_kernel_slot *s;

	if (!x->kernel)
		x->kernel = calloc(1, sizeof(*x->kernel));
	if (!x->kernel)
		return xapt_error_set(ENOMEM, "out of memory");
	s = &x->kernel->slot[slot];
	*s = (struct xapt_kernel_slot){
		.interrupt = { consumer_interrupts, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) },
		.x = x,
		.slot = slot,
	};
	if (s->interrupt.fd >= 0 && !xapt_guest_listen(x->guest, &s->interrupt, EPOLLIN))
		return 0;
	xapt_error_set(errno, "slot %u: no event for the kernel consumer: %s", slot, strerror(errno));
	forget(s);
	return -1;
}

/* The aperture as the core has it: mapped() is called just before its state says so. */
static void *memory_of(const struct xapt_aperture *a)
{
	if (a->gift.addr)
		return (char *)a->gift.addr + a->offset;
	return a->map ? (char *)a->map + a->offset : NULL;
}

static int refused(unsigned int slot, const char *consumer)
{
	switch (errno) {
	case ENOENT:
		return xapt_error_set(ENOENT, "slot %u: no kernel consumer \"%s\": load its module", slot,
				      consumer);
	case EACCES:
		return xapt_error_set(EACCES, "slot %u: read-only memory: attach \"%s\" with XENAPERTURE_KERNEL_READ_ONLY",
				      slot, consumer);
	default:
		return xapt_error_set(errno, "slot %u: kernel consumer \"%s\": %s", slot, consumer,
				      strerror(errno));
	}
}

static int attach(struct xenaperture *x, struct xapt_kernel_slot *s, const char *consumer,
		  unsigned int flags)
{
	const struct xapt_aperture *a = &x->core.aperture[s->slot];
	bool read_only = flags & XENAPERTURE_KERNEL_READ_ONLY ||
			 a->flags & XENAPT_OPEN_PARENT_READ_ONLY;
	struct xenapt_parent_attach q = {
		.address = (uintptr_t)memory_of(a),
		.length = a->length,
		.flags = read_only ? XENAPT_ATTACH_READ_ONLY : 0,
		.interrupt = s->interrupt.fd,
		.devid = x->link.devid,
		.slot = s->slot,
		.tag = a->tag,
	};

	memcpy(q.consumer, consumer, strlen(consumer));
	if (ioctl(x->guest->kernel, XENAPT_PARENT_ATTACH, &q))
		return refused(s->slot, consumer);
	s->id = q.id;
	return 0;
}

int xenaperture_kernel_attach(struct xenaperture *x, unsigned int slot, const char *consumer,
			      unsigned int flags)
{
	if (slot >= XENAPERTURE_SLOTS || !memory_of(&x->core.aperture[slot]))
		return xapt_error_set(EINVAL, "slot %u: nothing is mapped", slot);
	if (!*consumer || strlen(consumer) >= XENAPT_CONSUMER_NAME)
		return xapt_error_set(EINVAL, "kernel consumer \"%s\": its name has 1 to %d characters",
				      consumer, XENAPT_CONSUMER_NAME - 1);
	if (flags & ~XENAPERTURE_KERNEL_READ_ONLY)
		return xapt_error_set(EINVAL, "slot %u: flags 0x%x: only 0x%x is known", slot, flags,
				      XENAPERTURE_KERNEL_READ_ONLY);
	if (attached(x, slot))
		return xapt_error_set(EBUSY, "slot %u: attached to a kernel consumer already", slot);
	if (find_module(x) || prepare(x, slot))
		return -1;
	if (!attach(x, &x->kernel->slot[slot], consumer, flags))
		return 0;
	forget(&x->kernel->slot[slot]);
	return -1;
}

int xenaperture_kernel_detach(struct xenaperture *x, unsigned int slot, int force)
{
	struct xapt_kernel_slot *s = attached(x, slot);
	struct xenapt_parent_detach q = { .flags = force ? XENAPT_DETACH_FORCE : 0 };

	if (!s)
		return not_attached(slot);
	q.id = s->id;
	if (ioctl(x->guest->kernel, XENAPT_PARENT_DETACH, &q))
		return xapt_error_set(errno, "slot %u: the kernel consumer does not let go: %s", slot,
				      strerror(errno));
	forget(s);
	return 0;
}

int xenaperture_kernel_doorbell(struct xenaperture *x, unsigned int slot)
{
	struct xapt_kernel_slot *s = attached(x, slot);

	if (!s)
		return not_attached(slot);
	if (ioctl(x->guest->kernel, XENAPT_PARENT_DOORBELL, (unsigned long)s->id))
		return xapt_error_set(errno, "slot %u: kernel consumer: %s", slot, strerror(errno));
	return 0;
}

void xapt_kernel_end(struct xenaperture *x, unsigned int slot)
{
	if (attached(x, slot))
		xenaperture_kernel_detach(x, slot, 1);
}

void xapt_kernel_close(struct xenaperture *x)
{
	free(x->kernel);
	x->kernel = NULL;
}
