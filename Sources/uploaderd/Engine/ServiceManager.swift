import Shared

/// What we tell the service manager: sd_notify(3). Real: libsystemd; the other implementation is silent (`NoServiceManager`).
package protocol ServiceManager: Sendable {
    /// The watchdog's limit, when it wants to hear from us: sd_watchdog_enabled(3).
    var watchdog: Duration? { get }
    func ready(status: String)
    func status(_ text: String)
    /// With MONOTONIC_USEC in the same datagram, else `systemctl reload` hangs: sd_notify(3), RELOADING=1.
    func reloading()
    func stopping(status: String)
    func feedWatchdog()
    /// Start or stop takes longer: EXTEND_TIMEOUT_USEC.
    func extendTimeout(by duration: Duration)
}

package struct NoServiceManager: ServiceManager {
    package init() {}
    package var watchdog: Duration? { nil }
    package func ready(status: String) {}
    package func status(_ text: String) {}
    package func reloading() {}
    package func stopping(status: String) {}
    package func feedWatchdog() {}
    package func extendTimeout(by duration: Duration) {}
}
