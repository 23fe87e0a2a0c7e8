/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one guest physical map. docs/memory-map.md shows the same table for readers; devices and
 * the device tree take their addresses from here and nowhere else.
 */
#ifndef ARCVISOR_BOOT_LAYOUT_H
#define ARCVISOR_BOOT_LAYOUT_H

#define LAYOUT_GICD_BASE  0x08000000u /* GICv3 or GICv2 distributor */
#define LAYOUT_GICD_SIZE  0x00010000u
#define LAYOUT_GICD2_SIZE 0x00001000u /* of a GICv2 */
#define LAYOUT_GICC_BASE  0x08010000u /* GICv2 CPU interface */
#define LAYOUT_GICC_SIZE  0x00002000u
#define LAYOUT_ITS_BASE	  0x08080000u /* GICv3 ITS: registers, then the translation frame */
#define LAYOUT_ITS_SIZE	  0x00020000u
#define LAYOUT_GICR_BASE  0x080a0000u /* first redistributor region, 123 vCPUs */
#define LAYOUT_GICR_SIZE  0x00f60000u
#define LAYOUT_GICR_EACH  0x00020000u /* one redistributor: RD_base and SGI_base frames */
#define LAYOUT_UART_BASE  0x09000000u /* PL011 */
#define LAYOUT_RTC_BASE	  0x09010000u /* PL031 */
#define LAYOUT_GPIO_BASE  0x09030000u /* PL061 */
#define LAYOUT_WDT_BASE	  0x09040000u /* generic watchdog: refresh frame */
#define LAYOUT_WDT_CTRL	  0x09050000u /* its control frame */
#define LAYOUT_HVC_BASE	  0x0b000000u /* calls of hvc-blk as loads and stores */
#define LAYOUT_HVC_SIZE	  0x00020000u
#define LAYOUT_STEAL_BASE 0x090a0000u /* steal time, 64 bytes a vCPU: memory, and not RAM */
#define LAYOUT_STEAL_SIZE 0x00010000u /* 512 vCPUs use half; whole pages of any host's size */
#define LAYOUT_GICR2_BASE 0x10000000u /* second redistributor region, the vCPUs beyond 123 */
#define LAYOUT_GICR2_SIZE 0x04000000u
#define LAYOUT_RAM_BASE	  0x40000000u

/*
 * Windows of pmem devices: the first behind RAM, each from a multiple of this on, so that no kernel
 * has memory of two kinds in one section (128 MiB, or 512 MiB with pages of 64 KiB).
 */
#define LAYOUT_PMEM_ALIGN 0x40000000u

/* virtio-mmio windows, one a device. */
#define LAYOUT_VIRTIO_BASE  0x0a000000u
#define LAYOUT_VIRTIO_EACH  0x00000200u
#define LAYOUT_VIRTIO_SLOTS 96u

/* Shared peripheral interrupts as the device tree counts them; INTID = 32 + n. */
#define LAYOUT_UART_SPI 1u
#define LAYOUT_GPIO_SPI 7u
#define LAYOUT_WDT_SPI	8u
#define LAYOUT_NR_IRQS	256u /* INTIDs that the interrupt controller has at least */

/* Private peripheral interrupts of the generic timer; INTID = 16 + n (Arm BSA). */
#define LAYOUT_TIMER_SECURE_PPI 13u
#define LAYOUT_TIMER_PHYS_PPI	14u
#define LAYOUT_TIMER_VIRT_PPI	11u
#define LAYOUT_TIMER_HYP_PPI	10u

#define LAYOUT_POWER_PIN 3u /* of the PL061: the power button, high while it is pressed */

#define LAYOUT_PMU_PPI 7u /* overflow of a vCPU's performance counters */

#endif
