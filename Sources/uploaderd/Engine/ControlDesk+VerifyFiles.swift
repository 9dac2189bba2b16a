import Delivery
import Digests
import Segments
import Shared
import Store

extension ControlDesk {
    /// Whether a store of whole files has the lines of a segment in the file of its generation; read back and compared when `deep`,
    /// or when the file is not the one that was put last. A file that is gone is put again.
    nonisolated func look(
        _ segment: StoredSegment, in id: StoreID, _ sink: HistorySink, deep: Bool
    ) async -> Verdict {
        let record = segment.record
        let key = record.stream
        do {
            let store = engine.store
            guard let file = try await store.acceptedFile(of: key, generation: record.generation, at: id),
                !file.isAskedFor
            else { return (.missing, "it is put again") }
            // As all machines count them that write the session.
            let origin = WriterBranch.Origin(try await store.continues(of: key.session))
            let generation = file.isHead ? nil : record.generation + (origin?.generation ?? 1) - 1
            guard let version = try await sink.version(of: key, generation: generation) else {
                let isPut = try await store.recallFile(of: key, generation: record.generation, at: id)
                engine.objects.askAgain()
                return (.missing, isPut ? "its file is not there; it is put again" : "its file is not there")
            }
            guard deep || version.tag != file.version else { return (.found, nil) }
            let range = try await bytes(of: record, in: file)
            let found = try await digest(of: try await sink.bytes(of: key, generation: generation, range: range))
            guard found.size == range.upperBound - range.lowerBound, found.digest == record.checksum else {
                return (
                    .damaged,
                    "its lines there are others: uploaderctl resend \(key.session) --dest NAME puts what is here in their place"
                )
            }
            return (.found, nil)
        } catch let error as DeliveryError where error.code == .notFound {
            return (.missing, error.message)
        } catch {
            return (.delayed, "\(error)")
        }
    }

    /// Where the segment's lines lie in the file: counted from its end, for what goes before our own first line may be another
    /// machine's.
    private nonisolated func bytes(of record: SegmentRecord, in file: AcceptedFile) async throws -> Range<Int64> {
        guard record.firstLine <= file.lines else { return file.bytes..<file.bytes + record.bytes }
        let later = try await engine.store.segments(of: record.stream, generation: record.generation).filter {
            $0.record.firstLine >= record.firstLine && $0.record.lastLine <= file.lines
        }
        let start = file.bytes - later.reduce(0) { $0 + $1.record.bytes }
        return start..<start + record.bytes
    }

    private nonisolated func digest(
        of bytes: any ObjectBytes & Sendable
    ) async throws -> (size: Int64, digest: Digest256) {
        var digest = RunningDigest()
        var room = [UInt8](repeating: 0, count: 128 << 10)
        var offset: Int64 = 0
        while offset < bytes.size {
            let count = try room.withUnsafeMutableBytes { room in
                let count = try bytes.read(at: offset, into: room)
                digest.update(UnsafeRawBufferPointer(rebasing: room[..<count]))
                return count
            }
            guard count > 0 else { break }
            offset += Int64(count)
            await Task.yield()
        }
        return (offset, digest.digest())
    }
}
