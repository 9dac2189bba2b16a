import CSystemd
import Engine
import Glibc
import Shared

/// The service manager over libsystemd. Without $NOTIFY_SOCKET every call does nothing: sd_notify(3).
struct SystemdNotifier: ServiceManager {
    let watchdog: Duration?

    /// On the main thread, before others run: reads $WATCHDOG_USEC and $WATCHDOG_PID.
    init() {
        var microseconds: UInt64 = 0
        watchdog = sd_watchdog_enabled(0, &microseconds) > 0 ? .microseconds(Int64(clamping: microseconds)) : nil
    }

    func ready(status: String) { send("READY=1\nSTATUS=\(status)") }
    func status(_ text: String) { send("STATUS=\(text)") }
    func stopping(status: String) { send("STOPPING=1\nSTATUS=\(status)") }
    func feedWatchdog() { send("WATCHDOG=1") }
    func extendTimeout(by duration: Duration) { send("EXTEND_TIMEOUT_USEC=\(duration.nanoseconds / 1000)") }

    func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        send("RELOADING=1\nMONOTONIC_USEC=\(Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)")
    }

    private func send(_ state: String) {
        // A manager that does not listen is not an error of ours; a status line has no newline of its own.
        _ = sd_notify(0, state)
    }
}
