/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * poison.h - what the walks of poison-parent share: one connection that is made again after its end,
 * who says what about an end, and the table of docs/protocol.md.
 *
 *	poison-parent.c		the connection, the table, main
 *	poison-pages.c		words of the ring, event and mask pages
 *	poison-record.c		words of the state record, which the other lane's device must load
 *	poison-answers.c	words of responses, and of the directory of memory that this side owns
 */
#ifndef POISON_H
#define POISON_H

#include "parent.h"
#include "poison_words.h"

#define POISON_FOUR	4u	/* ones, zero, plus, minus */
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

extern struct parent parent;
extern uint8_t *record[XENAPT_RECORD_PAGES];

/* A connection of the guest's; the one before ended. */
void poison_connect(void);
void poison_disconnect(void);
void poison_respond(const struct xenapt_request *q, uint32_t status);

uint64_t poisoned(unsigned int value, uint64_t was);
uint64_t poison_load(const void *at, unsigned int size);
void poison_store(void *at, uint64_t value, unsigned int size);
/* NULL: a parent cannot write it, or there is no record. */
void *poison_place(const struct poison_word *w);

/* The child said that it ends, or closed; within so many ms. */
bool poison_ended(int ms);
/* "E_RING child", "E_RING parent": the name that it gave the end. Then it closes, or this says so. */
const char *poison_named(void);

/* Who goes on does so sooner. */
long poison_hang_us(void);

/* What the table says; and what happened, so many us after the event. < 0: nothing was named. */
const char *poison_expected(const char *word, unsigned int value);
bool poison_is_wanted(const char *word);
void poison_say(const char *word, unsigned int value, long us, const char *outcome);

void poison_pages(void);
void poison_record(void);
void poison_answers(void);
void poison_given(void);

#endif /* POISON_H */
