import Digests
package import Shared

/// Sessions as objects in the layout of docs/formats.md, section 1, over any object store.
package struct ObjectLayoutSink: SessionSink {
    let store: any ObjectStore
    let layout: ObjectLayout
    private let decodingLane: (any RoomExecutor)?

    package var lane: (any TaskExecutor)? { store.lane }

    /// - Parameter lane: where long manifests are decoded; `nil`: where they were read.
    package init(store: any ObjectStore, layout: ObjectLayout, decodingOn lane: (any RoomExecutor)? = nil) {
        self.store = store
        self.layout = layout
        decodingLane = lane
    }

    package func open(proposing id: StoreID, known: StoreID?) async throws(DeliveryError) -> StoreID {
        if let found = try await store(known: known) { return found }
        let key = try key(layout.storeID, "the store's id")
        let bytes = try encoded(StoreIdentity(id: id, layout: Manifest.layout))
        do throws(DeliveryError) {
            try await store.put(MemoryObject(bytes), to: key, .immutable(RunningDigest.digest(of: bytes)))
        } catch {
            // Another daemon was first: then its id is the store's.
            if error.code != .conflict { throw error }
        }
        guard let found = try await store.readAll(key) else {
            throw DeliveryError(.transient, "object \(key) was put and is not there")
        }
        return try identity(found, key).id
    }

    package func store(known: StoreID?) async throws(DeliveryError) -> StoreID? {
        let key = try key(layout.storeID, "the store's id")
        if let found = try await store.readAll(key) { return try identity(found, key).id }
        try await requireNotEncrypted(key, isKnown: known != nil)
        guard known == nil else { throw Self.isGone(key) }
        return nil
    }

    /// What lies there encrypted, nobody would find beside what does not.
    private func requireNotEncrypted(_ storeID: ObjectKey, isKnown: Bool) async throws(DeliveryError) {
        guard let other = ObjectKey(storeID.rawValue + EncryptedObjectStore.suffix) else { return }
        do throws(DeliveryError) {
            guard try await store.version(of: other) != nil else { return }
        } catch {
            // Safe: that the store is gone is said by who called.
            if isKnown { return }
            throw error
        }
        throw DeliveryError(
            .unusable, "the store there is encrypted: there is an object \(other)",
            hint: "write encryption = \"age\" and its recipients, or give this destination another path or prefix",
            retryAfter: DeliveryError.pause)
    }

    static func isGone(_ storeID: ObjectKey) -> DeliveryError {
        DeliveryError(
            .unusable, "the store is not where it was: object \(storeID) is missing",
            hint: "mount its disk or put it back; to begin a new store there, give the destination another name",
            retryAfter: .seconds(30))
    }

    private func identity(_ bytes: [UInt8], _ key: ObjectKey) throws(DeliveryError) -> StoreIdentity {
        let identity: StoreIdentity
        do {
            identity = try JSONText.decode(StoreIdentity.self, from: bytes)
        } catch {
            throw DeliveryError(
                .unusable, "object \(key) is not a store's identity: \(error)",
                hint: "if this is not a store of uploaderd's, choose another path or prefix; else restore the object",
                // It may be a gateway's page, and gone when somebody has logged in there.
                retryAfter: .seconds(30))
        }
        guard identity.layout <= Manifest.layout else {
            throw DeliveryError(
                .unusable,
                "the store of object \(key) has layout \(identity.layout); this version knows \(Manifest.layout)",
                hint: "upgrade uploaderd on this machine")
        }
        return identity
    }

    package func deliver(_ segment: OutgoingSegment) async throws(DeliveryError) {
        let folder = folder(of: segment.record.stream.session, writer: segment.writer, place: segment.place)
        let path = segment.record.objectPath
        let key = try key(layout.segment(path, in: folder), path)
        try await store.put(segment.bytes, to: key, .immutable(segment.record.objectChecksum))
    }

    package func deliver(
        _ checkpoint: CheckpointRecord, writer: String, place: WriterPlace
    ) async throws(DeliveryError) {
        let folder = folder(of: checkpoint.stream.session, writer: writer, place: place)
        let key = try key(layout.checkpoint(checkpoint, in: folder), checkpoint.id)
        let bytes = try encoded(ManifestCheckpoint(checkpoint), pretty: true)
        do throws(DeliveryError) {
            try await store.put(MemoryObject(bytes), to: key, .immutable(RunningDigest.digest(of: bytes)))
        } catch {
            // Its name says where it stands, not what it tells: that is another when its line was redacted again.
            guard error.code == .conflict, let version = try await store.version(of: key) else { throw error }
            try await store.put(MemoryObject(bytes), to: key, .replacing(version))
        }
    }

    package func publish(
        _ manifest: [UInt8], of session: SessionID, writer: String, place: WriterPlace,
        replacing version: ObjectVersion?
    ) async throws(DeliveryError) -> ObjectVersion {
        let folder = folder(of: session, writer: writer, place: place)
        return try await store.put(
            MemoryObject(manifest), to: try key(layout.manifest(in: folder), "manifest"), .replacing(version))
    }

    package func version(
        of session: SessionID, writer: String, place: WriterPlace
    ) async throws(DeliveryError) -> ObjectVersion? {
        let folder = folder(of: session, writer: writer, place: place)
        return try await store.version(of: try key(layout.manifest(in: folder), "manifest"))
    }

    package func manifest(
        of session: SessionID, writer: String, place: WriterPlace
    ) async throws(DeliveryError) -> [UInt8]? {
        let folder = folder(of: session, writer: writer, place: place)
        return try await store.readAll(try key(layout.manifest(in: folder), "manifest"))
    }

    package func readings(
        of session: SessionID, besides left: String?
    ) async throws(DeliveryError) -> [Result<FoundManifest, DeliveryError>] {
        try await withTaskExecutorPreference(lane) { () async throws(DeliveryError) in
            try await read(session, besides: left)
        }
    }

    private func read(
        _ session: SessionID, besides left: String?
    ) async throws(DeliveryError) -> [Result<FoundManifest, DeliveryError>] {
        let home = layout.folder(of: session)
        var readings: [Result<FoundManifest, DeliveryError>] = []
        for folder in [home] + (try await writerFolders(below: home)) where folder != left {
            do throws(DeliveryError) {
                if let manifest = try await manifest(in: folder, below: home) { readings.append(.success(manifest)) }
            } catch {
                // Of a store that does not answer the next one is not asked for either.
                if error.isTransient { throw error }
                readings.append(.failure(error))
            }
        }
        return readings
    }

    /// - Parameter home: the session's own folder.
    func writerFolders(below home: String) async throws(DeliveryError) -> [String] {
        // What cannot be a name of ours was put there by somebody else.
        try await store.listFolders("\(home)writers/").filter { ObjectKey($0) != nil }.map { "\(home)writers/\($0)/" }
    }

    func manifest(in folder: String, below home: String) async throws(DeliveryError) -> FoundManifest? {
        let key = try key(layout.manifest(in: folder), "manifest")
        guard let bytes = try await store.readAll(key, limit: Manifest.longest) else { return nil }
        let manifest: Manifest
        do {
            manifest = try await decoded(bytes)
        } catch {
            if let needs = try? JSONText.decode(ManifestNeeds.self, from: bytes), let unknown = needs.unknown {
                throw DeliveryError(
                    .conflict,
                    "object \(key), the manifest of session \(needs.sid?.prefix(80) ?? "?"), needs what this version does "
                        + "not know: \(unknown)",
                    hint: "upgrade uploaderd on this machine")
            }
            throw unusable(key, "is not a manifest that can be read: \(error)")
        }
        // Whoever could write one folder must not speak for the session of another.
        guard let session = SessionID(manifest.sid), layout.folder(of: session) == home else {
            throw unusable(key, "says that it is of another session, \(manifest.sid.prefix(80))")
        }
        return FoundManifest(manifest: manifest, bytes: bytes, folder: folder)
    }

    /// From this many bytes on decoding takes so long that nobody else's work may wait for it.
    private static let long = 256 << 10

    private func decoded(_ bytes: [UInt8]) async throws -> Manifest {
        guard let decodingLane, bytes.count >= Self.long else { return try Manifest(reading: bytes) }
        return try await withTaskExecutorPreference(decodingLane) { try await Self.decode(bytes) }
    }

    @concurrent
    private static func decode(_ bytes: [UInt8]) async throws -> Manifest { try Manifest(reading: bytes) }

    private func unusable(_ key: ObjectKey, _ what: String) -> DeliveryError {
        DeliveryError(
            .conflict, "object \(key) \(what)",
            hint: "nothing is written to that session there until the object is repaired or removed")
    }

    package func isVacant(_ session: SessionID) async throws(DeliveryError) -> Bool {
        try await store.isEmpty(below: layout.folder(of: session))
    }

    package func isForgotten(_ session: SessionID) async throws(DeliveryError) -> Bool {
        try await store.version(of: try key(layout.tombstone(of: session), "tombstone")) != nil
    }

    package func entomb(_ session: SessionID, _ tombstone: [UInt8]) async throws(DeliveryError) {
        let key = try key(layout.tombstone(of: session), "tombstone")
        do throws(DeliveryError) {
            try await store.put(MemoryObject(tombstone), to: key, .immutable(RunningDigest.digest(of: tombstone)))
        } catch {
            // Another machine's, or ours of another moment: one is as good as the other.
            guard error.code == .conflict, try await isForgotten(session) else { throw error }
        }
    }

    /// More rounds than this, and somebody puts as fast as it is deleted, or nothing is deleted at all.
    private static let mostRounds = 8

    package func erase(_ session: SessionID, manifestsOnly: Bool) async throws(DeliveryError) {
        let home = layout.folder(of: session)
        let tombstone = try key(layout.tombstone(of: session), "tombstone")
        for _ in 0..<Self.mostRounds {
            // Asked again after each round: a put of another machine's may have been under way.
            let left = try await store.list(home).filter { key in
                key != tombstone && (!manifestsOnly || key.rawValue.hasSuffix("/manifest.json"))
            }
            if left.isEmpty { return try await store.sweep(home) }
            for key in left { try await store.delete(key) }
        }
        throw DeliveryError(.transient, "objects of session \(session) are there again whenever they were deleted")
    }

    package func eachManifest(
        _ body: @Sendable (Result<FoundManifest, DeliveryError>) async throws -> Void
    ) async throws {
        for name in try await store.listFolders(layout.prefix) where ObjectKey(name) != nil {
            let home = "\(layout.prefix)\(name)/"
            for folder in [home] + (try await writerFolders(below: home)) {
                let found: FoundManifest?
                do throws(DeliveryError) {
                    found = try await manifest(in: folder, below: home)
                } catch {
                    try await body(.failure(error))
                    continue
                }
                if let found { try await body(.success(found)) }
            }
        }
    }

    package func object(_ relativePath: String, in folder: String) async throws(DeliveryError) -> any ObjectBytes
        & Sendable
    {
        try await store.read(try key(layout.segment(relativePath, in: folder), relativePath), range: nil)
    }

    package func delete(_ relativePath: String, in folder: String) async throws(DeliveryError) {
        try await store.delete(try key(layout.segment(relativePath, in: folder), relativePath))
    }

    package func folder(of session: SessionID, writer: String, place: WriterPlace) -> String {
        layout.folder(of: session, writer: writer, isFirst: place == .first)
    }

    /// A manifest may come from anybody: a path in it that is no key of ours is refused.
    func key(_ key: ObjectKey?, _ what: String) throws(DeliveryError) -> ObjectKey {
        guard let key else { throw DeliveryError(.permanent, "\(what) cannot be the name of an object") }
        return key
    }

    private func encoded(_ value: some Encodable, pretty: Bool = false) throws(DeliveryError) -> [UInt8] {
        do { return try JSONText.encode(value, pretty: pretty) } catch {
            throw DeliveryError(.permanent, "could not write JSON: \(error)")
        }
    }
}

/// `.uploaderd.json`.
struct StoreIdentity: Codable {
    var id: StoreID
    var layout: Int
}
