// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/aperture-selftest: write a command line; it is done when write returns, with
 * -errno when it failed. Then read what it said.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "selftest.h"

#define OUT_SIZE	16384u
#define LINE_SIZE	512u

static const struct {
	const char *name;
	int (*run)(struct run *r);
	unsigned int min_args;
	const char *usage;
} commands[] = {
	{ "wait",	cmd_wait,	1, "dev [ms]: until it is connected" },
	{ "info",	cmd_info,	1, "dev" },
	{ "sizes",	cmd_sizes,	3, "dev wanted least: negotiate, map, end" },
	{ "directory",	cmd_directory,	2, "dev pages: every page reaches the parent and comes back" },
	{ "hold",	cmd_hold,	2, "dev size [flags]: make an aperture and keep it; says id" },
	{ "ping",	cmd_ping,	1, "id: the parent answers through it" },
	{ "roundtrip",	cmd_roundtrip,	1, "id: all of it reaches the parent and comes back" },
	{ "send",	cmd_send,	2, "id path [bytes]: a file, or its first bytes, through it" },
	{ "busy",	cmd_busy,	2, "id 0|1: the parent refuses to let go of it" },
	{ "withdraw",	cmd_withdraw,	1, "id" },
	{ "gref",	cmd_gref,	1, "id: the reference of its first page" },
	{ "drop",	cmd_drop,	1, "id|all: end it" },
	{ "every",	cmd_every,	1, "dev: keep one of each owner and direction, two of memory that existed" },
	{ "writer",	cmd_writer,	1, "start dev pages|stop: writes to memory of the parent's all the time" },
	{ "crash",	cmd_crash,	1, "id: the parent's process ends itself" },
	{ "inject",	cmd_inject,	2, "id count: interrupts" },
	{ "copy",	cmd_copy,	2, "id pages: the parent reads them by grant copy" },
	{ "handles",	cmd_handles,	1, "dev [other-dev]: stale, duplicate, foreign; wrong order" },
	{ "larger",	cmd_larger,	1, "dev: description larger than what was asked for" },
	{ "reserved",	cmd_reserved,	1, "dev: reserved fields, unknown requests and flags" },
	{ "badref",	cmd_badref,	3, "dev pages index [ref]: one reference is bad" },
	{ "lies",	cmd_lies,	1, "dev: directories that lie" },
	{ "frames",	cmd_frames,	2, "dev count [slots]: checksummed frames both ways" },
	{ "file",	cmd_file,	3, "dev path size [bytes]: a file, or its first bytes, through an aperture of that size" },
	{ "operate",	cmd_operate,	2, "dev count [out]: operations of both lanes, by callbacks" },
	{ "fast",	cmd_fast,	2, "dev count [out]: those of the first device only" },
	{ "edges",	cmd_edges,	3, "dev command count: one interrupt for each" },
	{ "both",	cmd_both,	2, "dev rounds: both halves raise, in one batch" },
	{ "race",	cmd_race,	2, "dev rounds: both halves raise at once" },
	{ "tickmarks",	cmd_tickmarks,	3, "dev rounds us: of a timer, while no operation is out; marked" },
	{ "held",	cmd_held,	1, "dev: interrupts while masked and in service" },
	{ "ticks",	cmd_ticks,	3, "dev count period_us: a timer's, to a callback" },
	{ "badops",	cmd_badops,	2, "dev lane: operations that are none; lane 1 fast, 2 slow" },
	{ "poke",	cmd_poke,	5, "dev page offset size value: into a shared page" },
	{ "peek",	cmd_peek,	4, "dev page offset size" },
	{ "event",	cmd_event,	2, "dev lane [count]" },
	{ "endless",	cmd_endless,	3, "dev lane ms [deaf]: a ring that is always full" },
	{ "storm",	cmd_storm,	3, "dev lane ms: likewise, deaf to the answers, or until \"calm\"; then the lane goes on" },
	{ "calm",	cmd_calm,	0, "the storm ends" },
	{ "garbage",	cmd_garbage,	2, "dev page [seed]: into all of it" },
	{ "record",	cmd_record,	2, "dev how: spoil the current slot of the state record" },
	{ "cell",	cmd_cell,	1, "dev: the cells of the matrix" },
	{ "spoil",	cmd_spoil,	4, "dev lane word ones|zero|plus|minus [number]: poison it in a request that is good otherwise" },
	{ "ask",	cmd_ask,	3, "dev lane ms [flags]: apertures of these flags, and operations, one after another" },
	{ "requests",	cmd_requests,	3, "dev lane ms: one after another, on any connection" },
	{ "keep",	cmd_keep,	3, "dev pages flags: an aperture; says its references" },
	{ "unkeep",	cmd_unkeep,	0, "" },
	{ "touch",	cmd_touch,	0, "the aperture of keep: every page" },
	{ "overstay",	cmd_overstay,	2, "dev pages: memory of the parent's that stays mapped after its RELEASE" },
	{ "memory",	cmd_memory,	3, "kept|stayed fill|count value: of keep, or of overstay: each word; which are so" },
	{ "grantmap",	cmd_grantmap,	3, "domain ro|rw|any [domain:]reference... | scan first last" },
	{ "rawopen",	cmd_rawopen,	1, "dev: OPEN only; says the handle" },
	{ "named",	cmd_named,	3, "dev type handle: a request that names it" },
	{ "changed",	cmd_changed,	2, "dev pages: the directory after OFFER" },
	{ "strike",	cmd_strike,	4, "dev lane word ones|zero|plus|minus|0x...: poison it, send the event" },
	{ "offer",	cmd_offer,	4, "dev kmalloc|vmalloc|pages offset length: memory that existed" },
	{ "late",	cmd_late,	1, "dev: what the parent does to a buffer that was freed" },
	{ "refused",	cmd_refused,	1, "dev: memory that is not to be offered" },
	{ "cycles",	cmd_cycles,	2, "dev count: apertures made and ended, of every owner" },
	{ "bench-echo",	cmd_bench_echo,	3, "domain port count: events there and back" },
	{ "balloon",	cmd_balloon,	2, "port ms: REP at a page that is given to Xen and taken back meanwhile" },
	{ "bench",	cmd_bench_operation, 5, "dev count register size direction [value]" },
};

void say(struct run *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	r->used += vscnprintf(r->out + r->used, r->size - r->used, fmt, args);
	va_end(args);
}

int arg_u64(struct run *r, unsigned int i, u64 *value)
{
	if (i < r->argc && !kstrtou64(r->argv[i], 0, value))
		return 0;
	say(r, "argument %u is \"%s\", must be a number\n", i, i < r->argc ? r->argv[i] : "");
	return -EINVAL;
}

int arg_u64_or(struct run *r, unsigned int i, u64 *value, u64 otherwise)
{
	*value = otherwise;
	return i < r->argc ? arg_u64(r, i, value) : 0;
}

static int find_dev(struct run *r, unsigned int i, struct xen_aperture_dev **dev)
{
	u64 nr;
	int err = arg_u64(r, i, &nr);

	if (err)
		return err;
	*dev = xen_aperture_dev_get(nr);
	if (!*dev)
		say(r, "no device %llu\n", nr);
	return *dev ? 0 : -ENODEV;
}

static int wait_dev(struct run *r, struct xen_aperture_dev **dev, u64 ms)
{
	int err = xen_aperture_dev_wait(*dev, ms);

	if (!err)
		return 0;
	say(r, "device was not connected within %llu ms\n", ms);
	xen_aperture_dev_put(*dev);
	return err;
}

int arg_dev(struct run *r, unsigned int i, struct xen_aperture_dev **dev)
{
	return find_dev(r, i, dev) ?: wait_dev(r, dev, 20000);
}

int cmd_wait(struct run *r)
{
	struct xen_aperture_dev *dev;
	u64 ms;
	int err;

	err = arg_u64_or(r, 2, &ms, 20000) ?: find_dev(r, 1, &dev) ?: wait_dev(r, &dev, ms);
	if (!err)
		xen_aperture_dev_put(dev);
	return err;
}

static int usage(struct run *r)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		say(r, "%s %s\n", commands[i].name, commands[i].usage);
	return -EINVAL;
}

static int run_line(struct run *r, char *line)
{
	unsigned int i;
	char *word;

	while ((word = strsep(&line, " \t\n")) && r->argc < MAX_ARGS)
		if (*word)
			r->argv[r->argc++] = word;
	for (i = 0; r->argc && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(r->argv[0], commands[i].name))
			continue;
		if (r->argc > commands[i].min_args)
			return commands[i].run(r);
	}
	return usage(r);
}

static int file_open(struct inode *inode, struct file *file)
{
	struct run *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return -ENOMEM;
	r->size = OUT_SIZE;
	r->out = kvzalloc(r->size, GFP_KERNEL);
	if (!r->out) {
		kfree(r);
		return -ENOMEM;
	}
	file->private_data = r;
	return 0;
}

static int file_release(struct inode *inode, struct file *file)
{
	struct run *r = file->private_data;

	kvfree(r->out);
	kfree(r);
	return 0;
}

static ssize_t file_write(struct file *file, const char __user *user, size_t size, loff_t *pos)
{
	struct run *r = file->private_data;
	char *line;
	int err;

	if (size >= LINE_SIZE)
		return -E2BIG;
	line = memdup_user_nul(user, size);
	if (IS_ERR(line))
		return PTR_ERR(line);
	r->used = 0;
	r->argc = 0;
	*pos = 0;
	err = run_line(r, line);
	kfree(line);
	return err ?: size;
}

static ssize_t file_read(struct file *file, char __user *user, size_t size, loff_t *pos)
{
	struct run *r = file->private_data;
	loff_t at = r->argc ? *pos : 0;

	size = simple_read_from_buffer(user, size, &at, r->out, r->used);
	*pos = at;
	return size;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = file_release,
	.write = file_write,
	.read = file_read,
};

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "aperture-selftest",
	.fops = &operations,
	.mode = 0600,
};

static int __init selftest_init(void)
{
	return misc_register(&misc);
}

static void __exit selftest_exit(void)
{
	misc_deregister(&misc);
	writer_end();
	every_end();
	drop_all();
	isolation_end();
	overstay_end();
}

module_init(selftest_init);
module_exit(selftest_exit);

MODULE_DESCRIPTION("Tests of xen-aperture in a guest's kernel");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(XEN_APERTURE_TEST);
