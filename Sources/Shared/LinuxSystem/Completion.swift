import Glibc

/// One thread waits until another says that it is done.
///
/// Sendable, proof: a POSIX semaphore is made to be used from several threads; its address never changes.
package final class Completion: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t> = .allocate(capacity: 1)

    package init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    package func signal() { sem_post(semaphore) }

    /// Blocks the calling thread.
    package func wait() { while sem_wait(semaphore) != 0 {} }
}
