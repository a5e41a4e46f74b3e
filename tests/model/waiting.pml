/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting: two rings with ring.h's req_event and rsp_event, one stub domain that polls both
 * ports, a guest thread a ring. The stub may spin before it blocks; it may be killed between any
 * two steps and starts again as at boot: new rings, what is unanswered is sent again. Whoever
 * sleeps beside work sleeps for ever: an invalid end state.
 */
#define RINGS	2
#define N(ring)	(2 - ring)	/* requests: two on one ring, one on the other */

byte req_prod[RINGS], req_event[RINGS], rsp_prod[RINGS], rsp_event[RINGS];
bool port[RINGS];		/* pending at the stub */
bool irq[RINGS];		/* pending at the guest */
bool up[RINGS];			/* connected: the guest has made a ring */
bool gone[RINGS];		/* the stub's connection ended: the guest has still to see it */
byte answered[RINGS];
bool kill, killed;

/* RING_PUSH_REQUESTS_AND_CHECK_NOTIFY, and the same of responses. */
inline push(prod, ev, n, send)
{
	byte at;

#ifdef BROKEN_PUSH_BARRIER
	at = ev;
	prod = prod + n;
#else
	prod = prod + n;
	at = ev;
#endif
	if
	:: at > prod - n && at <= prod -> at = 0; send = true
	:: else -> at = 0
	fi
}

/* ---- the stub ---- */

inline scan()
{
	do
	:: up[r] && c[r] < req_prod[r] ->
		c[r]++;
		push(rsp_prod[r], rsp_event[r], 1, irq[r])
	:: else -> break
	od
}

/* RING_FINAL_CHECK_FOR_REQUESTS */
inline rearm()
{
	if
	:: up[r] ->
		req_event[r] = c[r] + 1;
#ifndef BROKEN_FINAL_CHECK
		if
		:: req_prod[r] > c[r] -> more = true
		:: else
		fi
#endif
	:: else
	fi
}

active proctype stub()
{
	byte c[RINGS];
	byte r;
	bool more;

boot:	more = true;
	do
	:: true ->
		if
		:: more				/* work was left, or it spins */
		:: !more ->
end:			port[0] || port[1]	/* SCHEDOP_poll */
		fi;
#ifndef BROKEN_CLEAR_LATE
		d_step { port[0] = false; port[1] = false };
#endif
		more = false;
		r = 0;
		do
		:: r < RINGS -> scan(); rearm(); r++
		:: else -> break
		od;
#ifdef BROKEN_CLEAR_LATE
		port[0] = false;
		port[1] = false;
#endif
		if
		:: true -> more = true		/* spin: look once more */
		:: true
		fi
	od unless { kill && !killed };
	/* nothing of before is used again; each frontend sees the raised epoch */
	d_step {
		killed = true;
		c[0] = 0; c[1] = 0;
		up[0] = false; up[1] = false;
		gone[0] = true; gone[1] = true;
		port[0] = false; port[1] = false
	};
	goto boot
}

active proctype killer()
{
	if
	:: true -> kill = true
	:: true
	fi
}

/* ---- the guest, a thread a ring ---- */

inline connect()
{
	d_step {
		gone[me] = false;
		sent = answered[me]; consumed = 0;
		req_prod[me] = 0; rsp_prod[me] = 0;
		req_event[me] = 1; rsp_event[me] = 1;
		irq[me] = false;
	};
	up[me] = true;
	port[me] = true				/* binding a port makes it pending */
}

inline talk()
{
	do
	:: answered[me] == N(me) -> break
	:: sent < N(me) ->
		push(req_prod[me], req_event[me], 1, port[me]);
		sent++
	:: consumed < rsp_prod[me] ->
		d_step { consumed++; answered[me]++ }
	:: sent == N(me) && consumed == rsp_prod[me] && answered[me] < N(me) ->
		rsp_event[me] = consumed + 1;
#ifndef BROKEN_GUEST_FINAL_CHECK
		if
		:: rsp_prod[me] > consumed -> skip
		:: else -> irq[me]
		fi;
#else
		irq[me];
#endif
		irq[me] = false
	od
}

proctype guest(byte me)
{
	byte sent, consumed;

again:	connect();
	{
		talk()
	} unless { gone[me] };
	if
	:: gone[me] && answered[me] < N(me) -> goto again
	:: else
	fi
}

init {
	atomic { run guest(0); run guest(1) }
}
