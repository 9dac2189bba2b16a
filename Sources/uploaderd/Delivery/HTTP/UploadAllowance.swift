import Shared

/// How fast one destination may be sent bytes: a bucket that fills steadily and holds a second's worth. All of its
/// transfers share it.
///
/// Sendable, proof: only touched on the loop's thread, by libcurl's calls and by whoever changes the rate there.
final class UploadAllowance: @unchecked Sendable {
    private let rate: Int64
    private let time: any TimeSource
    private var bytes: Int64
    private var filled: Instant

    /// - Parameter rate: in bytes a second.
    init(_ rate: Int64, time: any TimeSource) {
        self.rate = max(rate, 1)
        self.time = time
        bytes = self.rate
        filled = time.now
    }

    /// How many of `wanted` bytes may go now.
    func allowed(_ wanted: Int) -> Int {
        let now = time.now
        let seconds = (now - filled).inSeconds
        let gained = Int64(min(seconds, 1) * Double(rate))
        if gained > 0 {
            bytes = min(rate, bytes + gained)
            filled = now
        }
        return Int(min(Int64(wanted), max(bytes, 0)))
    }

    func spend(_ count: Int) { bytes -= Int64(count) }

    /// When a piece that is worth sending may go.
    var next: Instant {
        let missing = max(0, min(Int64(OutgoingBody.piece), rate / 4) - bytes)
        return filled + .nanoseconds(Int64(Double(missing) / Double(rate) * 1e9) + 1_000_000)
    }
}
