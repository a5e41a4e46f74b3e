// SPDX-License-Identifier: GPL-2.0-only
/* /dev/xen/aperture-parent: include/linux/xen_aperture_parent.h says what it does. */
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <xen/interface/xen.h>
#include <xen/io/apertureif.h>

#include "parent.h"

#define NO_GUEST	DOMID_INVALID

struct parent_file {
	struct mutex lock;
	u16 domid;
	struct idr views;	/* by id, from 1 */
};

static int file_open(struct inode *inode, struct file *file)
{
	struct parent_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	mutex_init(&f->lock);
	f->domid = NO_GUEST;
	idr_init_base(&f->views, 1);
	file->private_data = f;
	return nonseekable_open(inode, file);
}

static int end_one(int id, void *p, void *data)
{
	apk_view_end(p, true);
	apk_view_free(p);
	return 0;
}

static int file_release(struct inode *inode, struct file *file)
{
	struct parent_file *f = file->private_data;

	idr_for_each(&f->views, end_one, NULL);
	idr_destroy(&f->views);
	kfree(f);
	return 0;
}

static long set_guest(struct parent_file *f, unsigned long domid)
{
	if (domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	if (f->domid != NO_GUEST)
		return -EBUSY;
	f->domid = domid;
	return 0;
}

static int check_attach(const struct parent_file *f, const struct xenapt_parent_attach *a)
{
	if (f->domid == NO_GUEST)
		return -ENOTCONN;
	if (a->flags & ~XENAPT_ATTACH_READ_ONLY || a->reserved[0] || a->reserved[1] ||
	    a->slot >= XENAPT_MAX_APERTURES ||
	    strnlen(a->consumer, sizeof(a->consumer)) == sizeof(a->consumer))
		return -EINVAL;
	return 0;
}

static long attach(struct parent_file *f, struct xenapt_parent_attach *a)
{
	struct apk_view *v;
	int id;

	id = idr_alloc(&f->views, NULL, 1, XENAPT_PARENT_VIEWS + 1, GFP_KERNEL);
	if (id < 0)
		return id;
	v = apk_view_create(a, f->domid);
	if (IS_ERR(v)) {
		idr_remove(&f->views, id);
		return PTR_ERR(v);
	}
	idr_replace(&f->views, v, id);
	a->id = id;
	return 0;
}

static void drop(struct parent_file *f, u32 id, struct apk_view *v)
{
	idr_remove(&f->views, id);
	apk_view_free(v);
}

static long ioctl_attach(struct parent_file *f, struct xenapt_parent_attach __user *user)
{
	struct xenapt_parent_attach a;
	struct apk_view *v;
	long err;

	if (copy_from_user(&a, user, sizeof(a)))
		return -EFAULT;
	err = check_attach(f, &a);
	if (!err)
		err = attach(f, &a);
	if (err || !copy_to_user(user, &a, sizeof(a)))
		return err;
	v = idr_find(&f->views, a.id);
	apk_view_end(v, true);
	drop(f, a.id, v);
	return -EFAULT;
}

static long ioctl_detach(struct parent_file *f, struct xenapt_parent_detach __user *user)
{
	struct xenapt_parent_detach d;
	struct apk_view *v;
	int err;

	if (copy_from_user(&d, user, sizeof(d)))
		return -EFAULT;
	if (d.flags & ~XENAPT_DETACH_FORCE)
		return -EINVAL;
	v = idr_find(&f->views, d.id);
	if (!v)
		return -EBADF;
	err = apk_view_end(v, d.flags & XENAPT_DETACH_FORCE);
	if (!err)
		drop(f, d.id, v);
	return err;
}

static long ioctl_doorbell(struct parent_file *f, unsigned long id)
{
	struct apk_view *v = idr_find(&f->views, id);

	return v ? apk_view_doorbell(v) : -EBADF;
}

static long locked_ioctl(struct parent_file *f, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case XENAPT_PARENT_GUEST:
		return set_guest(f, arg);
	case XENAPT_PARENT_ATTACH:
		return ioctl_attach(f, (struct xenapt_parent_attach __user *)arg);
	case XENAPT_PARENT_DETACH:
		return ioctl_detach(f, (struct xenapt_parent_detach __user *)arg);
	case XENAPT_PARENT_DOORBELL:
		return ioctl_doorbell(f, arg);
	}
	return -ENOTTY;
}

static long file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct parent_file *f = file->private_data;
	long ret;

	if (mutex_lock_interruptible(&f->lock))
		return -ERESTARTSYS;
	ret = locked_ioctl(f, cmd, arg);
	mutex_unlock(&f->lock);
	return ret;
}

static const struct file_operations file_ops = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = file_release,
	.unlocked_ioctl = file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = APK_NAME,
	.nodename = "xen/aperture-parent",
	.mode = 0600,
	.fops = &file_ops,
};

int apk_chardev_register(void)
{
	return misc_register(&device);
}

void apk_chardev_unregister(void)
{
	misc_deregister(&device);
}
