/* SPDX-License-Identifier: GPL-2.0-only */
/* Apertures for kernel consumers: what the library asks of the module, and what it says when that fails. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/xen_aperture_parent.h>

#include "check.h"
#include "connection.h"
#include "kernel.h"
#include "log.h"

#define MODULE	500	/* no descriptor of this process */

static struct xapt_guest guest;
static struct xenaperture x;
static char memory[4096];

/* ---- the module ---- */

static struct xenapt_parent_attach asked;
static struct xenapt_parent_detach detached;
static unsigned long rung;
static unsigned int calls;
static int error;

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	CHECK_EQ(fd, MODULE);
	calls++;
	errno = error;
	if (request == XENAPT_PARENT_ATTACH) {
		memcpy(&asked, arg, sizeof(asked));
		((struct xenapt_parent_attach *)arg)->id = 77;
	} else if (request == XENAPT_PARENT_DETACH) {
		memcpy(&detached, arg, sizeof(detached));
	} else if (request == XENAPT_PARENT_DOORBELL) {
		rung = (unsigned long)arg;
	}
	return error ? -1 : 0;
}

/* ---- the rest of the library ---- */

static struct xapt_source *listened;
static unsigned int interrupts, last_signal;

int xapt_guest_listen(struct xapt_guest *g, struct xapt_source *source, uint32_t events)
{
	CHECK(g == &guest);
	listened = events ? source : NULL;
	return 0;
}

void xapt_device_interrupt(struct xapt_device *d, unsigned int n)
{
	CHECK(d == &x.core);
	interrupts++;
	last_signal = n;
}

/* ---- */

static void begin(void)
{
	guest = (struct xapt_guest){ .domid = 5, .kernel = MODULE };
	memset(&x, 0, sizeof(x));
	x.guest = &guest;
	x.link.devid = 3;
	x.core.aperture[9] = (struct xapt_aperture){
		.map = memory, .offset = 24, .length = 1000, .tag = 8,
	};
	error = 0;
	calls = interrupts = 0;
	listened = NULL;
	rung = 0;
}

static void end(void)
{
	error = 0;
	xapt_kernel_end(&x, 9);
	CHECK(!listened);
	xapt_kernel_close(&x);
	CHECK(!x.kernel);
}

static void attached(void)
{
	begin();
	CHECK_EQ(xenaperture_kernel_attach(&x, 9, "block", 0), 0);
}

static void test_request(void)
{
	attached();
	CHECK_EQ(asked.address, (uintptr_t)memory + 24);
	CHECK_EQ(asked.length, 1000);
	CHECK_STR(asked.consumer, "block");
	CHECK_EQ(asked.flags, 0);
	CHECK_EQ(asked.devid, 3);
	CHECK_EQ(asked.slot, 9);
	CHECK_EQ(asked.tag, 8);
	CHECK_EQ(asked.reserved[0] | asked.reserved[1], 0);
	CHECK_EQ(xenaperture_kernel_attach(&x, 9, "block", 0), -1);
	CHECK_EQ(errno, EBUSY);
	CHECK_EQ(calls, 1);
	end();
	CHECK_EQ(detached.id, 77);
	CHECK_EQ(detached.flags, XENAPT_DETACH_FORCE);
}

static void test_read_only(void)
{
	begin();
	x.core.aperture[9].flags = XENAPT_OPEN_PARENT_READ_ONLY;
	CHECK_EQ(xenaperture_kernel_attach(&x, 9, "block", 0), 0);
	CHECK_EQ(asked.flags, XENAPT_ATTACH_READ_ONLY);
	end();
	begin();
	CHECK_EQ(xenaperture_kernel_attach(&x, 9, "block", XENAPERTURE_KERNEL_READ_ONLY), 0);
	CHECK_EQ(asked.flags, XENAPT_ATTACH_READ_ONLY);
	end();
}

/* Memory of the parent's has no map. */
static void test_given(void)
{
	begin();
	x.core.aperture[9].map = NULL;
	x.core.aperture[9].offset = 0;
	x.core.aperture[9].gift.addr = memory + 512;
	CHECK_EQ(xenaperture_kernel_attach(&x, 9, "block", 0), 0);
	CHECK_EQ(asked.address, (uintptr_t)memory + 512);
	end();
}

static void test_interrupt(void)
{
	attached();
	CHECK(listened && listened->fd == asked.interrupt);
	eventfd_write(asked.interrupt, 2);
	listened->ready(listened, EPOLLIN);
	CHECK_EQ(interrupts, 1);
	CHECK_EQ(last_signal, XENAPT_SIGNAL_APERTURE + 9);
	/* Spurious. */
	listened->ready(listened, EPOLLIN);
	CHECK_EQ(interrupts, 1);
	end();
}

static void test_doorbell_and_detach(void)
{
	attached();
	CHECK_EQ(xenaperture_kernel_doorbell(&x, 9), 0);
	CHECK_EQ(rung, 77);
	error = EBUSY;
	CHECK_EQ(xenaperture_kernel_detach(&x, 9, 0), -1);
	CHECK_EQ(errno, EBUSY);
	CHECK_EQ(detached.flags, 0);
	CHECK(listened);
	error = 0;
	CHECK_EQ(xenaperture_kernel_detach(&x, 9, 0), 0);
	CHECK(!listened);
	CHECK_EQ(xenaperture_kernel_detach(&x, 9, 1), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(xenaperture_kernel_doorbell(&x, 9), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(xenaperture_kernel_doorbell(&x, 64), -1);
	CHECK_EQ(errno, EINVAL);
	end();
}

static void refused(int err, unsigned int slot, const char *consumer, unsigned int flags, int want,
		    const char *text)
{
	begin();
	error = err;
	CHECK_EQ(xenaperture_kernel_attach(&x, slot, consumer, flags), -1);
	CHECK_EQ(errno, want);
	if (!CHECK(strstr(xenaperture_error(), text)))
		CHECK_STR(xenaperture_error(), text);
	CHECK(!listened);
	CHECK_EQ(calls, err ? 1 : 0);
	CHECK_EQ(xenaperture_kernel_doorbell(&x, 9), -1);
	end();
}

static void test_refused(void)
{
	refused(0, 64, "block", 0, EINVAL, "nothing is mapped");
	refused(0, 8, "block", 0, EINVAL, "nothing is mapped");
	refused(0, 9, "", 0, EINVAL, "1 to 31 characters");
	refused(0, 9, "a2345678901234567890123456789012", 0, EINVAL, "1 to 31 characters");
	refused(0, 9, "block", 2, EINVAL, "flags 0x2");
	refused(ENOENT, 9, "nobody", 0, ENOENT, "no kernel consumer \"nobody\"");
	refused(EACCES, 9, "block", 0, EACCES, "XENAPERTURE_KERNEL_READ_ONLY");
	refused(EEXIST, 9, "block", 0, EEXIST, "File exists");
}

const char *xenaperture_error(void)
{
	return xapt_error();
}

/* Where these tests run there is no such module. */
static void test_no_module(void)
{
	begin();
	guest.kernel = -1;
	CHECK_EQ(xenaperture_kernel_attach(&x, 9, "block", 0), -1);
	CHECK_EQ(errno, ENODEV);
	CHECK(strstr(xenaperture_error(), "load xen-aperture-parent"));
	CHECK_EQ(calls, 0);
	end();
}

static CU_TestInfo tests[] = {
	{ "what is asked", test_request },
	{ "read-only", test_read_only },
	{ "memory of the parent's", test_given },
	{ "the consumer interrupts", test_interrupt },
	{ "doorbell and detach", test_doorbell_and_detach },
	{ "refused", test_refused },
	{ "without the module", test_no_module },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
