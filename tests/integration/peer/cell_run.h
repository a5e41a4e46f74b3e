/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cell_run.h - what the child does in one cell, in its kernel and in its programs alike.
 * Who includes it says how to ask, to try a store and to print.
 */
#ifndef CELL_RUN_H
#define CELL_RUN_H

#include "cell_layout.h"

#define CELL_NONCES	8u	/* each way */

struct cell {
	void *priv;
	volatile uint64_t *subject;
	uint64_t words;			/* of 8 octets */
	int child_writes, parent_writes, parent_owned;
	/* found */
	struct cell_who me, parent;
	unsigned int to_parent, to_child;	/* nonces that arrived */
	uint32_t my_fault, my_code, parent_fault, parent_code;
	const char *wrong;		/* NULL: all went well */
	int error;			/* with wrong: of ask */
};

/* By whoever includes this. */
static int cell_ask(struct cell *c, const struct cell_child *question, struct cell_parent *answer);
static void cell_sync(struct cell *c);		/* copies of partial pages, both ways */
static uint64_t cell_random(void);
static uint32_t cell_store(volatile uint64_t *word, uint64_t value, uint32_t *code);
static void cell_measure(struct cell *c);	/* fills in c->me */

static int cell_fail(struct cell *c, const char *what)
{
	if (!c->wrong)
		c->wrong = what;
	return -1;
}

static int cell_talk(struct cell *c, struct cell_child question, struct cell_parent *answer)
{
	c->error = cell_ask(c, &question, answer);
	if (c->error)
		return cell_fail(c, "no-answer");
	c->parent = answer->who;
	if (answer->status == CELL_OK)
		return 0;
	c->error = (int)answer->status;
	return cell_fail(c, answer->status == CELL_WRONG ? "parent-says-wrong" : "parent-refuses");
}

/* First word, last word, and others anywhere between. */
static uint64_t cell_place(const struct cell *c, unsigned int n)
{
	if (!n)
		return 0;
	return (n == 1 ? c->words - 1 : cell_random() % c->words) * 8;
}

/* The child's nonce is read by the parent. */
static int cell_to_parent(struct cell *c, unsigned int n)
{
	uint64_t nonce = cell_random(), key = cell_random(), at = cell_place(c, n);
	struct cell_parent answer;

	c->subject[at / 8] = nonce;
	if (cell_talk(c, (struct cell_child){ .command = CELL_TAKE, .offset = at, .key = key },
		      &answer))
		return -1;
	if (answer.value != cell_key(nonce, key))
		return cell_fail(c, "nonce-to-parent");
	c->to_parent++;
	return 0;
}

/* The parent's nonce is read by the child, which is told nothing of it otherwise. */
static int cell_to_child(struct cell *c, unsigned int n)
{
	uint64_t key = cell_random(), at = cell_place(c, n), value;
	struct cell_parent answer;

	if (cell_talk(c, (struct cell_child){ .command = CELL_GIVE, .offset = at }, &answer))
		return -1;
	cell_sync(c);
	value = cell_key(c->subject[at / 8], key);
	if (cell_talk(c, (struct cell_child){ .command = CELL_JUDGE, .value = value, .key = key },
		      &answer))
		return -1;
	c->to_child++;
	return 0;
}

/* The reader's store, and what the owner of the data finds afterwards. */
static int cell_child_stores(struct cell *c)
{
	uint64_t key = cell_random(), before = c->subject[1];
	struct cell_parent answer;

	c->my_fault = cell_store(&c->subject[1], ~before, &c->my_code);
	if (c->my_fault == CELL_STORED)
		return cell_fail(c, "child-store-went-through");
	if (cell_talk(c, (struct cell_child){ .command = CELL_LOOK, .offset = 8, .key = key },
		      &answer))
		return -1;
	if ((answer.value ^ key) != before || c->subject[1] != before)
		return cell_fail(c, "child-store-changed-it");
	return 0;
}

static int cell_parent_stores(struct cell *c)
{
	struct cell_parent answer;
	uint64_t before;

	c->subject[1] = before = cell_random();
	if (cell_talk(c, (struct cell_child){ .command = CELL_STORE, .offset = 8, .value = ~before },
		      &answer))
		return -1;
	c->parent_fault = answer.fault;
	c->parent_code = answer.fault_code;
	cell_sync(c);
	if (answer.fault == CELL_STORED)
		return cell_fail(c, "parent-store-went-through");
	if (c->subject[1] != before)
		return cell_fail(c, "parent-store-changed-it");
	return 0;
}

/* Is the memory whose it should be? Both ends look at what they have mapped. */
static int cell_owner(struct cell *c)
{
	struct cell_parent answer;

	if (cell_talk(c, (struct cell_child){ .command = CELL_LOOK }, &answer))
		return -1;
	if (c->parent.pages != (c->parent_owned ? CELL_OWN : CELL_OTHERS))
		return cell_fail(c, "parent-sees-another-owner");
	if (c->me.pages && c->me.pages != (c->parent_owned ? CELL_OTHERS : CELL_OWN))
		return cell_fail(c, "child-sees-another-owner");
	return 0;
}

static int cell_run(struct cell *c)
{
	unsigned int n;

	cell_measure(c);
	if (cell_owner(c))
		return -1;
	for (n = 0; n < CELL_NONCES; n++) {
		if (c->child_writes && cell_to_parent(c, n))
			return -1;
		if (c->parent_writes && cell_to_child(c, n))
			return -1;
	}
	if (!c->child_writes && cell_child_stores(c))
		return -1;
	if (!c->parent_writes && cell_parent_stores(c))
		return -1;
	return 0;
}

#define CELL_FORMAT	"child_cs=%#x child_kernel=%u child_thread=%u child_pid=%u child_name=%s child_code=%#llx " \
			"child_memory=%#llx child_pages=%u child_fault=%u/%u " \
			"parent_cs=%#x parent_kernel=%u parent_thread=%u parent_pid=%u parent_name=%s " \
			"parent_code=%#llx parent_memory=%#llx parent_pages=%u parent_fault=%u/%u " \
			"to_parent=%u to_child=%u error=%d result=%s\n"
#define CELL_ENDS(w)	(w).cs, (w).kernel, (w).thread, (w).pid, (w).name[0] ? (w).name : "-", \
			(unsigned long long)(w).code, (unsigned long long)(w).memory, (w).pages
#define CELL_ARGS(c)	CELL_ENDS((c)->me), (c)->my_fault, (c)->my_code, CELL_ENDS((c)->parent), \
			(c)->parent_fault, (c)->parent_code, (c)->to_parent, (c)->to_child, \
			(c)->error, (c)->wrong ? (c)->wrong : "ok"

#endif /* CELL_RUN_H */
