/* SPDX-License-Identifier: MIT */
/*
 * apertureif.h - the aperture device: wire contract between a guest (child)
 * and the domain that serves it (parent).
 *
 * This header is the specification. Whoever writes one side from it alone can
 * talk to the other side. Nothing here depends on an operating system.
 *
 * 1. What it is
 * =============
 *
 * An aperture is a range of pages that two domains have mapped at once. A
 * device of kind "aperture" carries up to 64 of them between one frontend and
 * one backend, one request ring that creates and ends them, and two sets of
 * 256 edge-triggered signals: doorbells (child to parent) and interrupts
 * (parent to child). Payload never travels through the ring or xenstore.
 *
 *   child  = frontend domain: the guest.
 *   parent = backend domain: dom0 or a driver domain.
 *
 * Either may own the memory of an aperture. The owner grants it, the other maps it: in
 * what follows the child owns it unless it says parent-owned (section 5.2).
 *
 * Pages are 4096 bytes, sizes are in bytes, all integers are little-endian,
 * padding and reserved fields are written as zero. A receiver refuses a request
 * whose reserved fields or unknown flags are not zero (XENAPT_E_MALFORMED).
 *
 * 2. Xenstore
 * ===========
 *
 * Example, guest 5, device 0, connected:
 *
 *   /local/domain/0/backend/aperture/5/0/            owner: parent, read: child
 *       frontend        = "/local/domain/5/device/aperture/0"   toolstack
 *       frontend-id     = "5"                                   toolstack
 *       online          = "1"                                   toolstack
 *       type            = "mem"                                 toolstack
 *       max-size        = "16777216"                            toolstack
 *       max-apertures   = "8"                                   toolstack
 *       server          = "apertured"                           toolstack
 *       state           = "4"                                   toolstack, then parent
 *       versions        = "1"                                   parent
 *       max-ring-page-order = "4"                               parent
 *       epoch           = "1"                                   parent
 *       version         = "1"                                   parent
 *   /local/domain/5/device/aperture/0/               owner: child, read: parent
 *       backend         = "/local/domain/0/backend/aperture/5/0" toolstack
 *       backend-id      = "0"                                   toolstack
 *       state           = "4"                                   toolstack, then child
 *       version         = "1"                                   child
 *       epoch           = "1"                                   child
 *       ring-page-order = "0"                                   child
 *       ring-ref0       = "9"                                   child
 *       event-ref       = "10"                                  child
 *       mask-ref        = "11"                                  child
 *       event-channel   = "17"                                  child
 *       max-size        = "67108864"                            child
 *
 * Numbers are decimal digits only: no sign, space, prefix or leading zero
 * (but "0" itself), and no more than the range says. Anything else, or a node
 * that is missing where none is optional, is XENAPT_E_NODE.
 *
 * 2.1 Backend nodes
 *
 *   frontend, frontend-id, online, state     as for every xenbus device.
 *   type            1..31 characters a-z 0-9 -, first a letter: which device
 *                   serves it. Comes from the toolstack, never from the child.
 *   max-size        largest single aperture the policy allows: a multiple of
 *                   4096, 4096..XENAPT_MAX_SIZE.
 *   max-apertures   1..XENAPT_MAX_APERTURES; how many may be open at once.
 *   server          "apertured" (or missing): the daemon serves the device;
 *                   "program": a program of the administrator's does.
 *   versions        comma-separated versions the parent speaks, ascending,
 *                   each 1..65535, at most 8 of them: "1" or "1,2".
 *   max-ring-page-order  0..XENAPT_MAX_RING_ORDER. Missing: 0.
 *   epoch           1..2^32-1: raised by the parent each time it enters
 *                   InitWait. Names one connection attempt.
 *   feature-*       "1" or "0"; missing: 0. Table in section 8.
 *   version         the version agreed, written before state 4.
 *   error           "NAME: text" when the parent gave up; NAME from section 7.
 *
 * 2.2 Frontend nodes
 *
 *   backend, backend-id, state               as for every xenbus device.
 *   version         the highest version of both; one of the parent's list.
 *   epoch           copy of the parent's epoch this connection answers.
 *   ring-page-order 0..the parent's max-ring-page-order. Missing: 0.
 *   ring-ref%u      grant references of the ring's pages, 0..2^order - 1.
 *   event-ref       grant reference of the event page (read-write).
 *   mask-ref        grant reference of the mask page (read-only grant).
 *   event-channel   an unbound port, remote = the backend domain.
 *   max-size        the child's own limit for one aperture. Missing: no limit.
 *   feature-*       the features the child will use; only ones offered to it.
 *   record-ref0, record-ref1  references of the state record (read-write), with
 *                   feature-operations.
 *   error           "NAME: text" when the child gave up.
 *
 * The child owns its directory and can change it at any time. The parent reads
 * every node once, in one pass after state 3 was seen, and uses the copy.
 *
 * 3. States
 * =========
 *
 *      parent (backend)                        child (frontend)
 *   1  Initialising: made by the toolstack     1  Initialising
 *   2  InitWait: versions, limits, epoch
 *      are written              ------------->    chooses a version, makes ring
 *                                                 and pages, writes its nodes,
 *                               <-------------  3  Initialised
 *      reads the nodes once, maps ring, event
 *      and mask page, binds the port, writes
 *      version
 *   4  Connected                ------------->  4  Connected: requests may flow
 *   5  Closing                  <------------>  5  Closing
 *   6  Closed                   <------------>  6  Closed
 *
 * Either side may come first; each waits for the other in its state.
 *
 * Parent restarts (crash, upgrade): it may enter InitWait from any state, with
 * a raised epoch. The child takes that as the end of the old connection: all
 * handles are void, outstanding requests end with XENAPT_E_GONE at the child.
 * It makes a new ring, event page, mask page and port, writes the new epoch
 * and state 3. A parent ignores state 3 with another epoch than its own. After
 * Connected the child may open and offer the same memory again under the same
 * grant references: they never stopped being valid. It may keep memory of the parent's
 * mapped, and ask for the same again by its directory's reference (section 5.2).
 * After a restart each side
 * behaves as if every doorbell and interrupt was pending once (spurious is
 * legal, lost is not).
 *
 * Child restarts (module unloaded and loaded): it closes (5, 6), then enters 1.
 * A parent that sees 1 while it is Closed and online is "1" enters InitWait.
 *
 * Suspend (save, migration): before it the child lets go of the parent's pages: it unmaps
 * them (it may keep a copy of their contents), withdraws and releases. Afterwards, if
 * it was restored, there are new directories, domain numbers, grants and
 * ports: the child connects anew and offers its memory again. A suspend that was
 * cancelled ends likewise, as a restart of the child.
 *
 * Removal: the toolstack writes online = "0", and state 5 on the backend; the
 * child withdraws everything, closes (5, 6); the parent enters 6 and unmaps;
 * the toolstack removes both directories.
 *
 * No common version: the child writes error = "E_VERSION: ..." and state 6.
 * A version that was not offered: the parent writes error and state 5.
 *
 * 4. Ring
 * =======
 *
 * Xen's ring.h, types below, on 2^ring-page-order contiguous pages that the
 * child made (SHARED_RING_INIT). Child produces requests, parent responses.
 * Notifications follow ring.h's req_event and rsp_event over the one event
 * channel. A response carries the id of its request; order may differ.
 *
 * A producer index further ahead of the consumer than the ring has entries is
 * XENAPT_E_RING: the side that sees it consumes nothing more, puts the code
 * into its status word (section 6), notifies once and closes (state 5).
 *
 * 5. Life of an aperture
 * ======================
 *
 *            OPEN           OFFER            MAP          WITHDRAW      RELEASE
 *   (none) --------> opened -------> offered -----> mapped ------> withdrawn --> (none)
 *                      |                |________________________^        |
 *                      |___________________________ RELEASE ______________|
 *
 *   OPEN      asks for a size: wanted, and the least that is of use. The
 *             parent answers with granted = the smallest of wanted, its policy,
 *             and what Xen's limits leave; a 64-bit handle; and a slot.
 *             wanted 0 is XENAPT_E_SIZE_ZERO, not a multiple of 4096
 *             XENAPT_E_SIZE_ALIGN, above XENAPT_MAX_SIZE XENAPT_E_SIZE_MAX;
 *             a result below least is XENAPT_E_SIZE_LEAST. (checked in this
 *             order)
 *   OFFER     describes the memory by a page directory (section 5.1). A
 *             length above granted is XENAPT_E_SIZE. The parent copies and
 *             checks the directory; "ok" is the acknowledgement.
 *   MAP       the parent maps all pages in one batch; one bad reference undoes
 *             the whole (XENAPT_E_GRANT; the index of the first bad page in
 *             value; the aperture stays offered). References that are good, and
 *             a parent that can map no more: XENAPT_E_MAPPED_PAGES. Only an
 *             acknowledged aperture can be mapped, and only once.
 *   WITHDRAW  answered "ok" only when nothing is mapped any more. A device that
 *             still needs the memory answers XENAPT_E_BUSY: ask again later.
 *             After "ok" the child ends the grants and may free the pages.
 *   RELEASE   ends the handle. Handles are never used twice on a connection.
 *
 * Read-only (feature-read-only). XENAPT_OPEN_PARENT_READ_ONLY: the parent only reads;
 * XENAPT_OPEN_CHILD_READ_ONLY: the child only reads; both: XENAPT_E_MALFORMED. The side
 * that maps the other's pages is held by the grant entry: the owner grants them read-only, a
 * request to Xen for a writable mapping fails, a store through a mapping faults. The
 * side that owns the pages is held by its own kernel, which gives it read-only mappings.
 *
 * The handle is opaque: made by the parent, valid on one connection of one
 * device only. An unknown, stale or foreign one is XENAPT_E_HANDLE. A request
 * that the aperture's state does not admit is XENAPT_E_STATE, with the state
 * (XENAPT_STATE_*) in value.
 *
 * The child must not reuse a page or reference between OFFER and the answer to
 * WITHDRAW, nor after a connection ended as long as Xen says that it is mapped.
 *
 * offset (feature-unaligned) is that of the first byte in the first page, for memory that
 * existed before: the pages' octets outside of offset .. offset + length - 1 belong to the
 * aperture's grant but not to the aperture. A child grants a copy of a first or last
 * page that has such octets of somebody else's. It refreshes both ways, octet by
 * octet what changed since the last time, at offer, doorbell, interrupt, withdraw
 * and whenever it is told to; whole pages are live.
 *
 * 5.1 Page directory
 *
 * n = ceil((offset + length) / 4096) page references. Up to 1020 of them fit
 * one list page, and the OFFER's directory is that page (level 1). More go
 * to ceil(n / 1020) list pages, whose references stand in one index page
 * (level 2), and the directory is the index page. So every directory page is
 * known after one fetch, and all list pages can be fetched in one batch.
 *
 *   octet  0        4      6      8        12       16                    4096
 *          +--------+------+------+--------+--------+----------------------+
 *          | magic  | level| count| index  | zero   | gref[0 .. count-1]   |
 *          +--------+------+------+--------+--------+----------------------+
 *
 * All list pages but the last are full. count, level and index must be what n
 * implies, and the page must be mappable, else XENAPT_E_DIRECTORY with the page's
 * number in value (0 = the page the OFFER names, k = list page k - 1 of a level 2
 * directory); one that only the parent's own limits keep from being mapped is
 * XENAPT_E_MAPPED_PAGES. The
 * parent copies the directory; later changes to it have no effect. Directory
 * pages are granted read-only and may be ended after the OFFER is answered.
 *
 * 5.2 Memory that the parent owns (feature-parent-memory)
 *
 *   OPEN      with XENAPT_OPEN_PARENT_OWNED. Its granted is also within what the
 *             parent still gives this child; nothing left: XENAPT_E_GIVEN_PAGES.
 *   OFFER     asks for the memory: length as above, offset 0. directory 0: new, zeroed
 *             pages. Otherwise the reference that an OFFER of this device answered before
 *             with the same length and flags, and that was not released since: the same
 *             pages again, with their contents, after a parent's restart; XENAPT_E_LOST:
 *             the parent does not have them any more, ask for new ones. Out of memory:
 *             XENAPT_E_MEMORY. "ok" has the reference of the directory's first page in
 *             value. Directory and pages are granted to the child, the directory
 *             read-only, laid out as in section 5.1; the child copies and checks it.
 *   MAP       the child has mapped all pages, and wants the device to use them. value: pages.
 *   WITHDRAW  the device has let go, or XENAPT_E_BUSY. Then the child unmaps.
 *   RELEASE   the child has unmapped everything, the directory too. The parent may
 *             use the pages again, zeroed, for this child only: if it lied, it sees what was
 *             its own. Other domains get them only after this child is gone.
 *
 * A connection that ends without RELEASE leaves the pages granted, and counted, until the
 * child asks for them again, or is gone.
 *
 * 6. Signals
 * ==========
 *
 * Two pages, made and zeroed by the child. The event page is written by both
 * sides, the mask page by the child only (Xen enforces it).
 *
 * Signal numbers: 0..63 belong to the device type (its vectors), 64 + slot to the aperture in
 * that slot; 128..255 are reserved, never set, and ignored when set.
 *
 *   raise      set the pending bit (atomic or). On 0 -> 1 read the
 *              receiver's mask bit; if clear, send the event (notified),
 *              else do not (suppressed). On 1 -> 1 do not send (suppressed).
 *              published = notified + suppressed.
 *   take       the receiver clears the pending bits that it does not mask
 *              (atomic and), and handles the ones that were set.
 *   mask       the receiver sets its mask bit: it will look by itself.
 *   unmask     clear the mask bit, full barrier, read pending: a bit that is
 *              set is handled now, no event comes for it.
 *
 * aperture_signal.h has these as code that both sides share.
 *
 * status: 0, or the code of the error that ended the connection at the writer.
 * The writer sets it before its last event; the reader treats it as data. A child that finds
 * the parent's other than 0 may write the same number into its own: so a parent that did not say it hears of it.
 *
 * 7. Errors: see enum xenapt_status. The name without "XENAPT_" is what both
 * sides write into error nodes and logs.
 *
 * 8. Versions, features and what is reserved
 * ==========================================
 *
 * Version 1 is this document. A field or node that is not named here is
 * not used. Known features (both nodes must say "1"):
 *
 *   feature-operations      OPERATION and TAKE requests, device-type vectors and
 *                           the state record: sections 9 and 10. The child
 *                           writes record-ref0 and record-ref1.
 *   feature-read-only       XENAPT_OPEN_CHILD_READ_ONLY, _PARENT_READ_ONLY
 *   feature-parent-memory   XENAPT_OPEN_PARENT_OWNED: the parent owns the pages
 *   feature-unaligned       OFFER with an offset other than 0
 *
 * A version 1 parent of this release offers all of them. Flags and requests of a feature that was not agreed are
 * XENAPT_E_UNSUPPORTED; so are operations of a device type that has none.
 *
 * 9. Operations, and the two lanes
 * ================================
 *
 * A device type may have registers (offsets in bytes) and commands (numbers).
 * An operation reads, writes or changes one register, or gives one command. It
 * is executed by one of two devices that are made from the same source:
 *
 *   slow lane   the device of kind "aperture" itself. Its parent is the second
 *               device: a process. It can execute every operation.
 *   fast lane   a xenbus device of kind "aperture-fast" with the same devid. Its
 *               parent is the first device, in a device stub domain. It
 *               executes what it can and answers XENAPT_E_DECLINED to the
 *               rest. It may come, go and die at any time, by plain hotplug.
 *
 *   /local/domain/9/backend/aperture-fast/5/0/       owner: stub domain 9
 *       frontend, frontend-id, online, state         as in section 2.1
 *       type            as the slow lane's                  toolstack
 *       route           "declared" or "all"                 toolstack
 *       revoke-ms       1..60000, section 10. Missing: 50.  toolstack
 *       versions, epoch, version, error              as in section 2.1
 *   /local/domain/5/device/aperture-fast/0/          owner: child
 *       as in section 2.2, without max-size: ring-page-order is 0, mask-ref is the
 *       same page as the slow lane's, record-ref0 and record-ref1 the same record
 *
 * States, epochs, ring and event page are as those of the slow lane and its
 * own; only OPERATION is known on the fast ring. A child connects the fast lane
 * only while a slow lane with feature-operations is connected. The stub has no
 * power over the guest but these grants.
 *
 * Routing. With a connected fast lane every operation goes there first. With
 * route = "declared" a child sends operations on registers of the independent
 * table of the slow lane's event page straight to the slow lane: those touch
 * nothing in the state record. What comes back XENAPT_E_DECLINED from one lane
 * goes to the other. Without a fast lane everything goes to the slow lane.
 *
 * Order holds per submitter: xenapt_operation.submitter names one of 64. A lane
 * that declined an operation declines all later ones of the same submitter
 * until one has XENAPT_OP_RESUME. The child sets that flag on the first one that
 * it sends on this lane after all of the submitter's on this lane were answered, and
 * keeps an operation back while an earlier one of the submitter is out on
 * the other lane. A child that does not only disorders its own operations.
 *
 * Checks, in this order: size is 1, 2, 4, 8, or 0 for a command, direction is
 * known, flags and reserved fields are 0 (XENAPT_E_MALFORMED); a register
 * covers the first byte (XENAPT_E_REGISTER) and also the last, and the access is aligned
 * to its size (XENAPT_E_STRADDLE); the register admits the size (XENAPT_E_WIDTH) and
 * the direction (XENAPT_E_ACCESS); the command exists (XENAPT_E_COMMAND); the
 * range lies in a mapped aperture (XENAPT_E_RANGE; what was executed already is answered
 * without). Then the device decides (XENAPT_E_VALUE, XENAPT_E_DEVICE, or any other). A change
 * returns the register's value before it.
 *
 * Ids. The id of an operation is XENAPT_OP_ID | number << 5 | entry, entry 0..31,
 * number raised with each operation of a record's life and never used again; no
 * two outstanding operations have the same entry. After a lane died the
 * child sends what is unanswered again with the same ids, on whichever lane; and so
 * what is declined, which may have been executed where its answer was lost. An
 * operation that changed state is executed once for an id: the record knows
 * the answer (section 10). Reads may be executed again.
 *
 * TAKE (slow ring) tells the parent that there is no fast lane now: the second
 * device takes the state record from whoever has it.
 *
 * Vectors: signals 0..63 of both lanes are one set of 64 vectors of the device.
 * Each lane has pending words of its own in its event page; the mask page, and so
 * the mask, is the same. The child is the controller: pending is the or of both.
 * After a connect and after each change of owner a device raises the vectors
 * of everything that is still to be seen: spurious is legal, lost is not.
 *
 * 10. State record
 * ================
 *
 * Two pages that the child makes, zeroed, once for a device's life; both
 * parents map them writable. They hold the state that both devices share, and
 * nothing that must be kept from the guest. Every word is peer data.
 *
 *   octet 0x0000  head      owner, current slot and generation, one 64-bit word
 *         0x0008  wanted    the fast lane writes 1 while it wants the state, else 0
 *         0x0010  stamp     of the fast lane, then of the slow lane: time, below
 *         0x0030  beat      the fast lane's clock when it last looked for the state; it writes this
 *         0x0038  skew      fast lane's clock less the slow lane's, best known; the slow lane's
 *         0x0040  fast      counters of the fast lane, which it writes
 *         0x0100  slot 0    0x7c0 octets each; 0 and 1 are written by the
 *         0x08c0  slot 1    fast lane only, 2 and 3 by the slow lane only
 *         0x1080  slot 2
 *         0x1840  slot 3
 *
 *   commit     the owner fills the one of its two slots that head does not name, then
 *              exchanges head by compare-and-exchange: that slot, generation + 1.
 *              A commit that finds another head failed: the state was
 *              taken away, nothing that was done since counts.
 *   hand over  by its owner, after a commit: the other owner, generation + 1.
 *   revoke     by the fast lane, when the slow lane had the state for revoke-ms
 *              and head did not change: itself as owner, generation + 1. Revoked again
 *              before it handed back: twice as long each time, up to 16 times revoke-ms;
 *              and that long before the first hand-over after a connect.
 *   take       by the slow lane on TAKE: likewise; it also clears wanted.
 *   first      owner NONE: whoever comes first, with the device's initial state.
 *
 * An owner's late writes reach its own two slots only, never the current one of
 * the other, so nobody need wait for it to be dead. The first device hands over when it
 * declines an operation that depends on the state; the second hands back when
 * wanted is 1 and its ring is empty. After a slow operation was answered the child
 * sends the fast lane one event, and one to the slow lane when a fast lane connected.
 *
 * A slot is checked whole before it is used: magic, type, lengths, checksum, every
 * field of the device (XENAPT_E_RECORD), and the version of the device's state
 * (XENAPT_E_RECORD_VERSION). A refused record is left as it is; operations that
 * depend on it end with that error until the command XENAPT_COMMAND_RESET, which
 * then writes 0 into both stamps and skew, too: the counter starts again.
 *
 * Time in a record is the device's counter: nanoseconds that run on while the
 * guest is paused. Each device derives it from its own clock by an offset that it
 * raises, never lowers. Before an owner answers it writes its stamp: its clock, then the
 * counter that it shows. The slow lane reads the later of beat and the fast lane's stamp, then its own
 * clock, and raises skew, never lowers it: the difference of clocks is at least that much. Who loads the state starts no lower than slot.now, and than each of both stamps plus
 * what its clock moved since then, as the reader's own clock and skew tell. A
 * child that was restored elsewhere, where clocks are others, writes 0 into both
 * stamps' clock, beat and skew before it connects. Counters of 2^62 and above are
 * XENAPT_E_RECORD.
 *
 * 11. Trapped devices
 * ===================
 *
 * A device whose operations are a PVH guest's own instructions. Xen stops the vCPU at a port or a
 * memory-mapped register and hands the access to the guest's stub domain, where the first device is.
 * The guest needs no driver of this header. What the first device declines the stub domain
 * sends on itself, on a slow lane of its own: on that one it is the child, and the state record is
 * in its memory. The parent sees one more child.
 *
 *   guest 5 ── IN, OUT, MOV ──► Xen ── ioreq ──► stub domain 9 ── slow ring ──► parent
 *
 *   /local/domain/0/backend/aperture/9/0/            the slow lane: sections 2.1 and 3
 *   /local/domain/9/device/aperture/0/               section 2.2, with record-ref0 and -ref1
 *   /local/domain/9/aperture/trapped/0/              owner: stub domain 9
 *       type            as the slow lane's                  toolstack
 *       door            "io": ports, or "mmio"              toolstack
 *       address         of the range's first octet          toolstack
 *       timeout-ms      10..60000                           toolstack
 *       revoke-ms       1..60000, section 10. Missing: 50   toolstack
 *       state           1: made; 5: let go                  toolstack
 *                       4: accesses reach it; 6: they do not stub domain
 *       size            octets, from the device's registers  stub domain
 *       event-channel   unbound, for the guest              stub domain
 *       error           "NAME: text"                        stub domain
 *   /local/domain/5/aperture/0/                      owner: domain 0, read: guest
 *       type, door, address, size                           toolstack
 *       event-domain, event-channel                         toolstack
 *
 * devid is one of the guest's: a device has either this door or rings. The
 * range has as many octets as the registers reach, rounded up to 8.
 *
 * An access of 1, 2, 4 or 8 octets at address + n is READ or WRITE of register n. REP with count
 * is count of them, one after the other; memory operands are the stub domain's to copy. The vCPU's
 * number is the submitter. What ends with any error reads as all ones and writes
 * nothing: also what crosses a register, or is unaligned. Locked instructions are a read and a
 * write. Commands cannot be given through this door.
 *
 * An access that was sent on and is not answered within timeout-ms ends likewise; until the slow lane
 * answers or connects anew all that would be sent on does so at once. It may have been executed.
 *
 * Vectors: each that is raised by either device sends the event, once. There is no mask and no
 * pending word: the device has registers for that.
 */
#ifndef XEN_PUBLIC_IO_APERTUREIF_H
#define XEN_PUBLIC_IO_APERTUREIF_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define XENAPT_DEVICE_KIND		"aperture"
#define XENAPT_FAST_KIND		"aperture-fast"
#define XENAPT_VERSION			1

#define XENAPT_PAGE_SIZE		4096u
#define XENAPT_MAX_RING_ORDER		4u	/* 16 pages */
#define XENAPT_MAX_APERTURES		64u	/* slots 0..63 of a device */

/* Directory: references in one page; pages, and bytes, in one aperture. */
#define XENAPT_DIR_ENTRIES		1020u
#define XENAPT_MAX_PAGES		(XENAPT_DIR_ENTRIES * XENAPT_DIR_ENTRIES)
#define XENAPT_MAX_SIZE			((uint64_t)XENAPT_MAX_PAGES * XENAPT_PAGE_SIZE)

/* Node names, relative to the device's directory. */
#define XENAPT_NODE_TYPE		"type"
#define XENAPT_NODE_MAX_SIZE		"max-size"
#define XENAPT_NODE_MAX_APERTURES	"max-apertures"
#define XENAPT_NODE_SERVER		"server"
#define XENAPT_NODE_ONLINE		"online"
#define XENAPT_NODE_VERSIONS		"versions"
#define XENAPT_NODE_VERSION		"version"
#define XENAPT_NODE_EPOCH		"epoch"
#define XENAPT_NODE_MAX_RING_ORDER	"max-ring-page-order"
#define XENAPT_NODE_RING_ORDER		"ring-page-order"
#define XENAPT_NODE_RING_REF		"ring-ref"	/* followed by 0, 1, ... */
#define XENAPT_NODE_EVENT_REF		"event-ref"
#define XENAPT_NODE_MASK_REF		"mask-ref"
#define XENAPT_NODE_EVENT_CHANNEL	"event-channel"
#define XENAPT_NODE_ERROR		"error"
#define XENAPT_NODE_FEATURE_UNALIGNED	"feature-unaligned"
#define XENAPT_NODE_FEATURE_OPERATIONS	"feature-operations"
#define XENAPT_NODE_FEATURE_READ_ONLY	"feature-read-only"
#define XENAPT_NODE_FEATURE_PARENT_MEMORY "feature-parent-memory"
#define XENAPT_NODE_RECORD_REF		"record-ref"	/* followed by 0, 1 */
#define XENAPT_NODE_ROUTE		"route"		/* fast lane: "declared", "all" */
#define XENAPT_NODE_REVOKE_MS		"revoke-ms"	/* fast lane */

#define XENAPT_MAX_VERSIONS		8u
#define XENAPT_TYPE_MAX			31u

/*
 * Errors. In responses, status words, error nodes (by name), logs and counters.
 * Numbers are part of the contract and are never used again for another thing.
 */
enum xenapt_status {
	XENAPT_OK		= 0,
	/* the request itself */
	XENAPT_E_MALFORMED	= 1,	/* reserved field, unknown flag */
	XENAPT_E_UNSUPPORTED	= 2,	/* unknown request, feature not agreed */
	XENAPT_E_HANDLE		= 3,	/* unknown, stale or foreign handle */
	XENAPT_E_STATE		= 4,	/* not admitted in this state; value: it */
	XENAPT_E_DECLINED	= 5,	/* operation: for the other lane */
	/* sizes */
	XENAPT_E_SIZE_ZERO	= 16,	/* 0 bytes wanted or described */
	XENAPT_E_SIZE_ALIGN	= 17,	/* wanted is not a multiple of 4096 */
	XENAPT_E_SIZE_MAX	= 18,	/* above XENAPT_MAX_SIZE */
	XENAPT_E_SIZE_LEAST	= 19,	/* result below least; value: result */
	XENAPT_E_SIZE		= 20,	/* description and size disagree */
	/* limits; value: the limit */
	XENAPT_E_APERTURES	= 32,	/* max-apertures are open */
	XENAPT_E_MAPPED_PAGES	= 33,	/* the parent maps no more for this guest */
	XENAPT_E_MEMORY		= 34,	/* the other side is out of memory */
	XENAPT_E_GIVEN_PAGES	= 35,	/* the parent gives this child no more of its memory */
	/* memory */
	XENAPT_E_DIRECTORY	= 48,	/* directory lies; value: page number */
	XENAPT_E_GRANT		= 49,	/* a reference cannot be mapped; value: index */
	XENAPT_E_BUSY		= 50,	/* the device still needs the memory */
	XENAPT_E_LOST		= 51,	/* parent-owned memory asked for again: it is not there */
	/* the connection */
	XENAPT_E_RING		= 64,	/* impossible ring index */
	XENAPT_E_NODE		= 65,	/* node missing or not what it must be */
	XENAPT_E_VERSION	= 66,	/* no common version, or not offered */
	XENAPT_E_DEVICE		= 67,	/* no such device type, or it failed */
	XENAPT_E_GONE		= 68,	/* the other side went away (local only) */
	XENAPT_E_TIMEOUT	= 69,	/* it did not answer in time (local only) */
	/* operations */
	XENAPT_E_REGISTER	= 80,	/* no register there */
	XENAPT_E_STRADDLE	= 81,	/* across a register's end, or not aligned */
	XENAPT_E_WIDTH		= 82,	/* the register does not admit this size */
	XENAPT_E_ACCESS		= 83,	/* the register does not admit this direction */
	XENAPT_E_COMMAND	= 84,	/* no such command */
	XENAPT_E_VALUE		= 85,	/* the device refuses the value */
	XENAPT_E_RANGE		= 86,	/* range not in a mapped aperture */
	XENAPT_E_RECORD		= 87,	/* state record corrupt or truncated */
	XENAPT_E_RECORD_VERSION	= 88,	/* state record of an older or newer device; value: its version */
	XENAPT_E_ADDRESS	= 89,	/* trapped range: taken, not in reach, or refused by Xen */
};

/* Life of an aperture as the parent sees it; value of XENAPT_E_STATE. */
enum xenapt_aperture_state {
	XENAPT_STATE_NONE	= 0,
	XENAPT_STATE_OPENED	= 1,
	XENAPT_STATE_OFFERED	= 2,
	XENAPT_STATE_MAPPED	= 3,
	XENAPT_STATE_WITHDRAWN	= 4,
};

/* Requests. 0 is none of them, so that a zeroed entry is refused. */
#define XENAPT_REQ_OPEN			1
#define XENAPT_REQ_OFFER		2
#define XENAPT_REQ_MAP			3
#define XENAPT_REQ_WITHDRAW		4
#define XENAPT_REQ_RELEASE		5
#define XENAPT_REQ_OPERATION		16	/* feature-operations; both lanes */
#define XENAPT_REQ_TAKE			17	/* feature-operations; named, handle 0 */

/* xenapt_open.flags */
#define XENAPT_OPEN_CHILD_READ_ONLY	(1u << 0)	/* feature-read-only */
#define XENAPT_OPEN_PARENT_READ_ONLY	(1u << 1)	/* feature-read-only */
#define XENAPT_OPEN_PARENT_OWNED	(1u << 2)	/* feature-parent-memory */

/*
 *   octet 0            8      9      10           16
 *         +------------+------+------+------------+------------------------+
 *         | id         | type | zero | zero       | body, 48 octets        |
 *         +------------+------+------+------------+------------------------+
 */
struct xenapt_open {
	uint64_t wanted;	/* bytes: the largest size ever described */
	uint64_t least;		/* bytes: less is of no use; 0: anything is */
	uint32_t flags;		/* XENAPT_OPEN_* */
	uint32_t tag;		/* what the memory is for: the device type's choice */
	uint64_t reserved[3];
};

struct xenapt_offer {
	uint64_t handle;
	uint64_t length;	/* bytes, 1..granted */
	uint32_t offset;	/* of the first byte in the first page, 0..4095; parent-owned: 0 */
	uint32_t directory;	/* grant reference of the directory's first page; parent-owned: 0, or again */
	uint64_t reserved[3];
};

struct xenapt_named {		/* MAP, WITHDRAW, RELEASE; TAKE */
	uint64_t handle;
	uint64_t reserved[5];
};

/* xenapt_operation.direction */
#define XENAPT_OP_READ			0
#define XENAPT_OP_WRITE			1
#define XENAPT_OP_SET			2	/* register |= value */
#define XENAPT_OP_CLEAR			3	/* register &= ~value */
#define XENAPT_OP_EXCHANGE		4	/* register = value; the answer is what it was */
#define XENAPT_OP_DIRECTIONS		5

/* xenapt_operation.flags */
#define XENAPT_OP_RESUME		(1u << 0)	/* the submitter's declined ones of this lane are answered */

#define XENAPT_OP_ID			((uint64_t)1 << 63)
#define XENAPT_OP_ENTRIES		32u	/* most outstanding operations of a device */
#define XENAPT_OP_SUBMITTERS		64u

#define XENAPT_COMMAND_RESET		0xffffffffu	/* every device; those from 0xffffff00 on are reserved */

struct xenapt_operation {	/* feature-operations */
	uint64_t handle;	/* aperture of the range, or 0: no range */
	uint64_t reg;		/* register's offset in bytes, or command */
	uint64_t value;		/* little-endian, size octets; the rest is ignored. Command: 8 */
	uint64_t offset;	/* range inside the aperture */
	uint32_t length;
	uint8_t  size;		/* 1, 2, 4, 8; 0: a command */
	uint8_t  direction;	/* XENAPT_OP_*; a command: WRITE */
	uint16_t flags;		/* XENAPT_OP_RESUME */
	uint8_t  submitter;	/* 0..63 */
	uint8_t  reserved[7];
};

struct xenapt_request {
	uint64_t id;		/* the child's choice, returned unchanged */
	uint8_t  type;		/* XENAPT_REQ_* */
	uint8_t  zero[7];
	union {
		struct xenapt_open open;
		struct xenapt_offer offer;
		struct xenapt_named named;
		struct xenapt_operation operation;
		uint8_t body[48];
	} u;
};

/*
 *   octet 0            8      9        12         16
 *         +------------+------+--------+----------+--------+--------+--------+
 *         | id         | type | zero   | status   | handle | value  | slot.. |
 *         +------------+------+--------+----------+--------+--------+--------+
 */
struct xenapt_response {
	uint64_t id;
	uint8_t  type;		/* of the request */
	uint8_t  zero[3];
	uint32_t status;	/* enum xenapt_status */
	uint64_t handle;	/* OPEN: the new handle; others: as asked */
	uint64_t value;		/* OPEN ok: granted bytes. MAP ok: pages mapped. OFFER ok,
				 * parent-owned: reference of the directory's first page.
				 * Errors: as their line says, else 0 */
	uint32_t slot;		/* OPEN ok: 0..63 */
	uint32_t reserved;
};

#define XENAPT_DIR_MAGIC		0x52444158u	/* "XADR" */
#define XENAPT_DIR_LIST			1
#define XENAPT_DIR_INDEX		2

struct xenapt_directory {
	uint32_t magic;		/* XENAPT_DIR_MAGIC */
	uint16_t level;		/* XENAPT_DIR_LIST, XENAPT_DIR_INDEX */
	uint16_t count;		/* references used, 1..1020 */
	uint32_t index;		/* number of this page within its level */
	uint32_t zero;
	uint32_t gref[XENAPT_DIR_ENTRIES];
};

/* Signals. */
#define XENAPT_SIGNALS			256u
#define XENAPT_SIGNAL_WORDS		(XENAPT_SIGNALS / 64u)
#define XENAPT_SIGNAL_APERTURE		64u	/* + slot */
#define XENAPT_SIGNAL_DEFINED		128u	/* the first reserved number */

/*
 * Counters that the writer of a page keeps in it, for whoever looks. They count
 * from the start of the connection. Plain 64-bit stores: a reader may see one a
 * moment before another.
 */
struct xenapt_counters {
	uint64_t published;	/* signals raised */
	uint64_t notified;	/* ... with an event */
	uint64_t suppressed;	/* ... without: already pending, or masked */
	uint64_t taken;		/* signals of the other side taken */
	uint64_t coalesced;	/* raised while already pending (part of suppressed) */
	uint64_t events;	/* events received */
	uint64_t spurious;	/* ... with nothing to do */
	uint64_t requests;	/* ring requests: sent (child), consumed (parent) */
	uint64_t responses;	/* ring responses: consumed (child), sent (parent) */
	uint64_t errors;	/* responses with a status other than ok */
	uint64_t mapped_pages;	/* mapped now (parent); 0 (child) */
	uint64_t reserved[5];
};

/* Registers that do not depend on the state record: bytes first..last. Slow lane only. */
#define XENAPT_INDEPENDENTS		64u

struct xenapt_span {
	uint32_t first;
	uint32_t last;
};

/* Event page. Blocks of 128 octets so that writers do not share cache lines. */
struct xenapt_event_page {
	uint64_t interrupt[XENAPT_SIGNAL_WORDS];	/* 0x000 parent sets, child clears */
	uint64_t pad0[12];
	uint64_t doorbell[XENAPT_SIGNAL_WORDS];		/* 0x080 child sets, parent clears */
	uint64_t pad1[12];
	uint64_t doorbell_mask[XENAPT_SIGNAL_WORDS];	/* 0x100 parent writes */
	uint32_t status;				/* 0x120 parent writes: xenapt_status */
	uint32_t pad2;
	uint64_t pad3[11];
	struct xenapt_counters parent;			/* 0x180 parent writes */
	uint32_t vectors;				/* 0x200 parent writes before Connected: 0..64 */
	uint32_t independents;				/* 0x204 likewise: entries used below, 0..64 */
	struct xenapt_span independent[XENAPT_INDEPENDENTS];	/* 0x208 ascending */
	uint64_t reserved[383];				/* 0x408 zero */
};

/* Mask page: the child writes, parents (of both lanes) only read. */
struct xenapt_mask_page {
	uint64_t interrupt_mask[XENAPT_SIGNAL_WORDS];	/* 0x000 */
	uint32_t status;				/* 0x020 xenapt_status, slow lane */
	uint32_t fast_status;				/* 0x024 likewise, fast lane */
	uint64_t pad1[11];
	struct xenapt_counters child;			/* 0x080 slow lane */
	struct xenapt_counters fast;			/* 0x100 fast lane */
	uint64_t reserved[464];				/* 0x180 zero */
};

/* State record, section 10. */
#define XENAPT_RECORD_PAGES		2u
#define XENAPT_SLOTS			4u
#define XENAPT_STATE_MAX		1176u	/* octets of a device's state */
#define XENAPT_SLOT_MAGIC		0x54535841u	/* "AXST" */

enum xenapt_owner {
	XENAPT_OWNER_NONE	= 0,
	XENAPT_OWNER_FAST	= 1,
	XENAPT_OWNER_SLOW	= 2,
};

/* head: owner in bits 63..62, slot in 61..60, generation below. */
#define XENAPT_HEAD(owner, slot, generation)	((uint64_t)(owner) << 62 | (uint64_t)(slot) << 60 | \
						 ((generation) & (((uint64_t)1 << 60) - 1)))
#define XENAPT_HEAD_OWNER(head)		((unsigned int)((head) >> 62))
#define XENAPT_HEAD_SLOT(head)		((unsigned int)((head) >> 60) & 3u)
#define XENAPT_HEAD_GENERATION(head)	((head) & (((uint64_t)1 << 60) - 1))

/* The last operation of an entry that changed something, and its answer. */
struct xenapt_done {
	uint64_t id;		/* 0: none */
	uint64_t value;
	uint32_t status;
	uint32_t zero;
};

/*
 * Checksum of n octets: the sum, modulo 2^64, of word i * (1 + (i + 1) * 0x9e3779b97f4a7c14) over
 * their 64-bit words i = 0, 1, ..., the last filled up with 0.
 * Of a slot: of its octets used, with checksum as 0. It finds accidents, not forgery: whoever
 * may write the record may write the sum.
 */
struct xenapt_slot {
	uint32_t magic;		/* XENAPT_SLOT_MAGIC */
	uint16_t length;	/* octets used of this slot: 40 + 768 + state_size, rounded up to 8 */
	uint16_t state_size;	/* octets of state */
	uint64_t generation;	/* of the commit */
	uint64_t checksum;
	uint64_t now;		/* ns: the device's counter at the commit */
	uint32_t type;		/* checksum of the type's name without its final 0, low 32 bits */
	uint32_t state_version;
	struct xenapt_done done[XENAPT_OP_ENTRIES];	/* by entry */
	uint8_t  state[XENAPT_STATE_MAX];
};

/* Counters of the first device; it writes them, everybody may look. Since it started, or restarted in place. */
struct xenapt_fast_counters {
	uint64_t hits;		/* operations executed */
	uint64_t declined;	/* ... sent on to the second device */
	uint64_t repeated;	/* ... answered from the record */
	uint64_t refused;	/* ... answered with an error other than declined */
	uint64_t injected;	/* events sent for vectors */
	uint64_t coalesced;	/* vectors raised while pending */
	uint64_t commits;
	uint64_t handed_over;	/* state given to the second device */
	uint64_t received;	/* state got from it */
	uint64_t revoked;	/* state taken from it */
	uint64_t lost;		/* commits that failed */
	uint64_t wakes;		/* times the stub domain woke up (all its devices) */
	uint64_t spins;		/* ... and looked again without blocking */
	uint64_t blocks;	/* ... and blocked */
	uint64_t restarts;	/* of the stub domain, in place */
	uint64_t started;	/* ns of Xen's system time: last start or restart */
	/* Of a trapped device, section 11; else 0. Since it was attached: a restart in place keeps them. */
	uint64_t trapped;	/* accesses; each element of REP is one */
	uint64_t forwarded;	/* ... sent on to the second device */
	uint64_t timeouts;	/* ... and not answered in time, or not sent on since */
	uint64_t faults;	/* elements of REP whose memory the guest does not have */
	uint64_t interrupts;	/* events sent to the guest */
	uint64_t reserved[3];
};

struct xenapt_stamp {
	uint64_t clock;		/* ns of the writer's clock; 0: not known */
	uint64_t now;		/* ns: the counter then */
};

struct xenapt_record {
	uint64_t head;					/* 0x000 */
	uint32_t wanted;				/* 0x008 fast lane writes */
	uint32_t zero0;
	struct xenapt_stamp stamp[2];			/* 0x010 fast lane, slow lane */
	uint64_t beat;					/* 0x030 fast lane writes */
	uint64_t skew;					/* 0x038 slow lane writes; 0: not known */
	struct xenapt_fast_counters fast;		/* 0x040 */
	struct xenapt_slot slot[XENAPT_SLOTS];		/* 0x100 */
};

#ifndef __cplusplus
_Static_assert(sizeof(struct xenapt_request) == 64, "request");
_Static_assert(sizeof(struct xenapt_response) == 40, "response");
_Static_assert(sizeof(struct xenapt_directory) == XENAPT_PAGE_SIZE, "directory");
_Static_assert(sizeof(struct xenapt_event_page) == XENAPT_PAGE_SIZE, "event page");
_Static_assert(sizeof(struct xenapt_mask_page) == XENAPT_PAGE_SIZE, "mask page");
_Static_assert(sizeof(struct xenapt_operation) == 48, "operation");
_Static_assert(sizeof(struct xenapt_slot) == 0x7c0, "slot");
_Static_assert(sizeof(struct xenapt_record) == XENAPT_RECORD_PAGES * XENAPT_PAGE_SIZE, "record");
#endif

#endif /* XEN_PUBLIC_IO_APERTUREIF_H */

/* With Xen's ring.h included before, at any inclusion: struct xenapt_sring and friends. */
#if defined(DEFINE_RING_TYPES) && !defined(XENAPT_RING_TYPES)
#define XENAPT_RING_TYPES
DEFINE_RING_TYPES(xenapt, struct xenapt_request, struct xenapt_response);
#endif
