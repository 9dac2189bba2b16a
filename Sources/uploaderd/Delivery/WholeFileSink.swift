package import Shared

/// One generation of a stream as one file, from its first line on.
package struct OutgoingFile: Sendable {
    /// Takes the file's next bytes.
    package typealias Taking = @Sendable ([UInt8]) async throws(DeliveryError) -> Void

    package var stream: StreamKey
    package var generation: Int
    /// Only for a far end that `keepsOneFile`: it is the stream's own, and not that of an older generation.
    package var isHead = true
    /// What was put last in its place; `nil`: that is not known.
    package var before: ObjectVersion?
    /// Somebody said that whatever is in its place may go.
    package var replacesAny = false
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

/// A far end that takes a stream as one whole file, which takes the place of the one that it was sent before: agnes, and
/// codetether's history. It keeps no segments and no manifests of ours, and `deliver` of a segment is never called.
package protocol WholeFileSink: SessionSink {
    /// Puts the file; it is whole there when this returns.
    ///
    /// - Returns: what is there now; `nil`: the far end does not say.
    func put(_ file: OutgoingFile) async throws(DeliveryError) -> ObjectVersion?

    /// A stream has one name there: what would take the place of another generation's file is held until somebody asks for it.
    var keepsOneFile: Bool { get }
}

extension WholeFileSink {
    package var keepsOneFile: Bool { false }

    /// A file takes the place of the one with the old lines, and nothing else was put there.
    package var isDeleting: Bool { true }

    package func deliver(_ segment: OutgoingSegment) async throws(DeliveryError) {
        throw DeliveryError(.permanent, "\(segment.record.objectPath) is a part of a file, and only files are taken")
    }

    /// The manifest that is kept here says what the far end has.
    package func publish(
        _ manifest: [UInt8], of session: SessionID, writer: String, place: WriterPlace,
        replacing version: ObjectVersion?
    ) -> ObjectVersion { ObjectVersion("kept here") }

    /// A checkpoint is a line among the others.
    package func deliver(_ checkpoint: CheckpointRecord, writer: String, place: WriterPlace) {}
    package func version(of session: SessionID, writer: String, place: WriterPlace) -> ObjectVersion? { nil }
    package func manifest(of session: SessionID, writer: String, place: WriterPlace) -> [UInt8]? { nil }
    package func readings(of session: SessionID, besides folder: String?) -> [Result<FoundManifest, DeliveryError>] {
        []
    }
    package func eachManifest(_ body: @Sendable (Result<FoundManifest, DeliveryError>) async throws -> Void) {}
    /// What is superseded has no object there; the file that has its lines is another by now.
    package func delete(_ relativePath: String, in folder: String) {}
}
