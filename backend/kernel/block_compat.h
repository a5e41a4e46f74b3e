/* SPDX-License-Identifier: GPL-2.0-only */
/* How a disk is made, opened and closed, from Linux 6.1 on. */
#ifndef BLOCK_COMPAT_H
#define BLOCK_COMPAT_H

#include <linux/blkdev.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
static inline struct gendisk *apk_alloc_disk(void)
{
	struct queue_limits limits = {
		.logical_block_size = SECTOR_SIZE,
		.features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA,
	};

	return blk_alloc_disk(&limits, NUMA_NO_NODE);
}
#else
static inline struct gendisk *apk_alloc_disk(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	struct gendisk *disk = blk_alloc_disk(NULL, NUMA_NO_NODE);

	if (IS_ERR(disk))
		return disk;
#else
	struct gendisk *disk = blk_alloc_disk(NUMA_NO_NODE);

	if (!disk)
		return ERR_PTR(-ENOMEM);
#endif
	blk_queue_write_cache(disk->queue, true, true);
	return disk;
}
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define APK_BLOCK_OPEN_CLOSE(opened, closed)						\
static int apk_block_open(struct gendisk *disk, blk_mode_t mode)			\
{											\
	return opened(disk->private_data, mode & BLK_OPEN_WRITE);			\
}											\
static void apk_block_release(struct gendisk *disk)					\
{											\
	closed(disk->private_data);							\
}
#else
#define APK_BLOCK_OPEN_CLOSE(opened, closed)						\
static int apk_block_open(struct block_device *bdev, fmode_t mode)			\
{											\
	return opened(bdev->bd_disk->private_data, mode & FMODE_WRITE);			\
}											\
static void apk_block_release(struct gendisk *disk, fmode_t mode)			\
{											\
	closed(disk->private_data);							\
}
#endif

#endif /* BLOCK_COMPAT_H */
