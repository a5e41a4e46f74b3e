/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels: unbound, bound, pending, masked, closed. */
#include "world.h"

static struct port *new_port(struct fake *f, unsigned int dom, uint32_t *number)
{
	struct domain *d = fake_domain(f, dom);

	for (uint32_t i = 1; i < MOST_PORTS; i++) {
		if (d->port[i].state == PORT_FREE) {
			*number = i;
			return &d->port[i];
		}
	}
	return NULL;
}

static struct port *port_of(struct fake *f, unsigned int dom, uint32_t number)
{
	struct domain *d = fake_domain(f, dom);

	if (!number || number >= MOST_PORTS || d->port[number].state == PORT_FREE)
		return NULL;
	return &d->port[number];
}

uint32_t fake_port_unbound(struct fake *f, unsigned int dom, unsigned int remote)
{
	uint32_t number;
	struct port *p = new_port(f, dom, &number);

	if (!p)
		return 0;
	*p = (struct port){ .state = PORT_UNBOUND, .remote = remote };
	return number;
}

uint32_t fake_port_bind(struct fake *f, unsigned int dom, unsigned int remote, uint32_t remote_port)
{
	struct port *theirs, *ours;
	uint32_t number = 0;

	if (fake_entry(f, FAKE_BIND, NULL) || !f->domain[remote].alive)
		return 0;
	theirs = port_of(f, remote, remote_port);
	ours = new_port(f, dom, &number);
	if (!theirs || theirs->state != PORT_UNBOUND || theirs->remote != dom || !ours)
		return 0;
	/* A fresh binding is pending once, at the binder, as in Xen. */
	*ours = (struct port){ .state = PORT_BOUND, .remote = remote, .remote_port = remote_port,
			       .pending = true };
	theirs->state = PORT_BOUND;
	theirs->remote_port = number;
	return number;
}

int fake_port_send(struct fake *f, unsigned int dom, uint32_t number)
{
	struct port *ours = port_of(f, dom, number);

	if (fake_entry(f, FAKE_SEND, NULL) || !ours)
		return -1;
	ours->sent++;
	/* An unbound port swallows the event. */
	if (ours->state == PORT_BOUND)
		f->domain[ours->remote].port[ours->remote_port].pending = true;
	return 0;
}

bool fake_port_take(struct fake *f, unsigned int dom, uint32_t number)
{
	struct port *p = port_of(f, dom, number);

	if (!p || !p->pending || p->masked)
		return false;
	p->pending = false;
	return true;
}

void fake_port_mask(struct fake *f, unsigned int dom, uint32_t number, bool masked)
{
	struct port *p = port_of(f, dom, number);

	if (p)
		p->masked = masked;
}

uint64_t fake_port_sent(const struct fake *f, unsigned int dom, uint32_t number)
{
	return f->domain[dom].port[number].sent;
}

int fake_port_close(struct fake *f, unsigned int dom, uint32_t number)
{
	struct port *p = port_of(f, dom, number);

	if (!p)
		return -1;
	if (p->state == PORT_BOUND) {
		struct port *other = &f->domain[p->remote].port[p->remote_port];

		other->state = PORT_UNBOUND;
		other->remote = dom;
	}
	*p = (struct port){ .state = PORT_FREE };
	return 0;
}

void fake_ports_die(struct fake *f, unsigned int dom)
{
	for (uint32_t i = 1; i < MOST_PORTS; i++)
		fake_port_close(f, dom, i);
}
