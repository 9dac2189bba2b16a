import LinuxSystem
package import Shared

/// Which store each destination led to, kept beside the catalog as well: without it a start that lost the catalog would take the
/// mount point of a disk that is not there for an empty store, and make one in it.
///
///     stores.json     {"destinations":{"archive":"<store id>"}}
///
/// A copy of the rows `destination.<name>` in `meta`, which count where both have a name. Valid: it parses; one that is missing, or
/// a crash older, only claims less.
struct KnownStores: Codable, Equatable {
    var destinations: [String: StoreID] = [:]

    static func read(in directory: StateDirectory) throws(StoreError) -> KnownStores {
        let path = directory.knownStores
        let bytes = try reporting("could not read \(path)") { () throws(SystemError) -> [UInt8]? in
            guard try Files.status(path) != nil else { return nil }
            return try Files.readAll(path)
        }
        guard let bytes else { return KnownStores() }
        do {
            return try JSONText.decode(KnownStores.self, from: bytes)
        } catch {
            // Safe: our writes leave no half of it, so somebody else did; the catalog has it, and it is written anew from there.
            return KnownStores()
        }
    }

    func write(in directory: StateDirectory) throws(StoreError) {
        let path = directory.knownStores
        let bytes = Array(try jsonText(self).utf8)
        try reporting("could not keep \(path)") { () throws(SystemError) in try Files.writeDurably(bytes, to: path) }
    }
}

extension Store {
    static let destinationPrefix = "destination."

    /// The store that a destination led to when it was open last; `nil`: it never was.
    package func knownStore(of destination: String) throws(StoreError) -> StoreID? {
        try value(Self.destinationPrefix + destination).map { StoreID($0) }
    }

    /// Every destination that was ever open, and the store that it led to last.
    package func knownDestinations() throws(StoreError) -> [String: StoreID] {
        let rows = try catalog().rows("SELECT key, value FROM meta") { (row) throws(StoreError) in
            (row.text(0), StoreID(row.text(1)))
        }
        var known: [String: StoreID] = [:]
        for (key, id) in rows where key.hasPrefix(Self.destinationPrefix) {
            known[String(key.dropFirst(Self.destinationPrefix.count))] = id
        }
        return known
    }

    /// From now on the destination stands for this store: durable when this returns. Saying it again is not an error.
    package func note(_ store: StoreID, of destination: String) throws(StoreError) {
        try setValue(Self.destinationPrefix + destination, store.rawValue)
        let known = KnownStores(destinations: try knownDestinations())
        if try KnownStores.read(in: directory) != known { try known.write(in: directory) }
    }

    /// What a catalog that is new, or an older copy, does not know.
    func takeUpKnownStores() throws(StoreError) {
        for (name, id) in try KnownStores.read(in: directory).destinations where try knownStore(of: name) == nil {
            try setValue(Self.destinationPrefix + name, id.rawValue)
        }
    }
}
