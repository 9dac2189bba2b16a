import Segments
import Shared

/// Changes that come together share one commit: the files of all seals first, then all rows in one transaction.
extension Store {
    nonisolated(nonsending) func submit(_ work: CommitRequest.Work) async throws(StoreError) -> CommitRequest.Outcome {
        let request = CommitRequest(work)
        queue.append(request)
        // Who is on the store's lane already lets those go first who wait there: all of them share one commit.
        if executor.isIsolatingCurrentContext() == true { await Task.yield() }
        await commitWaiting()
        return try request.outcome()
    }

    /// Performs all changes that wait, with one commit.
    func commitWaiting() {
        let batch = queue.takeAll()
        guard !batch.isEmpty else { return }
        var placed: [PlacedFile] = []
        do throws(StoreError) {
            try catalog().beThrifty(spoolFiles.freeSpace() < SpoolDirectory.scarce)
            placed = writeFiles(batch)
            var superseded: [SegmentRow] = []
            let committed = try commit(batch.filter { !$0.isAnswered }, placed, &superseded)
            reachAfterCommit(committed)
            for (request, outcome) in committed { request.answer(.success(outcome)) }
            spool.add(placed.reduce(0) { $0 + ($1.request.isSuccess ? $1.fileBytes : 0) })
            removeFiles(of: superseded)
        } catch {
            for request in batch { request.answer(.failure(error)) }
        }
        for file in placed where !file.request.isSuccess { abandon(file) }
        for request in batch where !request.isSuccess { noteAbandoned(request) }
    }

    /// One transaction of all; one that is refused in it is answered and left out.
    private func commit(
        _ batch: [CommitRequest], _ placed: [PlacedFile], _ superseded: inout [SegmentRow]
    ) throws(StoreError) -> [(CommitRequest, CommitRequest.Outcome)] {
        guard !batch.isEmpty else { return [] }
        let catalog = try catalog()
        return try catalog.transaction { () throws(StoreError) in
            var committed: [(CommitRequest, CommitRequest.Outcome)] = []
            for request in batch {
                do throws(StoreError) {
                    let outcome = try catalog.part { () throws(StoreError) in
                        try perform(request, placed, &superseded)
                    }
                    committed.append((request, outcome))
                } catch {
                    // One that is refused does not hold up the others, unless SQLite has given up on all.
                    guard catalog.isInTransaction, !error.isTransient else { throw error }
                    request.answer(.failure(error))
                }
            }
            return committed
        }
    }

    private func noteAbandoned(_ request: CommitRequest) {
        switch request.work {
        case .claim(let id, let store), .receipt(let id, let store), .release(let id, let store, _):
            abandonedClaims.append((id, store))
        case .seal, .keep, .manifest: break
        }
    }

    private func perform(
        _ request: CommitRequest, _ placed: [PlacedFile], _ superseded: inout [SegmentRow]
    ) throws(StoreError) -> CommitRequest.Outcome {
        switch request.work {
        case .seal(let segment, let cursor, let source, let facts):
            guard let file = placed.first(where: { $0.request === request }) else {
                throw StoreError(.internalFailure, "the file of segment \(segment.record.objectName) was not placed")
            }
            let stream = try catalog().stream(segment.record.stream)
            try admit(segment.record, cursor, after: stream?.cursor)
            let known = withoutDoubt(segment.record, cursor)
            if known.record.firstLine == 1 { doubtfulChains.remove(known.record.stream) }
            let arrival = Arrival(
                record: known.record, checkpoint: segment.checkpoint, cursor: known.cursor, source: source,
                facts: facts, headerBytes: file.headerBytes)
            let (id, replaced) = try insert(arrival, into: stream)
            superseded += replaced
            return .sealed(id)
        case .claim(let id, let store): return .claimed(try performClaim(id, for: store))
        case .receipt(let id, let store):
            try performReceipt(id, at: store)
            return .recorded
        case .release(let id, let store, let setback):
            return .released(try performRelease(id, for: store, because: setback))
        case .keep:
            throw StoreError(.internalFailure, "a manifest was neither kept nor refused")
        case .manifest(let basis, let digest):
            try performManifest(basis, digest: digest)
            return .recorded
        }
    }

    private func reachAfterCommit(_ committed: [(CommitRequest, CommitRequest.Outcome)]) {
        var points: Set<FaultPoint> = []
        for (request, _) in committed {
            switch request.work {
            case .seal: points.insert(.sealCommitted)
            case .claim: points.insert(.deliverClaimed)
            case .receipt: points.insert(.deliverReceipt)
            case .manifest(let basis, _):
                kept[basis.sessionRow] = nil
                points.insert(.manifestRow)
            case .release, .keep: break
            }
        }
        for point in FaultPoint.allCases where points.contains(point) { faults.reach(point) }
    }
}

extension CommitRequest {
    var isSuccess: Bool {
        do throws(StoreError) {
            _ = try outcome()
            return true
        } catch {
            return false
        }
    }
}
