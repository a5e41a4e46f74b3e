/* SPDX-License-Identifier: GPL-2.0-only */
#include "child.h"

#include <stdlib.h>
#include <string.h>

#include <xen/io/aperture_signal.h>

static uint32_t ring_pages(const struct child *c)
{
	return 1u << c->order;
}

static bool grant_all(struct child *c)
{
	uint32_t n = ring_pages(c);

	for (uint32_t i = 0; i < n; i++) {
		c->ring_ref[i] = fake_grant(c->f, c->dom, c->parent, c->frame + i, false);
		if (!c->ring_ref[i])
			return false;
	}
	c->event_ref = fake_grant(c->f, c->dom, c->parent, c->frame + n, false);
	c->mask_ref = fake_grant(c->f, c->dom, c->parent, c->frame + n + 1, true);
	c->port = fake_port_unbound(c->f, c->dom, c->parent);
	return c->event_ref && c->mask_ref && c->port;
}

bool child_up(struct child *c, struct fake *f, unsigned int dom, unsigned int parent,
	      uint32_t order)
{
	struct xenapt_sring *sring;

	*c = (struct child){ .f = f, .dom = dom, .parent = parent, .order = order };
	c->frame = fake_pages(f, dom, ring_pages(c) + 2);
	sring = fake_page(f, dom, c->frame);
	XEN_FRONT_RING_INIT(&c->front, sring, (size_t)FAKE_PAGE << order);
	c->event = fake_page(f, dom, c->frame + ring_pages(c));
	c->mask = fake_page(f, dom, c->frame + ring_pages(c) + 1);
	if (grant_all(c))
		return true;
	child_down(c);
	return false;
}

static bool end(struct child *c, uint32_t *ref)
{
	if (*ref && fake_grant_end(c->f, c->dom, *ref))
		return false;
	*ref = 0;
	return true;
}

bool child_down(struct child *c)
{
	bool done = true;

	if (!c->f)
		return true;
	if (c->port)
		fake_port_close(c->f, c->dom, c->port);
	c->port = 0;
	for (uint32_t i = 0; i < ring_pages(c); i++)
		done &= end(c, &c->ring_ref[i]);
	done &= end(c, &c->event_ref);
	done &= end(c, &c->mask_ref);
	if (done) {
		fake_pages_free(c->f, c->dom, c->frame, ring_pages(c) + 2);
		c->f = NULL;
	}
	return done;
}

void child_queue(struct child *c, const struct xenapt_request *request)
{
	struct xenapt_request *slot = RING_GET_REQUEST(&c->front, c->front.req_prod_pvt);

	*slot = *request;
	slot->id = ++c->last_id;
	c->front.req_prod_pvt++;
	c->count.requests++;
}

void child_push(struct child *c)
{
	int notify;

	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&c->front, notify);
	if (notify)
		fake_port_send(c->f, c->dom, c->port);
}

bool child_collect(struct child *c, struct xenapt_response *response)
{
	if (!XEN_RING_NR_UNCONSUMED_RESPONSES(&c->front))
		return false;
	xen_rmb();
	RING_COPY_RESPONSE(&c->front, c->front.rsp_cons, response);
	c->front.rsp_cons++;
	c->count.responses++;
	c->count.errors += response->status != XENAPT_OK;
	return true;
}

bool child_rearm(struct child *c)
{
	int more;

	RING_FINAL_CHECK_FOR_RESPONSES(&c->front, more);
	return more;
}

void child_doorbell(struct child *c, unsigned int n)
{
	c->count.published++;
	switch (xenapt_signal_raise(c->event->doorbell, c->event->doorbell_mask, n)) {
	case XENAPT_NOTIFY:
		c->count.notified++;
		fake_port_send(c->f, c->dom, c->port);
		return;
	case XENAPT_COALESCED:
		c->count.coalesced++;
		break;
	case XENAPT_MASKED:
		break;
	}
	c->count.suppressed++;
}

uint64_t child_interrupts(struct child *c, unsigned int word)
{
	uint64_t bits = xenapt_signal_take(&c->event->interrupt[word], c->mask->interrupt_mask[word]);

	c->count.taken += (uint64_t)__builtin_popcountll(bits);
	return bits;
}

void child_mask(struct child *c, unsigned int n)
{
	xenapt_signal_mask(c->mask->interrupt_mask, n);
}

bool child_unmask(struct child *c, unsigned int n)
{
	return xenapt_signal_unmask(c->mask->interrupt_mask, c->event->interrupt, n);
}

/* ---- memory ---------------------------------------------------------------- */

/* Odd frames first, then the even ones, downwards: no neighbours stay neighbours. */
static void lay_out(struct buffer *b, bool scattered)
{
	uint32_t half = b->pages / 2, i;

	for (i = 0; i < b->pages; i++) {
		if (!scattered)
			b->frames[i] = b->first + i;
		else if (i < half)
			b->frames[i] = b->first + 2 * (half - i) - 1;
		else
			b->frames[i] = b->first + 2 * (b->pages - 1 - i);
	}
}

static bool grant_pages(struct child *c, const uint32_t *frames, uint32_t *refs, uint32_t n,
			bool read_only)
{
	for (uint32_t i = 0; i < n; i++) {
		refs[i] = fake_grant(c->f, c->dom, c->parent, frames[i], read_only);
		if (!refs[i])
			return false;
	}
	return true;
}

static void write_page(struct xenapt_directory *page, uint16_t level, uint32_t index,
		       const uint32_t *refs, uint32_t n)
{
	page->magic = XENAPT_DIR_MAGIC;
	page->level = level;
	page->count = (uint16_t)n;
	page->index = index;
	memcpy(page->gref, refs, n * sizeof(*refs));
}

static bool write_directory(struct child *c, struct buffer *b)
{
	uint32_t frames[XENAPT_DIR_ENTRIES + 1];

	for (uint32_t i = 0; i < b->lists; i++) {
		uint32_t at = i * XENAPT_DIR_ENTRIES, left = b->pages - at;

		write_page(child_list(c, b, i), XENAPT_DIR_LIST, i, b->refs + at,
			   left < XENAPT_DIR_ENTRIES ? left : XENAPT_DIR_ENTRIES);
	}
	for (uint32_t i = 0; i < b->directory_pages; i++)
		frames[i] = b->directory_frame + i;
	if (!grant_pages(c, frames, b->directory_refs, b->directory_pages, true))
		return false;
	if (b->lists > 1)
		write_page(child_index(c, b), XENAPT_DIR_INDEX, 0, b->directory_refs, b->lists);
	b->directory = b->directory_refs[b->directory_pages - 1];
	return true;
}

bool child_describe(struct child *c, struct buffer *b, uint64_t length, uint32_t offset,
		    bool scattered)
{
	*b = (struct buffer){ .length = length, .offset = offset };
	b->pages = (uint32_t)((length + offset + FAKE_PAGE - 1) / FAKE_PAGE);
	b->lists = (b->pages + XENAPT_DIR_ENTRIES - 1) / XENAPT_DIR_ENTRIES;
	b->directory_pages = b->lists + (b->lists > 1);
	b->first = fake_pages(c->f, c->dom, b->pages);
	b->directory_frame = fake_pages(c->f, c->dom, b->directory_pages);
	b->frames = calloc(b->pages, sizeof(uint32_t));
	b->refs = calloc(b->pages, sizeof(uint32_t));
	b->directory_refs = calloc(b->directory_pages, sizeof(uint32_t));
	lay_out(b, scattered);
	if (grant_pages(c, b->frames, b->refs, b->pages, false) && write_directory(c, b))
		return true;
	child_forget(c, b);
	return false;
}

struct xenapt_directory *child_list(struct child *c, const struct buffer *b, uint32_t list)
{
	return fake_page(c->f, c->dom, b->directory_frame + list);
}

struct xenapt_directory *child_index(struct child *c, const struct buffer *b)
{
	return fake_page(c->f, c->dom, b->directory_frame + b->lists);
}

uint8_t *child_octet(struct child *c, const struct buffer *b, uint64_t at)
{
	return (uint8_t *)fake_page(c->f, c->dom, b->frames[at / FAKE_PAGE]) + at % FAKE_PAGE;
}

static bool mapped(struct child *c, const uint32_t *refs, uint32_t n)
{
	while (n--)
		if (refs[n] && fake_grant_mapped(c->f, c->dom, refs[n]))
			return true;
	return false;
}

static void end_all(struct child *c, uint32_t *refs, uint32_t n)
{
	while (n--)
		end(c, &refs[n]);
}

bool child_forget(struct child *c, struct buffer *b)
{
	if (b->ended)
		return true;
	if (mapped(c, b->refs, b->pages) || mapped(c, b->directory_refs, b->directory_pages))
		return false;
	end_all(c, b->refs, b->pages);
	end_all(c, b->directory_refs, b->directory_pages);
	fake_pages_free(c->f, c->dom, b->first, b->pages);
	fake_pages_free(c->f, c->dom, b->directory_frame, b->directory_pages);
	free(b->frames);
	free(b->refs);
	free(b->directory_refs);
	b->ended = true;
	return true;
}
