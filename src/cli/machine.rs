//! What this machine has to give.

/// The memory that steps may need together, in bytes: what the machine has, or what its container may use.
pub(super) fn memory() -> u64 {
    limit().map_or_else(total, |limit| limit.min(total()))
}

#[cfg(target_os = "linux")]
fn total() -> u64 {
    let about = rustix::system::sysinfo();
    (about.totalram as u64).saturating_mul(u64::from(about.mem_unit.max(1)))
}

#[cfg(not(target_os = "linux"))]
fn total() -> u64 {
    u64::MAX
}

/// A container's own limit: `max` when there is none.
fn limit() -> Option<u64> {
    std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()
}
