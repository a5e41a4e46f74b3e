# SPDX-License-Identifier: GPL-2.0-only
# The matrix of modes, owners and directions: devices for its parents, and the table.

CELL_PLUGINS := $(B)/devices/cell.so $(B)/devices/kcell.so
TEST_PLUGINS += $(CELL_PLUGINS)
$(CELL_PLUGINS): $(B)/devices/%.so: $(B)/tests/integration/peer/%.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared $(LDFLAGS) $^ -o $@

# Every cell on a booted Xen, both guest types, as a table; fails when a cell does.
matrix: stage
	$(Q)tests/matrix/run --jobs $(JOBS)

.PHONY: matrix
