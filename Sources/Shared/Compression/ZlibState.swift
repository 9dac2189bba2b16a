package import CZlib

/// zlib's state, at an address that stays: zlib keeps it, and refuses another (deflate.c, deflateStateCheck).
package struct ZlibState {
    /// Its owner's, to end and to deallocate; `nil`: zlib did not start.
    package let stream: UnsafeMutablePointer<z_stream>?
    /// Why it did not start; empty when it did.
    package let failure: String

    /// - Parameter start: initialises it, and answers with zlib's status.
    package init(_ start: (UnsafeMutablePointer<z_stream>) -> Int32) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = start(stream)
        if status != Z_OK { stream.deallocate() }
        self.stream = status == Z_OK ? stream : nil
        failure = status == Z_OK ? "" : "zlib did not start: code \(status)"
    }
}
