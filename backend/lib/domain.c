// SPDX-License-Identifier: LGPL-2.1-or-later
#include "domain.h"

#include <errno.h>
#include <stddef.h>

#include <xenevtchn.h>

#define NO_PORT	0	/* reserved in every domain: nobody can be bound to it */

/* No power is needed: why a channel cannot be made tells whether there is another end. */
bool xapt_domain_gone(uint32_t domid)
{
	xenevtchn_handle *events = xenevtchn_open(NULL, 0);
	bool gone;

	if (!events)
		return false;
	errno = 0;
	gone = xenevtchn_bind_interdomain(events, domid, NO_PORT) < 0 && errno == ESRCH;
	xenevtchn_close(events);
	return gone;
}
