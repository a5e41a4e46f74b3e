// SPDX-License-Identifier: GPL-2.0-only
/*
 * Consumer "block": an aperture as the disk /dev/xenapt-<domid>-<devid>-<slot>.
 *
 * A sector is 512 octets of the aperture; what is left at its end is not in the disk. Reads and
 * writes are copies between the caller's page and the guest's, done before submission
 * returns: nothing is ever under way, and nothing can hang.
 */
#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "block_compat.h"
#include "parent.h"

struct block {
	struct list_head list;
	struct xen_aperture_view *view;
	struct gendisk *disk;
	struct mutex lock;
	unsigned int openers;
	bool removed;
};

/* Disks that have a name now: the kernel complains of a second one loudly. */
static LIST_HEAD(blocks);
static DEFINE_MUTEX(blocks_lock);

/* ---- data ---- */

static int transfer(struct xen_aperture_view *view, struct bio *bio)
{
	u64 at = (u64)bio->bi_iter.bi_sector << SECTOR_SHIFT;
	struct bvec_iter iter;
	struct bio_vec part;
	int err = 0;

	bio_for_each_segment(part, bio, iter) {
		void *memory = bvec_kmap_local(&part);

		if (bio_data_dir(bio) == WRITE) {
			err = xen_aperture_view_write(view, at, memory, part.bv_len);
		} else {
			err = xen_aperture_view_read(view, at, memory, part.bv_len);
			flush_dcache_page(part.bv_page);
		}
		kunmap_local(memory);
		if (err)
			break;
		at += part.bv_len;
	}
	return err;
}

static bool known(const struct bio *bio)
{
	return bio_op(bio) == REQ_OP_READ || bio_op(bio) == REQ_OP_WRITE ||
	       bio_op(bio) == REQ_OP_FLUSH;
}

/* A flush is where a program says that what it wrote shall be seen: the guest hears of it. */
static void block_submit(struct bio *bio)
{
	struct block *b = bio->bi_bdev->bd_disk->private_data;

	if (!known(bio)) {
		bio->bi_status = BLK_STS_NOTSUPP;
	} else if (transfer(b->view, bio)) {
		bio->bi_status = BLK_STS_IOERR;
	} else if (bio->bi_opf & (REQ_PREFLUSH | REQ_FUA) && !b->view->read_only) {
		xen_aperture_view_interrupt(b->view);
	}
	bio_endio(bio);
}

/* ---- open and close ---- */

static int open_block(struct block *b, bool write)
{
	int err = 0;

	mutex_lock(&b->lock);
	if (b->removed)
		err = -ENXIO;
	else if (write && b->view->read_only)
		err = -EROFS;
	else
		b->openers++;
	mutex_unlock(&b->lock);
	return err;
}

static void close_block(struct block *b)
{
	mutex_lock(&b->lock);
	b->openers--;
	mutex_unlock(&b->lock);
}

/* The last one who had it open is gone, too. */
static void block_free(struct gendisk *disk)
{
	kfree(disk->private_data);
}

APK_BLOCK_OPEN_CLOSE(open_block, close_block)

static const struct block_device_operations block_ops = {
	.owner = THIS_MODULE,
	.submit_bio = block_submit,
	.open = apk_block_open,
	.release = apk_block_release,
	.free_disk = block_free,
};

/* ---- attach and detach ---- */

static bool same(const struct xen_aperture_view *a, const struct xen_aperture_view *b)
{
	return a->domid == b->domid && a->devid == b->devid && a->slot == b->slot;
}

/* The name is taken by being in the list. */
static int take_name(struct block *b)
{
	struct block *other;
	int err = 0;

	mutex_lock(&blocks_lock);
	list_for_each_entry(other, &blocks, list)
		if (same(other->view, b->view))
			err = -EEXIST;
	if (!err)
		list_add(&b->list, &blocks);
	mutex_unlock(&blocks_lock);
	return err;
}

static void give_name(struct block *b)
{
	mutex_lock(&blocks_lock);
	list_del(&b->list);
	mutex_unlock(&blocks_lock);
}

static int add(struct block *b)
{
	struct xen_aperture_view *view = b->view;
	struct gendisk *disk = apk_alloc_disk();
	int err;

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	b->disk = disk;
	disk->flags |= GENHD_FL_NO_PART;
	disk->fops = &block_ops;
	disk->private_data = b;
	snprintf(disk->disk_name, sizeof(disk->disk_name), "xenapt-%u-%u-%u", view->domid,
		 view->devid, view->slot);
	set_capacity(disk, view->length >> SECTOR_SHIFT);
	set_disk_ro(disk, view->read_only);
	err = add_disk(disk);
	if (err)
		put_disk(disk);		/* frees b only if it was added */
	return err;
}

static int block_attach(struct xen_aperture_view *view)
{
	struct block *b;
	int err;

	if (view->length < SECTOR_SIZE)
		return -EINVAL;
	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	mutex_init(&b->lock);
	b->view = view;
	view->data = b;
	err = take_name(b);
	if (!err) {
		err = add(b);
		if (err)
			give_name(b);
	}
	if (err)
		kfree(b);
	return err;
}

/* After this nobody opens it any more. False: somebody has it open. */
static bool remove(struct block *b, bool force)
{
	mutex_lock(&b->lock);
	if (force || !b->openers)
		b->removed = true;
	mutex_unlock(&b->lock);
	return b->removed;
}

static int block_detach(struct xen_aperture_view *view, bool force)
{
	struct block *b = view->data;
	struct gendisk *disk = b->disk;

	if (!remove(b, force))
		return -EBUSY;
	/* Whoever has it open gets errors from here on; what is under way ends in del_gendisk(). */
	blk_mark_disk_dead(disk);
	del_gendisk(disk);
	give_name(b);
	put_disk(disk);
	return 0;
}

/* The guest changed something: a copy that the page cache kept is old. */
static void block_doorbell(struct xen_aperture_view *view)
{
	struct block *b = view->data;

	invalidate_bdev(b->disk->part0);
}

static struct xen_aperture_consumer consumer = {
	.name = "block",
	.owner = THIS_MODULE,
	.attach = block_attach,
	.detach = block_detach,
	.doorbell = block_doorbell,
};

int apk_block_register(void)
{
	return xen_aperture_consumer_register(&consumer);
}

void apk_block_unregister(void)
{
	xen_aperture_consumer_unregister(&consumer);
}
