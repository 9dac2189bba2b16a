/// Who rings when a source changes: `Watcher`, or the simulation, which puts events into the inbox itself.
package protocol SourceWatching: Sendable {
    /// Where the events go.
    var inbox: WatchInbox { get }

    /// Watches until the task is cancelled.
    func run() async

    /// Returns when every root is watched or waited for and was scanned once; also when watching ended.
    ///
    /// Somebody has to take from the inbox meanwhile: a scan waits when it is full.
    func live() async

    /// Scans every root soon, as after a lost event. Repeating it is not an error.
    func rescan()
}
