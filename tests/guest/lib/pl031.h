/* SPDX-License-Identifier: Apache-2.0 */
/* PL031 real time clock registers (Arm DDI0224). */
#ifndef GUEST_PL031_H
#define GUEST_PL031_H

#include "map.h"

#define RTCDR	     (RTC_BASE + 0x000) /* data: seconds, read only */
#define RTCMR	     (RTC_BASE + 0x004) /* match */
#define RTCLR	     (RTC_BASE + 0x008) /* load */
#define RTCCR	     (RTC_BASE + 0x00c) /* control: bit 0 started */
#define RTCIMSC	     (RTC_BASE + 0x010) /* interrupt mask set or clear */
#define RTCRIS	     (RTC_BASE + 0x014)
#define RTCMIS	     (RTC_BASE + 0x018)
#define RTCICR	     (RTC_BASE + 0x01c)
#define RTCPERIPHID0 (RTC_BASE + 0xfe0)
#define RTCPCELLID0  (RTC_BASE + 0xff0)

#endif
