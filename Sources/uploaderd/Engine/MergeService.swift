import Digests
import Segments
import Shared
import Store

/// Joins small neighbours, so that a manifest stays short. What is joined is sealed like any segment; its parts leave the
/// stores a day after the manifest that replaces them (`Tidier`).
struct MergeService: Sendable {
    let store: Store
    let objects: ObjectFinder
    let key: MachineKey
    let policy: MergePolicy
    let lane: any RoomExecutor
    let log: any EventLog

    /// Looks at every stream to which segments were added, and joins what is to be joined. Runs on a work lane.
    ///
    /// - Returns: whether anything was joined.
    func mergeAll() async throws -> Bool {
        var merged = false
        var seen: Set<StreamKey> = []
        while true {
            let candidates = try await store.mergeCandidates().filter { seen.insert($0).inserted }
            if candidates.isEmpty { return merged }
            for stream in candidates {
                if Task.isCancelled { return merged }
                if try await merge(stream) { merged = true }
            }
        }
    }

    private func merge(_ stream: StreamKey) async throws -> Bool {
        let input = try await store.mergeInput(of: stream)
        let checkpointed = Set(input.checkpoints.map(\.seq))
        let joins = policy.joins(
            in: input.segments.map { MergeCandidate($0.record, isCheckpoint: checkpointed.contains($0.record.seq)) },
            ended: input.isEnded)
        for range in joins {
            do {
                try await join(Array(input.segments[range]), input.checkpoints)
            } catch let error as StoreError where error.code == .stale {
                return false  // more was sealed or superseded meanwhile: looked at again with the next segment
            }
        }
        if joins.isEmpty { try await store.settleMerge(of: stream) }
        return !joins.isEmpty
    }

    private func join(_ parts: [StoredSegment], _ checkpoints: [CheckpointRecord]) async throws {
        var merger = SegmentMerger(key: key)
        for part in parts {
            let bytes = try await objects.bytes(of: part.id, part.record, holders: part.receipts)
            let checkpoint = checkpoints.first { $0.seq == part.record.seq && $0.generation == part.record.generation }
            try merger.add(part.record, checkpoint: checkpoint, object: bytes)
            await Task.yield()
        }
        _ = try await store.sealMerged(try merger.finish(), replacing: parts.map(\.id))
    }
}
