package import Shared

/// The name of an object in a store: slash-separated components of `[A-Za-z0-9._-]`, none of them empty, `.` or `..`.
package struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: String

    /// - Returns: `nil` for a key that some store would refuse or that would leave its folder.
    package init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 1024 else { return nil }
        for part in text.split(separator: "/", omittingEmptySubsequences: false) {
            guard !part.isEmpty, part != ".", part != "..", part.utf8.count <= 255 else { return nil }
            guard part.utf8.allSatisfy(ObjectKey.isPlain) else { return nil }
        }
        rawValue = text
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    package var description: String { rawValue }
    package static func < (a: ObjectKey, b: ObjectKey) -> Bool { a.rawValue < b.rawValue }
}

/// Tells one state of an object from every other: an entity tag. Nobody looks into it.
package struct ObjectVersion: Hashable, Sendable {
    /// To be kept, and compared.
    package let tag: String

    package init(_ tag: String) { self.tag = tag }
}

/// How a put treats an object that is there already.
package enum PutMode: Sendable, Hashable {
    /// The name is final. The same bytes under it are success; other bytes are `DeliveryError.conflict`.
    case immutable(Digest256)
    /// Takes the place of this version, or with `nil` of nothing; anything else that is there is `DeliveryError.conflict`, and
    /// stays. A store that can asks that with the put (If-Match, If-None-Match); any other right before it, so who replaces an
    /// object reads back what matters.
    case replacing(ObjectVersion?)
}

/// A place that keeps objects by name: directory, S3, Supabase Storage, presigned URLs.
///
/// The contract, which `ObjectStoreContract` in the tests holds for every implementation:
/// - `put` is whole or not at all: no reader ever sees a part, and what it confirmed survives a power loss.
/// - Putting the same bytes under the same key twice, or after a time-out that succeeded, is not an error.
/// - "Not there" is `DeliveryError.notFound` from `read`, and `[]` from `list`; any other failure throws, never an empty answer.
/// - `delete` of what is not there is not an error.
package protocol ObjectStore: Sendable {
    /// Whole and durable when it returns.
    ///
    /// - Returns: what is there now.
    @discardableResult
    func put(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
    ) async throws(DeliveryError) -> ObjectVersion

    /// - Returns: `nil` when it is not there.
    func version(of key: ObjectKey) async throws(DeliveryError) -> ObjectVersion?

    /// The object's bytes, or those of a range of it; a range past the end is clamped.
    func read(_ key: ObjectKey, range: Range<Int64>?) async throws(DeliveryError) -> any ObjectBytes & Sendable

    /// All keys that begin with `prefix` (which ends in a slash), sorted.
    func list(_ prefix: String) async throws(DeliveryError) -> [ObjectKey]

    /// Whether a listing shows nothing below `prefix` (which ends in a slash). It is one request, however much there is.
    func isEmpty(below prefix: String) async throws(DeliveryError) -> Bool

    /// The names of the folders right below `prefix`, sorted.
    func listFolders(_ prefix: String) async throws(DeliveryError) -> [String]

    func delete(_ key: ObjectKey) async throws(DeliveryError)

    /// Removes below `prefix` what puts that were cut off have left, and is no object; nothing, where a put is an object or nothing.
    ///
    /// Without a default: an asynchronous one would be taken before an actor's own, wherever the actor's type is known.
    func sweep(_ prefix: String) async throws(DeliveryError)

    /// Where its calls block; `nil`: nowhere. Several calls in a row are made from there, and change threads once.
    var lane: (any TaskExecutor)? { get }
}

extension ObjectStore {
    package var lane: (any TaskExecutor)? { nil }

    /// A small object, whole.
    ///
    /// - Returns: `nil` when it is not there.
    package func readAll(_ key: ObjectKey, limit: Int64 = 256 << 20) async throws(DeliveryError) -> [UInt8]? {
        let bytes: any ObjectBytes & Sendable
        do throws(DeliveryError) {
            bytes = try await read(key, range: nil)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
        guard bytes.size <= limit else {
            throw DeliveryError(
                .permanent, "object \(key) has \(bytes.size) bytes, more than the \(limit) that are read")
        }
        var all = [UInt8](repeating: 0, count: Int(bytes.size))
        do {
            let count = try all.withUnsafeMutableBytes { try bytes.read(at: 0, into: $0) }
            guard count == all.count else {
                throw DeliveryError(.transient, "object \(key) ended after \(count) of \(all.count) bytes")
            }
        } catch let error as DeliveryError {
            throw error
        } catch let error as DamagedBytes {
            throw DeliveryError(.damaged, "object \(key) is damaged: \(error)")
        } catch {
            throw DeliveryError(.transient, "could not read object \(key): \(error)")
        }
        return all
    }
}
