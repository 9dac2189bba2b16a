package import Shared

/// One folder of objects over several lanes: each session's objects on one of them, in order. A disk that is waited for is
/// waited for by one session, and a journal commits what several sync together once.
package struct SpreadObjectStore: ObjectStore {
    private let stores: [DirectoryObjectStore]
    private let prefix: String

    /// - Parameters:
    ///   - stores: of the same root; at least one.
    ///   - prefix: what the layout's keys begin with; the component behind it is the session's.
    package init(_ stores: [DirectoryObjectStore], prefix: String) {
        precondition(!stores.isEmpty)
        self.stores = stores
        self.prefix = prefix
    }

    /// - Parameter path: of an object or a folder.
    private func store(of path: String) -> DirectoryObjectStore {
        let below = path.utf8.dropFirst(prefix.utf8.count)
        guard path.hasPrefix(prefix), let end = below.firstIndex(of: UInt8(ascii: "/")) else { return stores[0] }
        let hash = below[..<end].reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return stores[Int(hash % UInt64(stores.count))]
    }

    package func put(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
    ) async throws(DeliveryError) -> ObjectVersion {
        try await store(of: key.rawValue).put(body, to: key, mode)
    }

    package func version(of key: ObjectKey) async throws(DeliveryError) -> ObjectVersion? {
        try await store(of: key.rawValue).version(of: key)
    }

    package func read(_ key: ObjectKey, range: Range<Int64>?) async throws(DeliveryError) -> any ObjectBytes & Sendable
    {
        try await store(of: key.rawValue).read(key, range: range)
    }

    package func list(_ prefix: String) async throws(DeliveryError) -> [ObjectKey] {
        try await store(of: prefix).list(prefix)
    }

    package func isEmpty(below prefix: String) async throws(DeliveryError) -> Bool {
        try await store(of: prefix).isEmpty(below: prefix)
    }

    package func listFolders(_ prefix: String) async throws(DeliveryError) -> [String] {
        try await store(of: prefix).listFolders(prefix)
    }

    package func delete(_ key: ObjectKey) async throws(DeliveryError) {
        try await store(of: key.rawValue).delete(key)
    }

    package func sweep(_ prefix: String) async throws(DeliveryError) { try await store(of: prefix).sweep(prefix) }
}
