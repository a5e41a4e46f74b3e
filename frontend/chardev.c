// SPDX-License-Identifier: GPL-2.0-only
/* /dev/xen/aperture<devid>: include/linux/xen_aperture.h says what it does. */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xen_aperture.h>

#include "frontend.h"

#define SLOT_OFFSET_SHIFT	32	/* of a slot's memory in the file: 4 GiB apart */
#define OFFER_FLAGS (XENAPT_OFFER_CHILD_READ_ONLY | XENAPT_OFFER_PARENT_READ_ONLY | \
		     XENAPT_OFFER_PARENT_OWNED)

static_assert(XENAPT_OFFER_CHILD_READ_ONLY == XENAPT_OPEN_CHILD_READ_ONLY &&
	      XENAPT_OFFER_PARENT_READ_ONLY == XENAPT_OPEN_PARENT_READ_ONLY &&
	      XENAPT_OFFER_PARENT_OWNED == XENAPT_OPEN_PARENT_OWNED);

static bool gone(struct apf_file *f)
{
	return READ_ONCE(f->dev->gone);
}

/* misc_open() holds the mutex that misc_deregister() takes: dev is there. */
static int file_open(struct inode *inode, struct file *file)
{
	struct miscdevice *misc = file->private_data;
	struct xen_aperture_dev *dev = container_of(misc, struct xen_aperture_dev, misc);
	struct apf_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	spin_lock_init(&f->lock);
	init_waitqueue_head(&f->wait);
	apf_device_hold(dev);
	f->dev = dev;
	file->private_data = f;
	return nonseekable_open(inode, file);
}

/*
 * In whatever task has the last reference, which cannot be frozen meanwhile: it waits for a parent
 * that does not answer once, and not at all if it is the kernel's.
 */
static int file_release(struct inode *inode, struct file *file)
{
	struct apf_file *f = file->private_data;
	bool hurry = current->flags & PF_KTHREAD;
	unsigned int slot;
	int err;

	apf_file_end(f);
	for (slot = 0; slot < XENAPT_MAX_APERTURES; slot++) {
		err = f->ap[slot] ? apf_aperture_free(f->ap[slot], hurry) : 0;
		hurry |= err == -ETIMEDOUT || err == -ENOTCONN;
	}
	xen_aperture_dev_put(f->dev);
	kfree(f);
	return 0;
}

static void interrupt(struct xen_aperture *ap, void *data)
{
	struct apf_file *f = data;

	wake_up_interruptible(&f->wait);
}

static void say_cap(struct apf_file *f, int err, u64 bytes)
{
	if (err == -EUSERS)
		pr_warn_ratelimited("%s: %s[%d] wants one more aperture, limit of a file is file_max_apertures=%u: raise it, or open the device once more\n",
				    f->dev->name, current->comm, current->pid,
				    READ_ONCE(apf_file_max_apertures));
	else if (err)
		pr_warn_ratelimited("%s: %s[%d] wants %llu bytes more, limit of a file is file_max_size=%llu: raise it, or open the device once more\n",
				    f->dev->name, current->comm, current->pid, bytes,
				    apf_file_max_size);
}

/* Counts against the caps before anything is made. */
static int reserve(struct apf_file *f, u64 bytes)
{
	int err = 0;

	spin_lock(&f->lock);
	if (f->apertures >= READ_ONCE(apf_file_max_apertures))
		err = -EUSERS;
	else if (bytes > apf_file_max_size || f->bytes > apf_file_max_size - bytes)
		err = -EDQUOT;
	if (!err) {
		f->apertures++;
		f->bytes += bytes;
	}
	spin_unlock(&f->lock);
	say_cap(f, err, bytes);
	return err;
}

static void unreserve(struct apf_file *f, unsigned int apertures, u64 bytes)
{
	spin_lock(&f->lock);
	f->apertures -= apertures;
	f->bytes -= bytes;
	spin_unlock(&f->lock);
}

/* Held; NULL: the file has no such aperture. */
struct xen_aperture *apf_file_aperture(struct apf_file *f, unsigned long slot)
{
	struct xen_aperture *ap = NULL;

	if (slot >= XENAPT_MAX_APERTURES)
		return NULL;
	spin_lock(&f->lock);
	ap = f->ap[array_index_nospec(slot, XENAPT_MAX_APERTURES)];
	if (ap)
		kref_get(&ap->ref);
	spin_unlock(&f->lock);
	return ap;
}

/* Interrupts may have come before: nobody saw them yet. */
static void insert(struct apf_file *f, struct xen_aperture *ap)
{
	spin_lock(&f->lock);
	f->ap[xen_aperture_id(ap)] = ap;
	f->made[xen_aperture_id(ap)]++;
	f->seen[xen_aperture_id(ap)] = 0;
	spin_unlock(&f->lock);
	wake_up_interruptible(&f->wait);
}

/* Two may withdraw at once: whoever takes it out frees it. */
static bool take_out(struct apf_file *f, struct xen_aperture *ap)
{
	unsigned int slot = xen_aperture_id(ap);
	bool mine;

	spin_lock(&f->lock);
	mine = f->ap[slot] == ap;
	if (mine)
		f->ap[slot] = NULL;
	spin_unlock(&f->lock);
	return mine;
}

static void end(struct apf_file *f, struct xen_aperture *ap)
{
	if (!take_out(f, ap))
		return;
	unreserve(f, 1, xen_aperture_size(ap));
	xen_aperture_free(ap);
}

/* What the parent will say of a size must not depend on the caps. */
static u64 size_to_reserve(const struct xenapt_ioc_offer *o)
{
	return o->wanted > XENAPT_MAX_SIZE ? 0 : min(o->wanted, apf_max_size);
}

static struct xen_aperture *offer(struct apf_file *f, struct xenapt_ioc_offer *o)
{
	struct xen_aperture_wish wish = {
		.wanted = o->wanted, .least = o->least, .tag = o->tag, .flags = o->flags,
		.irq = interrupt, .data = f,
	};
	u64 bytes = size_to_reserve(o);
	struct xen_aperture *ap;
	int err = reserve(f, bytes);

	if (err) {
		o->status = err == -EUSERS ? XENAPT_E_APERTURES : XENAPT_E_MEMORY;
		return ERR_PTR(err);
	}
	ap = xen_aperture_create(f->dev, &wish, &o->status);
	if (IS_ERR(ap)) {
		unreserve(f, 1, bytes);
		return ap;
	}
	unreserve(f, 0, bytes - xen_aperture_size(ap));
	o->granted = xen_aperture_size(ap);
	o->slot = xen_aperture_id(ap);
	o->offset = (u64)o->slot << SLOT_OFFSET_SHIFT;
	return ap;
}

/* Once it is in the table, another thread may withdraw it: nothing here looks at it after that. */
static long hand_out(struct apf_file *f, struct xen_aperture *ap, bool unheard)
{
	if (IS_ERR(ap))
		return unheard ? -EFAULT : PTR_ERR(ap);
	if (!unheard) {
		insert(f, ap);
		return 0;
	}
	unreserve(f, 1, xen_aperture_size(ap));
	xen_aperture_free(ap);
	return -EFAULT;
}

static long ioctl_offer(struct apf_file *f, struct xenapt_ioc_offer __user *user)
{
	struct xenapt_ioc_offer o;
	struct xen_aperture *ap;

	if (copy_from_user(&o, user, sizeof(o)))
		return -EFAULT;
	if (o.flags & ~OFFER_FLAGS || o.reserved[0] || o.reserved[1])
		return -EINVAL;
	o.granted = 0;
	o.offset = 0;
	o.slot = 0;
	ap = offer(f, &o);
	return hand_out(f, ap, copy_to_user(user, &o, sizeof(o)));
}

static struct xen_aperture *offer_memory(struct apf_file *f, struct xenapt_ioc_offer_memory *m)
{
	struct xen_aperture_wish wish = {
		.tag = m->tag, .flags = m->flags, .irq = interrupt, .data = f,
	};
	u64 bytes = m->length > XENAPT_MAX_SIZE ? 0 : m->length;
	struct xen_aperture *ap;
	int err = reserve(f, bytes);

	if (err) {
		m->status = err == -EUSERS ? XENAPT_E_APERTURES : XENAPT_E_MEMORY;
		return ERR_PTR(err);
	}
	ap = apf_offer_user(f->dev, &wish, m->address, m->length, &m->status);
	if (IS_ERR(ap))
		unreserve(f, 1, bytes);
	else
		m->slot = xen_aperture_id(ap);
	return ap;
}

static long ioctl_offer_memory(struct apf_file *f, struct xenapt_ioc_offer_memory __user *user)
{
	struct xenapt_ioc_offer_memory m;
	struct xen_aperture *ap;

	if (copy_from_user(&m, user, sizeof(m)))
		return -EFAULT;
	if (m.flags & ~XENAPT_OFFER_PARENT_READ_ONLY || m.reserved[0] || m.reserved[1])
		return -EINVAL;
	m.slot = 0;
	ap = offer_memory(f, &m);
	return hand_out(f, ap, copy_to_user(user, &m, sizeof(m)));
}

static long ioctl_sync(struct apf_file *f, unsigned long slot)
{
	struct xen_aperture *ap = apf_file_aperture(f, slot);

	if (!ap)
		return -EBADF;
	xen_aperture_sync(ap);
	apf_aperture_put(ap);
	return 0;
}

static long ioctl_withdraw(struct apf_file *f, struct xenapt_ioc_withdraw __user *user)
{
	struct xenapt_ioc_withdraw w;
	struct xen_aperture *ap;
	int err;

	if (copy_from_user(&w, user, sizeof(w)))
		return -EFAULT;
	if (w.reserved[0] || w.reserved[1])
		return -EINVAL;
	ap = apf_file_aperture(f, w.slot);
	if (!ap)
		return -EBADF;
	err = xen_aperture_withdraw(ap);
	w.status = err ? READ_ONCE(ap->status) : XENAPT_OK;
	if (!err)
		end(f, ap);
	apf_aperture_put(ap);
	return copy_to_user(user, &w, sizeof(w)) ? -EFAULT : err;
}

static long ioctl_doorbell(struct apf_file *f, unsigned long slot)
{
	struct xen_aperture *ap = apf_file_aperture(f, slot);
	int err;

	if (!ap)
		return -EBADF;
	err = xen_aperture_doorbell(ap);
	apf_aperture_put(ap);
	return err;
}

static long ioctl_query(struct apf_file *f, struct xenapt_ioc_query __user *user)
{
	struct apf_connection *c = apf_device_connection(f->dev);
	struct xenapt_ioc_query q = {
		.max_size = min(apf_max_size, apf_memory_limit()),
		.file_max_bytes = apf_file_max_size,
		.file_max_apertures = READ_ONCE(apf_file_max_apertures),
		.quarantined_pages = apf_quarantined() + apf_device_ending(f->dev),
	};

	if (c) {
		q.connected = 1;
		q.version = c->version;
		q.epoch = c->epoch;
		q.features = c->features;
		apf_connection_put(c);
	}
	spin_lock(&f->lock);
	q.apertures = f->apertures;
	q.file_bytes = f->bytes;
	spin_unlock(&f->lock);
	return copy_to_user(user, &q, sizeof(q)) ? -EFAULT : 0;
}

static long file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct apf_file *f = file->private_data;
	void __user *user = (void __user *)arg;

	if (!(file->f_mode & FMODE_WRITE) && cmd != XENAPT_IOC_QUERY)
		return -EBADF;
	if (gone(f) && cmd != XENAPT_IOC_WITHDRAW)
		return -ENODEV;
	switch (cmd) {
	case XENAPT_IOC_DOORBELL:
		return ioctl_doorbell(f, arg);
	case XENAPT_IOC_SYNC:
		return ioctl_sync(f, arg);
	case XENAPT_IOC_OFFER_MEMORY:
		return ioctl_offer_memory(f, user);
	case XENAPT_IOC_QUERY:
		return ioctl_query(f, user);
	case XENAPT_IOC_OFFER:
		return ioctl_offer(f, user);
	case XENAPT_IOC_WITHDRAW:
		return ioctl_withdraw(f, user);
	case XENAPT_IOC_OPERATE:
		return apf_file_operate(f, user);
	case XENAPT_IOC_VECTOR:
		return apf_file_vector(f, user);
	default:
		return -ENOTTY;
	}
}

static int file_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long slot = vma->vm_pgoff >> (SLOT_OFFSET_SHIFT - PAGE_SHIFT);
	unsigned long first = vma->vm_pgoff & (BIT(SLOT_OFFSET_SHIFT - PAGE_SHIFT) - 1);
	struct apf_file *f = file->private_data;
	struct xen_aperture *ap;
	int err;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	ap = apf_file_aperture(f, slot);
	if (!ap)
		return -EINVAL;
	err = apf_aperture_mmap(ap, vma, first);
	apf_aperture_put(ap);
	return err;
}

/* f->lock is held. */
static u64 unread(struct apf_file *f, unsigned int slot)
{
	unsigned int n = slot - XENAPT_INTERRUPT_VECTOR;

	if (slot >= XENAPT_INTERRUPT_VECTOR)
		return f->vectors & BIT_ULL(n) ? atomic64_read(&f->raised[n]) - f->seen[slot] : 0;
	return f->ap[slot] ? atomic64_read(&f->ap[slot]->interrupts) - f->seen[slot] : 0;
}

static bool any_unread(struct apf_file *f)
{
	unsigned int slot;
	bool any = false;

	spin_lock(&f->lock);
	for (slot = 0; slot < APF_RECORDS && !any; slot++)
		any = unread(f, slot);
	spin_unlock(&f->lock);
	return any;
}

/* What one read() takes; more: the next. */
struct batch {
	struct xenapt_interrupts record[32];
	u32 made[32];
	unsigned int n;
};

/* Each record is accounted once it is in the program's hands. */
static bool collect(struct apf_file *f, struct batch *b, unsigned int max)
{
	unsigned int slot;
	u64 count;

	b->n = 0;
	spin_lock(&f->lock);
	for (slot = 0; slot < APF_RECORDS && b->n < max; slot++) {
		count = min_t(u64, unread(f, slot), U32_MAX);
		if (!count)
			continue;
		b->record[b->n].slot = slot;
		b->record[b->n].count = count;
		b->made[b->n] = f->made[slot];
		b->n++;
	}
	spin_unlock(&f->lock);
	return b->n;
}

/* Not those of another aperture, or claim, that has the slot by now. */
static void mark_seen(struct apf_file *f, const struct batch *b)
{
	unsigned int i, slot;

	spin_lock(&f->lock);
	for (i = 0; i < b->n; i++) {
		slot = b->record[i].slot;
		if (f->made[slot] == b->made[i])
			f->seen[slot] += min_t(u64, b->record[i].count, unread(f, slot));
	}
	spin_unlock(&f->lock);
}

/* Asleep on the file's own queue and on the device's: which says that it is gone. */
static int wait_to_read(struct apf_file *f)
{
	DEFINE_WAIT(own);
	DEFINE_WAIT(device);
	int err = 0;

	for (;;) {
		prepare_to_wait(&f->wait, &own, TASK_INTERRUPTIBLE);
		prepare_to_wait(&f->dev->wait, &device, TASK_INTERRUPTIBLE);
		if (any_unread(f) || gone(f))
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	finish_wait(&f->dev->wait, &device);
	finish_wait(&f->wait, &own);
	return err;
}

static ssize_t file_read(struct file *file, char __user *user, size_t size, loff_t *pos)
{
	struct apf_file *f = file->private_data;
	struct batch b;
	unsigned int max = min_t(size_t, size / sizeof(b.record[0]), ARRAY_SIZE(b.record));

	if (!max)
		return -EINVAL;
	while (!collect(f, &b, max)) {
		if (gone(f))
			return 0;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_to_read(f))
			return -ERESTARTSYS;
	}
	if (copy_to_user(user, b.record, b.n * sizeof(b.record[0])))
		return -EFAULT;
	mark_seen(f, &b);
	return b.n * sizeof(b.record[0]);
}

static __poll_t file_poll(struct file *file, poll_table *table)
{
	struct apf_file *f = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &f->wait, table);
	poll_wait(file, &f->dev->wait, table);
	if (any_unread(f))
		events |= EPOLLIN | EPOLLRDNORM;
	if (gone(f))
		events |= EPOLLHUP | EPOLLERR;
	return events;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = file_release,
	.unlocked_ioctl = file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = file_mmap,
	.read = file_read,
	.poll = file_poll,
};

int apf_chardev_add(struct xen_aperture_dev *dev)
{
	int err;

	dev->misc.minor = MISC_DYNAMIC_MINOR;
	dev->misc.name = kasprintf(GFP_KERNEL, "xen-aperture%u", dev->nr);
	dev->misc.nodename = kasprintf(GFP_KERNEL, "xen/aperture%u", dev->nr);
	dev->misc.fops = &operations;
	dev->misc.mode = 0600;
	dev->misc.parent = &dev->slow->xbdev->dev;
	err = dev->misc.name && dev->misc.nodename ? misc_register(&dev->misc) : -ENOMEM;
	dev->misc_registered = !err;
	if (err)
		apf_chardev_remove(dev);
	return err;
}

void apf_chardev_remove(struct xen_aperture_dev *dev)
{
	if (dev->misc_registered)
		misc_deregister(&dev->misc);
	dev->misc_registered = false;
	kfree(dev->misc.name);
	kfree(dev->misc.nodename);
	dev->misc.name = NULL;
	dev->misc.nodename = NULL;
}
