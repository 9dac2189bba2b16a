import Digests
import Segments
import Shared
import Store

/// Joins small neighbours, so that a manifest stays short. What is joined is sealed like any segment; its parts leave the
/// stores a day after the manifest that replaces them (`DestinationWorker+Tidying`).
struct MergeService: Sendable {
    let store: Store
    let objects: ObjectFinder
    let key: MachineKey
    let policy: MergePolicy
    let unjoined: UnjoinedSessions
    let log: any EventLog
    let board: StatusBoard

    /// Kind of our health entries; the subject is the session.
    static let failed = "merge_failed"

    /// What came of a look at all sessions.
    struct Outcome: Sendable {
        var isJoined = false
        /// Something could not be joined now: a store that has it does not answer, mostly.
        var isIncomplete = false
    }

    /// Looks at every session to which segments were added, and joins what is to be joined. Runs on a work lane.
    func mergeAll() async throws -> Outcome {
        var outcome = Outcome()
        var seen: Set<StreamKey> = []
        while true {
            let candidates = try await store.mergeCandidates().filter { seen.insert($0).inserted }
            if candidates.isEmpty { return outcome }
            var sessions: Set<SessionID> = []
            for session in candidates.map(\.session) where sessions.insert(session).inserted {
                if Task.isCancelled { return outcome }
                do {
                    if try await merge(session) { outcome.isJoined = true }
                    unjoined.remove(session)
                    board.clear(Self.failed, session.rawValue)
                } catch {
                    outcome.isIncomplete = true
                    try await note(error, session)
                }
            }
        }
    }

    /// A manifest lists all streams of a session, and is short as a whole.
    private func merge(_ session: SessionID) async throws -> Bool {
        var merged = false
        while let streams = try await store.describe(session)?.streams.map(\.stream) {
            var inputs: [MergeInput] = []
            for stream in streams { inputs.append(try await store.mergeInput(of: stream)) }
            let joins = policy.joins(
                in: inputs.map { $0.segments.map { MergeCandidate($0.record) } }, ended: inputs.contains { $0.isEnded })
            if joins.isEmpty {
                for (stream, input) in zip(streams, inputs) { try await store.settleMerge(of: stream, input) }
                break
            }
            for join in joins {
                let input = inputs[join.stream]
                do {
                    try await self.join(Array(input.segments[join.segments]), input.checkpoints)
                    merged = true
                } catch let error as StoreError where error.code == .stale {
                    return merged  // more was sealed or superseded meanwhile: looked at again with the next segment
                }
            }
        }
        return merged
    }

    private func join(_ parts: [StoredSegment], _ checkpoints: [CheckpointRecord]) async throws {
        var merger = SegmentMerger(key: key)
        for part in parts {
            let bytes = try await objects.bytes(of: part.id, part.record, holders: part.holders)
            let checkpoint = checkpoints.first { $0.seq == part.record.seq && $0.generation == part.record.generation }
            try merger.add(part.record, checkpoint: checkpoint, object: bytes)
            await Task.yield()
        }
        _ = try await store.sealMerged(try merger.finish(), replacing: parts.map(\.id))
    }

    /// What was held back until it is joined goes into the next manifest.
    private func note(_ error: any Error, _ session: SessionID) async throws {
        let message = "small segments of session \(session) could not be joined: \(error)"
        board.report(Self.failed, session.rawValue, message)
        guard unjoined.insert(session) else { return }
        log.record(Event(.persistenceFailed, message, session: session))
        try await store.wantManifests(of: session)
    }
}
