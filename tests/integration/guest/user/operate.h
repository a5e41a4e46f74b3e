/* SPDX-License-Identifier: GPL-2.0-only */
/* operate.h - operations and vectors of a device, for the guest programs. */
#ifndef OPERATE_H
#define OPERATE_H

#include <stdint.h>

#include "aperture.h"

#define OPERATE_MOST	XENAPT_OPERATE_MAX

/* As in apertureif.h, which a guest program does not include. */
enum {
	XENAPT_OP_READ = 0,
	XENAPT_OP_WRITE = 1,
	XENAPT_OP_SET = 2,
	XENAPT_OP_CLEAR = 3,
	XENAPT_OP_EXCHANGE = 4,
};
#define XENAPT_COMMAND_RESET	0xffffffffu

struct op {
	uint64_t reg;		/* offset, or command */
	uint64_t value;
	uint8_t size;		/* 0: a command */
	uint8_t direction;
	uint8_t lane;		/* who answered: XENAPT_LANE_* */
	uint32_t status;
	uint64_t answer;
};

/* All of them in one call, in order. 0 or -errno. */
int operate(int fd, struct op *ops, unsigned int n);

/* One; ends the program when it fails. */
uint64_t operate_one(int fd, uint64_t reg, unsigned int size, unsigned int direction,
		     uint64_t value);
uint64_t operate_command(int fd, uint32_t number, uint64_t argument);

/* XENAPT_VECTOR_* on vector n; v: the state afterwards, or NULL. 0 or -errno. */
int vector_do(int fd, unsigned int n, unsigned int action, struct xenapt_ioc_vector *v);

/* Vectors that were interrupted since the last call, as bits; 0: none in time. 0 or -errno. */
int vectors_wait(int fd, int timeout_ms, uint64_t *bits);

#endif
