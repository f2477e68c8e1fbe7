# SPDX-License-Identifier: MIT
# The front door. `make run` and `make test` do everything from a fresh clone: install the Debian
# packages of packages.txt that are missing, build, and run.
BUILD := build
PREFIX ?= /usr/local
NINJA := ninja -C $(BUILD)

.PHONY: all run test unit guest-tests system fuzz bench docs picture install package packages clean

all: packages $(BUILD)/build.ninja
	@$(NINJA) --quiet

run: all
	$(BUILD)/pageable run $(BUILD)/drivers/correct/notepad.sys

test: all
	@tests/run $(BUILD)

bench: all
	@bench/run $(BUILD)

# The documents that are made from the tables of the code.
docs: all
	$(BUILD)/pageable explain --markdown > docs/bug-checks.md
	$(BUILD)/pageable exports --markdown > docs/routines.md

# The README's picture of an HTML report.
picture: all
	-$(BUILD)/pageable run $(BUILD)/drivers/faulty/paged-code-at-dispatch.sys \
	    --html=$(BUILD)/picture.html --budget=nonpaged=24K
	python3 tests/system/report/browse.py $(BUILD)/picture.html --width=980 --height=1270 \
	    --screenshot=docs/report.png --no-probe

install: all
	cmake --install $(BUILD) --prefix $(PREFIX)

# A Debian package: build/pageable_VERSION_amd64.deb.
package: all
	cd $(BUILD) && cpack -G DEB

packages:
	@tools/install-packages packages.txt

$(BUILD)/build.ninja: | packages
	cmake -S . -B $(BUILD) -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_ASM_COMPILER=clang-19 \
	    -DCMAKE_BUILD_TYPE=None

clean:
	rm -rf $(BUILD)
