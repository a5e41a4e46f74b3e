/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door of trapped devices, ended at any moment and begun again: three vCPUs with programs of
 * their own, a first device that dies, a second one that stays. Each register becomes 31 times what it was,
 * plus what is written: what is lost, done twice or out of order shows.
 */
#include <stdlib.h>

#include "record_steps.h"

#define persist_order() step()
#include "../../backend/stubdom/journal.c"
#include "../../backend/stubdom/places.c"
#include "../../backend/stubdom/door.c"

#include "check.h"

#define VCPUS		3u
#define REPS		5u
#define PROGRAM		9u	/* accesses of a vCPU */
#define BASE		0x1000u
#define TURNS		4000u
#define THEFT_NS	10000000u	/* timeout with a thief */

/* ---- the device ---- */

enum { QUICK, FICKLE, LONG, KINDS };

#define AT(kind, n)	(0x100u * (kind) + 8u * (n))

struct sample {
	uint64_t value[KINDS][VCPUS];
};

/* What its vCPU's element was fetched from is something else as soon as the element has an effect. */
static void change_memory(unsigned int v);

static uint32_t sample_read(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t *value)
{
	*value = ((struct sample *)run->state)->value[id][n];
	return XENAPT_OK;
}

static uint32_t sample_write(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t value)
{
	uint64_t *v = &((struct sample *)run->state)->value[id][n];

	*v = *v * 31 + value;
	change_memory(n);
	return XENAPT_OK;
}

static bool poison, in_second;
static enum { HONEST, TAKES, KEEPS } thief;	/* the second device, with the record's head */

static void change_head(unsigned int owner)
{
	uint64_t head = shared.head;

	shared.head = XENAPT_HEAD(owner, XENAPT_HEAD_SLOT(head), XENAPT_HEAD_GENERATION(head) + 1);
}

static uint32_t fast_write(struct xenaperture_run *run, uint32_t id, uint32_t n, uint64_t value)
{
	if (poison && !in_second && id == QUICK && value % 4 == 0)
		kill_here();
	/* Gone before the commit, there again in the next turn. */
	if (thief == TAKES)
		change_head(XENAPT_OWNER_FAST);
	return id == FICKLE && value % 2 ? XENAPT_E_DECLINED : sample_write(run, id, n, value);
}

static bool bomb;

static uint64_t sample_due(const void *state)
{
	(void)state;
	return bomb ? 0 : UINT64_MAX;
}

static void sample_expire(struct xenaperture_run *run)
{
	(void)run;
	kill_here();
}

#define ANY	(XENAPERTURE_READ | XENAPERTURE_WRITE)
#define ROW(kind, flags) { AT(kind, 0), 8, XENAPERTURE_ANY_SIZE, flags, kind, VCPUS, 8 }

static const struct xenaperture_register registers[] = {
	ROW(QUICK, ANY | XENAPERTURE_FAST), ROW(FICKLE, ANY | XENAPERTURE_FAST), ROW(LONG, ANY),
};

static const struct xenaperture_model model = {
	.size = sizeof(model),
	.version = XENAPERTURE_MODEL_VERSION,
	.type = "sample",
	.registers = registers,
	.nr_registers = KINDS,
	.state_version = 1,
	.state_size = sizeof(struct sample),
	.fast = { .read = sample_read, .write = fast_write },
	.due = sample_due,
	.expire = sample_expire,
};

static const struct xenaperture_functions slow_half = { .read = sample_read, .write = sample_write };

/* ---- the guest: what it does, and what must come of it ---- */

static uint64_t memory[VCPUS][REPS];

static struct guest_vcpu {
	enum { NONE, READY, INPROCESS, ANSWER } state;
	unsigned int at;		/* in its program */
	bool waits;
	struct xapt_access access;
	uint64_t answer, expected;
	uint64_t value[KINDS];		/* the reference */
	uint64_t random;
	unsigned int wrong, elements;
} guests[VCPUS];

static void expect_write(struct guest_vcpu *g, unsigned int kind, uint64_t value)
{
	g->value[kind] = g->value[kind] * 31 + value;
}

/* A register of the vCPU's own: read, written, or written with REP from its memory. */
static void ask(unsigned int v)
{
	struct guest_vcpu *g = &guests[v];
	unsigned int kind = check_random(&g->random) % KINDS, what = check_random(&g->random) % 3, i;

	g->access = (struct xapt_access){
		.address = BASE + AT(kind, v), .size = 8, .count = 1, .port = true, .write = what > 0,
	};
	g->expected = g->value[kind];
	g->access.data = check_random(&g->random);
	if (what == 1)
		expect_write(g, kind, g->access.data);
	if (what == 2) {
		g->access.pointer = true;
		g->access.data = 8 * REPS * v;
		g->access.count = REPS;
		for (i = 0; i < REPS; i++) {
			memory[v][i] = check_random(&g->random);
			expect_write(g, kind, memory[v][i]);
		}
	}
	g->elements += g->access.count;
	g->state = READY;
	g->waits = true;
}

static void go_along(unsigned int v)
{
	struct guest_vcpu *g = &guests[v];

	if (g->state == ANSWER) {
		g->state = NONE;
		g->waits = false;
		g->wrong += !g->access.write && g->answer != g->expected;
	}
	if (g->state == NONE && g->at < PROGRAM) {
		g->at++;
		ask(v);
	}
}

/* ---- Xen ---- */

static bool server;
static uint64_t *fetched[VCPUS];

static void change_memory(unsigned int v)
{
	if (fetched[v])
		*fetched[v] = 0xaaaa;
}

static int fetch(void *host, uint64_t at, void *to, uint32_t n)
{
	(void)host;
	fetched[at / 8 / REPS] = &memory[0][0] + at / 8;
	memcpy(to, (const uint8_t *)memory + at, n);
	return 0;
}

static int store(void *host, uint64_t at, const void *from, uint32_t n)
{
	(void)host, (void)at, (void)from, (void)n;
	return -1;
}

const struct xapt_access_ops guest_memory = { .fetch = fetch, .store = store };
void guest_memory_use(uint32_t domain) { (void)domain; }
void guest_memory_drop(void) { }

static unsigned int refusals;	/* of Xen, to a new life */

int ioreq_open(uint32_t domain, const char **what)
{
	(void)domain, (void)what;
	server = true;
	if (!refusals)
		return 0;
	refusals--;
	return -1;
}

void ioreq_close(void) { server = false; }
bool ioreq_is_open(void) { return server; }
int ioreq_map(bool port, uint64_t first, uint64_t last) { (void)port, (void)first, (void)last; return 0; }
int ioreq_unmap(bool port, uint64_t first, uint64_t last) { return ioreq_map(port, first, last); }
unsigned int ioreq_vcpus(void) { return server ? VCPUS : 0; }
uint64_t ioreq_ports(void) { return (1u << VCPUS) - 1; }
unsigned int ioreq_vcpu_of(unsigned int port) { return port; }
bool ioreq_is_taken(unsigned int v) { return guests[v].state == INPROCESS; }

enum ioreq_kind ioreq_take(unsigned int v, struct xapt_access *access, bool *again)
{
	struct guest_vcpu *g = &guests[v];

	if (g->state != READY && g->state != INPROCESS)
		return IOREQ_NONE;
	*again = g->state == INPROCESS;
	*access = g->access;
	step();
	g->state = INPROCESS;
	step();
	return IOREQ_ACCESS;
}

/* The vCPU may be as far as its next access before the event of this one is sent. */
void ioreq_answer(unsigned int v, uint64_t value)
{
	step();
	guests[v].answer = value;
	step();
	CHECK(guests[v].state == INPROCESS);
	guests[v].state = ANSWER;
	step();
	go_along(v);
	step();
}

/* ---- the rest of the stub domain ---- */

static uint64_t now;
struct loop_counters loop_count;
uint64_t trap_serves;
uint64_t clock_now(void) { return now += 10000; }
uint64_t trap_restarts(void) { return 0; }
void trap_again(void) { kill_here(); abort(); }
uint64_t trap_started(void) { return 1; }
int events_keep(uint32_t domain) { (void)domain; return 9; }
uint64_t events_kept(void) { return 1u << 9; }
void events_close(uint32_t port) { (void)port; }
void events_send(uint32_t port) { (void)port; }
void console_say(enum console_level level, const char *format, ...) { (void)level, (void)format; }

/* ---- the second device: it lives on, its connection does not ---- */

static struct xapt_operations second;
static struct xenapt_request sent[VCPUS];
static bool is_sent[VCPUS], connected;

bool slow_forward(unsigned int door, const struct xenapt_request *request)
{
	unsigned int v = request->u.operation.submitter;

	(void)door;
	step();
	CHECK(!is_sent[v]);
	change_memory(v);
	sent[v] = *request;
	is_sent[v] = true;
	return true;
}

static enum { NEVER, FORGOTTEN, OUT } given_up;

bool slow_give_up(unsigned int door, uint64_t id)
{
	(void)door, (void)id;
	CHECK(given_up != NEVER);
	return given_up == OUT;
}

bool slow_connected(unsigned int door) { (void)door; return connected; }

/* Its turn; then the answers of those that arrive. */
static void second_turn(void)
{
	struct xenapt_response r[VCPUS] = { { 0 } };
	uint64_t raise, steps = steps_left;
	unsigned int v;
	bool asked[VCPUS], happened;

	steps_left = 0;
	in_second = true;
	xapt_operations_hear(&second);
	xapt_operations_begin(&second, clock_now());
	for (v = 0; v < VCPUS; v++) {
		asked[v] = is_sent[v] && connected;
		if (asked[v])
			xapt_operations_execute(&second, &sent[v], NULL, &r[v], now);
	}
	happened = xapt_operations_end(&second, true, now, &raise);
	in_second = false;
	steps_left = steps;
	for (v = 0; v < VCPUS; v++) {
		if (!asked[v])
			continue;
		step();
		is_sent[v] = false;
		door_answer(0, sent[v].id, happened ? r[v].status : XENAPT_E_DECLINED, r[v].value);
	}
}

static void make_second(void)
{
	const struct xapt_operations_setup setup = {
		.model = &model, .slow = &slow_half, .record = &shared, .me = XENAPT_OWNER_SLOW,
	};

	xapt_operations_init(&second, &setup);
}

/* ---- lives ---- */

static void open_door(void)
{
	const struct door_setup setup = {
		.model = &model, .devid = 3, .port = true, .address = BASE, .record = &shared,
		.revoke_ns = 100000, .timeout_ns = thief ? THEFT_NS : UINT64_MAX / 2,
	};
	const char *why;
	int detail;

	door_start(1);
	CHECK_EQ(door_open(0, &setup, &why, &detail), XENAPT_OK);
	door_resume();
}

static void forget_life(void)
{
	memset(doors, 0, sizeof(doors));
	memset(vcpus, 0, sizeof(vcpus));
	todo = 0;
	door_due = 0;
	door_more = false;
	memset(is_sent, 0, sizeof(is_sent));
	connected = false;
}

static void begin_world(uint64_t seed)
{
	unsigned int v;

	forget_life();
	memset(journals, 0, sizeof(journals));
	memset(places, 0, sizeof(places));
	memset(&shared, 0, sizeof(shared));
	memset(guests, 0, sizeof(guests));
	memset(fetched, 0, sizeof(fetched));
	server = false;
	now = 1000000000;
	for (v = 0; v < VCPUS; v++)
		guests[v].random = seed * VCPUS + v;
	make_second();
	open_door();
}

static void live(void)
{
	unsigned int turns, v;

	for (turns = 0; turns < TURNS; turns++) {
		for (v = 0; v < VCPUS; v++)
			go_along(v);
		for (v = 0; v < VCPUS && guests[v].at == PROGRAM && !guests[v].waits; v++)
			;
		if (v == VCPUS)
			return;
		now += 50000;
		/* Some time after the beginning of a life. */
		connected |= turns % 8 == 7;
		second_turn();
		door_serve(ioreq_ports());
	}
}

static volatile unsigned int deaths;

static void judge(uint64_t seed, uint64_t moment)
{
	const struct sample *s;
	uint64_t elements = 0;
	unsigned int v, kind;

	door_close(0);
	for (v = 0; v < VCPUS; v++)
		elements += guests[v].elements;
	/* Kept over deaths; the one that was being counted may count again. */
	CHECK_CASE(shared.fast.trapped >= elements && shared.fast.trapped <= elements + deaths, seed, moment);
	xapt_operations_take(&second, clock_now());
	s = (const struct sample *)second.record.slot.state;
	for (v = 0; v < VCPUS; v++) {
		CHECK_CASE(guests[v].at == PROGRAM && !guests[v].waits, seed, moment);
		CHECK_CASE(!guests[v].wrong, seed, moment);
		for (kind = 0; kind < KINDS; kind++)
			CHECK_CASE(s->value[kind][v] == guests[v].value[kind], seed, moment);
	}
}

/* Ends at the given moment, and after that twice more, soon. False: it never came. */
static bool die_at(uint64_t seed, uint64_t moment)
{
	volatile uint64_t random = seed + moment;

	deaths = 0;
	steps_left = 0;
	begin_world(seed);
	at_step = kill_here;
	steps_left = moment;
	if (setjmp(killed)) {
		uint64_t r = random;

		deaths++;
		steps_left = deaths < 3 && !poison ? 1 + check_random(&r) % 60 : 0;
		random = r;
		forget_life();
		make_second();
		door_again(1);
	}
	live();
	steps_left = 0;
	judge(seed, moment);
	return deaths;
}

static void test_no_death(void)
{
	uint64_t seed;

	for (seed = 1; seed <= 200; seed++)
		CHECK(!die_at(seed, 0));
}

static void test_death_anywhere(void)
{
	uint64_t seed, moment;
	unsigned int before = CU_get_number_of_failures();

	for (seed = 1; seed <= 6; seed++)
		for (moment = 1; die_at(seed, moment) && CU_get_number_of_failures() == before; moment++)
			;
	CHECK(moment > 1000);
}

/* An element that brings the first device down each time: the second one executes it. */
static void test_poison(void)
{
	uint64_t seed;
	unsigned int most = 0;

	poison = true;
	for (seed = 1; seed <= 50; seed++) {
		die_at(seed, 0);
		most = deaths > most ? deaths : most;
	}
	poison = false;
	CHECK(most >= 2 * TRIES && most % TRIES == 0);
}

/* Time until a REP write is over whose state the second device takes, or keeps with signs of life. */
static uint64_t time_of_rep(int how)
{
	unsigned int turns;
	uint64_t from;

	thief = how;
	begin_world(1);
	door_serve(ioreq_ports());
	from = now;
	guests[0].at = PROGRAM;
	guests[0].access = (struct xapt_access){
		.address = BASE + AT(QUICK, 0), .size = 8, .count = REPS, .port = true, .write = true,
		.pointer = true,
	};
	guests[0].state = READY;
	guests[0].waits = true;
	for (turns = 0; turns < 100 * TURNS && guests[0].waits; turns++) {
		if (thief == KEEPS)
			change_head(XENAPT_OWNER_SLOW);
		door_serve(ioreq_ports());
	}
	thief = HONEST;
	CHECK(!guests[0].waits);
	return now - from;
}

/* An access ends whatever the second device does, and a REP does not wait for each of its elements. */
static void test_thief(void)
{
	uint64_t takes = time_of_rep(TAKES), keeps = time_of_rep(KEEPS);

	CHECK(takes >= THEFT_NS && takes < 2 * THEFT_NS);
	CHECK(keeps >= THEFT_NS && keeps < 2 * THEFT_NS);
}

static void begin_access(unsigned int v, unsigned int kind)
{
	struct guest_vcpu *g = &guests[v];

	g->at = PROGRAM;
	g->access = (struct xapt_access){
		.address = BASE + AT(kind, v), .size = 8, .count = REPS, .port = true, .write = true,
		.pointer = true, .data = 8 * REPS * v,
	};
	g->state = READY;
	g->waits = true;
}

static unsigned int elements_of(unsigned int v)
{
	return guests[v].waits ? journal_step(v).walk.done : REPS;
}

/* One entry for all of them: it goes round. */
static void test_shortage(void)
{
	unsigned int turns, v, most, least = 0;

	begin_world(1);
	connected = true;
	doors[0].taken = doors[0].stale = ~BIT(IOREQ_VCPUS);
	for (v = 0; v < VCPUS; v++)
		begin_access(v, LONG);
	for (turns = 0; turns < TURNS && least < REPS; turns++) {
		now += 50000;
		second_turn();
		door_serve(ioreq_ports());
		for (v = 0, most = 0, least = REPS; v < VCPUS; v++) {
			most = elements_of(v) > most ? elements_of(v) : most;
			least = elements_of(v) < least ? elements_of(v) : least;
		}
		CHECK_CASE(most <= least + 1, most, least);
	}
	CHECK_EQ(least, REPS);
	door_close(0);
}

static void time_out(int how)
{
	unsigned int turns;

	given_up = how;
	begin_world(1);
	places[0].setup.timeout_ns = THEFT_NS;
	begin_access(1, LONG);
	for (turns = 0; turns < TURNS && guests[1].waits; turns++) {
		now += 50000;
		door_serve(ioreq_ports());
	}
	given_up = NEVER;
	CHECK(!guests[1].waits);
}

/* An entry stays taken only where an answer may come yet. */
static void test_given_up(void)
{
	time_out(FORGOTTEN);
	CHECK_EQ(doors[0].taken, 0);
	door_close(0);
	time_out(OUT);
	CHECK_EQ(doors[0].taken, BIT(1));
	door_connected(0);
	CHECK_EQ(doors[0].taken, 0);
	door_close(0);
}

/* Its second device comes back while the rest of a REP is too late already: that is no reason to give it up again. */
static void test_late_rest(void)
{
	unsigned int turns;

	given_up = OUT;
	begin_world(1);
	places[0].setup.timeout_ns = THEFT_NS;
	begin_access(1, LONG);
	for (turns = 0; turns < TURNS && !doors[0].given_up; turns++) {
		now += 50000;
		door_serve(ioreq_ports());
	}
	CHECK(guests[1].waits);
	is_sent[1] = false;
	door_connected(0);
	for (turns = 0; turns < TURNS && guests[1].waits; turns++)
		door_serve(ioreq_ports());
	given_up = NEVER;
	CHECK(!guests[1].waits && !is_sent[1] && !doors[0].given_up);
	door_close(0);
}

/* Xen refuses a new life what it needs to answer: who waits is answered by a later one. */
static void test_refused_life(void)
{
	volatile unsigned int lives = 0;
	unsigned int turns;

	begin_world(1);
	begin_access(0, QUICK);
	guests[0].state = INPROCESS;
	refusals = 3;
	setjmp(killed);
	lives++;
	forget_life();
	door_again(1);
	for (turns = 0; turns < TURNS && guests[0].waits; turns++)
		door_serve(ioreq_ports());
	CHECK(!guests[0].waits);
	CHECK_EQ(lives, 4);
	door_close(0);
}

/* A timer that brings the first device down whenever it has the state. */
static void test_bomb(void)
{
	volatile unsigned int turns = 0;

	deaths = 0;
	begin_world(1);
	guests[0].at = PROGRAM;
	guests[0].access = (struct xapt_access){ .address = BASE, .size = 8, .count = 1, .port = true };
	guests[0].state = READY;
	guests[0].waits = true;
	bomb = true;
	if (setjmp(killed)) {
		deaths++;
		forget_life();
		door_again(1);
	}
	while (turns++ < 100 && guests[0].waits)
		door_serve(ioreq_ports());
	CHECK(!guests[0].waits && guests[0].answer == ALL_ONES);
	door_close(0);
	CHECK_EQ(deaths, BEGINNINGS);
	bomb = false;
}

static CU_TestInfo tests[] = {
	{ "no death", test_no_death },
	{ "death anywhere", test_death_anywhere },
	{ "poison", test_poison },
	{ "thief", test_thief },
	{ "shortage", test_shortage },
	{ "given up", test_given_up },
	{ "late rest", test_late_rest },
	{ "refused life", test_refused_life },
	{ "bomb", test_bomb },
	CU_TEST_INFO_NULL,
};

CHECK_MAIN(tests)
