package import Shared

/// Rings when a hook has put something into the queue, and when an agent's process has ended. The second one is the tests'.
///
/// Everything is called on the loop.
package protocol CaptureBells: Sendable {
    /// - Parameter ring: called for each change of the folder from then on, until `silence`, or until the folder is gone.
    /// - Returns: `false` when it cannot be watched; then the queue is read with the next hook that is answered.
    func watch(folder: String, ring: @escaping @Sendable (_ isOver: Bool) -> Void) -> Bool

    /// - Parameter ring: called once, when the process has ended; at once when it has already.
    /// - Returns: `false` when it cannot be watched; then its end is noticed at the next start.
    func watch(_ process: AgentProcess, ring: @escaping @Sendable () -> Void) -> Bool

    /// Ends all of it: nothing rings any more.
    func silence()
}
