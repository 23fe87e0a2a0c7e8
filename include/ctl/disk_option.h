/* SPDX-License-Identifier: Apache-2.0 */
/* The value of --disk. */
#ifndef ARCVISOR_CTL_DISK_OPTION_H
#define ARCVISOR_CTL_DISK_OPTION_H

#include <stdbool.h>

#include "ctl/cmdline.h"

/*
 * PATH[,ro][,direct|cached][,engine=auto|uring|sync][,queues=N][,serial=S][,discard=off|unmap]
 * [,id=NAME][,block-size=512|4096][,mode=auto|inline|thread][,via=virtio|hvc|both][,hvc-file=PATH]
 * [,bps=BYTES][,bps-burst=BYTES][,iops=N][,iops-burst=N]; a comma within a path or value is written
 * twice.
 *
 * Adds the disk to @config, or with via=both two: PATH by virtio, and the file that hvc-file names
 * by hypercalls, all other options alike, NAME-hvc its name, to compare the two ways. @value is cut
 * into pieces where it stands, and they are what the configuration points to. False after a line in
 * the log; @config is as before.
 */
bool disk_option_take(struct vm_config *config, char *value);

#endif
