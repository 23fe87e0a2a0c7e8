/* SPDX-License-Identifier: Apache-2.0 */
/* The guest physical map and interrupt numbers: those of QEMU's virt machine, which arcvisor keeps.
 */
#ifndef GUEST_MAP_H
#define GUEST_MAP_H

#define GICD_BASE  0x08000000UL
#define GICC_BASE  0x08010000UL /* with a GICv2 */
#define ITS_BASE   0x08080000UL
#define GICR_BASE  0x080a0000UL /* one frame pair of 128 KiB a CPU */
#define GICR2_BASE 0x10000000UL /* those of CPUs 123 and up; QEMU has none there */
#define UART_BASE  0x09000000UL /* PL011 */
#define RTC_BASE   0x09010000UL /* PL031 */
#define GPIO_BASE  0x09030000UL /* PL061 */
#define HOLE_BASE  0x0b000000UL /* nothing answers here */
#define RAM_BASE   0x40000000UL

#define INTID_VTIMER 27U /* PPI 11 */
#define INTID_PTIMER 30U /* PPI 14 */
#define INTID_UART   33U /* SPI 1 */
#define INTID_GPIO   39U /* SPI 7 */

#endif
