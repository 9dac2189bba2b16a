/// One process, told apart from every other that has its number before or after it.
package struct AgentProcess: Hashable, Sendable {
    package var pid: Int32
    /// Clock ticks from the boot to its start: `starttime` of proc_pid_stat(5).
    package var started: Int64
    /// The id of that boot.
    package var boot: String

    package init(pid: Int32, started: Int64, boot: String) {
        self.pid = pid
        self.started = started
        self.boot = boot
    }
}
