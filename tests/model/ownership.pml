/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state record: commit, hand over, hand back, revoke, take. Two operations, each of them
 * for either device or for the second only. The first device may be killed between any two steps, or
 * be given up by the child and go on for a while; with WITH_DEATH_OF_SECOND it is the second that may be killed
 * instead. Operations are sent again.
 *
 * Shown: no torn slot is ever taken for the state; nothing committed is ever lost; each
 * operation is executed once and answered (else an invalid end state or an assertion).
 */
#define OPS	2
#define NONE	3		/* no operation */
#define REVOKES	1
#ifdef BROKEN_STARTS_ANEW
#define WITH_DEATH_OF_SECOND
#endif
#ifdef WITH_DEATH_OF_SECOND	/* both: more states than memory */
#define LIVES	0
#define SLOW_LIVES 1
#else
#define LIVES	1
#define SLOW_LIVES 0
#endif
#define FAST	0
#define SLOW	1

/* head: one word, compared and exchanged as one */
byte owner = SLOW, current = 2, generation = 1;
/* A slot is written in two halves. The state counts how often each operation was executed. */
byte front[4], back[4];
#define COUNT(state, i)	((state) >> (2 * (i)) & 3)
#define ONCE(i)		(1 << (2 * (i)))

bool wanted;
byte revocations = REVOKES;

mtype = { kept, on_fast, on_slow, answered };
mtype place[OPS] = kept;
bool slow_only[OPS];
bool to_slow[OPS];		/* the fast lane declined it */
bool new_id[OPS];

bool fast_up = true;
bool given_up;			/* the child let the fast lane's connection go */
bool kill;
bool kill_slow;
bool resting;			/* the first device is about to start */
byte lives = LIVES;
byte slow_lives = SLOW_LIVES;
bool take_due;

/* ---- record.c ---- */

inline look()
{
	d_step { h_owner = owner; h_current = current; h_generation = generation }
}

#define SAME_HEAD	(owner == h_owner && current == h_current && generation == h_generation)

inline exchange(new_owner, new_slot)
{
	d_step {
		if
#ifdef BROKEN_NO_COMPARE
		:: true ->
#else
		:: SAME_HEAD ->
#endif
			owner = new_owner; current = new_slot; generation++;
			assert(generation < 60);	/* to and fro without end */
			h_owner = owner; h_current = current; h_generation = generation;
			did = true
		:: else -> did = false
		fi
	}
}

inline load()
{
	state = front[h_current];
	other_half = back[h_current];
#ifdef BROKEN_NO_SECOND_LOOK
	mine = true;
#else
	mine = SAME_HEAD;
#endif
	assert(!mine || state == other_half);
	d_step { if :: !mine -> state = 0 :: else fi; other_half = 0; known = h_generation }
}

inline commit(me)
{
	/* the one of its two slots that head does not name */
	d_step {
#ifdef BROKEN_SHARED_SLOTS
		slot = (h_current == 0 -> 1 : 0);
#else
		slot = 2 * me + (h_current == 2 * me -> 1 : 0);
#endif
#ifdef BROKEN_ONE_SLOT
		slot = (h_current / 2 == me -> h_current : 2 * me);
#endif
		did = SAME_HEAD
	};
	if
	:: did ->
		front[slot] = state;
		back[slot] = state;
		exchange(me, slot);
	:: else
	fi;
	d_step { slot = 0; mine = did; known = h_generation; if :: !did -> state = 0 :: else fi }
}

/* ---- operations.c: a turn with at most one operation ---- */

inline execute(me)
{
	if
	:: slow_only[i] && me == FAST -> d_step { declined = true; give = mine }
	:: !(slow_only[i] && me == FAST) && !mine -> declined = (me == SLOW); hold = (me == FAST)
	:: !(slow_only[i] && me == FAST) && mine ->
		d_step {
			owed = false;
			if
#ifdef BROKEN_FORGETS
			:: false
#else
			:: COUNT(state, i) && !new_id[i]	/* the record knows the answer */
#endif
			:: else ->
				assert(COUNT(state, i) == 0);
				state = state + ONCE(i);
				dirty = true
			fi
		}
	fi
}

inline settle(me)
{
	look();
	if
	:: h_owner == me && mine && known == h_generation
	:: h_owner == me && !(mine && known == h_generation) ->
		load();
#ifndef BROKEN_NOT_OWED
		owed = (me == SLOW && mine)
#endif
	:: h_owner != me && me == FAST && revocations && !declined ->
		/* revoke-ms passed, or not yet */
		mine = false;
		if
		:: d_step { revocations--; }; exchange(FAST, h_current);
			if :: did -> load() :: else fi
		:: skip
		fi
	:: h_owner != me && !(me == FAST && revocations) -> mine = false
	fi
}

/* The second device hands back when its ring is empty, but not before that came for which it got it. */
#define IDLE(n)		(place[n] != on_slow || i == n)

inline finish(me)
{
	if
	:: me == SLOW && mine && wanted && IDLE(0) && IDLE(1) && !owed -> give = true
	:: else
	fi;
	if
	:: dirty || (give && mine) ->
		commit(me);
		if :: !did && i != NONE -> declined = true :: else fi
	:: else
	fi;
	if
	:: give && mine -> exchange(1 - me, h_current); mine = false; state = 0
	:: else
	fi
}

inline answer(me)
{
	d_step {
		if
		:: i != NONE && !hold && place[i] == (me == FAST -> on_fast : on_slow) &&
		   !(me == FAST && given_up) ->
			if
			:: declined ->
				place[i] = kept;
				to_slow[i] = (me == FAST);
#ifdef BROKEN_NEW_ID
				new_id[i] = true;
#endif
				if :: me == SLOW && !fast_up -> take_due = true :: else fi
			:: else -> place[i] = answered
			fi
		:: else
		fi
	}
}

inline turn(me)
{
	settle(me);
	if :: i != NONE -> execute(me) :: else fi;
#ifdef BROKEN_ANSWERS_FIRST
	answer(me);
	finish(me);
#else
	finish(me);
	answer(me);
#endif
	d_step { i = NONE; dirty = false; give = false; declined = false; hold = false; did = false;
		 h_owner = 0; h_current = 0; h_generation = 0 }
}

#define LOCALS	byte h_owner, h_current, h_generation, state, other_half, slot, known; \
		byte i = NONE; \
		bool mine, did, dirty, give, declined, hold, owed

/* Something to do for the first device with operation n? */
#define CALLS(n)	(place[n] == on_fast && (slow_only[n] || owner == FAST || revocations))

active proctype first()
{
	LOCALS;

boot:	wanted = true;
end:	do
	:: !given_up && CALLS(0) -> i = 0; turn(FAST)
	:: !given_up && CALLS(1) -> i = 1; turn(FAST)
	:: !given_up && !wanted && owner == SLOW && (place[0] == on_fast || place[1] == on_fast) ->
		wanted = true		/* it looks from time to time */
	:: !given_up && (place[0] == on_fast || place[1] == on_fast) && timeout ->
		revocations++		/* nothing moves: revoke-ms is over some time */
	:: given_up -> break
	od unless { kill };
	skip;
	d_step {
		kill = false; given_up = true; resting = true;
		i = NONE; dirty = false; give = false; declined = false; hold = false; did = false;
		mine = false; state = 0; other_half = 0; slot = 0; known = 0;
		h_owner = 0; h_current = 0; h_generation = 0
	};
end2:	fast_up;
	goto boot
}

active proctype second()
{
	LOCALS;

	d_step { mine = true; known = 1 };	/* it made the state */
begin:
end:	do
	:: take_due ->
		take_due = false;
#ifndef BROKEN_WANTED
		wanted = false;
#endif
		look();
		if
		:: h_owner == FAST ->
			exchange(SLOW, h_current);
			if :: did -> load() :: !did -> take_due = true fi;
			owed = false
		:: else
		fi
	:: !take_due && place[0] == on_slow -> i = 0; turn(SLOW)
	:: !take_due && place[1] == on_slow -> i = 1; turn(SLOW)
	:: !take_due && owner == SLOW && wanted && IDLE(0) && IDLE(1) && !owed ->
		turn(SLOW)			/* an event, with nothing on the ring */
	od unless { kill_slow };
	d_step {
		kill_slow = false;
		i = NONE; dirty = false; give = false; declined = false; hold = false; did = false;
		mine = false; owed = false; state = 0; other_half = 0; slot = 0; known = 0;
		h_owner = 0; h_current = 0; h_generation = 0;
#ifdef BROKEN_STARTS_ANEW
		owner = SLOW; current = 2; front[2] = 0; back[2] = 0;
#endif
		skip
	};
	goto begin
}

/* ---- the child ---- */

inline send(n)
{
	d_step {
		if
		:: fast_up && !to_slow[n] -> place[n] = on_fast
		:: else -> place[n] = on_slow
		fi
	}
}

inline lane_gone()
{
	d_step {
		fast_up = false; given_up = true; lives--;
		if :: place[0] == on_fast -> place[0] = kept :: else fi;
		if :: place[1] == on_fast -> place[1] = kept :: else fi;
		take_due = true
	}
}

active proctype child()
{
	if :: slow_only[0] = true :: skip fi;
	if :: slow_only[1] = true :: skip fi;
	do
	:: place[0] == kept && !(take_due && !fast_up) -> send(0)
	:: place[1] == kept && !(take_due && !fast_up) -> send(1)
	:: fast_up && lives -> d_step { kill = true }; lane_gone()
	:: fast_up && lives -> lane_gone()		/* it is not dead yet */
	:: slow_lives -> d_step {
			kill_slow = true; slow_lives--;
			/* said to each new connection, before anything else */
			if :: !fast_up -> take_due = true :: else fi;
			if :: place[0] == on_slow -> place[0] = kept :: else fi;
			if :: place[1] == on_slow -> place[1] = kept :: else fi
		}
	:: !fast_up && !take_due && resting -> d_step { fast_up = true; given_up = false; resting = false;
						      to_slow[0] = false; to_slow[1] = false }
	:: place[0] == answered && place[1] == answered -> break
	od;
	/* all others are at rest */
	timeout;
	assert(front[current] == back[current]);
	assert(COUNT(front[current], 0) == 1 && COUNT(front[current], 1) == 1)
}
