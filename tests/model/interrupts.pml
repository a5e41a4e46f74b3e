/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts: pending bits of two lanes, one mask, an event on an edge. The first device may be
 * killed between any two steps; then the second takes the state and raises what it finds pending.
 * Nothing is lost: the guest sees each change of the state, or never ends (an invalid end state).
 */
#define TICKS	2
#define HANDS	2
#define FAST	0
#define SLOW	1

byte owner = FAST;
byte generation;		/* of the head: raised with each change of the owner */
byte hands;			/* hand-overs so far */
byte produced;			/* committed changes of the state */
byte seen;			/* what the guest found in the state */
bool pending[2], event[2];	/* by lane */
bool mask;
bool wanted = true;		/* the first device wants the state; TAKE clears it */
bool kill, dead;		/* the first device */
bool take_due;			/* the child sent TAKE */

/* aperture_signal.h: raise. Each line is one access. */
inline raise(lane)
{
	bool was, masked;

#ifdef BROKEN_MASK_FIRST
	masked = mask;
#endif
	d_step { was = pending[lane]; pending[lane] = true }
	if
	:: was
	:: else ->
#ifndef BROKEN_MASK_FIRST
		masked = mask;
#endif
		if
		:: masked
		:: else -> event[lane] = true
		fi
	fi
}

/* record.c, operations.c: a commit, perhaps the state given away, then the interrupt. */
inline tick(me)
{
	bool did;

#ifdef BROKEN_RAISE_FIRST
	raise(me);
#endif
	d_step {
		did = owner == me && generation == known && produced < TICKS;
		if :: did -> produced++ :: else fi
	};
	if
	:: did && hands < HANDS && (me == FAST || wanted) -> d_step { owner = 1 - me; generation++; hands++ }
	:: skip
	fi;
#ifndef BROKEN_RAISE_FIRST
	if
	:: did -> raise(me)
	:: else
	fi
#endif
}

/* Whose head it is now: what is still to be seen is raised. */
inline load(me)
{
	known = generation;
#ifndef BROKEN_LOAD
	if
	:: produced -> raise(me)
	:: else
	fi
#endif
}

active proctype first()
{
	byte known = 255;

	{
endf:		do
		:: owner == FAST && known != generation -> load(FAST)
		:: owner == FAST && known == generation && produced < TICKS -> tick(FAST)
		od
	} unless { kill };
	dead = true
}

active proctype second()
{
	byte known = 255;

ends:	do
	:: owner == SLOW && known != generation -> load(SLOW)
	:: owner == SLOW && known == generation && produced < TICKS -> tick(SLOW)
	:: take_due ->
		take_due = false;
#ifndef BROKEN_WANTED
		wanted = false;
#endif
		d_step { if :: owner == FAST -> owner = SLOW; generation++ :: else fi }
	od
}

active proctype killer()
{
	if
	:: true -> kill = true
	:: true
	fi
}

/* The child saw the first device die. */
active proctype child()
{
endc:	dead;
	take_due = true
}

/* signal.c: what is not masked is taken by one exchange, then handled. */
inline take(lane)
{
	bool got;

	got = false;
	d_step { if :: pending[lane] && !mask -> pending[lane] = false; got = true :: else fi };
	if
	:: got -> seen = produced
	:: else
	fi
}

inline look()
{
	take(FAST);
	take(SLOW)
}

active proctype guest()
{
	bool masked_once;

	do
	:: seen == TICKS -> break
	:: event[FAST] || event[SLOW] ->
#ifndef BROKEN_EVENT_LATE
		d_step { event[FAST] = false; event[SLOW] = false };
#endif
		look();
#ifdef BROKEN_EVENT_LATE
		d_step { event[FAST] = false; event[SLOW] = false };
#endif
	:: seen < TICKS && !masked_once ->
		masked_once = true;
		mask = true;
		if :: look() :: skip fi;	/* an event that comes meanwhile */
		mask = false;
#ifndef BROKEN_UNMASK
		look()
#endif
	od
}
