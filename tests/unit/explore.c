/* SPDX-License-Identifier: GPL-2.0-only */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define STACK	(64u << 10)
#define DEEPEST	512u
#define TABLE	(1u << 20)	/* states, a power of two */

struct actor {
	ucontext_t context;
	char *stack;
	bool live;
	bool (*ready)(void);
	uint64_t seen;		/* digest of all that it saw, and of how far it is */
	/* a weak read-modify-write that has not happened yet */
	uint64_t *late;
	uint64_t late_and, late_or;
};

static const struct explore_plan *plan;
static struct actor actors[EXPLORE_ACTORS];
static struct actor *self;
static ucontext_t scheduler;
static uint8_t made[DEEPEST], ways[DEEPEST];	/* choices of this run; how many there were */
static unsigned int depth, replayed;
static uint64_t *table;
static struct explore_result result;

uint64_t explore_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ (h >> 29);
}

static uint64_t state(void)
{
	uint64_t h = plan->digest();

	for (unsigned int i = 0; i < EXPLORE_ACTORS; i++)
		h = explore_mix(explore_mix(h, actors[i].seen), actors[i].live);
	return h ? h : 1;
}

/* True if this state is new. */
static bool enter(uint64_t h)
{
	uint64_t i = h & (TABLE - 1);

	for (; table[i]; i = (i + 1) & (TABLE - 1))
		if (table[i] == h)
			return false;
	if (++result.states > TABLE / 2) {
		fprintf(stderr, "explore: more than %u states\n", TABLE / 2);
		abort();
	}
	table[i] = h;
	return true;
}

static unsigned int choose(unsigned int n)
{
	if (depth == DEEPEST) {
		fprintf(stderr, "explore: a run of more than %u choices\n", DEEPEST);
		abort();
	}
	if (depth >= replayed)
		made[depth] = 0;
	ways[depth] = (uint8_t)n;
	return made[depth++];
}

unsigned int explore_choice(unsigned int n)
{
	return (unsigned int)explore_saw(choose(n));
}

uint64_t explore_saw(uint64_t value)
{
	if (self)
		self->seen = explore_mix(self->seen, value + 1);
	return value;
}

void explore_forget(uint64_t place)
{
	self->seen = explore_mix((uint64_t)(self - actors) + 1, place);
}

static void settle(struct actor *a)
{
	if (a->late)
		*a->late = (*a->late & a->late_and) | a->late_or;
	a->late = NULL;
}

static void give_way(void)
{
	if (!self)
		return;
	explore_saw(0);
	swapcontext(&self->context, &scheduler);
}

void explore_step(void)
{
	give_way();
	if (self)
		settle(self);
}

void explore_wait(bool (*ready)(void))
{
	self->ready = ready;
	give_way();
	self->ready = NULL;
	settle(self);
}

uint64_t explore_load(const uint64_t *p)
{
	uint64_t v;

	give_way();
	v = explore_saw(*p);
	if (self && self->late) {	/* the load went first; the earlier write is now on its way */
		give_way();
		settle(self);
	}
	return v;
}

static uint64_t modify(uint64_t *p, uint64_t and, uint64_t or, int order)
{
	uint64_t old;

	explore_step();
	old = explore_saw(*p);
	if (!self) {
		*p = (old & and) | or;
		return old;
	}
	self->late = p;
	self->late_and = and;
	self->late_or = or;
	if (order == __ATOMIC_SEQ_CST || explore_choice(2) == 0)
		settle(self);
	return old;
}

uint64_t explore_or(uint64_t *p, uint64_t v, int order)
{
	return modify(p, ~(uint64_t)0, v, order);
}

uint64_t explore_and(uint64_t *p, uint64_t v, int order)
{
	return modify(p, v, 0, order);
}

static void body(void)
{
	struct actor *a = self;

	plan->actor[a - actors]();
	settle(a);
	a->live = false;
	swapcontext(&a->context, &scheduler);
}

static void start(void)
{
	plan->reset();
	depth = 0;
	for (unsigned int i = 0; i < EXPLORE_ACTORS; i++) {
		struct actor *a = &actors[i];

		a->live = plan->actor[i] != NULL;
		a->ready = NULL;
		a->seen = i;
		a->late = NULL;
		getcontext(&a->context);
		a->context.uc_stack.ss_sp = a->stack;
		a->context.uc_stack.ss_size = STACK;
		makecontext(&a->context, body, 0);
	}
}

static void run(void)
{
	for (;;) {
		struct actor *able[EXPLORE_ACTORS];
		unsigned int n = 0, waiting = 0;

		for (unsigned int i = 0; i < EXPLORE_ACTORS; i++) {
			if (actors[i].live && (!actors[i].ready || actors[i].ready()))
				able[n++] = &actors[i];
			else if (actors[i].live)
				waiting++;
		}
		if (depth >= replayed && !enter(state()))
			return;
		if (!n) {
			result.runs++;
			plan->finish(waiting);
			return;
		}
		self = able[choose(n)];
		swapcontext(&scheduler, &self->context);
	}
}

/* The next schedule: the deepest choice that has another way. False: none left. */
static bool backtrack(void)
{
	while (depth && made[depth - 1] + 1 >= ways[depth - 1])
		depth--;
	if (!depth)
		return false;
	made[depth - 1]++;
	replayed = depth;
	return true;
}

struct explore_result explore(const struct explore_plan *p)
{
	plan = p;
	result = (struct explore_result){ 0 };
	replayed = 0;
	table = calloc(TABLE, sizeof(*table));
	for (unsigned int i = 0; i < EXPLORE_ACTORS; i++)
		actors[i].stack = malloc(STACK);
	do {
		start();
		run();
	} while (backtrack());
	self = NULL;
	for (unsigned int i = 0; i < EXPLORE_ACTORS; i++)
		free(actors[i].stack);
	free(table);
	return result;
}
