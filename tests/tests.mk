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
	$(Q)cp $(IMAGE)/modules/xen-blkfront.ko $(GUEST)/lib/modules/extra/
	$(Q)find $(B)/guest-user -maxdepth 1 -type f -perm -u+x -exec cp {} $(GUEST)/usr/bin/ \;

# Both kernels, without a warning of compiler or sparse.
check-kernel: test-deps rig-images
	@for k in 6.1 6.12; do \
		echo "module against Linux $$k, with sparse"; \
		kdir=$$(tests/rig/kernel-headers $$k) || exit 1; \
		rm -rf $(B)/sparse-$$k; \
		$(MAKE) --no-print-directory -C frontend KDIR=$$kdir O=$(abspath $(B)/sparse-$$k) C=2 W=1 \
			>$(B)/sparse-$$k.log 2>&1 || { tail -n 30 $(B)/sparse-$$k.log >&2; exit 1; }; \
		! grep -E '(warning|error):' $(B)/sparse-$$k.log >&2 || exit 1; \
	done

# ---- the rig --------------------------------------------------------------
rig-images:
	$(Q)tests/rig/prepare

# A parent that breaks the contract, for the guest's module.
HOSTILE := $(B)/hostile-parent
$(HOSTILE): $(B)/tests/integration/peer/hostile-parent.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -lxengnttab -lxenevtchn -lxenstore -o $@

dom0-stage: build-after-deps $(B)/devices/check.so $(B)/aperture-serve $(HOSTILE)
	$(Q)rm -rf $(STAGE)/dom0
	$(Q)$(MAKE) --no-print-directory -s install DESTDIR=$(abspath $(STAGE)/dom0) >/dev/null
	$(Q)install -D -m 644 $(B)/devices/check.so $(STAGE)/dom0$(devdir)/check.so
	$(Q)install -D -m 755 $(SERVE) $(STAGE)/dom0$(bindir)/aperture-serve
	$(Q)install -D -m 755 $(HOSTILE) $(STAGE)/dom0$(bindir)/hostile-parent

stage: guest-stage
	$(Q)$(MAKE) --no-print-directory dom0-stage

shell: stage
	$(Q)$(RIG) shell

# ---- tests ----------------------------------------------------------------
# ONLY="M7 M9": the tests that show these rows. TESTS="name ...": these. TYPE=pv, pvh: one guest type.
SELECT := $(if $(ONLY),--only "$(ONLY)") $(if $(TYPE),--guests $(TYPE)) $(TESTS)

check-xen: stage
	$(Q)$(RIG) run --jobs 2 $(SELECT)

check-long: check-barriers check-rig stage
	$(Q)$(RIG) run --jobs 2 --long $(SELECT)

# The rig itself: each way to fail does fail, with the right words.
check-rig: stage
	$(Q)tests/rig/selftest

check-unit: test-deps
	$(Q)$(MAKE) --no-print-directory unit

# Quick ones first.
check:
	$(Q)$(MAKE) --no-print-directory check-unit
	$(Q)$(MAKE) --no-print-directory check-kernel
	$(Q)$(MAKE) --no-print-directory check-xen

# ---- demo -----------------------------------------------------------------
demo:
	$(Q)tests/demo/run --check $(if $(FILE),"$(FILE)")
	$(Q)$(MAKE) --no-print-directory stage
	$(Q)tests/demo/run $(if $(FILE),"$(FILE)")

.PHONY: check-rig guest-stage check-kernel rig-images dom0-stage stage shell check-xen check-long check-unit \
	check demo
