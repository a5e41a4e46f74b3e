/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small child: the guest's half of apertureif.h on the fake, written from the
 * contract alone. It makes ring, event and mask page, describes memory, posts
 * requests, takes interrupts. It does not check what it is told to send: tests
 * make it lie.
 */
#ifndef TESTS_UNIT_FAKE_CHILD_H
#define TESTS_UNIT_FAKE_CHILD_H

#include "fake.h"

#include "barrier.h"
#include <xen/io/ring.h>
#include <xen/io/apertureif.h>

struct child {
	struct fake *f;
	unsigned int dom, parent;
	uint32_t order;
	uint32_t frame;			/* ring pages, then event page, then mask page */
	uint32_t ring_ref[1u << XENAPT_MAX_RING_ORDER];
	uint32_t event_ref, mask_ref;
	uint32_t port;
	struct xenapt_front_ring front;
	struct xenapt_event_page *event;
	struct xenapt_mask_page *mask;
	struct xenapt_counters count;	/* what mask->child would say */
	uint64_t last_id;
};

/* False, and nothing is kept, if a call of the fake fails. */
bool child_up(struct child *c, struct fake *f, unsigned int dom, unsigned int parent,
	      uint32_t order);
/* False if the parent still maps a page: those stay granted. May be called again. */
bool child_down(struct child *c);

/* Put one request on the ring, with the next id. Push and send the event if it is due. */
void child_queue(struct child *c, const struct xenapt_request *request);
void child_push(struct child *c);
/* The next response. */
bool child_collect(struct child *c, struct xenapt_response *response);
/* Ask for an event at the next response; true: there is one already. */
bool child_rearm(struct child *c);

void child_doorbell(struct child *c, unsigned int n);
/* Interrupts of one word that are pending and not masked. */
uint64_t child_interrupts(struct child *c, unsigned int word);
void child_mask(struct child *c, unsigned int n);
bool child_unmask(struct child *c, unsigned int n);

/* Memory of the child's, described by a directory. */
struct buffer {
	uint64_t length;
	uint32_t offset;
	uint32_t pages, lists;
	uint32_t first;			/* its frames, in whatever order, start here */
	uint32_t *frames, *refs;
	uint32_t directory_frame;	/* list pages, then the index page if there is one */
	uint32_t directory_pages;
	uint32_t *directory_refs;
	uint32_t directory;		/* for the OFFER */
	bool ended;
};

/* scattered: no two neighbours have neighbouring frames. */
bool child_describe(struct child *c, struct buffer *b, uint64_t length, uint32_t offset,
		    bool scattered);
struct xenapt_directory *child_list(struct child *c, const struct buffer *b, uint32_t list);
struct xenapt_directory *child_index(struct child *c, const struct buffer *b);
/* The child's address of one octet of the buffer, counted from the first page's start. */
uint8_t *child_octet(struct child *c, const struct buffer *b, uint64_t at);
/* End all grants and free the pages. False, and all is kept, while one is mapped. */
bool child_forget(struct child *c, struct buffer *b);

#endif
