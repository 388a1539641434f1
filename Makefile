# pyspy-capture and pyspy-analyze. `make help` lists the targets and variables.

VERSION := 0.1.0
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
CC ?= cc
FUZZ_CC ?= clang
OBJCOPY ?= objcopy
PKG_CONFIG ?= pkg-config
CLANG_FORMAT ?= clang-format
CLANG_TIDY ?= clang-tidy
FUZZ_SECONDS ?= 60

# V=1 shows whole commands.
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(Q),@printf '  %-4s %s\n' $(1) $@)

# One build folder for each kind of build, so that they do not disturb each other.
SANITIZE ?= 0
STATIC ?= 0
# CROSS=aarch64: for another machine, with STATIC=1 only.
CROSS ?=
BUILD := build$(if $(filter 1,$(SANITIZE)),-sanitize)$(if $(filter 1,$(STATIC)),-static)$(if $(CROSS),-$(CROSS))

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wformat=2 -Wnull-dereference \
	-Wimplicit-fallthrough -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings
WARNINGS_GCC := -Wstack-usage=40000 -Wlogical-op -Wduplicated-cond

OPTIMIZE := $(if $(filter 1,$(SANITIZE)),-O1,-O2)
CPPFLAGS_ALL := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DPYSPY_VERSION='"$(VERSION)"' -I. -Iinclude $(CPPFLAGS)
CFLAGS_ALL := -std=gnu11 $(OPTIMIZE) -g -fvisibility=hidden -fno-strict-aliasing $(WARNINGS) $(WARNINGS_GCC)
LDFLAGS_ALL := $(LDFLAGS)
# A single-instance library cannot be mixed into sanitized objects' alias of stack use.
ifeq ($(SANITIZE),1)
CFLAGS_ALL := $(filter-out -Wstack-usage=%,$(CFLAGS_ALL)) -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_ALL += -Wno-null-dereference
LDFLAGS_ALL += -fsanitize=address,undefined
else
CPPFLAGS_ALL += -D_FORTIFY_SOURCE=2
CFLAGS_ALL += -fstack-protector-strong
endif
ifneq ($(STATIC),1)
# The programs' objects are those of the library, too.
CFLAGS_ALL += -fPIC -ffunction-sections -fdata-sections
LDFLAGS_ALL += -Wl,--gc-sections
endif
ifeq ($(STATIC),1)
# Small, to be copied to hosts and into containers: the size is one of the project's figures.
CFLAGS_ALL := $(filter-out -O2,$(CFLAGS_ALL)) -Os -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -fno-unwind-tables
LDFLAGS_ALL += -static -Wl,--gc-sections,-z,noseparate-code,-z,norelro,--build-id=none,-T,capture/static.ld
PKG_CONFIG_STATIC := --static
endif
CFLAGS_ALL += $(CFLAGS)
STRIP ?= strip
ifneq ($(CROSS),)
$(if $(filter 1,$(STATIC)),,$(error CROSS is for STATIC=1))
# Where the libraries are, scripts/make-sysroot has put them.
SYSROOT := $(BUILD)/sysroot
CC := $(CROSS)-linux-gnu-gcc
STRIP := $(CROSS)-linux-gnu-strip
CPPFLAGS_ALL += -isystem $(SYSROOT)/usr/include
endif

CAPTURE_PACKAGES := libelf libzstd
ANALYZE_PACKAGES := libdw libelf libzstd libcjson zlib ncursesw
CAPTURE_LIBS = $(if $(CROSS),-L$(SYSROOT)/usr/lib/$(CROSS)-linux-gnu -lelf -lzstd -lz,$(shell \
	$(PKG_CONFIG) $(PKG_CONFIG_STATIC) --libs $(CAPTURE_PACKAGES))) -lpthread
ANALYZE_LIBS = $(shell $(PKG_CONFIG) --libs $(ANALYZE_PACKAGES)) -liberty -lpthread
TEST_LIBS = $(shell $(PKG_CONFIG) --libs $(ANALYZE_PACKAGES) cmocka) -liberty -lpthread

COMMON_SOURCES := $(sort $(wildcard common/*.c))
FORMATS_SOURCES := $(sort $(wildcard formats/*.c))
CAPTURE_SOURCES := $(sort $(filter-out capture/capture_main.c,$(wildcard capture/*.c)))
ANALYZE_SOURCES := $(sort $(filter-out analyze/main.c,$(wildcard analyze/*.c analyze/python/*.c analyze/native/*.c analyze/profile/*.c \
	analyze/top/*.c)))
LIBRARY_SOURCES := $(sort $(wildcard lib/*.c))
EXAMPLES := $(sort $(wildcard examples/*.c))
UNIT_TESTS := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_TARGETS := $(sort $(wildcard tests/fuzz/fuzz_*.c))

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
ARCHIVES := $(BUILD)/libanalyze.a $(BUILD)/libcapture.a $(BUILD)/libformats.a $(BUILD)/libcommon.a

PROGRAMS := $(BUILD)/pyspy-capture $(if $(filter 1,$(STATIC)),,$(BUILD)/pyspy-analyze)
# The number in the soname changes with what older programs cannot live with (lib/libpyspy.map).
SONAME := libpyspy.so.0
LIBRARIES := $(if $(filter 1,$(STATIC)),,$(BUILD)/libpyspy.so $(BUILD)/libpyspy.a)

.DEFAULT_GOAL := build
.PHONY: help build library examples demo check check-unit check-e2e check-man bench lint format fuzz install uninstall \
	clean deps generate check-generated fixtures

help:
	@echo 'Targets:'
	@echo '  build       build/pyspy-capture and build/pyspy-analyze (default)'
	@echo '  library     build/libpyspy.so and build/libpyspy.a (part of build)'
	@echo '  examples    the programs in examples/, with the static library'
	@echo '  deps        install what is missing to build and test (scripts/install-deps)'
	@echo '  demo        deps, build, then capture and dump a real Python program'
	@echo '  check       deps, build, then all tests'
	@echo '  check-unit  unit tests only'
	@echo '  check-e2e   end-to-end tests only'
	@echo '  bench       figures beside py-spy, pystack and gdb, one table'
	@echo '  lint        clang-format, clang-tidy, shellcheck, man pages, generated files'
	@echo '  format      apply clang-format'
	@echo '  fuzz        run every fuzz target for FUZZ_SECONDS (default 60) each'
	@echo '  generate    make the generated sources again'
	@echo '  fixtures    make the committed test fixtures again'
	@echo '  install     to DESTDIR, under PREFIX (default /usr/local)'
	@echo '  uninstall   the reverse'
	@echo '  deb         Debian packages, in dist/'
	@echo '  wheel       a Python wheel that carries the programs, in dist/'
	@echo '  release     tarballs of the static pyspy-capture, also for aarch64, in dist/'
	@echo '  clean       remove all build folders'
	@echo 'Variables: STATIC=1 (static pyspy-capture), SANITIZE=1 (ASan and UBSan), PREFIX, DESTDIR,'
	@echo '           V=1 (whole commands), CC, CFLAGS, LDFLAGS, FUZZ_SECONDS, PYSPY_TEST_PYTHONS (colon-separated interpreters)'

build: $(PROGRAMS) $(LIBRARIES)
library: $(LIBRARIES)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# It has other files in it.
$(BUILD)/formats/report_assets.o: $(wildcard formats/assets/*)

define archive_rule
$(BUILD)/lib$(1).a: $$(call objects,$$($(2)_SOURCES))
	@mkdir -p $$(@D)
	$$(call say,AR)
	@rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
endef
$(eval $(call archive_rule,common,COMMON))
$(eval $(call archive_rule,formats,FORMATS))
$(eval $(call archive_rule,capture,CAPTURE))
$(eval $(call archive_rule,analyze,ANALYZE))

$(BUILD)/pyspy-capture: $(BUILD)/capture/capture_main.o $(BUILD)/libcapture.a $(BUILD)/libformats.a $(BUILD)/libcommon.a $(if $(filter 1,$(STATIC)),capture/static.ld)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $(filter-out %.ld,$^) $(CAPTURE_LIBS)
	$(if $(filter 1,$(STATIC)),$(Q)$(STRIP) $@)

# For a wheel: its libraries lie beside it. DT_RPATH, because a library's own needs are found by it too.
$(BUILD)/relocatable/pyspy-analyze: LDFLAGS_ALL += -s -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/../lib/pyspy-tools'
$(BUILD)/relocatable/pyspy-analyze: | $(BUILD)/relocatable
$(BUILD)/relocatable:
	@mkdir -p $@

$(BUILD)/pyspy-analyze $(BUILD)/relocatable/pyspy-analyze: $(BUILD)/analyze/main.o $(BUILD)/libanalyze.a $(BUILD)/libformats.a $(BUILD)/libcommon.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(ANALYZE_LIBS)

LIBRARY_OBJECTS := $(call objects,$(LIBRARY_SOURCES))
# Sanitizers' functions are those of the program that loads it.
$(BUILD)/$(SONAME): $(LIBRARY_OBJECTS) $(ARCHIVES) lib/libpyspy.map
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -shared -Wl,-soname,$(SONAME) \
		-Wl,--version-script,lib/libpyspy.map $(if $(filter 1,$(SANITIZE)),,-Wl,-z,defs) \
		-Wl,--as-needed -o $@ $(LIBRARY_OBJECTS) $(ARCHIVES) $(ANALYZE_LIBS)

$(BUILD)/libpyspy.so: $(BUILD)/$(SONAME)
	$(Q)ln -sf $(SONAME) $@

# One object, in which only what is exported has a global name: the library's own functions cannot
# meet those of a program.
$(BUILD)/libpyspy.a: $(LIBRARY_OBJECTS) $(ARCHIVES)
	$(call say,AR)
	$(Q)$(LD) -r -o $(BUILD)/libpyspy.o $(LIBRARY_OBJECTS) --start-group $(ARCHIVES) --end-group
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/libpyspy.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $(BUILD)/libpyspy.o

EXAMPLE_PROGRAMS := $(patsubst %.c,$(BUILD)/%,$(EXAMPLES))
examples: $(EXAMPLE_PROGRAMS)
$(EXAMPLE_PROGRAMS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libpyspy.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< $(BUILD)/libpyspy.a $(ANALYZE_LIBS)

UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_TESTS))
# What end-to-end tests look into the programs' libraries with.
TEST_TOOLS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/tools/*.c)))
$(UNIT_PROGRAMS) $(TEST_TOOLS): $(BUILD)/%: $(BUILD)/%.o $(ARCHIVES)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $(filter %.o %.a,$^) $(TEST_LIBS)
# Tests of the library see it as its users do.
LIBRARY_TESTS := $(filter $(BUILD)/tests/unit/test_library% $(BUILD)/tests/tools/library_%,\
	$(UNIT_PROGRAMS) $(TEST_TOOLS))
$(LIBRARY_TESTS): $(BUILD)/libpyspy.a

deps:
	scripts/install-deps

demo: deps
	$(MAKE) build
	scripts/demo $(BUILD)

check: deps
	$(MAKE) build unit-programs
	scripts/run-tests --build $(BUILD)

.PHONY: unit-programs
unit-programs: $(UNIT_PROGRAMS) $(TEST_TOOLS)

check-unit: build $(UNIT_PROGRAMS)
	scripts/run-tests --build $(BUILD) --only unit

check-e2e: build $(UNIT_PROGRAMS) $(TEST_TOOLS)
	scripts/run-tests --build $(BUILD) --only e2e

check-man: build
	scripts/check-man $(BUILD)

bench: build $(BUILD)/tests/tools/library_calls $(BUILD)/tests/tools/repeat_samples
	scripts/bench --build $(BUILD)

generate:
	scripts/generate-layouts

check-generated:
	scripts/generate-layouts --check

fixtures: build
	scripts/make-fixtures

lint: build
	BUILD=$(BUILD) scripts/lint

format:
	$(CLANG_FORMAT) -i $$(git ls-files '*.c' '*.h')

# Fuzz targets: libFuzzer, with the sources compiled in so that all of it is instrumented.
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,build-fuzz/%,$(FUZZ_TARGETS))
FUZZ_SOURCES := $(COMMON_SOURCES) $(FORMATS_SOURCES) $(ANALYZE_SOURCES)
FUZZ_OBJECTS := $(FUZZ_SOURCES:%.c=build-fuzz/objects/%.o)
FUZZ_FLAGS := $(CPPFLAGS_ALL) -std=gnu11 -O1 -g -fno-sanitize-recover=undefined
build-fuzz/objects/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<
$(FUZZ_PROGRAMS): build-fuzz/%: tests/fuzz/%.c $(FUZZ_OBJECTS)
	$(call say,LD)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -o $@ $< $(FUZZ_OBJECTS) $(ANALYZE_LIBS)
-include $(FUZZ_OBJECTS:.o=.d)

fuzz: $(FUZZ_PROGRAMS)
	scripts/run-fuzz $(FUZZ_SECONDS) $(FUZZ_PROGRAMS)

# Each begins with the shell's name.
COMPLETIONS := $(foreach program,pyspy-capture pyspy-analyze,\
	bash-completion/completions/$(program) zsh/vendor-completions/_$(program) \
	fish/vendor_completions.d/$(program).fish)
MAN_PAGES := $(wildcard man/*.1 man/*.3 man/*.5)

install: build
	install -d $(DESTDIR)$(BINDIR)
	install -m 755 $(PROGRAMS) $(DESTDIR)$(BINDIR)
	for page in $(MAN_PAGES); do \
		section=$${page##*.}; \
		install -d $(DESTDIR)$(MANDIR)/man$$section; \
		install -m 644 $$page $(DESTDIR)$(MANDIR)/man$$section; \
	done
ifneq ($(STATIC),1)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,$(dir $(COMPLETIONS)))
	set -e; for file in $(COMPLETIONS); do \
		shell=$${file%%-completion/*}; shell=$${shell%%/*}; \
		case $$file in \
		*capture*) $(BUILD)/pyspy-capture --completions $$shell ;; \
		*) $(BUILD)/pyspy-analyze completions $$shell ;; \
		esac >$(DESTDIR)$(PREFIX)/share/$$file; \
	done
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)
	install -m 755 $(BUILD)/$(SONAME) $(DESTDIR)$(LIBDIR)/libpyspy.so.$(VERSION)
	ln -sf libpyspy.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libpyspy.so
	install -m 644 $(BUILD)/libpyspy.a $(DESTDIR)$(LIBDIR)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' lib/pyspy.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/pyspy.pc
	install -m 644 include/pyspy.h $(DESTDIR)$(INCLUDEDIR)
endif

uninstall:
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,$(notdir $(PROGRAMS)))
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libpyspy.so $(SONAME) libpyspy.so.$(VERSION) libpyspy.a \
		pkgconfig/pyspy.pc) $(DESTDIR)$(INCLUDEDIR)/pyspy.h
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/,$(COMPLETIONS))
	for page in $(MAN_PAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; done

# Packages, in dist/.
.PHONY: deb wheel release
deb: build
	rm -rf $(BUILD)/deb
	$(MAKE) install DESTDIR=$(BUILD)/deb PREFIX=/usr LIBDIR=/usr/lib/$$($(CC) -print-multiarch)
	install -D -m 644 -t $(BUILD)/deb/usr/share/doc/libpyspy-dev/examples examples/*
	scripts/make-deb $(BUILD)/deb dist $(VERSION)

# One for both that need it: two makes in one build folder disturb each other.
.PHONY: static-program
static-program:
	$(MAKE) STATIC=1 build

wheel: $(BUILD)/relocatable/pyspy-analyze static-program
	scripts/make-wheel --analyze $< --capture build-static/pyspy-capture --version $(VERSION) --output dist

release: static-program
	scripts/make-release build-static/pyspy-capture $$(uname -m) $(VERSION) dist
	scripts/make-sysroot aarch64 build-static-aarch64/sysroot
	$(MAKE) STATIC=1 CROSS=aarch64 build
	scripts/make-release build-static-aarch64/pyspy-capture aarch64 $(VERSION) dist

clean:
	rm -rf build build-sanitize build-static build-static-aarch64 build-sanitize-static build-fuzz dist

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
