package import Shared

/// What is where a manifest may be.
package enum ManifestGlimpse: Sendable {
    /// The version that was named.
    case unchanged
    case found(Manifest, version: String)
    case absent
}

/// A store whose manifests can be gone through without reading each of them again. `ObjectLayoutSink` is one over any object store that
/// can be listed; a store that only takes objects is none.
package protocol ManifestListing: Sendable {
    /// The names of the folders that sessions have, sorted. They are names only: what is in them is looked at by itself.
    func sessionFolders() async throws(DeliveryError) -> [String]

    /// Where the manifests of one of these are: its first writer's first.
    func manifestFolders(of name: String) async throws(DeliveryError) -> [String]

    /// - Parameters:
    ///   - name: of the session's folder; a manifest that says that it is another's is damaged.
    ///   - version: one that is known; it is not read then.
    /// - Throws: `conflict` for one that is damaged, or needs a newer version.
    func glimpse(of folder: String, in name: String, unless version: String?) async throws(DeliveryError)
        -> ManifestGlimpse
}

extension ObjectLayoutSink: ManifestListing {
    package func sessionFolders() async throws(DeliveryError) -> [String] {
        try await store.listFolders(layout.prefix).filter { ObjectKey($0) != nil }
    }

    package func manifestFolders(of name: String) async throws(DeliveryError) -> [String] {
        let home = home(name)
        return [home] + (try await writerFolders(below: home))
    }

    package func glimpse(
        of folder: String, in name: String, unless version: String?
    ) async throws(DeliveryError) -> ManifestGlimpse {
        // Asked before it is read: one that is put in between is read again the next time.
        guard let now = try await store.version(of: try key(layout.manifest(in: folder), "manifest")) else {
            return .absent
        }
        if now.tag == version { return .unchanged }
        guard let found = try await manifest(in: folder, below: home(name)) else { return .absent }
        return .found(found.manifest, version: now.tag)
    }

    private func home(_ name: String) -> String { "\(layout.prefix)\(name)/" }
}
