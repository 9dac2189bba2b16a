import Digests
import LinuxSystem
import Shared

/// A session's manifest on its way into the state directory, for all stores that are to get one at the same time.
struct ManifestWriting {
    var session: SessionID
    var sessionRow: Int64
    /// Of the manifest.
    var path: String
    var requests: [CommitRequest] = []
    /// As it is on the disk.
    var before: LocalManifests.Stores
    /// As it is going to be.
    var list: LocalManifests.Stores
    /// The fullest one, if it is as full as the one that is kept.
    var manifest: [UInt8]?
    var extent: Int64
    /// Of the list and of the manifest, in that order.
    var temporaries: [String] = []

    var isWaiting: Bool { requests.contains { !$0.isAnswered } }

    mutating func add(_ bytes: [UInt8], _ basis: ManifestBasis) {
        list.stores[basis.store.rawValue] = LocalManifests.Stores.Entry(
            epoch: basis.epoch, listing: LocalManifests.listing(of: basis))
        guard basis.extent >= extent else { return }
        extent = basis.extent
        manifest = bytes
        list.manifests = [RunningDigest.digest(of: bytes)] + before.manifests.prefix(3)
    }
}

extension Store {
    /// Keeps a manifest here before it is put: durable when this returns.
    ///
    /// The fullest one stays; of one that lists less, because its store is behind, only epoch and listing are noted.
    package nonisolated(nonsending) func keep(
        _ manifest: [UInt8], for basis: ManifestBasis
    ) async throws(StoreError) { _ = try await submit(.keep(manifest, basis)) }

    /// Writes lists and manifests into temporary files, without syncing them; what cannot be is answered and left out.
    func writeManifests(_ batch: [CommitRequest]) -> [ManifestWriting] {
        var writings: [SessionID: ManifestWriting] = [:]
        for request in batch {
            guard case .keep(let bytes, let basis) = request.work else { continue }
            do throws(StoreError) {
                var writing: ManifestWriting
                if let begun = writings[basis.session] { writing = begun } else { writing = try begin(basis) }
                writing.add(bytes, basis)
                writing.requests.append(request)
                writings[basis.session] = writing
            } catch {
                request.answer(.failure(error))
            }
        }
        var written: [ManifestWriting] = []
        for var writing in writings.values.sorted(by: { $0.session < $1.session }) {
            do throws(StoreError) {
                try write(&writing)
                written.append(writing)
            } catch {
                fail(writing, error)
            }
        }
        return written
    }

    private func begin(_ basis: ManifestBasis) throws(StoreError) -> ManifestWriting {
        let list = try LocalManifests(directory: directory).stores(of: basis.session)
        var extent = try catalog().number("SELECT kept_extent FROM sessions WHERE id = ?1", basis.sessionRow)
        if let unrecorded = kept[basis.sessionRow] { extent = unrecorded.extent }
        return ManifestWriting(
            session: basis.session, sessionRow: basis.sessionRow, path: directory.manifest(of: basis.session),
            before: list, list: list, extent: extent)
    }

    private func write(_ writing: inout ManifestWriting) throws(StoreError) {
        try writing.write(Array(try jsonText(writing.list).utf8), for: directory.storesOfManifest(of: writing.session))
        if let manifest = writing.manifest { try writing.write(manifest, for: writing.path) }
    }

    /// - Returns: whether it has its name.
    func placeList(of writing: ManifestWriting) -> Bool {
        let path = directory.storesOfManifest(of: writing.session)
        do throws(StoreError) {
            try reporting("could not keep \(path)") { () throws(SystemError) in
                try Files.rename(writing.temporaries[0], to: path, replacing: true)
            }
            return true
        } catch {
            fail(writing, error)
            return false
        }
    }

    /// Gives the manifests their names, now that their lists are durable, and answers.
    func keep(_ listed: [ManifestWriting]) {
        var placed: [ManifestWriting] = []
        for writing in listed where writing.manifest != nil && writing.isWaiting {
            do throws(StoreError) {
                try reporting("could not keep \(writing.path)") { () throws(SystemError) in
                    try Files.rename(writing.temporaries[1], to: writing.path, replacing: true)
                }
                placed.append(writing)
            } catch {
                fail(writing, error)
            }
        }
        if !placed.isEmpty, let failure = spoolFiles.syncs.sync([SyncTarget(directory: directory.manifests)])[0] {
            for writing in placed { fail(writing, StoreError("could not keep \(writing.path)", failure)) }
        }
        for writing in placed where writing.isWaiting {
            do throws(StoreError) {
                let status = try reporting("could not look at \(writing.path)") { () throws(SystemError) in
                    try Files.status(writing.path)
                }
                guard let status else { continue }
                kept[writing.sessionRow] = KeptManifest(
                    size: status.size, modified: status.modified, extent: writing.extent)
            } catch {
                fail(writing, error)
            }
        }
        if listed.contains(where: \.isWaiting) { faults.reach(.manifestKept) }
        for request in listed.flatMap(\.requests) { request.answer(.success(.recorded)) }
    }

    /// Nothing is left of it but what is durable already: a list that names more claims nothing of what is not there.
    func fail(_ writing: ManifestWriting, _ error: StoreError) {
        for request in writing.requests { request.answer(.failure(error)) }
        for path in writing.temporaries {
            do throws(SystemError) {
                try Files.unlink(path)
            } catch {
                // The first error is the one that matters, and boot removes it.
            }
        }
        if error.code == .noSpace { opened?.shrinkLog() }
    }
}

extension ManifestWriting {
    fileprivate mutating func write(_ bytes: [UInt8], for path: String) throws(StoreError) {
        let temporary = try reporting("could not keep \(path)") { () throws(SystemError) in
            try Files.writeTemporary(bytes, for: path)
        }
        temporaries.append(temporary)
    }
}
