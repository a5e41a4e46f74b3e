/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_layout.h - what the tests' guests and the tests' device ("check") say
 * to each other inside an aperture.
 *
 *   octet 0       +----------------------------------+
 *                 | struct check_child: child writes |
 *   octet 512     +----------------------------------+
 *                 | struct check_parent: parent writes
 *   octet 1024    +----------------------------------+
 *                 | data, to the end of the aperture |
 *                 +----------------------------------+
 *
 * Neither side trusts the other's block: every word is loaded once, and the copy
 * is checked before it is used. A private copy is the truth about one's own block.
 *
 * Commands
 * ========
 *
 * The child fills its block, then stores sequence (release), then rings the
 * aperture's doorbell. The parent takes a command when child.sequence (acquire)
 * differs from its own parent.sequence; it does the work, fills its block, stores
 * parent.sequence = child.sequence (release), and injects the aperture's interrupt.
 * A doorbell with nothing new is legal. One command is out at a time.
 *
 * A parent that starts again (after a crash) finds its last answer in
 * parent.sequence, and does the command again if it had not answered. So it
 * answers each at least once. CHECK_CRASH is answered first, and then done.
 *
 * offset and length name a range of the data, in octets from octet 1024. A range
 * that is not inside the aperture is answered CHECK_E_RANGE.
 *
 * Frames
 * ======
 *
 * CHECK_FRAMES sets up two queues in the range that starts at offset, one each
 * way, of slots entries (power of two, 2..65536): first the child's slots, then
 * the parent's: 2 * slots * 256 octets. It is answered at once; from then on,
 * until CHECK_STOP (or another command with a new sequence: frames stop), each
 * side sends frames with sequence numbers 0, 1, ... count - 1, and checks what
 * it gets: number and checksum.
 *
 * An index counts frames since the start and is never reduced; slot = index %
 * slots. A producer fills the slot, then stores its "sent" (release); a consumer
 * loads that (acquire), checks the frames, then stores its "got" (release). A
 * "sent" more than slots ahead of "got", or that went back, ends the frames with
 * CHECK_E_INDEX in status.
 *
 * Waking: whoever stored sent or got raises the signal afterwards: after each
 * batch of at most CHECK_BATCH frames. A side that looks by itself masks its
 * signal meanwhile, and before it sleeps unmasks it and looks once more (see
 * aperture_signal.h). There is no other flag: the signals must suffice.
 *
 * All that the parent needs to go on after a restart is in its block: sent, got,
 * bad. CHECK_FRAMES with sequence already answered: it goes on from there.
 *
 * Integers are little-endian.
 */
#ifndef CHECK_LAYOUT_H
#define CHECK_LAYOUT_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/string.h>
#else
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#endif

#define CHECK_MAGIC		0x4b434843u	/* "CHCK", both blocks */
/* tag of an aperture: the parent stores into it though it may only read, and dies of that */
#define CHECK_STORES	0x53544f52u

#define CHECK_DATA		1024u		/* octet where the data starts */
#define CHECK_GREFS		64u

enum check_command {
	CHECK_NONE	= 0,
	CHECK_PING	= 1,	/* value = ~argument */
	CHECK_DIGEST	= 2,	/* digest = SHA-256 of the range, through the mapping */
	CHECK_TRANSFORM	= 3,	/* DIGEST, check_transform() in place, digest_after */
	CHECK_COPY	= 4,	/* digest = SHA-256 of the first length octets of the pages
				 * gref[0..grefs - 1], 4096 octets each, read with grant copy
				 * instead of through the mapping; offset is 0 */
	CHECK_FRAMES	= 5,	/* see above; count = frames each way, argument = slots */
	CHECK_STOP	= 6,	/* the frames end; value = frames got in order and whole */
	CHECK_HOLD	= 7,	/* argument 1: refuse withdraw (busy); 0: no longer */
	CHECK_CRASH	= 8,	/* answer, inject, then abort() the process */
	CHECK_INJECT	= 9,	/* inject argument interrupts, 1..1000000; value = how many */
	CHECK_COMMANDS
};

/*
 * Flags of CHECK_DIGEST and CHECK_TRANSFORM: a file that goes through in turns.
 * FIRST starts a hash over turns (before this one), LAST writes it to
 * total_digest and total_digest_after. One turn: both flags.
 */
#define CHECK_FIRST		(1u << 0)
#define CHECK_LAST		(1u << 1)

enum check_status {
	CHECK_OK	= 0,
	CHECK_E_COMMAND	= 1,	/* unknown command or flag, bad magic */
	CHECK_E_RANGE	= 2,	/* range not inside the aperture */
	CHECK_E_VALUE	= 3,	/* argument, count or grefs out of range */
	CHECK_E_FAILED	= 4,	/* it could not be done here; value: errno */
	CHECK_E_INDEX	= 5,	/* the peer's frame index is impossible */
};

struct check_child {			/* child writes */
	uint32_t magic;
	uint32_t sequence;		/* stored last; starts at 0 = nothing asked yet */
	uint32_t command;
	uint32_t flags;
	uint64_t offset;
	uint64_t length;
	uint64_t argument;
	uint64_t count;
	uint64_t sent;			/* FRAMES: frames sent */
	uint64_t got;			/* FRAMES: frames received and done with */
	uint64_t bad;			/* FRAMES: wrong number or checksum */
	uint32_t grefs;			/* COPY: 1..CHECK_GREFS */
	uint32_t pad;
	uint32_t gref[CHECK_GREFS];
	uint64_t reserved[22];
};

struct check_parent {			/* parent writes, at octet 512 */
	uint32_t magic;
	uint32_t sequence;		/* stored last: of the command answered */
	uint32_t status;		/* enum check_status */
	uint32_t pid;			/* of the process that answered */
	uint32_t uid;
	uint32_t privilege;		/* CPU privilege level: low two bits of %cs */
	uint64_t value;
	uint64_t sent;			/* as the child's */
	uint64_t got;
	uint64_t bad;
	uint8_t digest[32];
	uint8_t digest_after[32];
	uint8_t total_digest[32];
	uint8_t total_digest_after[32];
	uint64_t commands;		/* answered in this process */
	uint64_t reserved[40];
};

_Static_assert(sizeof(struct check_child) == 512, "child block");
_Static_assert(sizeof(struct check_parent) == 512, "parent block");

/*
 * The transformation: word k of the whole data (octets 8k..8k+7 from CHECK_DATA) is
 * exclusive-or'ed with a key made of k. Twice is nothing. It depends on the position,
 * so pages that changed places do not pass. offset and length are of the range, any
 * alignment.
 */
static inline uint64_t check_key(uint64_t k)
{
	return 0x5a5a5a5a5a5a5a5aull ^ (k * 0x9e3779b97f4a7c15ull);
}

static inline void check_transform_bytes(uint8_t *data, uint64_t offset, uint64_t length)
{
	uint64_t i;

	for (i = offset; i < offset + length; i++)
		data[i] ^= (uint8_t)(check_key(i / 8) >> (i % 8 * 8));
}

static inline void check_transform(void *data, uint64_t offset, uint64_t length)
{
	uint64_t head = (8 - offset % 8) % 8, k, word;
	uint8_t *bytes = (uint8_t *)data;

	if (head > length)
		head = length;
	check_transform_bytes(bytes, offset, head);
	offset += head;
	length -= head;
	for (k = offset / 8; k < (offset + length) / 8; k++) {
		memcpy(&word, bytes + 8 * k, 8);
		word ^= check_key(k);
		memcpy(bytes + 8 * k, &word, 8);
	}
	check_transform_bytes(bytes, offset + length / 8 * 8, length % 8);
}

#define CHECK_FRAME		256u
#define CHECK_SLOTS_MAX		65536u
#define CHECK_BATCH		16u

struct check_frame {
	uint64_t sequence;
	uint64_t checksum;		/* check_frame_sum() of the rest */
	uint64_t payload[30];
};

_Static_assert(sizeof(struct check_frame) == CHECK_FRAME, "frame");

/* Octets of data that two queues of so many slots take. */
static inline uint64_t check_frames_size(uint64_t slots)
{
	return 2 * slots * CHECK_FRAME;
}

/* FNV-1a over 64-bit words: sequence, then payload. */
static inline uint64_t check_frame_sum(const struct check_frame *f)
{
	uint64_t sum = (0xcbf29ce484222325ull ^ f->sequence) * 0x100000001b3ull;
	unsigned int i;

	for (i = 0; i < 30; i++)
		sum = (sum ^ f->payload[i]) * 0x100000001b3ull;
	return sum;
}

/* from: 0 the child's frames, 1 the parent's, so that an echo does not pass. */
static inline void check_frame_fill(struct check_frame *f, uint64_t sequence, unsigned int from)
{
	uint64_t x = sequence * 2 + from;
	unsigned int i;

	f->sequence = sequence;
	for (i = 0; i < 30; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		f->payload[i] = x;
	}
	f->checksum = check_frame_sum(f);
}

/* f is a private copy. payload[0] shows whose it is. */
static inline int check_frame_ok(const struct check_frame *f, uint64_t sequence, unsigned int from)
{
	uint64_t first = (sequence * 2 + from) * 6364136223846793005ull + 1442695040888963407ull;

	return f->sequence == sequence && f->payload[0] == first &&
	       f->checksum == check_frame_sum(f);
}

#endif /* CHECK_LAYOUT_H */
