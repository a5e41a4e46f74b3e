/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aperture_parent.h - apertures for the parent's kernel: the API of xen-aperture-parent.ko.
 *
 * A consumer is a kernel module that works with apertures of guests. It registers a
 * name; the process that serves a device gives apertures to that name. Each becomes a
 * view, and the calls for a view are
 *
 *	attach -> { doorbell }* -> detach
 *
 * They come from process context, may sleep, and never overlap for one view.
 *
 * The memory is peer data: the guest writes it at any moment. Copy each thing once, check
 * the copy, use the copy. It may also go at any moment, with the process that
 * mapped it; therefore a view is reached by xen_aperture_view_read() and _write(), or
 * between xen_aperture_view_enter() and _leave(), all of which may find it gone.
 * That is not the end of the view: its structure stays until detach has returned.
 */
#ifndef _XEN_APERTURE_PARENT_H
#define _XEN_APERTURE_PARENT_H

#include <linux/types.h>

struct module;
struct page;

/**
 * struct xen_aperture_view - an aperture that was given to a consumer
 * @length: octets
 * @offset: of the first octet in the first page
 * @pages: how many pages
 * @read_only: the consumer only reads
 * @domid: the guest
 * @devid: its device
 * @slot: the aperture's slot, 0..63
 * @tag: what the guest says it is for
 * @data: the consumer's
 *
 * The consumer changes @data only.
 */
struct xen_aperture_view {
	u64 length;
	u32 offset;
	u32 pages;
	bool read_only;
	u16 domid;
	u32 devid;
	u32 slot;
	u32 tag;
	void *data;
};

/**
 * struct xen_aperture_consumer - functions of a consumer
 * @name: 1..31 octets
 * @owner: THIS_MODULE; it is held while there are views
 * @attach: a new view. 0, or a negative errno: the process gets it, detach is not called
 * @detach: let go. -EBUSY unless @force: it stays as it is. After 0, and after every call with
 *	@force, the view is not valid any more and nothing may use it. With @force the memory
 *	may be gone already. NULL: nothing to do
 * @doorbell: the guest rang, once or more, or this is spurious. NULL: not wanted
 */
struct xen_aperture_consumer {
	const char *name;
	struct module *owner;
	int (*attach)(struct xen_aperture_view *view);
	int (*detach)(struct xen_aperture_view *view, bool force);
	void (*doorbell)(struct xen_aperture_view *view);

	/* private: */
	struct xen_aperture_consumer *next;
};

/**
 * xen_aperture_consumer_register() - be known by a name
 * @consumer: stays as it is until unregistered
 *
 * Return: 0, -EEXIST (the name is taken), -EINVAL (name or attach).
 */
int xen_aperture_consumer_register(struct xen_aperture_consumer *consumer);

/**
 * xen_aperture_consumer_unregister() - the name is not known any more
 * @consumer: registered, without views: from the module's exit function, which
 *	runs only then
 */
void xen_aperture_consumer_unregister(struct xen_aperture_consumer *consumer);

/**
 * xen_aperture_view_read() - copy from an aperture; any context
 * @view: the view
 * @offset: first octet
 * @to: kernel memory
 * @n: octets
 *
 * Return: 0, -ENODEV (the memory is gone), -EINVAL (not within the aperture).
 */
int xen_aperture_view_read(struct xen_aperture_view *view, u64 offset, void *to, size_t n);

/**
 * xen_aperture_view_write() - copy into an aperture; any context
 * @view: the view
 * @offset: first octet
 * @from: kernel memory
 * @n: octets
 *
 * What was written is visible to the guest before the next interrupt is.
 *
 * Return: 0, -ENODEV (the memory is gone), -EINVAL (not within the aperture), -EROFS.
 */
int xen_aperture_view_write(struct xen_aperture_view *view, u64 offset, const void *from, size_t n);

/**
 * xen_aperture_view_enter() - use the pages themselves; any context
 * @view: the view
 *
 * Until xen_aperture_view_leave() the pages are there, and whoever takes them away waits:
 * be quick, do not sleep, and do not touch the memory of processes.
 *
 * Return: true, or false: the memory is gone.
 */
bool xen_aperture_view_enter(struct xen_aperture_view *view);

/**
 * xen_aperture_view_leave() - done with the pages; any context
 * @view: entered
 */
void xen_aperture_view_leave(struct xen_aperture_view *view);

/**
 * xen_aperture_view_page() - a page of an aperture
 * @view: entered
 * @index: 0 .. @view->pages - 1
 *
 * Map it by kmap_local_page(), never several of them by vmap(): Xen refuses to map a guest's
 * pages a second time. Never store to a page of a read-only view: that faults.
 *
 * Return: the page; valid until xen_aperture_view_leave().
 */
struct page *xen_aperture_view_page(struct xen_aperture_view *view, u32 index);

/**
 * xen_aperture_view_interrupt() - interrupt the guest for this aperture; any context
 * @view: the view
 *
 * The process that serves the device sends it. Interrupts that were not taken become one.
 */
void xen_aperture_view_interrupt(struct xen_aperture_view *view);

#endif /* _XEN_APERTURE_PARENT_H */
