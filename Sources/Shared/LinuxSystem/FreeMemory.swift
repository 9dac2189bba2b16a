import CLinux

/// Memory that was freed and that the allocator still has.
package enum FreeMemory {
    /// Gives it back to the kernel. Each thread's arena keeps what the busiest moment needed, for ever otherwise.
    ///
    /// Takes about a millisecond, and every allocation waits for it.
    /// - Note: malloc_trim(3)
    package static func giveBack() { _ = malloc_trim(0) }

    /// From now on pieces of this size and more go back to the kernel when they are freed. The allocator would learn from the first
    /// one to keep them all.
    ///
    /// - Note: mallopt(3), M_MMAP_THRESHOLD
    package static func keepApart(piecesOf bytes: Int32) { _ = mallopt(M_MMAP_THRESHOLD, bytes) }
}
