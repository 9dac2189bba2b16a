import Delivery
import LinuxSystem
import Shared

/// What stores have, of all machines: from their manifests, of which those that did not change are not read again.
///
/// A few sessions at a time are in memory, in the order of their names. One store is gone through by one caller at a time.
struct RemoteSessions: Sendable {
    let world: Surroundings
    let cache: String
    private let turn = Permits(1)
    private let reading = Permits(4)

    /// So many are looked at beside each other, and told together.
    private static let atOnce = 32

    init(world: Surroundings, cache: String) {
        self.world = world
        self.cache = cache
    }

    /// Tells every session of the store, in the order of their names, and what could not be read of it.
    ///
    /// - Parameter forgotten: asked once the draft is there: what is forgotten before that is left out by it, what is forgotten later takes the
    ///   draft away.
    /// - Throws: `DeliveryError` when the store does not answer; what `tell` throws.
    func each(
        of id: StoreID, _ destination: String, _ store: any ManifestListing,
        besides forgotten: @Sendable () async throws -> Set<SessionID>,
        _ tell: @Sendable ([RemoteSession], _ unread: [String]) async throws(ControlError) -> Void
    ) async throws {
        await turn.acquire()
        defer { turn.release() }
        let lane = world.lane(of: destination)
        try await withTaskExecutorPreference(lane) {
            var known = RemoteCache(of: id, in: cache)
            var draft = try RemoteCacheDraft(of: id, in: cache)
            let hidden = Set(try await forgotten().map { StoreName.escaped($0.rawValue) })
            let names = try await store.sessionFolders().filter { !hidden.contains($0) }
            var from = 0
            while from < names.count {
                let some = names[from..<min(from + Self.atOnce, names.count)]
                from = some.endIndex
                let asked = some.map { (name: $0, known: known.manifests(of: $0)) }
                let found = try await look(at: asked, in: store, lane)
                try draft.add(found.flatMap(\.manifests))
                try await tell(
                    found.compactMap { RemoteSession($0.manifests, destination: destination) },
                    found.flatMap(\.faults).map { "destination \(destination): \($0)" })
            }
            try draft.publish()
        }
    }

    /// What is kept of a session that was forgotten goes with everything else: it is found again by reading.
    func drop() throws(SystemError) {
        let folder = RemoteCache.folder(in: cache)
        for entry in try Files.list(folder) { try Files.unlink("\(folder)/\(entry.name)") }
    }

    private struct Found: Sendable {
        var manifests: [RemoteManifest] = []
        var faults: [String] = []
    }

    private func look(
        at asked: [(name: String, known: [RemoteManifest])], in store: any ManifestListing, _ lane: any RoomExecutor
    ) async throws -> [Found] {
        try await withThrowingTaskGroup(of: (Int, Found).self) { group in
            for (index, each) in asked.enumerated() {
                group.addTask(executorPreference: lane) {
                    (index, try await look(at: each.name, known: each.known, in: store))
                }
            }
            var all = [Found](repeating: Found(), count: asked.count)
            for try await (index, found) in group { all[index] = found }
            return all
        }
    }

    private func look(
        at name: String, known: [RemoteManifest], in store: any ManifestListing
    ) async throws -> Found {
        var found = Found()
        for folder in try await store.manifestFolders(of: name) {
            let before = known.first { $0.folder == folder }
            // A manifest may be long; most are not even read.
            await reading.acquire()
            defer { reading.release() }
            do throws(DeliveryError) {
                switch try await store.glimpse(of: folder, in: name, unless: before?.version) {
                case .unchanged: if let before { found.manifests.append(before) }
                case .absent: break
                case .found(let manifest, let version):
                    if let read = RemoteManifest(manifest, name: name, folder: folder, version: version) {
                        found.manifests.append(read)
                    }
                }
            } catch {
                guard error.isOfOneSession else { throw error }
                found.faults.append(error.message)
            }
        }
        return found
    }
}
