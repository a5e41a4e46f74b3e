/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenaperture_model.h - registers, commands, vectors and state of a device.
 *
 * A device model is a table of functions that knows nothing of rings, domains or
 * processes. The same source makes both devices of a guest:
 *
 *      guest ── operation ──►  first device (stub domain)   model only
 *                 │ declined
 *                 └─────────►  second device (process)      model + slow half
 *
 * The model is freestanding C: no library, no allocation, no globals that are
 * written, no floating point. It works on a private copy of the device's state, a
 * structure of the author's, and never sees shared memory. What it does to the
 * state counts when the framework has committed it to the state record in
 * the guest's memory, together with the answer. If the state was taken away meanwhile, the copy
 * is thrown away and the other device executes the operation.
 *
 * So a function may run and have no effect, and it may run again; only what is in
 * the state happens once. Interrupts are sent after the commit.
 *
 * In the stub domain:   XENAPERTURE_FAST_DEVICE(my_model);  at file level, compiled with
 *                       -DXENAPERTURE_STUB, linked into the stub.
 * In the plugin:        .model = &my_model, .slow = &my_slow in struct xenaperture_table.
 */
#ifndef XENAPERTURE_MODEL_H
#define XENAPERTURE_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include <xen/io/apertureif.h>

#define XENAPERTURE_MODEL_VERSION	1

/* What a function is given. Good until it returns. */
struct xenaperture_run {
	uint64_t now;		/* ns: the device's counter, never less than before */
	void *state;		/* the private copy: read and write */
	uint64_t id;		/* of the operation; 0 in reset and expire. For effects outside of the state:
				 * they may be asked for twice with the same id */
	void *range;		/* slow half: memory that the operation names, or NULL. The guest writes there */
	uint64_t range_length;	/* octets */
	void *device;		/* slow half: the object of table.create; else NULL */
	uint64_t raised;	/* the framework's: xenaperture_raise() */
};

/* Interrupt the guest: vector n, 0 .. model.vectors - 1. The event goes out after the commit. */
static inline void xenaperture_raise(struct xenaperture_run *run, unsigned int n)
{
	run->raised |= (uint64_t)1 << (n % 64);
}

/* Registers: flags */
#define XENAPERTURE_READ	(1u << 0)	/* may be read */
#define XENAPERTURE_WRITE	(1u << 1)	/* may be written */
#define XENAPERTURE_FAST	(1u << 2)	/* the first device can execute it. Else the slow half does */
#define XENAPERTURE_INDEPENDENT	(1u << 3)	/* slow: does not read or write the state. Not with FAST */
#define XENAPERTURE_READ_CHANGES (1u << 4)	/* reading changes the state. Undone by the framework where
						 * the write of the same operation refuses or declines */

/* Access sizes */
#define XENAPERTURE_SIZE1	1u
#define XENAPERTURE_SIZE2	2u
#define XENAPERTURE_SIZE4	4u
#define XENAPERTURE_SIZE8	8u
#define XENAPERTURE_ANY_SIZE	15u		/* those up to the width */

/*
 * A register, or count of them in a row. The framework does what is smaller than a register: it
 * reads the whole, changes the octets, writes the whole; of one that cannot be read the other octets are 0.
 * So a register whose write is more than a plain store (it adds, it clears) admits one size only.
 */
struct xenaperture_register {
	uint32_t offset;	/* of its first octet: a multiple of width */
	uint8_t  width;		/* 1, 2, 4, 8 octets */
	uint8_t  sizes;		/* accesses admitted: XENAPERTURE_SIZE* */
	uint16_t flags;
	uint32_t id;		/* the functions get this */
	uint32_t count;		/* 0 is 1 */
	uint32_t stride;	/* octets from one to the next, a multiple of width; 0: width */
};

struct xenaperture_command {
	uint32_t number;	/* below 0xffffff00 */
	uint32_t flags;		/* XENAPERTURE_FAST, _INDEPENDENT */
};

/*
 * Execute on register id, number index of its row, or command. Return XENAPT_OK, or an
 * enum xenapt_status, usually XENAPT_E_VALUE; then nothing in the state may have been
 * changed. In the model XENAPT_E_DECLINED: not this one, the second device shall. That is
 * XENAPT_E_UNSUPPORTED where the slow half has no such function.
 */
struct xenaperture_functions {
	uint32_t (*read)(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t *value);
	uint32_t (*write)(struct xenaperture_run *run, uint32_t id, uint32_t index, uint64_t value);
	uint32_t (*command)(struct xenaperture_run *run, uint32_t number, uint64_t argument,
			    uint64_t *result);
};

struct xenaperture_model {
	size_t size;		/* sizeof(struct xenaperture_model) */
	uint32_t version;	/* XENAPERTURE_MODEL_VERSION */
	const char *type;	/* as in the device's node */

	const struct xenaperture_register *registers;	/* ascending, not overlapping */
	uint32_t nr_registers;
	uint32_t nr_commands;
	const struct xenaperture_command *commands;	/* ascending */
	uint32_t vectors;				/* 0..64 */

	uint32_t state_version;	/* raised when the meaning or the layout of the state changes */
	uint32_t state_size;	/* octets, 0..XENAPT_STATE_MAX; the state has no pointers and no padding */

	/* Registers and commands with XENAPERTURE_FAST. */
	struct xenaperture_functions fast;

	/*
	 * The state at the start and after the guest's command XENAPT_COMMAND_RESET. It was filled with
	 * 0, and an empty function leaves it so. Needed, as is check, when state_size is not 0.
	 */
	void (*reset)(struct xenaperture_run *run);

	/*
	 * Is every field of this state, which the guest may have written, one that the other
	 * functions can work with? 0: yes.
	 */
	int (*check)(const void *state);

	/* When expire, needed with it, is to be called, in ns of the counter; UINT64_MAX: never. NULL: never. */
	uint64_t (*due)(const void *state);

	/* now is at or after due. Afterwards due must be later than now. */
	void (*expire)(struct xenaperture_run *run);

	/* Bits of the vectors that the guest has still to see. NULL: all of them. */
	uint64_t (*pending)(const void *state);
};

/* Put the model into the stub domain that this file is linked into. */
#ifdef XENAPERTURE_STUB
#define XENAPERTURE_FAST_DEVICE(model) \
	static const struct xenaperture_model *const xenaperture_fast_##model \
	__attribute__((used, section("xenaperture_fast"))) = &(model)
#else
#define XENAPERTURE_FAST_DEVICE(model) \
	_Static_assert(sizeof(&(model)) == sizeof(void *), "model")
#endif

#endif /* XENAPERTURE_MODEL_H */
