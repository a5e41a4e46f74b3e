// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path of an access: loop_turn() finds the vCPU's bit, take() its door, turn() does the rest. Each
 * vCPU has one element of one access at the device at a time: what a turn costs is bounded by
 * their number, nobody waits for another's REP, and an id is in the record until its element is over.
 *
 * A trap may come at any instruction: journal.h and places.h say what a restart goes on with.
 */
#include "door.h"

#include "access.h"
#include "clock.h"
#include "console.h"
#include "events.h"
#include "guest_memory.h"
#include "ioreq.h"
#include "journal.h"
#include "loop.h"
#include "operations.h"
#include "persist.h"
#include "places.h"
#include "slow.h"
#include "text.h"
#include "trap.h"

#include <xen/errno.h>

#define POLL_NS		NS_PER_MS	/* for an entry to become free */
#define TRIES		4u		/* of an element that traps: then it is the second device's */
#define BEGINNINGS	8u		/* of a turn, that trap: then the device is asked no more */
#define ALL_ONES	(~(uint64_t)0)

/* ---- what a restart does not keep ---- */

static uint32_t guest;

struct door {
	bool open;
	bool claimed;		/* in this life */
	struct place *place;
	struct xenapt_record *record;
	struct xapt_operations operations;
	uint64_t who;		/* TRAP_SERVES() */
	uint64_t due;		/* 0: never */
	uint32_t run;		/* vCPUs whose element is to be tried in the next turn, ... */
	unsigned int first;	/* ... from this one on */
	uint32_t waiting;	/* ... with since */
	uint32_t taken;		/* entries that cannot be used */
	uint32_t stale;		/* ... because of what was given up, and may be answered yet */
	bool given_up;
	bool broken;		/* it is not asked any more */
	uint64_t rare;		/* sum of the counters that seldom change, as published */
};

enum vcpu_state {
	IDLE,
	HERE,		/* in its door's run */
	AWAY,		/* sent on */
};

struct vcpu {
	enum vcpu_state state;
	bool made;		/* request is that of the step */
	bool sent;		/* the element was sent on before */
	uint32_t faults;	/* of the walk, counted */
	struct door *door;
	struct xenapt_request request;
	struct xenapt_response response;
};

static struct door doors[DOORS];
static struct vcpu vcpus[IOREQ_VCPUS];
static uint32_t todo;		/* doors that want a turn */

uint64_t door_due;
bool door_more;

#define BIT(n)		((uint32_t)1 << (n))

static unsigned int number_of(const struct door *d)
{
	return (unsigned int)(d - doors);
}

static void want_turn(struct door *d)
{
	todo |= BIT(number_of(d));
	door_more = true;
}

/* What a trap interrupts here is answered again: it is in process, or the vCPU has its answer. */
static void answer(unsigned int v, uint64_t value)
{
	struct journal *j = &journals[v];

	j->value = value;
	persist_order();
	j->phase = JOURNAL_ANSWERED;
	persist_order();
	vcpus[v].state = IDLE;
	ioreq_answer(v, value);
	j->phase = JOURNAL_FREE;
	persist_order();
}

/* ---- ids and entries ---- */

/* Usually the vCPU's number; another while that one is stale. -1: none is free. */
static int free_entry(const struct door *d, unsigned int v)
{
	uint32_t others = ~d->taken & ~(BIT(IOREQ_VCPUS) - 1);

	if (!(d->taken & BIT(v)))
		return (int)v;
	return others ? __builtin_ctz(others) : -1;
}

static uint64_t new_id(struct door *d, unsigned int v)
{
	int entry = free_entry(d, v);

	if (entry < 0)
		return 0;
	d->taken |= BIT(entry);
	return journal_id((unsigned int)entry);
}

static uint32_t entry_bit(uint64_t id)
{
	return BIT(id % XENAPT_OP_ENTRIES);
}

/* ---- elements ---- */

static void wait_since(struct door *d, unsigned int v, uint64_t now)
{
	if (!journals[v].since)
		journals[v].since = now;
	d->waiting |= BIT(v);
}

static bool is_late(const struct door *d, unsigned int v, uint64_t now)
{
	uint64_t since = journals[v].since;

	return since && since + d->place->setup.timeout_ns <= now;
}

/* It has come to its end, and with the last one the access. */
static void element_done(struct door *d, unsigned int v, uint32_t status, uint64_t value)
{
	struct vcpu *c = &vcpus[v];
	struct journal *j = &journals[v];
	struct step s = journal_step(v);

	xapt_access_done(&j->access, &s.walk, &guest_memory, NULL, status, value);
	d->place->count.trapped++;
	d->place->count.faults += s.walk.faults - c->faults;
	c->faults = s.walk.faults;
	if (s.id)
		d->taken &= ~entry_bit(s.id) | d->stale;
	d->waiting &= ~BIT(v);
	if (s.walk.done >= j->access.count) {
		answer(v, s.walk.value);
		return;
	}
	s.id = 0;
	journal_write(v, &s);
	/* Of a REP, one element waits for too long: 4096 times that would be hours in one instruction. */
	if (!is_late(d, v, clock_now()))
		j->since = 0;
	j->tries = 0;
	c->made = c->sent = false;
	c->state = HERE;
	d->run |= BIT(v);
	want_turn(d);
}

/* The request of the vCPU's element. False: it cannot have one now. */
static bool make_request(struct door *d, unsigned int v)
{
	struct vcpu *c = &vcpus[v];
	struct step s = journal_step(v);

	if (c->made)
		return true;
	c->request = (struct xenapt_request){ .type = XENAPT_REQ_OPERATION };
	xapt_access_next(&journals[v].access, &s.walk, d->place->setup.address, &guest_memory, NULL,
			 &c->request.u.operation);
	if (!s.id) {
		s.id = new_id(d, v);
		if (!s.id)
			return false;
		journal_write(v, &s);
	}
	c->request.id = s.id;
	c->request.u.operation.flags = XENAPT_OP_RESUME;
	c->request.u.operation.submitter = (uint8_t)v;
	c->made = true;
	return true;
}

static bool may_send_on(const struct door *d)
{
	return !d->given_up;
}

static void send_on(struct door *d, unsigned int v, uint64_t now)
{
	struct vcpu *c = &vcpus[v];

	/* A late one would be given up in this turn, and with it the second device, which came back meanwhile. */
	if (!may_send_on(d) || is_late(d, v, now)) {
		d->place->count.timeouts++;
		element_done(d, v, XENAPT_E_TIMEOUT, 0);
		return;
	}
	wait_since(d, v, now);
	if (!slow_forward(number_of(d), &c->request)) {
		d->run |= BIT(v);
		return;
	}
	d->place->count.forwarded += !c->sent;
	c->sent = true;
	c->state = AWAY;
}

/* ---- a turn of one door ---- */

/* It brought the first device down each time: it is declined, and the state goes along. */
static bool decline_poison(struct door *d, unsigned int v)
{
	struct vcpu *c = &vcpus[v];

	if (journals[v].tries < TRIES)
		return false;
	if (!c->sent)
		console_say(CONSOLE_ERROR, "guest %u device %u: an access to register 0x%lx trapped %u times: the second device gets it",
			    guest, d->place->setup.devid, c->request.u.operation.reg, TRIES);
	c->response.status = XENAPT_E_DECLINED;
	d->operations.give = true;
	return true;
}

/* False: not now. */
static bool execute_one(struct door *d, unsigned int v, uint64_t now)
{
	struct vcpu *c = &vcpus[v];
	enum xapt_executed end;

	c->response.status = XENAPT_OK;
	c->response.value = 0;
	if (!make_request(d, v))
		return false;
	if (decline_poison(d, v))
		return true;
	journals[v].tries++;
	persist_order();
	end = xapt_operations_execute(&d->operations, &c->request, NULL, &c->response, now);
	persist_order();
	journals[v].tries = 0;
	return end == XAPT_EXECUTED;
}

/* From first on, and around. */
static unsigned int next_of(uint32_t left, unsigned int first)
{
	uint32_t above = left & ~(BIT(first) - 1);

	return (unsigned int)__builtin_ctz(above ? above : left);
}

/* Bits of the vCPUs whose element was executed; the others stay in run, and come first in the next turn. */
static uint32_t execute(struct door *d, uint64_t now)
{
	uint32_t left = d->run, done = 0;
	unsigned int v, first = d->first;

	d->run = 0;
	for (; left; left &= ~BIT(v)) {
		v = next_of(left, first);
		if (execute_one(d, v, now)) {
			done |= BIT(v);
			continue;
		}
		wait_since(d, v, now);
		if (!d->run)
			d->first = v;
		d->run |= BIT(v);
	}
	return done;
}

static void end_elements(struct door *d, uint32_t done, uint64_t now)
{
	for (; done; done &= done - 1) {
		unsigned int v = (unsigned int)__builtin_ctz(done);
		const struct xenapt_response *r = &vcpus[v].response;

		if (r->status == XENAPT_E_DECLINED)
			send_on(d, v, now);
		else
			element_done(d, v, r->status, r->value);
	}
}

/* The state was taken away meanwhile. Whoever does that each time is not waited for for ever either. */
static void once_more(struct door *d, uint32_t lost, uint64_t now)
{
	d->run |= lost;
	for (; lost; lost &= lost - 1)
		wait_since(d, (unsigned int)__builtin_ctz(lost), now);
}

static void interrupt(struct door *d)
{
	d->place->count.interrupts++;
	events_send(d->place->event);
}

/* Nobody is there to answer: whatever was asked for ends as if it had been all ones. */
static void give_up(struct door *d, unsigned int v)
{
	struct vcpu *c = &vcpus[v];
	uint64_t id = c->request.id;

	d->place->count.timeouts++;
	d->run &= ~BIT(v);
	if (c->state == AWAY) {
		if (slow_give_up(number_of(d), id))
			d->stale |= entry_bit(id);
		if (!d->given_up)
			console_say(CONSOLE_ERROR, "guest %u device %u: no answer from the second device within %lu ms: all ones until there is one",
				    guest, d->place->setup.devid,
				    d->place->setup.timeout_ns / NS_PER_MS);
		d->given_up = true;
	}
	element_done(d, v, XENAPT_E_TIMEOUT, 0);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* When the first of those that wait has waited for too long. 0: none waits. */
static uint64_t watch_waiting(struct door *d, uint64_t now)
{
	uint64_t first = 0;
	uint32_t left;

	for (left = d->waiting; left; left &= left - 1) {
		unsigned int v = (unsigned int)__builtin_ctz(left);
		if (is_late(d, v, now))
			give_up(d, v);
		else
			first = sooner(journals[v].since + d->place->setup.timeout_ns, first);
	}
	return first;
}

static void find_due(void)
{
	unsigned int i;

	door_due = 0;
	for (i = 0; i < DOORS; i++)
		if (doors[i].open)
			door_due = sooner(doors[i].due, door_due);
}

static void set_due(struct door *d, uint64_t now)
{
	uint64_t due = xapt_operations_due(&d->operations, now), before = d->due;

	d->due = due == UINT64_MAX ? 0 : due;
	if (d->waiting)
		d->due = sooner(watch_waiting(d, now), d->due);
	if (d->run)
		d->due = sooner(now + POLL_NS, d->due);
	if (d->due != before)
		find_due();
}

static void publish_rare(struct door *d)
{
	const struct xapt_operation_counters *c = &d->operations.count;
	volatile struct xenapt_fast_counters *to = &d->record->fast;

	to->declined = c->declined;
	to->repeated = c->repeated;
	to->refused = c->refused;
	to->handed_over = c->handed_over;
	to->received = c->received;
	to->revoked = c->revoked;
	to->lost = c->lost;
	to->forwarded = d->place->count.forwarded;
	to->timeouts = d->place->count.timeouts;
	to->faults = d->place->count.faults;
	to->interrupts = d->place->count.interrupts;
}

static void publish(struct door *d)
{
	const struct xapt_operation_counters *c = &d->operations.count;
	volatile struct xenapt_fast_counters *to = &d->record->fast;
	uint64_t rare = c->declined + c->repeated + c->refused + c->handed_over + c->received +
			c->revoked + c->lost + d->place->count.forwarded + d->place->count.timeouts +
			d->place->count.faults + d->place->count.interrupts;

	/* They only grow: the same sum is the same counters. */
	if (rare != d->rare) {
		d->rare = rare;
		publish_rare(d);
	}
	to->trapped = d->place->count.trapped;
	to->hits = c->executed;
	to->commits = c->commits;
	to->wakes = loop_count.wakes;
	to->spins = loop_count.spins;
	to->blocks = loop_count.blocks;
}

/* A timer that traps when it expires does so in each life: false. Without the device no vCPU waits for it. */
static bool begin_turn(struct door *d, uint64_t now)
{
	struct place *p = d->place;

	if (p->tries >= BEGINNINGS)
		return false;
	p->tries++;
	persist_order();
	xapt_operations_begin(&d->operations, now);
	persist_order();
	p->tries = 0;
	return true;
}

static void refuse_turn(struct door *d)
{
	uint32_t left = d->run;

	if (!d->broken)
		console_say(CONSOLE_ERROR, "guest %u device %u: it trapped %u times before any access: all ones from now on; detach it",
			    guest, d->place->setup.devid, BEGINNINGS);
	d->broken = true;
	d->run = 0;
	d->due = 0;
	find_due();
	for (; left; left &= left - 1)
		element_done(d, (unsigned int)__builtin_ctz(left), XENAPT_E_DEVICE, 0);
	publish(d);
}

static void turn(struct door *d)
{
	uint64_t raise, now = clock_now();
	uint32_t done;

	trap_serves = d->who;
	if (!begin_turn(d, now)) {
		trap_serves = 0;
		refuse_turn(d);
		return;
	}
	done = execute(d, now);
	/* A state that nobody would take comes back only by force. */
	if (d->operations.give && (!may_send_on(d) || !slow_connected(number_of(d))))
		d->operations.give = false;
	if (xapt_operations_end(&d->operations, false, now, &raise))
		end_elements(d, done, now);
	else
		once_more(d, done, now);
	if (raise)
		interrupt(d);
	set_due(d, now);
	publish(d);
	trap_serves = 0;
}

/* ---- accesses ---- */

static struct door *find(const struct xapt_access *a)
{
	struct door *d;

	for (d = doors; d < doors + DOORS; d++)
		if (d->open && d->place->setup.port == a->port &&
		    a->address >= d->place->setup.address && a->address <= d->place->last)
			return d;
	return NULL;
}

static void run(unsigned int v, struct door *d)
{
	vcpus[v] = (struct vcpu){ .state = HERE, .door = d };
	d->run |= BIT(v);
	todo |= BIT(number_of(d));
}

/* What the life before did for it is in the journal. */
static void go_on(unsigned int v, struct door *d)
{
	struct step s = journal_step(v);

	run(v, d);
	vcpus[v].faults = s.walk.faults;
	if (s.id)
		d->taken |= entry_bit(s.id);
	if (journals[v].since)
		d->waiting |= BIT(v);
}

static void take(unsigned int v)
{
	struct journal *j = &journals[v];
	struct xapt_access access;
	enum ioreq_kind kind;
	struct door *d;
	bool again;

	if (vcpus[v].state != IDLE)
		return;
	kind = ioreq_take(v, &access, &again);
	if (kind == IOREQ_NONE)
		return;
	d = kind == IOREQ_ACCESS && access.count ? find(&access) : NULL;
	if (!d) {
		answer(v, ALL_ONES);
	} else if (again && j->phase == JOURNAL_ANSWERED) {
		answer(v, j->value);
	} else if (again && j->phase == JOURNAL_TAKEN) {
		go_on(v, d);
	} else {
		journal_begin(v, &access);
		run(v, d);
	}
}

static void look_for_due(void)
{
	uint64_t now = clock_now();
	unsigned int i;

	if (door_due > now)
		return;
	for (i = 0; i < DOORS; i++)
		if (doors[i].open && doors[i].due && doors[i].due <= now)
			todo |= BIT(i);
}

void door_serve(uint64_t ready)
{
	uint64_t fired = ready & ioreq_ports();
	uint32_t left;

	for (; fired; fired &= fired - 1)
		take(ioreq_vcpu_of((unsigned int)__builtin_ctzll(fired)));
	if (door_due)
		look_for_due();
	left = todo;
	todo = 0;
	for (; left; left &= left - 1)
		turn(&doors[__builtin_ctz(left)]);
	guest_memory_drop();
	door_more = todo;
}

/* ---- the second device ---- */

static bool awaited(unsigned int v, const struct door *d, uint64_t id)
{
	return vcpus[v].state == AWAY && vcpus[v].door == d && vcpus[v].request.id == id;
}

void door_answer(unsigned int number, uint64_t id, uint32_t status, uint64_t value)
{
	struct door *d = &doors[number];
	unsigned int v;

	if (!d->open)
		return;
	want_turn(d);
	d->given_up = false;
	for (v = 0; v < ioreq_vcpus() && !awaited(v, d, id); v++)
		;
	if (v == ioreq_vcpus()) {
		d->stale &= ~entry_bit(id);
		d->taken &= ~entry_bit(id);
		return;
	}
	vcpus[v].state = HERE;
	/* It had no state: we have, or had. */
	if (status == XENAPT_E_DECLINED)
		d->run |= BIT(v);
	else
		element_done(d, v, status, value);
}

void door_interrupt(unsigned int number, uint64_t vectors)
{
	if (doors[number].open && vectors)
		interrupt(&doors[number]);
}

void door_connected(unsigned int number)
{
	struct door *d = &doors[number];

	d->taken &= ~d->stale;
	d->stale = 0;
	d->given_up = false;
}

/* ---- opening ---- */

static void begin(struct door *d, struct place *p)
{
	const struct door_setup *s = &p->setup;
	const struct xapt_operations_setup setup = {
		.model = s->model,
		.record = s->record,
		.me = XENAPT_OWNER_FAST,
		.revoke_ns = s->revoke_ns,
	};

	*d = (struct door){ .open = true, .place = p, .record = s->record, .rare = UINT64_MAX };
	d->who = TRAP_SERVES(guest, s->devid);
	d->record->fast.restarts = trap_restarts();
	d->record->fast.started = trap_started();
	xapt_operations_init(&d->operations, &setup);
	want_turn(d);
}

static enum xenapt_status open_new(unsigned int number, const struct door_setup *s, const char **why,
				   int *detail)
{
	struct place *p = &places[number];
	uint64_t size = door_size(s->model);

	*why = places_wrong(p, s, size);
	if (*why)
		return XENAPT_E_ADDRESS;
	if (!ioreq_vcpus())
		*detail = ioreq_open(guest, why);
	if (*detail) {
		ioreq_close();
		return XENAPT_E_ADDRESS;
	}
	places_note(p, s, size);
	*detail = places_claim(p, guest, why);
	if (*detail) {
		door_close(number);
		return XENAPT_E_ADDRESS;
	}
	begin(&doors[number], p);
	return XENAPT_OK;
}

static bool same(const struct door_setup *a, const struct door_setup *b)
{
	return a->model == b->model && a->devid == b->devid && a->port == b->port &&
	       a->address == b->address && a->record == b->record;
}

enum xenapt_status door_open(unsigned int number, const struct door_setup *s, const char **why,
			     int *detail)
{
	struct door *d = &doors[number];
	enum xenapt_status status = XENAPT_OK;

	*detail = 0;
	if (!d->open || !same(&d->place->setup, s)) {
		door_close(number);
		status = open_new(number, s, why, detail);
	}
	if (status == XENAPT_OK) {
		d->place->setup = *s;
		d->claimed = true;
	}
	return status;
}

uint32_t door_event(unsigned int number)
{
	return doors[number].place->event;
}

/* ---- closing ---- */

static void end_accesses(struct door *d)
{
	unsigned int v;

	for (v = 0; v < ioreq_vcpus(); v++) {
		if (vcpus[v].state == IDLE || vcpus[v].door != d)
			continue;
		if (vcpus[v].state == AWAY)
			slow_give_up(number_of(d), vcpus[v].request.id);
		answer(v, ALL_ONES);
	}
}

void door_close(unsigned int number)
{
	struct door *d = &doors[number];

	places_forget(&places[number]);
	if (d->open) {
		end_accesses(d);
		if (d->place->tries < BEGINNINGS)
			xapt_operations_leave(&d->operations, clock_now());
		publish(d);
	}
	*d = (struct door){ 0 };
	todo &= ~BIT(number);
	find_due();
	if (!places_any())
		ioreq_close();
}

/* ---- a new life ---- */

/* Of what is not in process any more the journal tells nothing. */
static void take_again(void)
{
	unsigned int v;

	for (v = 0; v < ioreq_vcpus(); v++) {
		if (!ioreq_is_taken(v))
			journals[v].phase = JOURNAL_FREE;
		persist_order();
		take(v);
	}
	door_more = todo;
}

void door_start(uint32_t domain)
{
	guest = domain;
	guest_memory_use(domain);
}

void door_again(uint32_t domain)
{
	const char *why = "";
	unsigned int i;
	int error;

	if (!ioreq_is_open())
		return;
	door_start(domain);
	error = ioreq_open(guest, &why);
	/* A server that is closed now would never answer those that wait. */
	if (error) {
		console_say(CONSOLE_ERROR, "guest %u: its accesses are not served: %s, error %u; once more in a new life",
			    guest, why, (unsigned int)-error);
		trap_again();
	}
	for (i = 0; i < DOORS; i++)
		if (places[i].used && !places_claim(&places[i], guest, &why))
			begin(&doors[i], &places[i]);
	take_again();
}

void door_resume(void)
{
	unsigned int i;

	for (i = 0; i < DOORS; i++)
		if (!doors[i].claimed)
			door_close(i);
	places_close_kept();
}
