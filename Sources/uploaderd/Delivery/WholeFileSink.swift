package import Shared

/// One generation of a stream as one file, from its first line on.
package struct OutgoingFile: Sendable {
    /// Takes the file's next bytes.
    package typealias Taking = @Sendable ([UInt8]) async throws(DeliveryError) -> Void

    package var stream: StreamKey
    package var generation: Int
    /// Gives the bytes in order, as one gzip member or as they are; may be called again, and gives the same then.
    ///
    /// - Returns: how many bytes the file has, uncompressed.
    /// - Throws: what `taking` throws; `conflict`: there is no such file that begins as the one before did.
    package var give: @Sendable (_ isGzip: Bool, _ taking: Taking) async throws(DeliveryError) -> Int64

    package init(
        stream: StreamKey, generation: Int,
        give: @escaping @Sendable (_ isGzip: Bool, _ taking: Taking) async throws(DeliveryError) -> Int64
    ) {
        self.stream = stream
        self.generation = generation
        self.give = give
    }
}

/// A far end that takes a stream as one whole file, which takes the place of the one that it was sent before: agnes. It keeps no
/// objects and no manifests of ours, and `deliver` of a segment is never called.
package protocol WholeFileSink: SessionSink {
    /// Puts the file; it is whole there when this returns.
    func put(_ file: OutgoingFile) async throws(DeliveryError)
}

extension WholeFileSink {
    /// A file takes the place of the one with the old lines, and nothing else was put there.
    package var isDeleting: Bool { true }

    package func deliver(_ segment: OutgoingSegment) async throws(DeliveryError) {
        throw DeliveryError(.permanent, "\(segment.record.objectPath) is a part of a file, and only files are taken")
    }
}
