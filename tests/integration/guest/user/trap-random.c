// SPDX-License-Identifier: GPL-2.0-only
/*
 * trap-random DEVICE COUNT [fast] [SEED]: COUNT random accesses from all vCPUs at once on a device
 * "check". Each vCPU has registers of its own, of both devices and of each width, compared with the
 * reference at each access; and all share some:
 *
 *   TICKET, TICKET_SLOW  each number is got by exactly one vCPU, and by each in ascending order
 *   FAST4, SLOW4         what is read was written by somebody, nobody's older value comes after a newer
 *                        one, nothing comes before it is written
 *   CHANGES              at the end as many as there were writes
 *
 * fast: only what the first device executes. Prints accesses= and forwarded=, those for the second
 * device; all_accesses= and all_forwarded= with those at the program's beginning and end.
 * Status 1: something was wrong.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_reference.h"
#include "trap.h"

#define VCPUS	8u
#define TICKETS	(1u << 22)

struct vcpu {
	pthread_t thread;
	unsigned int number;
	struct check_reference r;	/* of its own registers */
	uint64_t random, accesses, forwarded, wrong, ticket[2];
	uint32_t seen[2][VCPUS + 1];	/* FAST4, SLOW4: newest of each writer */
	uint32_t mine[2];
};

static struct trap door;
static unsigned int vcpus;
static uint64_t each;
static bool fast_only;
static struct vcpu all[VCPUS];
static uint8_t drawn[2][TICKETS];	/* how often each ticket was got */
static uint64_t first_ticket[2];
static uint32_t begun[2][VCPUS + 1];	/* last value that each writer may have written */
static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER;

static uint64_t draw(struct vcpu *v)
{
	v->random ^= v->random << 13;
	v->random ^= v->random >> 7;
	v->random ^= v->random << 17;
	return v->random * 0x2545f4914f6cdd1dull >> 8;
}

static void tell(struct vcpu *v, const char *what, uint64_t reg, uint64_t expected, uint64_t got)
{
	pthread_mutex_lock(&telling);
	if (v->wrong++ < 4)
		printf("WRONG vCPU %u: %s, register 0x%llx: 0x%llx, expected 0x%llx\n", v->number, what,
		       (unsigned long long)reg, (unsigned long long)got,
		       (unsigned long long)expected);
	pthread_mutex_unlock(&telling);
}

/* ---- registers of its own ---- */

static bool is_slow(uint64_t reg)
{
	return (reg >= CHECK_ROW_SLOW && reg < CHECK_APART_END) || reg == CHECK_SLOW4 ||
	       reg == CHECK_TICKET_SLOW;
}

/* Would the whole register's new value be declined? */
static bool is_declined(const struct vcpu *v, uint64_t reg, unsigned int size, uint64_t value)
{
	unsigned int shift = 8 * (reg % 8);
	uint64_t mask = trap_ones(size) << shift;
	uint64_t whole = v->r.state.mine8[(reg - CHECK_MINE8) / 8];

	return reg >= CHECK_MINE8 && reg < CHECK_MINE4 &&
	       check_picky((whole & ~mask) | (value << shift & mask));
}

static void read_own(struct vcpu *v, uint64_t reg, unsigned int size)
{
	struct check_answer a = check_reference_access(&v->r, reg, size, 0, 0);
	uint64_t expected = a.status ? trap_ones(size) : a.value;
	uint64_t got = trap_get(&door, reg, size);

	v->accesses++;
	v->forwarded += !a.status && is_slow(reg);
	if (got != expected)
		tell(v, "read", reg, expected, got);
}

static void write_own(struct vcpu *v, uint64_t reg, unsigned int size, uint64_t value)
{
	bool declined = is_slow(reg) || is_declined(v, reg, size, value);

	if (fast_only && declined)
		return;
	v->accesses++;
	v->forwarded += !check_reference_access(&v->r, reg, size, 1, value).status && declined;
	trap_put(&door, reg, size, value);
}

/* Of its own ones: a register, then an octet of it at which an access of this size may begin. */
static uint64_t own(struct vcpu *v, unsigned int size)
{
	static const struct { uint32_t at, stride, width; bool slow; } places[] = {
		{ CHECK_MINE8, 8, 8, false }, { CHECK_MINE4, 4, 4, false }, { CHECK_MINE2, 2, 2, false },
		{ CHECK_MINE1, 1, 1, false }, { CHECK_ROW, 16, 8, false }, { CHECK_MINE8, 8, 8, false },
		{ CHECK_ROW_SLOW, 8, 8, true },
	};
	unsigned int n = (unsigned int)draw(v) % (fast_only ? 6 : 7);
	uint64_t inside = draw(v) % places[n].width / size * size;

	return places[n].at + v->number * places[n].stride + inside;
}

static void access_own(struct vcpu *v)
{
	unsigned int size = 1u << draw(v) % (door.port ? 3 : 4);
	uint64_t reg = own(v, size);

	/* What ends behind the range is nobody's, and not counted. */
	while (reg + size > CHECK_REGISTERS_END)
		size /= 2;
	if (draw(v) % 2)
		read_own(v, reg, size);
	else
		write_own(v, reg, size, draw(v));
}

/* What is refused: the hole in a row, unaligned, written although only for reading. */
static void access_wrong(struct vcpu *v)
{
	switch (draw(v) % 4) {
	case 0:
		read_own(v, CHECK_ROW + 8 + 16 * v->number, 4);
		break;
	case 1:
		read_own(v, CHECK_MINE8 + 8 * v->number + 1, 2);
		break;
	case 2:
		read_own(v, CHECK_SINK, 4);
		break;
	default:
		write_own(v, CHECK_TICKET, 4, draw(v));
	}
}

/* ---- registers of all ---- */

static void access_ticket(struct vcpu *v, unsigned int slow)
{
	uint64_t reg = slow ? CHECK_TICKET_SLOW : CHECK_TICKET;
	uint64_t n = trap_get(&door, reg, 4);

	v->accesses++;
	v->forwarded += slow;
	if (n < v->ticket[slow] || n - first_ticket[slow] >= TICKETS) {
		tell(v, "ticket", reg, v->ticket[slow], n);
		return;
	}
	v->ticket[slow] = n + 1;
	if (__atomic_fetch_add(&drawn[slow][n - first_ticket[slow]], 1, __ATOMIC_SEQ_CST))
		tell(v, "ticket that another vCPU has", reg, 0, n);
}

/* Values of a shared register: the writer in bits 31..24, its number below. 0: nobody's yet. */
static void read_shared(struct vcpu *v, unsigned int slow)
{
	uint64_t reg = slow ? CHECK_SLOW4 : CHECK_FAST4;
	uint32_t value = (uint32_t)trap_get(&door, reg, 4), writer = value >> 24;
	uint32_t last;

	v->accesses++;
	v->forwarded += slow;
	if (writer > vcpus) {
		tell(v, "a value that nobody wrote", reg, 0, value);
		return;
	}
	last = __atomic_load_n(&begun[slow][writer], __ATOMIC_SEQ_CST);
	if (value > last || value < v->seen[slow][writer] ||
	    (writer == v->number + 1 && value != v->mine[slow]))
		tell(v, "a value of another time", reg, v->seen[slow][writer], value);
	v->seen[slow][writer] = value;
}

static void write_shared(struct vcpu *v, unsigned int slow)
{
	uint64_t reg = slow ? CHECK_SLOW4 : CHECK_FAST4;
	uint32_t value = (v->number + 1) << 24 | ((v->mine[slow] + 1) & 0xffffff);

	__atomic_store_n(&begun[slow][v->number + 1], value, __ATOMIC_SEQ_CST);
	v->mine[slow] = value;
	v->accesses++;
	v->forwarded += slow;
	check_reference_access(&v->r, reg, 4, 1, value);
	trap_put(&door, reg, 4, value);
}

static void access_any(struct vcpu *v)
{
	unsigned int slow = !fast_only && draw(v) % 3 == 0;

	switch (draw(v) % 8) {
	case 0:
		access_ticket(v, slow);
		break;
	case 1:
		if (draw(v) % 2)
			read_shared(v, slow);
		else
			write_shared(v, slow);
		break;
	case 2:
		access_wrong(v);
		break;
	default:
		access_own(v);
	}
}

static void *run(void *argument)
{
	struct vcpu *v = argument;

	trap_pin(v->number);
	while (v->accesses < each && v->wrong < 4)
		access_any(v);
	return NULL;
}

/* ---- begin and end ---- */

static uint64_t own_accesses, own_forwarded;	/* of the program's beginning and end */

static uint64_t get(uint64_t reg, unsigned int size)
{
	unsigned int n = door.port && size == 8 ? 2 : 1;

	own_accesses += n;
	own_forwarded += is_slow(reg) ? n : 0;
	return trap_get(&door, reg, size);
}

static void begin(struct vcpu *v, unsigned int n, uint64_t seed)
{
	*v = (struct vcpu){ .number = n, .random = (seed * 64 + n) * 0x9e3779b97f4a7c15ull + 1 };
	check_reference_reset(&v->r);
	v->r.state.row[n] = get(CHECK_ROW + 16 * n, 8);
	v->r.state.row_slow[n] = get(CHECK_ROW_SLOW + 8 * n, 8);
	v->r.state.mine8[n] = get(CHECK_MINE8 + 8 * n, 8);
	v->r.state.mine4[n] = (uint32_t)get(CHECK_MINE4 + 4 * n, 4);
	v->r.state.mine2[n] = (uint16_t)get(CHECK_MINE2 + 2 * n, 2);
	v->r.state.mine1[n] = (uint8_t)get(CHECK_MINE1 + n, 1);
}

static void begin_shared(void)
{
	unsigned int slow;

	first_ticket[0] = get(CHECK_TICKET, 4) + 1;
	first_ticket[1] = get(CHECK_TICKET_SLOW, 4) + 1;
	for (slow = 0; slow < 2; slow++) {
		own_accesses++;
		own_forwarded += slow;
		trap_put(&door, slow ? CHECK_SLOW4 : CHECK_FAST4, 4, 0);
	}
}

/* Every ticket up to the next one was got. */
static uint64_t tickets_missing(unsigned int slow)
{
	uint64_t next = get(slow ? CHECK_TICKET_SLOW : CHECK_TICKET, 4), n, missing = 0;

	for (n = first_ticket[slow]; n < next; n++)
		missing += drawn[slow][n - first_ticket[slow]] != 1;
	return missing;
}

static int conclude(uint64_t changes)
{
	uint64_t accesses = 0, forwarded = 0, wrong = 0, written = 0, lost;
	unsigned int n;

	for (n = 0; n < vcpus; n++) {
		accesses += all[n].accesses;
		forwarded += all[n].forwarded;
		wrong += all[n].wrong;
		written += all[n].r.state.changes;
	}
	lost = tickets_missing(0) + tickets_missing(1);
	changes = get(CHECK_CHANGES, 8) - changes;
	printf("vcpus=%u accesses=%llu forwarded=%llu wrong=%llu tickets_missing=%llu writes=%llu "
	       "changes=%llu all_accesses=%llu all_forwarded=%llu\n",
	       vcpus, (unsigned long long)accesses, (unsigned long long)forwarded,
	       (unsigned long long)wrong, (unsigned long long)lost, (unsigned long long)written,
	       (unsigned long long)changes, (unsigned long long)(accesses + own_accesses),
	       (unsigned long long)(forwarded + own_forwarded));
	return wrong || lost || written != changes;
}

int main(int argc, char **argv)
{
	uint64_t changes, seed = 1;
	unsigned int n;
	int i;

	if (argc < 3) {
		fprintf(stderr, "usage: trap-random DEVICE COUNT [fast] [SEED]\n");
		return 2;
	}
	for (i = 3; i < argc; i++) {
		if (!strcmp(argv[i], "fast"))
			fast_only = true;
		else
			seed = strtoull(argv[i], NULL, 0);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	trap_open(&door, argv[1]);
	vcpus = trap_cpus() < VCPUS ? trap_cpus() : VCPUS;
	each = strtoull(argv[2], NULL, 0) / vcpus;
	for (n = 0; n < vcpus; n++)
		begin(&all[n], n, seed);
	begin_shared();
	changes = get(CHECK_CHANGES, 8);
	for (n = 0; n < vcpus; n++)
		pthread_create(&all[n].thread, NULL, run, &all[n]);
	for (n = 0; n < vcpus; n++)
		pthread_join(all[n].thread, NULL);
	return conclude(changes);
}
