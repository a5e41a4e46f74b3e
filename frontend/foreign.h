/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * foreign.h - memory of the parent, mapped into this guest (section 5.2 of the contract).
 *
 *	foreign.c      the directory, one range of kernel addresses, suspend
 *	foreign_pv.c   the same under PV: each page-table entry is written by Xen
 *	foreign_user.c programs' mappings
 *
 * Nothing here is aware of apertures, requests or locks of others. All functions sleep.
 */
#ifndef FOREIGN_H
#define FOREIGN_H

#include <linux/types.h>
#include <xen/interface/xen.h>

struct vm_area_struct;
struct apf_foreign;

/*
 * Fetches the directory, checks it, and maps all pages or none. length: bytes, 1..XENAPT_MAX_SIZE.
 * -EPROTO: the directory lies. -EIO: a page cannot be mapped (read-only where writable was promised
 * is such). -ENOMEM, -ENOSPC: this guest has no memory, or no maptrack entries, for it;
 * -EOPNOTSUPP: this kernel offers no pages to map foreign memory on. The log says more.
 */
struct apf_foreign *apf_foreign_map(domid_t parent, u32 directory, u64 length, bool read_only);

/*
 * Ends it: programs' mappings first (later access: SIGBUS), then the kernel's. Nothing of the parent
 * is mapped on return: RELEASE may be sent. NULL: nothing is done.
 */
void apf_foreign_unmap(struct apf_foreign *f);

/*
 * One range of kernel addresses from the first byte on. It stays the same, and accessible, until
 * apf_foreign_unmap(): while the memory is away a copy is there.
 */
void *apf_foreign_memory(struct apf_foreign *f);

/*
 * From the file's mmap(): pages first .. first + vma_pages - 1. The mapping may outlive f: then it
 * is SIGBUS. It holds the file that was mapped. -EINVAL: not within the memory; -EACCES: to be
 * written, and read_only.
 */
int apf_foreign_mmap(struct apf_foreign *f, struct vm_area_struct *vma, unsigned long first);

/*
 * Before a suspend, or when the parent's domain is gone: as apf_foreign_unmap(), but the contents are
 * copied to local pages, and programs that touch it wait; a system call that does, request_timeout_ms at most: then it is EFAULT. 0, or -ENOMEM: the
 * contents are lost, as they are without keep, and are zeros; also then nothing is mapped.
 */
int apf_foreign_leave(struct apf_foreign *f, bool keep);
bool apf_foreign_away(struct apf_foreign *f);

/*
 * Away, and it will not return: programs' access is SIGBUS from here on. The kernel's addresses show
 * the copy until apf_foreign_unmap().
 */
void apf_foreign_give_up(struct apf_foreign *f);

/*
 * After apf_foreign_leave(): maps the memory that the parent gave instead, copies the contents into it
 * (not when read_only), and lets programs go on. same: it is the memory that was left, never let go of: only
 * pages that were written to here meanwhile are copied. Errors as for apf_foreign_map(): still away.
 */
int apf_foreign_return(struct apf_foreign *f, domid_t parent, u32 directory, bool same);

#endif /* FOREIGN_H */
