package import ControlPlane
import Delivery
package import Shared
import Store
import Synchronization

/// What pointers lead to. "There is nothing" is `noMatch`, and everything else that fails is `backendError`.
extension ControlDesk {
    package func resolve(
        _ pointer: PointerHandle, to sink: ReplySink<BytePiece>
    ) async throws(ControlError) -> Int64 {
        let places = engine.destinations.filter { $0.bucket == pointer.bucket && pointer.key.hasPrefix($0.prefix) }
        guard !places.isEmpty else {
            let names = Set(engine.destinations.compactMap(\.bucket)).sorted()
            throw ControlError(
                .backendError, "no destination has a bucket \(pointer.bucket) with that prefix",
                hint: names.isEmpty ? "none has one" : "there is \(names.joined(separator: ", "))")
        }
        let range = pointer.byteRange.map { $0.bytes }
        // Not asked for: nothing is there.
        if case .some(nil) = range { throw Self.nothing(pointer) }
        let isBegun = BegunMark()
        let witness = ReplySink { (piece: BytePiece) throws(ControlError) in
            isBegun.set()
            try await sink.send(piece)
        }
        var obstacle: ControlError?
        for place in places {
            guard let name = HistoryName(String(pointer.key.dropFirst(place.prefix.count))) else { continue }
            do throws(ControlError) {
                let sent = try await send(name, of: place, range ?? nil, to: witness)
                if sent > 0 { return sent }
            } catch {
                if [.disconnected, .busy].contains(error.code) { throw error }
                let failure = ControlError(.backendError, error.message, hint: error.hint, cause: error.cause)
                // What was sent is not sent again.
                if isBegun.isSet { throw failure }
                if error.code != .noMatch, error.code != .noSuchSession { obstacle = obstacle ?? failure }
            }
        }
        throw obstacle ?? Self.nothing(pointer)
    }

    private static func nothing(_ pointer: PointerHandle) -> ControlError {
        ControlError(
            .noMatch, "there is no such byte of \(pointer.key) in \(pointer.bucket)",
            hint: "a key is PREFIX SID/history.jsonl, and a range begins before its end and the object's")
    }

    /// - Returns: how many bytes were sent.
    private func send(
        _ name: HistoryName, of place: EngineParts.Destination, _ range: Range<Int64>?, to sink: ReplySink<BytePiece>
    ) async throws(ControlError) -> Int64 {
        guard let id = engine.objects.id(named: place.name), let shelf = engine.objects.shelf(id) else {
            throw ControlError(
                .backendError, "destination \(place.name) is not open", hint: "uploaderctl status says why")
        }
        guard let store = shelf.sink as? any PointedStore else {
            throw ControlError(.backendError, "destination \(place.name) gives nothing back")
        }
        let lane = engine.world.lane(of: place.name)
        let result: Result<Int64, ControlError> = await withTaskExecutorPreference(lane) {
            do throws(ControlError) {
                if let sent = try await self.send(name.text, in: store, range, to: sink) { return .success(sent) }
                return .success(try await self.sendSegments(name, place.name, store, range, to: sink))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// - Returns: `nil`: there is no such object.
    private nonisolated func send(
        _ name: String, in store: any PointedStore, _ range: Range<Int64>?, to sink: ReplySink<BytePiece>
    ) async throws(ControlError) -> Int64? {
        guard let key = store.object(named: name) else { return nil }
        let bytes: any ObjectBytes & Sendable
        do throws(DeliveryError) { bytes = try await store.read(key, range: range) } catch {
            if error.code == .notFound { return nil }
            throw ControlError(.backendError, error.message, hint: error.hint)
        }
        var offset: Int64 = 0
        while offset < bytes.size {
            var piece = [UInt8](repeating: 0, count: Int(min(bytes.size - offset, 256 << 10)))
            let count: Int
            do { count = try piece.withUnsafeMutableBytes { try bytes.read(at: offset, into: $0) } } catch {
                throw ControlError(.damaged, "could not read object \(key): \(error)")
            }
            guard count > 0 else { throw ControlError(.damaged, "object \(key) ends before its size") }
            try await sink.send(
                BytePiece(offset: (range?.lowerBound ?? 0) + offset, bytes: Array(piece.prefix(count))))
            offset += Int64(count)
        }
        return bytes.size
    }

    /// What would be in the object, of a session that is stored as segments.
    private nonisolated func sendSegments(
        _ name: HistoryName, _ destination: String, _ store: any PointedStore, _ range: Range<Int64>?,
        to sink: ReplySink<BytePiece>
    ) async throws(ControlError) -> Int64 {
        guard let (session, stream, from) = try await session(name, destination, store) else { return 0 }
        let load = { () async throws(ControlError) in
            try await self.engine.replay.volume(of: session, stream, generation: name.generation, from: from)
        }
        return try await engine.replay.send(try await load(), bytes: range ?? 0..<Int64.max, again: load) {
            (offset, bytes) throws(ControlError) in
            try await sink.send(BytePiece(offset: offset, bytes: bytes))
        }
    }

    /// - Returns: also the destination to read it from; `nil`: wherever it is. `nil`: there is no such session.
    private nonisolated func session(
        _ name: HistoryName, _ destination: String, _ store: any PointedStore
    ) async throws(ControlError) -> (SessionID, StreamName, from: String?)? {
        guard let layout = store as? ObjectLayoutSink else {
            // Only its name says which session it is; one that had to be escaped is found by its object alone.
            guard let session = SessionID(name.folder), StoreName.escaped(session.rawValue) == name.folder,
                let stream = name.stream.map({ StreamName($0) }) ?? .main,
                StoreName.escapedPath(stream) == name.stream ?? stream.rawValue
            else { return nil }
            return (session, stream, nil)
        }
        let found: FoundManifest?
        do throws(DeliveryError) { found = try await layout.manifest(below: name.folder) } catch {
            throw ControlError(.backendError, error.message, hint: error.hint)
        }
        guard let manifest = found?.manifest, let session = SessionID(manifest.sid) else { return nil }
        let stream =
            name.stream.map { wanted in manifest.streamNames.first { StoreName.escapedPath($0) == wanted } } ?? .main
        return stream.map { (session, $0, destination) }
    }
}

/// Whether something was sent.
private final class BegunMark: Sendable {
    private let mark = Atomic(false)
    var isSet: Bool { mark.load(ordering: .acquiring) }
    func set() { mark.store(true, ordering: .releasing) }
}
