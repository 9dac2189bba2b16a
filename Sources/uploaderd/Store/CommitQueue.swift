import Digests
import Segments
import Shared
import Synchronization

/// Changes that wait for the next commit. Whoever comes first takes all of them, so that many share one fsync.
///
/// Every requester appends, then calls the actor. The actor's jobs are serial: when a requester's own call returns, its
/// request was either in the batch of that call or in that of an earlier one.
final class CommitQueue: Sendable {
    private let waiting = Mutex<[CommitRequest]>([])

    func append(_ request: CommitRequest) { waiting.withLock { $0.append(request) } }

    func takeAll() -> [CommitRequest] {
        waiting.withLock { requests in
            defer { requests = [] }
            return requests
        }
    }
}

final class CommitRequest: Sendable {
    enum Work: Sendable {
        case seal(SealedSegment, StreamCursor, SourceInfo, SessionFacts?)
        case claim(SegmentID, StoreID)
        case receipt(SegmentID, StoreID)
        case release(SegmentID, StoreID, Setback?)
        case keep([UInt8], ManifestBasis)
        case manifest(ManifestBasis, Digest256)
    }

    enum Outcome: Sendable {
        case sealed(SegmentID)
        case claimed(Bool)
        case recorded
        case released(Bool)
    }

    let work: Work
    private let result = Mutex<Result<Outcome, StoreError>?>(nil)

    init(_ work: Work) { self.work = work }

    /// The first answer stays.
    func answer(_ answer: Result<Outcome, StoreError>) { result.withLock { if $0 == nil { $0 = answer } } }

    var isAnswered: Bool { result.withLock { $0 != nil } }

    func outcome() throws(StoreError) -> Outcome {
        switch result.withLock({ $0 }) {
        case .success(let outcome): return outcome
        case .failure(let error): throw error
        case nil: throw StoreError(.internalFailure, "a change was neither made nor refused")
        }
    }
}
