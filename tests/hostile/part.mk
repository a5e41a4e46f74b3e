# SPDX-License-Identifier: GPL-2.0-only
# Parents that break the contract, for the guest's module: programs of dom0.

HOSTILE := $(addprefix $(B)/,hostile-parent hostile-owner hostile-mapper poison-parent spoil-record) $(B)/giving-parent
HOSTILE_OBJS := $(B)/tests/hostile/parent.o
POISON_OBJS := $(patsubst %,$(B)/tests/hostile/poison-%.o,pages record answers)
$(B)/poison-parent: $(POISON_OBJS) $(B)/backend/core/status.o
$(HOSTILE): $(B)/%: $(B)/tests/hostile/%.o $(HOSTILE_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -lxengnttab -lxenevtchn -lxenstore -o $@

# Asks Xen for mappings, past every driver; in guests their self-test does.
HOSTILE += $(B)/grant-map
$(B)/grant-map: $(B)/tests/hostile/grant-map.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

# What the document says is what the test expects.
$(B)/tests/hostile/poison_table.h: docs/protocol.md tests/hostile/poison-table
	@mkdir -p $(@D)
	$(Q)tests/hostile/poison-table $< >$@ || { rm -f $@; exit 1; }
$(B)/tests/hostile/poison-parent.o: $(B)/tests/hostile/poison_table.h
$(B)/tests/hostile/poison-parent.o $(POISON_OBJS): CPPFLAGS += -I$(B)/tests/hostile -Itests/integration/peer

# How soon a poisoned word has its name at both ends, in the deterministic mode.
poison-time: stage
	$(Q)tests/hostile/time/run

.PHONY: poison-time
