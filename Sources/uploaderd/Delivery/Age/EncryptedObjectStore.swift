package import Shared

/// Any object store, with every object in it an age v1 file of its own: what is called `a/b` here is `a/b.age` there. Whoever
/// stands above sees plain objects; the store sees names, sizes and times, and no text.
///
/// `age --decrypt --identity KEY a/b.age` gives the object. A range of it is read as the chunks that cover it. Without an identity
/// objects are put, looked at, listed and deleted, and not read.
package final class EncryptedObjectStore: ObjectStore {
    let inner: any ObjectStore
    let recipients: [AgeRecipient]
    let identity: AgeIdentityFile?
    let identities: KeyRing<AgeIdentities>?
    private let machine: MachineSeal
    private let random: any RandomSource
    private let witness: ObjectKey?
    /// For what is encrypted, decrypted and digested.
    private let worker: any RoomExecutor
    let openings = AgeOpenings()

    package static let suffix = ".age"

    /// - Parameters:
    ///   - identity: `nil`: nothing can be read.
    ///   - machine: the same for as long as this machine puts objects there.
    ///   - witness: the object that every store has; a store that has it unencrypted is no place for others.
    package init(
        _ inner: any ObjectStore, to recipients: [AgeRecipient], identity: AgeIdentityFile?, machine: MachineSeal,
        witness: ObjectKey? = nil, time: any TimeSource, random: any RandomSource, worker: any RoomExecutor
    ) {
        self.inner = inner
        self.recipients = recipients
        self.identity = identity
        identities = identity.map { file in
            KeyRing(time: time) { () async throws(DeliveryError) in try await file.read() }
        }
        self.machine = machine
        self.witness = witness
        self.random = random
        self.worker = worker
    }

    package var lane: (any TaskExecutor)? { inner.lane }

    /// Where bytes are read and decrypted: reading may block there.
    var opener: any TaskExecutor { inner.lane ?? worker }

    // MARK: Puts

    @discardableResult
    package func put(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
    ) async throws(DeliveryError) -> ObjectVersion {
        let stored = try Self.stored(key)
        switch mode {
        case .replacing:
            return try await inner.put(
                try sealed(body, expecting: nil, ObjectSeal(random: random)), to: stored, mode)
        case .immutable(let digest):
            let seal = ObjectSeal(of: key, digest, size: body.size, machine)
            let sealed = try sealed(body, expecting: digest, seal)
            // All of the text is read and compared before the first byte leaves.
            let object = try await ObjectDigest.of(sealed, stored, on: worker)
            do throws(DeliveryError) {
                return try await inner.put(sealed, to: stored, .immutable(object))
            } catch {
                guard error.code == .conflict, let there = try await held(key, digest, body.size, seal) else {
                    throw error
                }
                return there
            }
        }
    }

    private func sealed(
        _ body: any ObjectBytes & Sendable, expecting digest: Digest256?, _ seal: ObjectSeal
    ) throws(DeliveryError) -> EncryptedBytes {
        do throws(AgeHeader.UnusableRecipient) {
            return try EncryptedBytes(body, expecting: digest, seal, to: recipients)
        } catch {
            throw DeliveryError(
                .unusable, "nothing can be encrypted to \(error.recipient): it is no public key",
                hint: "take it out of recipients", retryAfter: DeliveryError.pause)
        }
    }

    /// What is there under a final name may have been encrypted to other recipients, or by another machine: the text decides. What this
    /// machine put it can read without an identity.
    ///
    /// - Returns: `nil`: it is another text, or cannot be read.
    private func held(
        _ key: ObjectKey, _ digest: Digest256, _ size: Int64, _ seal: ObjectSeal
    ) async throws(DeliveryError) -> ObjectVersion? {
        let stored = try Self.stored(key)
        guard let version = try await inner.version(of: stored) else { return nil }
        do throws(DeliveryError) {
            let all = try await identities?.keys().all ?? []
            let object = try await inner.read(stored, range: nil)
            let there = try await opened(object, key) { header throws(AgeFault) in
                header.isOf(seal.fileKey) ? seal.fileKey : try header.fileKey(all)
            }
            guard let text = there else { return nil }
            let found = try await ObjectDigest.of(text, key, on: worker)
            return text.size == size && found == digest ? version : nil
        } catch {
            if error.isTransient { throw error }
            return nil
        }
    }

    // MARK: Everything else

    package func version(of key: ObjectKey) async throws(DeliveryError) -> ObjectVersion? {
        let stored = try Self.stored(key)
        if key == witness {
            do throws(DeliveryError) {
                // A directory knows only what was read of it, and nobody reads what cannot be decrypted.
                _ = try await inner.read(stored, range: 0..<0)
            } catch {
                guard error.code == .notFound else { throw error }
                try await requireNoPlainStore()
                return nil
            }
        }
        return try await inner.version(of: stored)
    }

    package func read(_ key: ObjectKey, range: Range<Int64>?) async throws(DeliveryError) -> any ObjectBytes & Sendable
    {
        do throws(DeliveryError) {
            guard let range else { return try await whole(key) }
            return try await part(range, of: key)
        } catch {
            if error.code == .notFound, key == witness { try await requireNoPlainStore() }
            throw error
        }
    }

    /// What lies unencrypted beside encrypted objects would be found by nobody.
    private func requireNoPlainStore() async throws(DeliveryError) {
        guard let witness, try await inner.version(of: witness) != nil else { return }
        throw DeliveryError(
            .unusable, "the store there is not encrypted: there is an object \(witness)",
            hint: "give the encrypted one another path or prefix; both can be configured",
            retryAfter: DeliveryError.pause)
    }

    package func list(_ prefix: String) async throws(DeliveryError) -> [ObjectKey] {
        // Another order than with the suffix.
        try await inner.list(prefix).compactMap { Self.plain($0) }.sorted()
    }

    package func isEmpty(below prefix: String) async throws(DeliveryError) -> Bool {
        try await inner.isEmpty(below: prefix)
    }

    package func listFolders(_ prefix: String) async throws(DeliveryError) -> [String] {
        try await inner.listFolders(prefix)
    }

    package func delete(_ key: ObjectKey) async throws(DeliveryError) { try await inner.delete(try Self.stored(key)) }

    /// What is not encrypted is no object of this store.
    package func sweep(_ prefix: String) async throws(DeliveryError) {
        for other in try await inner.list(prefix) where Self.plain(other) == nil { try await inner.delete(other) }
        try await inner.sweep(prefix)
    }

    // MARK: Names

    static func stored(_ key: ObjectKey) throws(DeliveryError) -> ObjectKey {
        guard let stored = ObjectKey(key.rawValue + suffix) else {
            throw DeliveryError(.unacceptable, "\(key) cannot be the name of an encrypted object: it is too long")
        }
        return stored
    }

    private static func plain(_ stored: ObjectKey) -> ObjectKey? {
        stored.rawValue.hasSuffix(suffix) ? ObjectKey(String(stored.rawValue.dropLast(suffix.count))) : nil
    }

    /// - Returns: whether nothing else would be read with it there.
    func isOfWholeStore(_ key: ObjectKey) -> Bool { key == witness }
}
