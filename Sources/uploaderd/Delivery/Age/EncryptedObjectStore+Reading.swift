import Shared
import Synchronization

/// The openings of some objects, so that another range of one needs no look at its header.
final class AgeOpenings: Sendable {
    private let known = Mutex<[ObjectKey: AgeOpening]>([:])
    private static let most = 64

    subscript(key: ObjectKey) -> AgeOpening? {
        get { known.withLock { $0[key] } }
        set {
            known.withLock { known in
                if known.count >= Self.most { known.removeAll() }
                known[key] = newValue
            }
        }
    }
}

extension EncryptedObjectStore {
    /// The header at its longest, the nonce, and of most objects a chunk.
    private static let near = AgePayload.sealedChunk + 8 << 10

    func whole(_ key: ObjectKey) async throws(DeliveryError) -> DecryptedBytes {
        let keys = try await keys(for: key)
        let object = try await inner.read(try Self.stored(key), range: nil)
        return try await unlocked(key, keys) { (all) throws(DeliveryError) in
            try await self.opened(object, key) { header throws(AgeFault) in try header.fileKey(all) }
        }
    }

    /// - Parameter range: clamped to what there is.
    func part(_ range: Range<Int64>, of key: ObjectKey) async throws(DeliveryError) -> any ObjectBytes & Sendable {
        // Longer than any object, and short enough to be counted with.
        let end: Int64 = 1 << 48
        let lower = min(max(range.lowerBound, 0), end)
        let wanted = lower..<min(max(range.upperBound, lower), end)
        let keys = try await keys(for: key)
        if let known = openings[key], !wanted.isEmpty {
            do throws(DeliveryError) {
                return try await text(wanted, of: key, known, near: nil)
            } catch {
                // Another object has its name by now.
                guard error.code == .damaged else { throw error }
            }
        }
        let near = try await inner.read(try Self.stored(key), range: 0..<Self.near)
        let opening = try await unlocked(key, keys) { (all) throws(DeliveryError) in
            try await self.opening(near, key) { header throws(AgeFault) in try header.fileKey(all) }
        }
        openings[key] = opening
        return wanted.isEmpty ? MemoryObject([]) : try await text(wanted, of: key, opening, near: near)
    }

    /// - Parameter near: the object's first bytes, as far as they were read.
    private func text(
        _ wanted: Range<Int64>, of key: ObjectKey, _ opening: AgeOpening, near: (any ObjectBytes & Sendable)?
    ) async throws(DeliveryError) -> any ObjectBytes & Sendable {
        let first = wanted.lowerBound / AgePayload.chunk
        let behind = (wanted.upperBound - 1) / AgePayload.chunk + 1
        let place = opening.front + first * AgePayload.sealedChunk..<opening.front + behind * AgePayload.sealedChunk
        let chunks: any ObjectBytes & Sendable
        if let near, near.size < Self.near || near.size >= place.upperBound {
            chunks = ObjectSlice(near, place)
        } else {
            chunks = try await inner.read(try Self.stored(key), range: place)
        }
        // Behind the end; or cut off, which is seen at the end that there is.
        if chunks.size == 0 { return ObjectSlice(try await whole(key), wanted) }
        let isShort = chunks.size < Int64(place.count)
        let text = try await onLane(key) {
            try DecryptedBytes(chunks, from: 0, opening.key, first: first, endsFile: isShort ? true : nil)
        }
        // Only of a header it is seen that it is for others.
        guard let text else { throw DeliveryError(.damaged, "object \(key) is damaged") }
        let start = first * AgePayload.chunk
        return ObjectSlice(text, wanted.lowerBound - start..<wanted.upperBound - start)
    }

    // MARK: Keys

    private func keys(for key: ObjectKey) async throws(DeliveryError) -> AgeIdentities {
        guard let identities, let identity else {
            throw DeliveryError(
                .unusable, "could not read object \(key): it is encrypted, and the destination has no identity",
                hint: "add identity = \"name\" of a file with one of the recipients' identities to read it here; "
                    + "age --decrypt reads it anywhere", retryAfter: DeliveryError.pause)
        }
        func isOurs(_ keys: AgeIdentities) -> Bool { keys.all.contains { recipients.contains($0.recipient) } }
        var keys = try await identities.keys()
        if !isOurs(keys), let others = try await identities.refused(keys) { keys = others }
        guard isOurs(keys) else {
            throw DeliveryError(
                .authentication,
                "none of the recipients is that of the identity in \(identity.path), so that nothing could be read back",
                hint: "add \"\(keys.all.map(\.recipient.text).joined(separator: "\", \""))\" to recipients, "
                    + "or take identity out", retryAfter: DeliveryError.pause)
        }
        return keys
    }

    /// Tries again with what is in the identity's file by now when an object is encrypted to others.
    private func unlocked<Found>(
        _ key: ObjectKey, _ keys: AgeIdentities, _ body: ([AgeIdentity]) async throws(DeliveryError) -> Found?
    ) async throws(DeliveryError) -> Found {
        if let found = try await body(keys.all) {
            identities?.taken()
            return found
        }
        if let others = try await identities?.refused(keys), let found = try await body(others.all) { return found }
        throw DeliveryError(
            isOfWholeStore(key) ? .authentication : .conflict,
            "object \(key) is encrypted to others than the identity in \(identity?.path ?? "-")",
            hint: "put the identity of one of its recipients into that file, or behind the one that is there",
            retryAfter: isOfWholeStore(key) ? DeliveryError.pause : nil)
    }

    // MARK: Opening

    /// - Returns: `nil`: it is encrypted to others.
    func opened(
        _ object: any ObjectBytes & Sendable, _ key: ObjectKey, _ fileKey: @escaping AgeOpening.FileKey
    ) async throws(DeliveryError) -> DecryptedBytes? {
        try await onLane(key) { try AgeFile.text(of: object, fileKey) }
    }

    private func opening(
        _ object: any ObjectBytes & Sendable, _ key: ObjectKey, _ fileKey: @escaping AgeOpening.FileKey
    ) async throws(DeliveryError) -> AgeOpening? {
        try await onLane(key) { try AgeOpening(object, fileKey) }
    }

    /// - Returns: `nil` for `notForUs`.
    private func onLane<Found: Sendable>(
        _ key: ObjectKey, _ body: @escaping @Sendable () throws -> Found
    ) async throws(DeliveryError) -> Found? {
        do {
            return try await withTaskExecutorPreference(opener) { try await Self.run(body) }
        } catch AgeFault.notForUs {
            return nil
        } catch let fault as AgeFault {
            throw DeliveryError(
                .damaged, "object \(key) is damaged: \(fault)",
                hint:
                    "it was not written by uploaderd or changed since; what another destination has is read from there")
        } catch let error as DeliveryError {
            throw error
        } catch {
            throw DeliveryError(.transient, "could not read object \(key): \(error)")
        }
    }

    @concurrent
    private static func run<Found: Sendable>(_ body: @Sendable () throws -> Found) async throws -> Found { try body() }
}
