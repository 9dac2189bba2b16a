import LinuxSystem
import Shared

/// The files of a batch, before its transaction. Each step is made of all of them before the next one begins, so that the
/// fsyncs of a step may run at the same time, and a folder that many names are made in is synced once:
///
///     write      segments and manifests, into temporary files
///     sync       all of them
///     place      segments, and the lists of manifests
///     sync       the spool's folders that got a name, and the one of the manifests
///     place      manifests, whose lists are durable by then; sync
extension Store {
    /// What cannot be written is answered and left out. Manifests are answered here: they need no row.
    ///
    /// - Returns: the segments' files, some of which may be answered by now.
    func writeFiles(_ batch: [CommitRequest]) -> [PlacedFile] {
        let segments = writeSegments(batch)
        let manifests = writeManifests(batch)
        guard !segments.isEmpty || !manifests.isEmpty else { return [] }
        if !segments.isEmpty { faults.reach(.sealWritten) }
        sync(segments, manifests)
        let placed = place(segments)
        let listed = manifests.filter { $0.isWaiting && placeList(of: $0) }
        settle(placed, listed)
        if !placed.isEmpty { faults.reach(.sealRenamed) }
        keep(listed)
        return placed
    }

    private func sync(_ segments: [PlacedFile], _ manifests: [ManifestWriting]) {
        let results = spoolFiles.syncs.sync(
            segments.map { SyncTarget(file: spoolFiles.temporary($0.temporary)) }
                + manifests.flatMap { $0.temporaries.map(SyncTarget.init(file:)) })
        for (file, failure) in zip(segments, results) {
            guard let failure else { continue }
            file.request.answer(.failure(spoolFiles.failure(toSync: file.temporary, failure)))
            abandon(file.temporary)
        }
        var rest = results.dropFirst(segments.count)
        for writing in manifests {
            let failures = rest.prefix(writing.temporaries.count).compactMap(\.self)
            rest = rest.dropFirst(writing.temporaries.count)
            if let failure = failures.first { fail(writing, StoreError("could not keep \(writing.path)", failure)) }
        }
    }

    private func place(_ segments: [PlacedFile]) -> [PlacedFile] {
        var placed: [PlacedFile] = []
        for file in segments where !file.request.isAnswered {
            do throws(StoreError) {
                try place(file)
                placed.append(file)
            } catch {
                file.request.answer(.failure(error))
                abandon(file.temporary)
            }
        }
        return placed
    }

    /// Makes all names durable that were given.
    private func settle(_ placed: [PlacedFile], _ manifests: [ManifestWriting]) {
        let folders = Set(placed.map(\.folder))
        let wanted = spoolFiles.foldersToSync(for: folders)
        var targets = wanted.map { SyncTarget(directory: spoolFiles.absolute($0)) }
        if !manifests.isEmpty { targets.append(SyncTarget(directory: directory.manifests)) }
        var results = spoolFiles.syncs.sync(targets)
        if !manifests.isEmpty, let failure = results.removeLast() {
            for writing in manifests { fail(writing, StoreError("could not keep \(writing.path)", failure)) }
        }
        let unsettled = spoolFiles.settle(folders, after: results, of: wanted)
        for file in placed {
            if let failure = unsettled[file.folder] { file.request.answer(.failure(failure)) }
        }
    }
}
