// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "trap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/evtchn.h>

#include "xs.h"

static void end(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(2);
}

uint64_t trap_ones(unsigned int size)
{
	return size < 8 ? (1ull << 8 * size) - 1 : ~0ull;
}

uint64_t trap_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

unsigned int trap_cpus(void)
{
	return (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
}

void trap_pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		end("sched_setaffinity");
}

/* ---- where it is ---- */

static const char *node(const char *device, const char *name)
{
	static char value[XS_VALUE_MAX + 1];
	char path[64];

	snprintf(path, sizeof(path), "aperture/%.8s/%s", device, name);
	if (xs_get(path, value) < 0)
		end(path);
	return value;
}

static uint64_t node_number(const char *device, const char *name)
{
	return strtoull(node(device, name), NULL, 0);
}

static void look(struct trap *t, const char *device)
{
	if (xs_open_bus())
		end("/dev/xen/xenbus");
	t->port = !strcmp(node(device, "door"), "io");
	t->address = node_number(device, "address");
	t->size = node_number(device, "size");
	t->event_domain = (unsigned int)node_number(device, "event-domain");
	t->event_channel = (unsigned int)node_number(device, "event-channel");
}

static void take(struct trap *t, const char *name)
{
	char *rest;

	t->port = !strncmp(name, "io:", 3);
	t->address = strtoull(strchr(name, ':') + 1, &rest, 0);
	t->size = *rest == ':' ? strtoull(rest + 1, NULL, 0) : 0;
	if (!t->size) {
		printf("%s: must be io:ADDRESS:SIZE, mmio:ADDRESS:SIZE, or a device's number\n",
		       name);
		exit(2);
	}
}

static bool map_pages(int fd, uint8_t *at, size_t length, uint64_t address)
{
	return mmap(at, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)address) !=
	       MAP_FAILED;
}

/* A page more before and behind it, if the kernel gives them. */
static void map(struct trap *t)
{
	uint64_t offset = t->address % TRAP_PAGE, first = t->address - offset;
	size_t length = (offset + t->size + TRAP_PAGE - 1) / TRAP_PAGE * TRAP_PAGE;
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	uint8_t *at = mmap(NULL, length + 2 * TRAP_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fd < 0)
		end("/dev/mem");
	if (at == MAP_FAILED || !map_pages(fd, at + TRAP_PAGE, length, first))
		end("mmap of /dev/mem");
	map_pages(fd, at, TRAP_PAGE, first - TRAP_PAGE);
	map_pages(fd, at + TRAP_PAGE + length, TRAP_PAGE, first + length);
	close(fd);
	t->at = at + TRAP_PAGE + offset;
}

/* An access that ends as a fault: which, and where. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	printf("signal %d: trap %lld, error %llx, rip %llx, address %p, rax %llx, rdx %llx, rsp %llx\n", signal,
	       regs[REG_TRAPNO], (unsigned long long)regs[REG_ERR], (unsigned long long)regs[REG_RIP],
	       info->si_addr, (unsigned long long)regs[REG_RAX], (unsigned long long)regs[REG_RDX],
	       (unsigned long long)regs[REG_RSP]);
	fflush(stdout);
	_exit(128 + signal);
}

static void tell_faults(void)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_RESETHAND };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}

void trap_open(struct trap *t, const char *name)
{
	tell_faults();
	*t = (struct trap){ .events = -1 };
	if (strchr(name, ':'))
		take(t, name);
	else
		look(t, name);
	if (!t->port)
		map(t);
	else if (iopl(3))
		end("iopl");
}

/* ---- accesses ---- */

static uint64_t port_get(uint16_t at, unsigned int size)
{
	switch (size) {
	case 1:
		return inb(at);
	case 2:
		return inw(at);
	case 4:
		return inl(at);
	default:
		return port_get(at, 4) | port_get((uint16_t)(at + 4), 4) << 32;
	}
}

static void port_put(uint16_t at, unsigned int size, uint64_t value)
{
	switch (size) {
	case 1:
		outb((uint8_t)value, at);
		break;
	case 2:
		outw((uint16_t)value, at);
		break;
	case 4:
		outl((uint32_t)value, at);
		break;
	default:
		port_put(at, 4, value & 0xffffffffu);
		port_put((uint16_t)(at + 4), 4, value >> 32);
	}
}

uint64_t trap_get(const struct trap *t, uint64_t reg, unsigned int size)
{
	const volatile void *at = t->at + reg;

	if (t->port)
		return port_get((uint16_t)(t->address + reg), size);
	switch (size) {
	case 1:
		return *(const volatile uint8_t *)at;
	case 2:
		return *(const volatile uint16_t *)at;
	case 4:
		return *(const volatile uint32_t *)at;
	default:
		return *(const volatile uint64_t *)at;
	}
}

void trap_put(const struct trap *t, uint64_t reg, unsigned int size, uint64_t value)
{
	volatile void *at = t->at + reg;

	if (t->port) {
		port_put((uint16_t)(t->address + reg), size, value);
		return;
	}
	switch (size) {
	case 1:
		*(volatile uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		*(volatile uint16_t *)at = (uint16_t)value;
		break;
	case 4:
		*(volatile uint32_t *)at = (uint32_t)value;
		break;
	default:
		*(volatile uint64_t *)at = value;
	}
}

uint64_t trap_get_moving(const struct trap *t, uint64_t reg)
{
	uint64_t high, low, again;

	if (!t->port)
		return trap_get(t, reg, 8);
	again = trap_get(t, reg + 4, 4);
	do {
		high = again;
		low = trap_get(t, reg, 4);
		again = trap_get(t, reg + 4, 4);
	} while (again != high);
	return high << 32 | low;
}

/* ---- the interrupt ---- */

void trap_bind(struct trap *t)
{
	struct ioctl_evtchn_bind_interdomain bind = {
		.remote_domain = t->event_domain,
		.remote_port = t->event_channel,
	};
	int port;

	t->events = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC);
	if (t->events < 0)
		end("/dev/xen/evtchn");
	port = ioctl(t->events, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
	if (port < 0)
		end("the event channel cannot be bound");
	t->bound = (unsigned int)port;
}

int trap_wait(struct trap *t, int timeout_ms)
{
	struct pollfd p = { .fd = t->events, .events = POLLIN };
	uint32_t port;
	int n = poll(&p, 1, timeout_ms);

	if (n < 0)
		end("poll");
	if (!n)
		return 0;
	if (read(t->events, &port, sizeof(port)) != sizeof(port))
		end("an event");
	/* Unmasked before the device is looked at: what comes meanwhile is a new event. */
	if (write(t->events, &port, sizeof(port)) != sizeof(port))
		end("an event's end");
	return 1;
}
