/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explore.h - every interleaving of a few small actors, by exhaustive search.
 *
 * Actors are functions that run as coroutines and give way at explore_step(). A run
 * follows one schedule; the search backtracks until each choice was made at each point.
 * A state that was seen before is not searched again: an actor's part of the state is
 * what it saw (explore_saw), which with its own code determines where it is.
 *
 * explore_atomics.h, included before code that is written with the compiler's atomic
 * builtins, makes each of them one step. A read-modify-write that is weaker than
 * sequentially consistent is also tried behind the actor's next load, as a
 * CPU may do it.
 */
#ifndef TESTS_UNIT_EXPLORE_H
#define TESTS_UNIT_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLORE_ACTORS	3u

struct explore_plan {
	void (*reset)(void);			/* everything back to the start */
	void (*actor[EXPLORE_ACTORS])(void);	/* NULL: none */
	/* After a run in which no actor can go on. stuck: actors that still wait. */
	void (*finish)(unsigned int stuck);
	/* Every word that actors share, mixed: two states with one digest are one state. */
	uint64_t (*digest)(void);
};

uint64_t explore_mix(uint64_t digest, uint64_t value);

struct explore_result {
	uint64_t runs;		/* that reached an end of their own */
	uint64_t states;
};

struct explore_result explore(const struct explore_plan *plan);

/* For actors. Outside a search these do what they say at once. */
void explore_step(void);
uint64_t explore_saw(uint64_t value);
/* From here on what it saw does not matter, but only where it is: a number of each such place. */
void explore_forget(uint64_t place);
/* Give way until ready() says true. */
void explore_wait(bool (*ready)(void));
/* A choice among n that the search makes in every way. */
unsigned int explore_choice(unsigned int n);

/* For explore_atomics.h. */
uint64_t explore_load(const uint64_t *p);
uint64_t explore_or(uint64_t *p, uint64_t v, int order);
uint64_t explore_and(uint64_t *p, uint64_t v, int order);

#endif
