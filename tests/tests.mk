# SPDX-License-Identifier: GPL-2.0-only
# What the tests, the rig and the demo are built from, and the targets that run them.

# ---- packages -------------------------------------------------------------
BUILD_PACKAGES := gcc libc6-dev make pkg-config libxen-dev libjson-c-dev libseccomp-dev libcap-dev \
		  libsystemd-dev
TEST_PACKAGES  := g++ libcunit1-dev libgcrypt20-dev python3 sparse kmod cpio bc bison flex libelf-dev man-db

# Installs what is missing, and says so; nothing when all is there.
define install_packages
	$(Q)missing=$$(dpkg-query -W -f '$${Package} $${Status}\n' $(1) 2>/dev/null | \
		awk '$$4 == "installed" { have[$$1] = 1 } END { n = split("$(1)", want, " "); \
		for (i = 1; i <= n; i++) if (!have[want[i]]) printf " %s", want[i] }'); \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" != 0 ]; then \
		echo "these packages are missing:$$missing; as root: apt-get install$$missing" >&2; exit 1; fi; \
	echo "installing:$$missing" >&2; \
	DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; \
	apt-get update -q >$(B)/apt.log 2>&1 && \
	apt-get install -yq --no-install-recommends $$missing >>$(B)/apt.log 2>&1 || \
		{ tail -n 20 $(B)/apt.log >&2; echo "installing failed; all of it is in $(B)/apt.log" >&2; exit 1; }
endef

deps:
	@mkdir -p $(B)
	$(call install_packages,$(BUILD_PACKAGES))

test-deps:
	@mkdir -p $(B)
	$(call install_packages,$(BUILD_PACKAGES) $(TEST_PACKAGES))

# The pkg-config results above are wanted after the packages are there: build in a second make.
build-after-deps: test-deps
	$(Q)$(MAKE) --no-print-directory all

.PHONY: test-deps build-after-deps unit

# ---- unit tests -----------------------------------------------------------
# plain links the very objects of the product; asan and tsan compile them again.
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -O1 -g
SAN_tsan := -fsanitize=thread -O1 -g $(TSAN_FLAGS)
UNIT_CPPFLAGS := -Iinclude -Ibackend/core -Itests/unit -Itests/unit/fake -Itoolstack

$(B)/asan/%.o: %.c
	$(call say,CC,asan $<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(SAN_asan) $(UNIT_CPPFLAGS) $(DEPFLAGS) -c $< -o $@

$(B)/tsan/%.o: %.c
	$(call say,CC,tsan $<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(SAN_tsan) $(UNIT_CPPFLAGS) $(DEPFLAGS) -c $< -o $@

$(B)/tests/%.o $(B)/asan/%.o $(B)/tsan/%.o: CPPFLAGS += $(UNIT_CPPFLAGS)

# ---- the guest's module ---------------------------------------------------
RIG     := tests/rig/rig
STAGE   := $(B)/stage
IMAGE   := $(or $(XEN_APERTURE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/xen-aperture)/image-bookworm
KDIR    ?= $$(tests/rig/kernel-headers 6.1)
MODULES := $(B)/modules-6.1

# What the guests of the rig get: the module, its self-test, and static programs (they have no libraries).
GUEST := $(STAGE)/guest
guest-stage: test-deps rig-images
	$(call say,MODULE,$(MODULES))
	$(Q){ $(MAKE) -C frontend KDIR=$(KDIR) O=$(abspath $(MODULES))/frontend && \
	$(MAKE) -C tests/integration/guest/module KDIR=$(KDIR) O=$(abspath $(MODULES))/selftest \
		FRONTEND=$(abspath $(MODULES))/frontend && \
	$(MAKE) -C tests/integration/guest/user STATIC=1 O=$(abspath $(B))/guest-user; } >$(B)/guest.log 2>&1 || \
		{ cat $(B)/guest.log >&2; exit 1; }
	$(Q)rm -rf $(GUEST) && mkdir -p $(GUEST)/usr/bin $(GUEST)/lib/modules/extra
	$(Q)for m in frontend/xen-aperture selftest/aperture_selftest; do \
		objcopy --strip-debug $(MODULES)/$$m.ko $(GUEST)/lib/modules/extra/$${m##*/}.ko || exit 1; done
	$(Q)cp $(IMAGE)/modules/xen-blkfront.ko $(IMAGE)/modules/xen-netfront.ko $(GUEST)/lib/modules/extra/
	$(Q)find $(B)/guest-user -maxdepth 1 -type f -perm -u+x -exec cp {} $(GUEST)/usr/bin/ \;

# What dom0 gets: the parent's module, and the tests' consumer.
PARENT_MODULES := $(libdir)/xen-aperture/modules
parent-modules: test-deps rig-images
	$(call say,MODULE,$(MODULES)/parent)
	$(Q){ $(MAKE) -C backend/kernel KDIR=$(KDIR) O=$(abspath $(MODULES))/parent && \
	$(MAKE) -C tests/integration/kernel KDIR=$(KDIR) O=$(abspath $(MODULES))/nonce \
		PARENT=$(abspath $(MODULES))/parent; } >$(B)/parent.log 2>&1 || \
		{ cat $(B)/parent.log >&2; exit 1; }

# The same for guests with Linux 6.12, laid over the stage. dom0 stays with its kernel.
KDIR_612 := $$(tests/rig/kernel-headers 6.12)
ADD_612  := $(B)/guest-6.12
guest-6.12: stage
	$(Q)tests/rig/guest-kernel 6.12 $(ADD_612)
	$(call say,MODULE,$(B)/modules-6.12)
	$(Q){ $(MAKE) -C frontend KDIR=$(KDIR_612) O=$(abspath $(B))/modules-6.12/frontend && \
	$(MAKE) -C tests/integration/guest/module KDIR=$(KDIR_612) O=$(abspath $(B))/modules-6.12/selftest \
		FRONTEND=$(abspath $(B))/modules-6.12/frontend; } >$(B)/guest-6.12.log 2>&1 || \
		{ cat $(B)/guest-6.12.log >&2; exit 1; }
	$(Q)for m in frontend/xen-aperture selftest/aperture_selftest; do \
		objcopy --strip-debug $(B)/modules-6.12/$$m.ko $(ADD_612)/guest/lib/modules/extra/$${m##*/}.ko || exit 1; done

# Both kernels, without a warning of compiler or sparse.
check-kernel: test-deps rig-images
	@for k in 6.1 6.12; do \
		echo "modules against Linux $$k, with sparse"; \
		kdir=$$(tests/rig/kernel-headers $$k) || exit 1; \
		rm -rf $(B)/sparse-$$k $(B)/sparse-parent-$$k $(B)/sparse-nonce-$$k; \
		{ $(MAKE) --no-print-directory -C frontend KDIR=$$kdir O=$(abspath $(B)/sparse-$$k) C=2 W=1 && \
		$(MAKE) --no-print-directory -C backend/kernel KDIR=$$kdir O=$(abspath $(B)/sparse-parent-$$k) C=2 W=1 && \
		$(MAKE) --no-print-directory -C tests/integration/kernel KDIR=$$kdir O=$(abspath $(B)/sparse-nonce-$$k) \
			PARENT=$(abspath $(B)/sparse-parent-$$k) C=2 W=1; } \
			>$(B)/sparse-$$k.log 2>&1 || { tail -n 30 $(B)/sparse-$$k.log >&2; exit 1; }; \
		! grep -E '(warning|error):' $(B)/sparse-$$k.log >&2 || exit 1; \
	done

# ---- the rig --------------------------------------------------------------
rig-images:
	$(Q)tests/rig/prepare

include tests/hostile/part.mk

# A service manager, as far as descriptors go.
KEEP_FILES := $(B)/keep-files
$(KEEP_FILES): $(B)/tests/integration/peer/keep-files.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

# The parent's module with good and bad arguments.
KERNEL_IOCTLS := $(B)/kernel-ioctls
$(KERNEL_IOCTLS): $(B)/tests/integration/peer/kernel-ioctls.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -lpthread -o $@

include tests/bench/part.mk
include tests/integration/stub/part.mk
include tests/matrix/part.mk

dom0-stage: build-after-deps $(STUB_TEST_FILES) $(TEST_PLUGINS) parent-modules $(B)/aperture-serve $(HOSTILE) $(KERNEL_IOCTLS) $(KEEP_FILES) $(CHECK_STUB) $(BENCH_FILES)
	$(Q)rm -rf $(STAGE)/dom0
	$(Q)$(MAKE) --no-print-directory -s install DESTDIR=$(abspath $(STAGE)/dom0) >/dev/null
	$(Q)install -m 644 $(TEST_PLUGINS) $(STAGE)/dom0$(devdir)
	$(Q)install -d $(STAGE)/dom0$(PARENT_MODULES)
	$(Q)for m in parent/xen-aperture-parent nonce/aperture_nonce nonce/aperture_cell; do \
		objcopy --strip-debug $(MODULES)/$$m.ko $(STAGE)/dom0$(PARENT_MODULES)/$${m##*/}.ko || exit 1; done
	$(Q)install -D -m 755 $(SERVE) $(STAGE)/dom0$(bindir)/aperture-serve
	$(Q)install -m 755 $(HOSTILE) $(STAGE)/dom0$(bindir)/
	$(Q)install -D -m 755 $(KERNEL_IOCTLS) $(STAGE)/dom0$(bindir)/kernel-ioctls
	$(Q)install -D -m 755 $(KEEP_FILES) $(STAGE)/dom0$(bindir)/keep-files
	$(Q)install -D -m 644 $(CHECK_STUB) $(STAGE)/dom0$(stubdir)/check-stub
	$(stub_test_stage)
	$(bench_stage)
	$(Q)tests/integration/document/build $(STAGE)

stage: guest-stage
	$(Q)$(MAKE) --no-print-directory dom0-stage

shell: stage
	$(Q)$(RIG) shell

# ---- tests ----------------------------------------------------------------
# ONLY="M7 M9": the tests that show these rows. TESTS="name ...": these. TYPE=pv, pvh: one guest type.
# LONG=1: their long form. JOBS: emulators side by side.
JOBS ?= 2
SELECT := $(if $(LONG),--long) $(if $(ONLY),--only "$(ONLY)") $(if $(TYPE),--guests $(TYPE)) $(TESTS)

check-xen: stage
	$(Q)$(RIG) run --jobs $(JOBS) $(SELECT)

# What depends on the guest's kernel, unless TESTS or ONLY say another
TESTS_612 := existing-memory existing-disk existing-kernel existing-death frontend-chardev frontend-module frontend-detach \
	     matrix-cells parent-memory-programs save-restore withdraw cycles-neighbours operations-first
check-guest-6.12: guest-6.12
	$(Q)$(RIG) run --jobs $(JOBS) --add $(ADD_612) $(if $(TESTS)$(ONLY),$(SELECT),$(SELECT) $(TESTS_612))

check-long: check-barriers check-fuzz check-rig check-guest-6.12 demo stage
	$(Q)$(RIG) run --jobs $(JOBS) --long $(SELECT)

# The rig itself: each way to fail does fail, with the right words.
check-rig: stage
	$(Q)tests/rig/selftest

check-unit: test-deps
	$(Q)$(MAKE) --no-print-directory unit

# Inputs that no run before had, 20 times as many: SEED=... repeats them.
SEED ?= $(shell date +%s)
check-fuzz: test-deps
	$(Q)$(MAKE) --no-print-directory -s fuzz SEED=$(SEED)

# Quick ones first. What needs one processor runs in pairs; the emulators of check-xen have both.
check: test-deps
	$(call together,rig-images,check-unit)
	$(Q)$(MAKE) --no-print-directory stage
	$(call together,check-model,check-kernel bench poison-time)
	$(Q)$(MAKE) --no-print-directory check-xen

# $(1) is shown when $(2) has ended. Both must be well.
define together
	$(Q)$(MAKE) --no-print-directory $(1) >$(B)/beside.log 2>&1 & beside=$$!; \
	$(MAKE) --no-print-directory $(2); status=$$?; \
	wait $$beside || status=$$?; cat $(B)/beside.log; exit $$status
endef

# ---- demo -----------------------------------------------------------------
demo:
	$(Q)tests/demo/run --check $(if $(FILE),"$(FILE)")
	$(Q)$(MAKE) --no-print-directory stage
	$(Q)tests/demo/run $(if $(FILE),"$(FILE)")

# ---- benchmark ------------------------------------------------------------
# Prints the table, and fails when a fast operation costs too much.
bench: stage
	$(Q)tests/bench/run

# The notification and interrupt protocol, as a model that is searched whole.
check-model: test-deps
	$(Q)tests/model/run

.PHONY: bench check-model
.PHONY: guest-6.12 check-guest-6.12 check-rig guest-stage parent-modules check-kernel rig-images dom0-stage stage shell check-xen check-long check-unit \
	check demo
