package import Shared

/// A store into whose objects pointers lead: one of histories, and the segments beside which they lie.
package protocol PointedStore: SessionSink {
    /// - Parameter name: behind the store's prefix.
    /// - Returns: `nil`: no object of ours is called so.
    func object(named name: String) -> ObjectKey?

    /// A range that ends behind the object is cut off there; one that begins there gives no byte.
    func read(_ key: ObjectKey, range: Range<Int64>?) async throws(DeliveryError) -> any ObjectBytes & Sendable
}

extension ObjectLayoutSink: PointedStore {
    package func object(named name: String) -> ObjectKey? { ObjectKey(layout.prefix + name) }

    package func read(_ key: ObjectKey, range: Range<Int64>?) async throws(DeliveryError) -> any ObjectBytes & Sendable
    {
        try await store.read(key, range: range)
    }

    /// Of the session's first writer, whatever the session is called.
    ///
    /// - Parameter name: the session's, as it stands in its folder's.
    /// - Returns: `nil`: there is none.
    package func manifest(below name: String) async throws(DeliveryError) -> FoundManifest? {
        let home = "\(layout.prefix)\(name)/"
        return try await manifest(in: home, below: home)
    }
}

/// The name of a history object behind its store's prefix: `<sid>/history.jsonl`, `<sid>/streams/<stream>/history.g2.jsonl`. Pure.
package struct HistoryName: Sendable, Hashable {
    /// The session's, escaped.
    package var folder: String
    /// The stream's, escaped; `nil`: main.
    package var stream: String?
    /// `nil`: the stream's own.
    package var generation: Int?

    /// As it was read.
    package let text: String

    package init?(_ text: String) {
        self.text = text
        guard ObjectKey(text) != nil else { return nil }
        let parts = text.split(separator: "/").map(String.init)
        guard parts.count >= 2, let name = parts.last, name.hasPrefix("history."), name.hasSuffix("jsonl") else {
            return nil
        }
        folder = parts[0]
        let middle = name.dropFirst("history.".count).dropLast("jsonl".count)
        if !middle.isEmpty {
            guard middle.hasPrefix("g"), middle.hasSuffix("."), let number = Int(middle.dropFirst().dropLast()),
                number > 0
            else { return nil }
            generation = number
        }
        guard parts.count > 2 else { return }
        guard parts[1] == "streams", parts.count > 3 else { return nil }
        stream = parts[2..<parts.count - 1].joined(separator: "/")
    }
}
