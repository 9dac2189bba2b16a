import Digests
import LinuxSystem
package import Shared

/// Sessions as codetether keeps them: of each stream one object, `<prefix><sid>/history.jsonl`, uncompressed, with all its lines,
/// each ended by a newline. What is put extends what is there, whoever put that; anything else is a conflict, and stays.
///
/// A destination of its own (`type = "history"`), or beside the segments of another one (`history = true`), in whose store and
/// folders the objects then lie. Tombstones, forgetting and the store's id are those of `ObjectLayoutSink`.
package struct HistorySink: WholeFileSink, PointedStore {
    private let store: any ObjectStore
    private let layout: ObjectLayout
    /// Over the same store.
    private let sessions: any SessionSink
    private let reach: Reach
    /// It lies in another destination's store, which has opened it, and whose id is not ours.
    private let isBeside: Bool
    /// Where files are put together and compared.
    private let worker: any RoomExecutor
    /// Where they lie meanwhile, without names.
    private let directory: String

    /// What can be known of an object that is there.
    package enum Reach: Sendable {
        case everything
        /// Whether it is the one that was put: it is encrypted, and the key is elsewhere.
        case versions
        /// The store only takes objects.
        case nothing
    }

    package init(
        store: any ObjectStore, layout: ObjectLayout, sessions: any SessionSink, reach: Reach, isBeside: Bool,
        workingOn worker: any RoomExecutor, in directory: String
    ) {
        self.store = store
        self.layout = layout
        self.sessions = sessions
        self.reach = reach
        self.isBeside = isBeside
        self.worker = worker
        self.directory = directory
    }

    package var lane: (any TaskExecutor)? { store.lane }
    /// Segments cannot be read from it, nor manifests.
    package var isReadable: Bool { false }
    package var isDeleting: Bool { sessions.isDeleting }
    package var keepsOneFile: Bool { true }

    // MARK: The store

    package func open(proposing id: StoreID, known: StoreID?) async throws(DeliveryError) -> StoreID {
        guard isBeside else { return try await sessions.open(proposing: id, known: known) }
        // Where it cannot be asked whose store it is, the other destination has said that it takes objects.
        guard sessions.isReadable else { return known ?? id }
        return Self.beside(try await sessions.open(proposing: id, known: known))
    }

    package func store(known: StoreID?) async throws(DeliveryError) -> StoreID? {
        guard isBeside else { return try await sessions.store(known: known) }
        guard sessions.isReadable else { return known }
        return try await sessions.store(known: known).map(Self.beside)
    }

    /// Receipts for files are not those for segments.
    private static func beside(_ id: StoreID) -> StoreID {
        StoreID(String(RunningDigest.digest(of: Array("history \(id)".utf8)).hex.prefix(32)))
    }

    // MARK: Files

    package func put(_ file: OutgoingFile) async throws(DeliveryError) -> ObjectVersion? {
        let session = file.stream.session
        if try await sessions.isForgotten(session) {
            throw DeliveryError(
                .conflict, "session \(session) was forgotten there: nothing of it is put",
                hint:
                    "uploaderctl forget \(session) forgets it here, too; or remove its forgotten.json there, if that is "
                    + "not meant any more")
        }
        let key = try key(of: file.stream, generation: file.isHead ? nil : file.generation)
        let body = try await withTaskExecutorPreference(worker) { () async throws(DeliveryError) in
            try await assembled(file)
        }
        guard reach != .nothing, let there = try await store.version(of: key) else {
            return try await store.put(body, to: key, .replacing(nil))
        }
        if there != file.before, !file.replacesAny, reach == .everything,
            try await isThere(body, beginningWith: key)
        {
            return there
        }
        return try await store.put(body, to: key, .replacing(there))
    }

    private func key(of stream: StreamKey, generation: Int?) throws(DeliveryError) -> ObjectKey {
        guard let key = layout.history(of: stream, generation: generation) else {
            throw DeliveryError(
                .unacceptable,
                "the name of stream \(stream.stream) of session \(stream.session) is too long for an object",
                hint: "another destination has it")
        }
        return key
    }

    @concurrent
    private func assembled(_ file: OutgoingFile) async throws(DeliveryError) -> FileBytes {
        let spilled = try SpilledBody(in: directory)
        _ = try await file.give(false) { (bytes) async throws(DeliveryError) in try spilled.write(bytes) }
        // Who reads it reads lines; if the last one grows, it takes the place of this one.
        if let last = spilled.last, last != UInt8(ascii: "\n") { try spilled.write([UInt8(ascii: "\n")]) }
        return try spilled.bytes()
    }

    // MARK: What somebody else put, or we did and did not hear of it

    /// - Returns: whether it is there as it is to be.
    /// - Throws: `conflict` when `body` does not begin with the object.
    private func isThere(_ body: FileBytes, beginningWith key: ObjectKey) async throws(DeliveryError) -> Bool {
        let there = try await store.read(key, range: nil)
        // The last line may have had no end, and have been given one.
        let same = there.size - 1
        guard there.size > 0 else { return false }
        let isBegun =
            if same <= body.size {
                try await ObjectDigest.of(ObjectSlice(there, 0..<same), key, on: worker)
                    == ObjectDigest.of(ObjectSlice(body, 0..<same), key, on: worker)
            } else { false }
        guard isBegun else {
            throw DeliveryError(
                .conflict, "object \(key) has other lines than were to be put there: it stays as it was",
                hint: "uploaderctl resend SESSION --dest NAME puts what is here in its place")
        }
        return there.size == body.size
    }

    // MARK: Reading

    /// What is there of a stream; `nil` as its generation: the stream's own.
    package func version(of stream: StreamKey, generation: Int?) async throws(DeliveryError) -> ObjectVersion? {
        try await store.version(of: try key(of: stream, generation: generation))
    }

    /// Bytes of it.
    package func bytes(
        of stream: StreamKey, generation: Int?, range: Range<Int64>
    ) async throws(DeliveryError) -> any ObjectBytes & Sendable {
        try await read(try key(of: stream, generation: generation), range: range)
    }

    package func read(_ key: ObjectKey, range: Range<Int64>?) async throws(DeliveryError) -> any ObjectBytes & Sendable
    {
        guard reach == .everything else {
            let isEncrypted = reach == .versions
            throw DeliveryError(
                .unusable, "what is there cannot be read: \(isEncrypted ? "it is encrypted" : "it only takes objects")",
                hint: isEncrypted ? "add identity = \"name\" of a file that opens it" : nil)
        }
        return try await store.read(key, range: range)
    }

    /// - Parameter name: behind the store's prefix.
    package func object(named name: String) -> ObjectKey? { ObjectKey(layout.prefix + name) }

    // MARK: Sessions

    package func isForgotten(_ session: SessionID) async throws(DeliveryError) -> Bool {
        try await sessions.isForgotten(session)
    }

    package func entomb(_ session: SessionID, _ tombstone: [UInt8]) async throws(DeliveryError) {
        try await sessions.entomb(session, tombstone)
    }

    package func erase(_ session: SessionID, manifestsOnly: Bool) async throws(DeliveryError) {
        try await sessions.erase(session, manifestsOnly: manifestsOnly)
    }

    package func object(
        _ relativePath: String, in folder: String
    ) throws(DeliveryError) -> any ObjectBytes & Sendable {
        throw DeliveryError(
            .unusable, "could not read \(relativePath): what is there are whole files",
            hint: "uploaderctl resolve reads them")
    }

    package func folder(of session: SessionID, writer: String, place: WriterPlace) -> String {
        sessions.folder(of: session, writer: writer, place: place)
    }
}
