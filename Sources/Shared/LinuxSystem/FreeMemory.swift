import CLinux

/// Memory that was freed and that the allocator still has.
package enum FreeMemory {
    /// Gives it back to the kernel. Each thread's arena keeps what the busiest moment needed, for ever otherwise.
    ///
    /// Takes about a millisecond, and every allocation waits for it.
    /// - Note: malloc_trim(3)
    package static func giveBack() { _ = malloc_trim(0) }
}
