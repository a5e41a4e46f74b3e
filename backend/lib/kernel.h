/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Apertures for consumers in this domain's kernel: xen-aperture-parent.ko. */
#ifndef XAPT_LIB_KERNEL_H
#define XAPT_LIB_KERNEL_H

#include "guest.h"

struct xenaperture;

/* The module's device for g's guest, if the module is loaded; else g->kernel is -1. No error. */
void xapt_kernel_open(struct xapt_guest *g);

/* The memory in slot is about to go: what the device left attached is detached, by force. */
void xapt_kernel_end(struct xenaperture *x, unsigned int slot);

/* No slot is attached any more. */
void xapt_kernel_close(struct xenaperture *x);

#endif
