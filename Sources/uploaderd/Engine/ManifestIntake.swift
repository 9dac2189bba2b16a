import Delivery
import Digests
import LinuxSystem
import Segments
import Shared
import Store

/// Takes up a manifest of ours that was found in a store. Where no digest tells whether it lists the lines that are known here
/// the objects are read: nothing is taken to be the same because it has the same place.
struct ManifestIntake: Sendable {
    let store: Store
    let objects: ObjectFinder

    /// - Parameter sink: of the store where it was found.
    func takeUp(_ found: FoundManifest, in sink: any SessionSink, at id: StoreID) async throws -> TakeUpResult {
        var same: Set<String> = []
        while true {
            var result = try await store.takeUp(found.manifest, at: id, as: .own, same: same)
            if result.doubts.isEmpty || (result.standing == .unfit && !result.conflicts.isEmpty) { return result }
            for doubt in result.doubts {
                if let difference = try await difference(doubt, found, sink) {
                    result.conflicts.append(difference)
                    return result
                }
                same.insert(doubt.entry.objectPath)
            }
        }
    }

    /// - Returns: `nil`: both hold the same lines.
    /// - Throws: `DeliveryError.transient` when the store where the manifest lies cannot be read now.
    private func difference(
        _ doubt: Doubt, _ found: FoundManifest, _ sink: any SessionSink
    ) async throws -> String? {
        let path = doubt.entry.objectPath
        do {
            let holder: SegmentRecord
            let object: FoundObject
            switch doubt.holder {
            case .entry:
                holder = doubt.entry
                object = FoundObject(try await sink.object(path, in: found.folder))
            case .known(let segment):
                holder = segment.record
                object = try await objects.bytes(of: segment.id, segment.record, holders: segment.holders)
            }
            let isSame = try await withTaskExecutorPreference(
                objects.world.lane(of: holder.stream.session)
            ) { try Self.lines(doubt.parts, areIn: SegmentOutline(holder), object) }
            return isSame ? nil : "\(path) holds other lines than what is known of its range"
        } catch {
            if case .entry = doubt.holder, let error = error as? DeliveryError, error.isTransient { throw error }
            // The session alone is held back for what only it cannot have.
            return "whether \(path) holds the lines that are known of its range could not be read: \(error)"
        }
    }

    /// Whether the object holds each of the segments' bytes at the segment's first line.
    ///
    /// - Parameter parts: in order, none over another.
    static func lines(
        _ parts: [SegmentRecord], areIn outline: SegmentOutline, _ object: FoundObject
    ) throws(SegmentError) -> Bool {
        var reader = try MemberReader(outline, object: object)
        var parts = parts[...]
        var line = outline.firstLine
        var isAtStart = true
        var left: Int64 = 0
        var digest = RunningDigest()
        while let piece = try reader.next() {
            var rest = piece[...]
            while !rest.isEmpty {
                if left == 0, isAtStart, let part = parts.first, part.firstLine == line {
                    left = part.bytes
                    digest = RunningDigest()
                }
                let end = rest.firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.endIndex
                let part =
                    left > 0 ? rest[..<min(end, rest.startIndex + Int(min(left, Int64(rest.count))))] : rest[..<end]
                isAtStart = part.last == 0x0A
                if isAtStart { line += 1 }
                rest = rest[part.endIndex...]
                guard left > 0 else { continue }
                digest.update(UnsafeRawBufferPointer(rebasing: part))
                left -= Int64(part.count)
                if left == 0 {
                    guard digest.digest() == parts.removeFirst().checksum else { return false }
                }
            }
        }
        return parts.isEmpty
    }
}
