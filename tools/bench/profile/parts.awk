# parts.awk: which part of the way a function belongs to, by its name: the first that fits

function part(space, fn) {
	if (space == "G")
		return "the program that measures"
	if (space == "H")
		return fn ~ /\[arcvisor\]/ ? "arcvisor" : "programs"
	if (fn ~ /\[(hvc_blk|virtio.*)\]|^virt(io|queue)|^vring|^vp_|^vm_(notify|interrupt)/)
		return "driver"
	if (space == "h" && fn ~ /kvm|vgic|vcpu|^__guest|timer_(get|save|restore|set)|fpsimd|sysreg|irqchip|^gic_(poke|irq_set)|convert_offset|mtree_load|mt_find|irq_(get|put)_desc|^gfn_|mark_page_dirty|preempt_notifier|guest_mode|activate_(c|t)|set_cntvoff|has_cntpoff|debug_switch|__bp_harden_hyp|single_task_running/)
		return "KVM: out of the guest and back"
	if (fn ~ /gup|pin_user|grab_folio|try_get_folio|mod_node|iov|want_pages|folio|pages|page_(merge|frag)|bvec|bio_add_(page|folio)|pte_offset/)
		return "pages of the buffer"
	if (fn ~ /^(__)?io_|import_ubuf|llist/)
		return "io_uring"
	if (fn ~ /blk|bio|sbitmap|^null_|wbt|rq_qos|I_BDEV|next_zero_bit|io_ticks|percpu_ref|ktime_get$|arch_counter/)
		return "block layer"
	if (fn ~ /el0|vectors|syscall|ret_to_user|random|chacha|fdget|^fput|__arm64_sys|tomoyo|apparmor|^aa_|security|lsm|ioctl|^vfs_|rw_verify|atime|make_vfs|ktime_get_coarse|timestamp/)
		return "system calls and their checks"
	if (fn ~ /sched|switch|wake|futex|idle|enqueue|dequeue|load_avg|update_curr|pick_|rq_clock|eventfd|poll|wait|complete$/)
		return "scheduler, waiting"
	if (fn ~ /irq|gic|el1h|handle_|tick|hrtimer|timer/)
		return "interrupts, timers"
	return "other"
}
