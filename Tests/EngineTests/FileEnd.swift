import Delivery
import Shared
import Synchronization

/// A server that takes whole files, in memory, and a witness of what it was sent.
final class FileEnd: WholeFileSink {
    struct Kept: Sendable {
        var files: [String: [UInt8]] = [:]
        var puts = 0
        /// Files that did not begin as those before them did.
        var broken: [String] = []
        /// What is thrown instead of taking a file; or afterwards.
        var error: DeliveryError?
        var hasTakenItThen = false
    }

    let kept = Mutex(Kept())

    func text(_ name: String) -> String? {
        kept.withLock { $0.files[name].map { String(decoding: $0, as: UTF8.self) } }
    }
    var puts: Int { kept.withLock { $0.puts } }

    func put(_ file: OutgoingFile) async throws(DeliveryError) -> ObjectVersion? {
        let bytes = Mutex<[UInt8]>([])
        let size = try await file.give(false) { (piece) async throws(DeliveryError) in bytes.withLock { $0 += piece } }
        let all = bytes.withLock { $0 }
        let name = "\(file.stream) \(file.generation)"
        let error = kept.withLock { kept in
            kept.puts += 1
            if kept.error != nil, !kept.hasTakenItThen { return kept.error }
            if !all.starts(with: kept.files[name] ?? []) || Int64(all.count) != size { kept.broken.append(name) }
            kept.files[name] = all
            return kept.error
        }
        if let error { throw error }
        return nil
    }

    func open(proposing id: StoreID, known: StoreID?) -> StoreID { StoreID("files") }
    func store(known: StoreID?) -> StoreID? { known }
    var lane: (any TaskExecutor)? { nil }
    var isReadable: Bool { false }
    func isForgotten(_ session: SessionID) -> Bool { false }
    func entomb(_ session: SessionID, _ tombstone: [UInt8]) {}
    func erase(_ session: SessionID, manifestsOnly: Bool) throws(DeliveryError) {
        throw DeliveryError(.permanent, "nothing is deleted")
    }
    func object(_ relativePath: String, in folder: String) throws(DeliveryError) -> any ObjectBytes & Sendable {
        throw DeliveryError(.unusable, "nothing is given back")
    }
    func folder(of session: SessionID, writer: String, place: WriterPlace) -> String { "\(session)/" }
}
