# arcvisor: a virtual machine monitor for Linux KVM on 64-bit Arm
#
#   make            build/arm64/arcvisor, static, cross-built where this machine is not arm64
#   make demo       install what is missing, build, boot a Debian kernel on real KVM
#   make demo-disk  the same, a whole Debian from a disk: to its login prompt, twice
#   make demo-hvc   the same, its disk served by hypercalls
#   make demo-net   the same, a guest's network: a tap and passt, iperf3 both ways
#   make test       install what is missing, build, run every test
#   make test-docker the Dockerfile's steps in a clean Debian tree, and make test in it; as root
#   make check      the unit tests alone, here, with the address and undefined sanitizers
#   make tsan      the threaded parts under the thread sanitizer
#   make fuzz       libFuzzer on what reads untrusted bytes, FUZZ_SECONDS=60 each
#   make prove      CBMC: guest addresses and ring indexes cannot leave their bounds
#   make guest-driver  the Linux driver of disks with via=hvc, for Debian's 6.12, 6.1 and newest kernels
#   make lint       formatting, warnings of both compilers, static analysis, shell scripts
#   make bench      every benchmark: BENCH="--quick disk" passes arguments to tools/bench/arcvisor-bench run
#   make bench-check instruction counts against the baseline, as make test does
#   make bench-boot what a boot costs, beside Debian's QEMU
#   make bench-exits what each kind of exit costs, beside the same
#   make bench-disk what an operation on a disk costs, beside the same; docs/profile.md: where that goes
#   make soak       the long tests: power cuts, kills, every pattern of fio, every device at once
#   make bench-block what the block layer adds to a read
#   make bench-net what bytes and round trips through a tap cost, beside QEMU
#   make bench-vsock what bytes through a socket device cost, by us and by the host's kernel
#   make install PREFIX=/usr/local [DESTDIR=]
#   make clean      what was built; the cache of Debian packages (.cache) stays
#
# V=1 shows commands. ARCVISOR_CACHE names another cache, which clones may share.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

VERSION := 0.1.0
CACHE   := $(or $(ARCVISOR_CACHE),.cache)
PREFIX  ?= /usr/local
Q       := $(if $(V),,@)
comma   := ,

HOST_ARM64 := $(filter aarch64,$(shell uname -m))
CROSS      ?= $(if $(HOST_ARM64),,aarch64-linux-gnu-)

A64     := build/arm64
NATIVE  := build/native
SYSROOT := $(CACHE)/sysroot-arm64
MUSL    := $(CACHE)/musl-arm64

WARN   := -Wall -Wextra -Wshadow -Wconversion -Wimplicit-fallthrough -Werror
CFLAGS := -std=gnu11 -O2 -g -fno-strict-aliasing -D_GNU_SOURCE -DARCVISOR_VERSION='"$(VERSION)"' \
	-Iinclude -Isrc $(WARN)
HARDEN := -fstack-protector-strong -fPIE -fcf-protection=none

SRC   := $(sort $(wildcard src/*/*.c))
SIM   := $(sort $(wildcard backends/sim/*.c))
KVM   := $(sort $(wildcard backends/kvm/*.c))
PARTS := $(sort $(patsubst tests/unit/%/,%,$(dir $(wildcard tests/unit/*/*.c))))
INTEG := $(sort $(patsubst tests/integration/%.c,%,$(wildcard tests/integration/test_*.c)))

.PHONY: all
all: $(A64)/arcvisor

# ---- headers and libraries of the arm64 build, from Debian packages ----------------------------

# One stamp for all that is unpacked; the tools are quick where it is there already.
$(SYSROOT)/.debs: tools/setup/sysroot tools/debs/debs
	$(Q)tools/setup/sysroot >/dev/null
	$(Q)touch $@

$(MUSL)/.debs: tools/debs/debs
	$(Q)tools/debs/debs root --suite trixie --arch arm64 --to $(MUSL) musl-dev
	$(Q)touch $@

# Libraries of Debian: the program takes the static ones of arm64 (LIB_ARCHIVES, LIB_HEADERS), test
# programs the shared ones of their machine.
LIBS         := -lfdt -lz -lzstd -luring -ljansson
LIB_ARCHIVES := libfdt.a libz.a libzstd.a liburing.a libjansson.a
LIB_HEADERS  := libfdt.h libfdt_env.h fdt.h zlib.h zconf.h zstd.h zstd_errors.h liburing.h liburing \
	jansson.h jansson_config.h

# Headers that are the same under any C library: the kernel's, and the libraries'. The kernel's come
# from Linux 6.12 whatever this machine has, and serve the native build of backends/kvm too.
UAPI := build/uapi
LIBINC := build/libinc
$(UAPI)/.stamp: $(SYSROOT)/.debs Makefile
	$(Q)rm -rf $(@D) $(LIBINC) && mkdir -p $(@D) $(LIBINC)
	$(Q)ln -s $(abspath $(SYSROOT))/usr/include/linux $(abspath $(SYSROOT))/usr/include/asm-generic $(@D)/
	$(Q)ln -s $(abspath $(SYSROOT))/usr/lib/linux/uapi/arm64/asm $(@D)/asm
	$(Q)for h in $(LIB_HEADERS); do \
		ln -s $(abspath $(SYSROOT))/usr/include/$$h $(LIBINC)/; done
	$(Q)touch $@

# ---- flavours ----------------------------------------------------------------------------------

# The program: static-pie on musl, so that one small file runs on any arm64 Linux, also in an
# empty container, and a guest costs little beside its memory (docs/decisions/).
A64_CC   := $(CROSS)gcc
GCC_INC   = $(shell $(A64_CC) -print-file-name=include)
MUSL_LIB := $(MUSL)/usr/lib/aarch64-linux-musl
PROG_LIBS := $(LIB_ARCHIVES:%=$(SYSROOT)/usr/lib/aarch64-linux-gnu/%)
PROG_CFLAGS = $(CFLAGS) $(filter-out -fcf%,$(HARDEN)) -mno-outline-atomics -ffunction-sections \
	-fdata-sections -nostdinc -isystem $(GCC_INC) -isystem $(MUSL)/usr/include/aarch64-linux-musl \
	-isystem $(UAPI) -isystem $(LIBINC)

# Debian's libzstd also decodes formats from before RFC 8878. unzstd.c lets none of them in, so what
# would take them is named here, and the linker leaves 100 KiB of decoders out.
ZSTD_OLD := $(foreach v,05 06 07,$(addprefix ZSTDv$(v)_,createDCtx decompress_usingDict \
	findFrameSizeInfoLegacy freeDCtx getFrameParams) $(addprefix ZBUFFv$(v)_,createDCtx \
	decompressContinue decompressInitDictionary freeDCtx))
PROG_LDFLAGS = $(ZSTD_OLD:%=-Wl$(comma)--defsym$(comma)%=abort) -static-pie -nostdlib -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack

# arm64 test programs: criterion and the C library of Debian, dynamic.
A64T_CFLAGS = $(CFLAGS) $(A64_SYSROOT_CFLAGS)
A64_SYSROOT_CFLAGS  = $(if $(HOST_ARM64),,$(shell tools/setup/sysroot --cflags))
A64_SYSROOT_LDFLAGS = $(if $(HOST_ARM64),,$(shell tools/setup/sysroot --ldflags))

# Native test programs: this machine's compiler and libraries, with sanitizers.
CC       ?= gcc
SAN      ?= address,undefined
NATIVE_CFLAGS = $(CFLAGS) -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer

# ---- the program -------------------------------------------------------------------------------

PROG_OBJS := $(patsubst %.c,$(A64)/prog/%.o,$(SRC) $(KVM) src/main.c src/musl.c)

$(A64)/prog/%.o: %.c Makefile $(UAPI)/.stamp $(MUSL)/.debs
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC      $<")
	$(Q)$(A64_CC) $(PROG_CFLAGS) -MMD -MP -c -o $@ $<

$(A64)/arcvisor.debug: $(PROG_OBJS)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(A64_CC) $(PROG_LDFLAGS) -o $@ $(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o $(PROG_OBJS) \
		$(PROG_LIBS) $(MUSL_LIB)/libc.a -lgcc $(MUSL_LIB)/crtn.o

$(A64)/arcvisor: $(A64)/arcvisor.debug
	$(Q)$(CROSS)strip -o $@ $<

# The block layer by itself, for tools/bench/block.
$(A64)/blockbench: $(A64)/prog/tools/bench/blockbench.o $(filter $(A64)/prog/src/%,$(PROG_OBJS))
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(A64_CC) $(PROG_LDFLAGS) -o $@ $(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o \
		$(filter-out $(A64)/prog/src/main.o,$^) $(PROG_LIBS) $(MUSL_LIB)/libc.a -lgcc \
		$(MUSL_LIB)/crtn.o

# Programs that tests run in Linux guests, static.
PROGRAMS := $(patsubst tests/programs/%.c,$(A64)/programs/%,$(wildcard tests/programs/*.c))
$(PROGRAMS): $(A64)/programs/%: $(A64)/prog/tests/programs/%.o
$(A64)/bench/vsockpeer: $(A64)/prog/tools/bench/vsockpeer.o
$(PROGRAMS) $(A64)/bench/vsockpeer:
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(A64_CC) -static-pie -nostdlib -o $@ $(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o $< \
		$(MUSL_LIB)/libc.a -lgcc $(MUSL_LIB)/crtn.o

# ---- tests -------------------------------------------------------------------------------------

LIB_OBJS = $(patsubst %.c,$(1)/obj/%.o,$(SRC) $(SIM) $(KVM))
# tests/unit/*.c is of every test program.
TEST_OBJS = $(patsubst %.c,$(1)/obj/%.o,$(wildcard tests/unit/$(2)/*.c tests/unit/*.c))

# $(1) build directory, $(2) compiler, $(3) variable of compiler flags, $(4) of linker flags
define test-flavour
$(1)/obj/%.o: %.c Makefile $(UAPI)/.stamp
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  CC      $$<")
	$$(Q)$(2) $$($(3)) -MMD -MP -c -o $$@ $$<

$(1)/obj/backends/kvm/%.o: backends/kvm/%.c Makefile $(UAPI)/.stamp
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  CC      $$<")
	$$(Q)$(2) $$($(3)) -isystem $(UAPI) -MMD -MP -c -o $$@ $$<

$(1)/obj/tests/unit/kvm/%.o: tests/unit/kvm/%.c Makefile $(UAPI)/.stamp
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  CC      $$<")
	$$(Q)$(2) $$($(3)) -Ibackends/kvm -isystem $(UAPI) -MMD -MP -c -o $$@ $$<

$(1)/libarcvisor.a: $(call LIB_OBJS,$(1))
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

$(foreach p,$(PARTS),$(call unit-test,$(1),$(2),$(3),$(4),$(p)))
endef

define unit-test
$(1)/tests/unit/$(5): $(call TEST_OBJS,$(1),$(5)) $(1)/libarcvisor.a
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  LINK    $$@")
	$$(Q)$(2) $$($(3)) -o $$@ $(call TEST_OBJS,$(1),$(5)) $(1)/libarcvisor.a $$($(4)) -lcriterion $(LIBS) -lpthread

endef

A64T_LDFLAGS = $(A64_SYSROOT_LDFLAGS)
NATIVE_LDFLAGS =
$(eval $(call test-flavour,$(A64),$(A64_CC),A64T_CFLAGS,A64T_LDFLAGS))
$(eval $(call test-flavour,$(NATIVE),$(CC),NATIVE_CFLAGS,NATIVE_LDFLAGS))

# The program under the address sanitizer, for make soak: Debian's C library, dynamic.
A64_SAN := build/arm64-asan
A64S_CFLAGS  = $(A64T_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
A64S_LDFLAGS = $(A64T_LDFLAGS) -static-libasan -static-libubsan
$(eval $(call test-flavour,$(A64_SAN),$(A64_CC),A64S_CFLAGS,A64S_LDFLAGS))

$(A64_SAN)/arcvisor: $(A64_SAN)/obj/src/main.o $(A64_SAN)/libarcvisor.a
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(A64_CC) $(A64S_CFLAGS) -o $@ $^ $(A64S_LDFLAGS) $(LIBS) -lpthread

NATIVE_TESTS := $(PARTS:%=$(NATIVE)/tests/unit/%)
A64_TESTS    := $(PARTS:%=$(A64)/tests/unit/%)
INTEG_TESTS  := $(INTEG:%=$(A64)/tests/integration/%)

INTEG_LIB := $(patsubst %.c,$(A64)/obj/%.o,$(filter-out tests/integration/test_%,$(wildcard tests/integration/*.c)))
$(INTEG_TESTS): $(A64)/tests/integration/%: $(A64)/obj/tests/integration/%.o $(INTEG_LIB) $(A64)/libarcvisor.a
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LINK    $@")
	$(Q)$(A64_CC) $(A64T_CFLAGS) -o $@ $(filter %.o,$^) $(A64)/libarcvisor.a $(A64T_LDFLAGS) -lcriterion $(LIBS) -lpthread

.SECONDARY:

B := $(A64)
include tests/guest/guest.mk
include tests/tsan/tsan.mk
include tests/fuzz/fuzz.mk

.PHONY: test-programs
test-programs: $(A64)/arcvisor $(A64)/bench/exits.img $(A64_TESTS) $(INTEG_TESTS) $(PROGRAMS) guests

.PHONY: check
check: $(NATIVE_TESTS) check-tables fuzz-replay
	$(Q)tests/run-unit $(NATIVE_TESTS)

.PHONY: check-tables
check-tables:
	$(Q)AS=$(CROSS)as OBJCOPY=$(CROSS)objcopy tests/unit/exit/check-a64-table
	$(Q)AS=$(CROSS)as OBJCOPY=$(CROSS)objcopy tests/unit/exit/check-sysregs

.PHONY: setup
setup:
	$(Q)tools/setup/setup.sh test

.PHONY: test-build
test-build: $(NATIVE_TESTS) $(TSAN_PROGS) $(FUZZ_REPLAYS) test-programs

# Setting up comes before make looks at what depends on it.
.PHONY: test
test:
	$(Q)tools/setup/setup.sh test
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) test-build
	$(Q)tests/run-all

# The Dockerfile without Docker: its lines in a clean Debian tree, then make test as in a container.
.PHONY: test-docker
test-docker:
	$(Q)tools/setup/setup.sh test
	$(Q)tools/docker/in-tree --seccomp

.PHONY: demo
demo:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor
	$(Q)tools/demo/boot

.PHONY: demo-disk
demo-disk:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor
	$(Q)tools/demo/disk

.PHONY: demo-hvc
demo-hvc:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor
	$(Q)tools/demo/disk --via hvc

.PHONY: demo-net
demo-net:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor
	$(Q)tools/demo/net

.PHONY: bench-disk
bench-disk:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor
	$(Q)tools/bench/disk/run

.PHONY: soak
soak:
	$(Q)tools/setup/setup.sh test
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) test-programs $(A64_SAN)/arcvisor
	$(Q)tests/soak

.PHONY: bench bench-check
bench:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor $(A64)/bench/exits.img
	$(Q)tools/bench/arcvisor-bench run $(BENCH)

bench-check:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor $(A64)/bench/exits.img
	$(Q)tools/bench/arcvisor-bench check

.PHONY: bench-boot
bench-boot:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor
	$(Q)tools/bench/boot

# A bare-metal guest that measures exits; built like the test guests.
$(A64)/bench/exits.o: tools/bench/exits/guest.c
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_CPPFLAGS) $(GUEST_CFLAGS) -c -o $@ $<

$(A64)/bench/exits.elf: $(A64)/bench/exits.o $(GUEST_LIB) $(GUEST_SRC)/guest.ld
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) $(GUEST_LDFLAGS) -o $@ $< $(GUEST_LIB)

$(A64)/bench/exits.img: $(A64)/bench/exits.elf
	$(Q)$(GUEST_OBJCOPY) -O binary $< $@

.PHONY: bench-exits
bench-exits:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor $(A64)/bench/exits.img
	$(Q)tools/bench/exits/run

.PHONY: bench-net
bench-net:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor
	$(Q)tools/bench/net $(NET)

.PHONY: bench-vsock
bench-vsock:
	$(Q)tools/setup/setup.sh demo
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) $(A64)/arcvisor $(PROGRAMS) $(A64)/bench/vsockpeer
	$(Q)tools/bench/vsock

.PHONY: bench-block
bench-block:
	$(Q)tools/setup/setup.sh demo
	$(Q)tools/bench/block

.PHONY: prove
prove:
	$(Q)tests/prove/prove

.PHONY: guest-driver
guest-driver:
	$(Q)tools/guest/driver --sparse 6.12
	$(Q)tools/guest/driver --sparse 6.1
	$(Q)tools/guest/driver backports

.PHONY: lint
lint:
	$(Q)tools/lint/lint

.PHONY: install
install: $(A64)/arcvisor
	install -D -m 755 $(A64)/arcvisor $(DESTDIR)$(PREFIX)/bin/arcvisor

.PHONY: clean
clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
