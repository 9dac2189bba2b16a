import Capture
import Digests
import Segments
import Shared
import Store

/// Whether a source has what was taken of it, byte for byte.
extension FileTail {
    /// Whether it still has the bytes of this segment. Of one that was joined the parts tell that have digests yet.
    func holds(_ segment: SegmentRecord, key: MachineKey) async throws -> Bool {
        let parts = segment.sourceParts ?? [SourcePart(bytes: segment.sourceBytes, mac: segment.sourceMAC)]
        var begin = segment.sourceOffset + segment.sourceBytes - parts.reduce(0) { $0 + $1.bytes }
        guard begin >= segment.sourceOffset else { return false }
        for part in parts {
            var digest = RunningDigest()
            guard try await eachByte(of: begin..<begin + part.bytes, { digest.update($0) }) else { return false }
            guard key.mac(of: digest.digest()) == part.mac else { return false }
            begin += part.bytes
        }
        return true
    }

    /// Whether it still has the unterminated line that was taken of it, or a line that begins with it. No mark tells, for
    /// those end where it begins.
    func holdsPartial(of cursor: StreamCursor, in store: Store, key: MachineKey) async throws -> Bool {
        guard let end = cursor.partialEnd else { return true }
        let taken = try await store.segments(of: cursor.stream, generation: cursor.generation).last {
            $0.record.partial && $0.record.sourceOffset == cursor.offset
                && $0.record.sourceOffset + $0.record.sourceBytes == end
        }
        guard let taken else { return true }
        return try await holds(taken.record, key: key)
    }

    /// - Returns: `false` when the source ends before the range does.
    func eachByte(of range: Range<Int64>, _ body: (UnsafeRawBufferPointer) -> Void) async throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: min(256 << 10, range.count))
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = Int(min(Int64(chunk.count), range.upperBound - offset))
            let count = try chunk.withUnsafeMutableBytes {
                try read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted]), at: offset)
            }
            guard count > 0 else { return false }
            chunk.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += Int64(count)
            await Task.yield()
        }
        return true
    }
}
