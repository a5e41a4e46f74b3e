/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XAPT_LIB_DOMAIN_H
#define XAPT_LIB_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

/* Xen itself says that there is no such domain: nothing of it is mapped, and it maps nothing. On doubt false. */
bool xapt_domain_gone(uint32_t domid);

#endif
