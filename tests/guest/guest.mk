# SPDX-License-Identifier: Apache-2.0
# Bare-metal test guests: tests/guest/NAME.c becomes $(B)/tests/guest/NAME.img, an arm64 Image.
# The top Makefile includes this file and sets CROSS (tool prefix, empty on arm64) and B (output of the arm64 build).

GUEST_SRC := tests/guest
GUEST_OUT := $(B)/tests/guest
GUEST_CC ?= $(CROSS)gcc
GUEST_OBJCOPY ?= $(CROSS)objcopy

GUEST_CPPFLAGS := -I$(GUEST_SRC)/lib -Iinclude -MMD -MP
GUEST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Wconversion -Wimplicit-fallthrough -Werror \
	-march=armv8-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics \
	-ffreestanding -fpie -fvisibility=hidden -fomit-frame-pointer -fno-stack-protector \
	-fno-asynchronous-unwind-tables
GUEST_LDFLAGS := -nostdlib -static-pie -Wl,--no-dynamic-linker -Wl,--build-id=none -Wl,-z,text -Wl,-z,max-page-size=4096 \
	-Wl,-T,$(GUEST_SRC)/guest.ld

# Sources that are built more than once: image, source, definitions.
GUEST_VARIANTS := \
	psci_calls_hvc,psci_calls,-DCONDUIT=hvc \
	psci_calls_smc,psci_calls,-DCONDUIT=smc \
	hvc_unknown,smccc_unknown,-DCONDUIT=hvc \
	smc_unknown,smccc_unknown,-DCONDUIT=smc \
	hvcblk_v1_hvc,hvcblk_v1,-DCONDUIT=hvc \
	hvcblk_v1_smc,hvcblk_v1,-DCONDUIT=smc \
	hvcblk_v2_hvc,hvcblk_v2,-DBY_HVC \
	hvcblk_v2_smc,hvcblk_v2,-DBY_SMC \
	hvcblk_v2_mmio,hvcblk_v2,-DBY_MMIO \
	hvcblk_poll_hvc,hvcblk_poll,-DBY_HVC \
	hvcblk_poll_mmio,hvcblk_poll,-DBY_MMIO \
	hvcblk_full_mmio,hvcblk_full,-DBY_MMIO \
	hvcblk_cost_hvc,hvcblk_cost,-DBY_HVC \
	reset,reset,-DRESET=PSCI_SYSTEM_RESET \
	reset2,reset,-DRESET=PSCI_SYSTEM_RESET2

guest-comma := ,
guest-field = $(word $(1),$(subst $(guest-comma), ,$(2)))

GUEST_VARIANT_SOURCES := $(sort $(foreach v,$(GUEST_VARIANTS),$(call guest-field,2,$(v))))
GUEST_NAMES := $(sort $(filter-out $(GUEST_VARIANT_SOURCES),$(basename $(notdir $(wildcard $(GUEST_SRC)/*.c)))) \
	$(foreach v,$(GUEST_VARIANTS),$(call guest-field,1,$(v))))
GUEST_IMAGES := $(GUEST_NAMES:%=$(GUEST_OUT)/%.img)
GUEST_LIB := $(patsubst $(GUEST_SRC)/lib/%,$(GUEST_OUT)/lib/%.o,$(wildcard $(GUEST_SRC)/lib/*.[cS]))

.PHONY: guests
guests: $(GUEST_IMAGES)

$(GUEST_OUT)/lib/%.o: $(GUEST_SRC)/lib/%
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_CPPFLAGS) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_OUT)/%.o: $(GUEST_SRC)/%.c
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_CPPFLAGS) $(GUEST_CFLAGS) -c -o $@ $<

define guest-variant
$(GUEST_OUT)/$(call guest-field,1,$(1)).o: $(GUEST_SRC)/$(call guest-field,2,$(1)).c $(GUEST_SRC)/guest.mk
	@mkdir -p $$(@D)
	$$(Q)$$(GUEST_CC) $$(GUEST_CPPFLAGS) $$(GUEST_CFLAGS) $(call guest-field,3,$(1)) -c -o $$@ $$<
endef
$(foreach v,$(GUEST_VARIANTS),$(eval $(call guest-variant,$(v))))

$(GUEST_OUT)/%.elf: $(GUEST_OUT)/%.o $(GUEST_LIB) $(GUEST_SRC)/guest.ld
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) $(GUEST_LDFLAGS) -o $@ $< $(GUEST_LIB)

$(GUEST_OUT)/%.img: $(GUEST_OUT)/%.elf
	$(Q)$(GUEST_OBJCOPY) -O binary $< $@

.SECONDARY: $(GUEST_NAMES:%=$(GUEST_OUT)/%.o) $(GUEST_NAMES:%=$(GUEST_OUT)/%.elf) $(GUEST_LIB)
-include $(GUEST_NAMES:%=$(GUEST_OUT)/%.d) $(GUEST_LIB:.o=.d)
