package import Shared

/// A far end that takes the lines of a stream one after the other, each once, and keeps no objects and no manifests of ours:
/// confab, and what the tests put in its place.
///
/// What `deliver` is called with: the segments of one generation of a stream one at a time, each when all before it is there
/// or lost; a last line without its end only when it will not get one. What comes behind lines that the far end has not got
/// is a `conflict` with `missingLines`.
package protocol LineSink: SessionSink {
    /// The last line that it has of the generation that a segment belongs to; 0: none.
    func lastLine(beside record: SegmentRecord, _ facts: SessionFacts) async throws(DeliveryError) -> Int

    /// The lines of a segment as they are there, each with its end.
    ///
    /// - Throws: `notFound` when not all of them are.
    func bytes(of record: SegmentRecord, _ facts: SessionFacts) async throws(DeliveryError) -> any ObjectBytes
        & Sendable

    /// All that it has of a session, in the form of a manifest whose objects `object` reads: for reading alone.
    ///
    /// - Returns: `nil`: nothing.
    func transcript(of session: SessionID, _ facts: SessionFacts) async throws(DeliveryError) -> FoundManifest?
}
