import LinuxSystem
import Shared

/// Who may speak to the daemon: its own user, as the kernel says (SO_PEERCRED), and nobody else.
///
/// Root uses `runuser -u USER`. 65534 is what users of other namespaces look like: user_namespaces(7).
struct PeerPolicy: Sendable {
    static let nobody: UInt32 = 65_534

    /// The daemon's own user.
    let owner: UInt32

    func admits(_ peer: PeerCredentials) -> Bool { peer.user == owner && peer.user != Self.nobody }
}

/// What a control server allows.
package struct ControlLimits: Sendable {
    package var connections = 64
    /// In bytes.
    package var longestCall = VarlinkFraming.longestCall
    /// Calls that wait while one is answered; then the connection is not read.
    package var waitingCalls = 16
    /// A request that has begun ends within this time.
    package var halfRequest = Duration.seconds(30)
    /// A connection on which nothing is asked and nothing answered ends after this time.
    package var idle = Duration.seconds(600)
    /// What is open when the service stops is answered within this time.
    package var drain = Duration.seconds(5)
    /// Between two replies that only tell how far something is.
    package var betweenUpdates = Duration.milliseconds(500)

    package init() {}
}
