/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/virtio and its tests: what the thread of a pmem device does. */
#ifndef ARCVISOR_VIRTIO_PMEM_INTERNAL_H
#define ARCVISOR_VIRTIO_PMEM_INTERNAL_H

#include "virtio/pmem.h"

/* Answers requests, at most a queue full. True: there was one. */
bool vpmem_serve(struct vpmem *vpmem);

#endif
