/// An upper bound on what a destination is sent, written `off`, `512KiB/s` or `2MiB/s`.
package struct TransferRate: Hashable, Sendable {
    /// `nil`: no bound.
    package let bytesPerSecond: ByteCount?

    package static let off = TransferRate(bytesPerSecond: nil)

    package init(bytesPerSecond: ByteCount?) { self.bytesPerSecond = bytesPerSecond }

    /// - Returns: `nil` for any other text, and for a rate of 0, which would be a pause.
    package init?(_ text: String) {
        if text == "off" {
            self = .off
            return
        }
        guard text.hasSuffix("/s"), let bytes = ByteCount(String(text.dropLast(2))), bytes.bytes > 0 else {
            return nil
        }
        bytesPerSecond = bytes
    }

    /// Reads back as the same rate.
    package var text: String { bytesPerSecond.map { "\($0.exact)/s" } ?? "off" }
}
