import LinuxSystem
import Shared

/// What there is below a prefix.
extension DirectoryObjectStore {
    package func list(_ prefix: String) throws(DeliveryError) -> [ObjectKey] {
        var found: [ObjectKey] = []
        var folders = [prefix]
        while let folder = folders.popLast() {
            for entry in try entries(of: folder) where !entry.name.hasPrefix(StoreFolders.temporary) {
                if entry.kind == .directory {
                    folders.append("\(folder)\(entry.name)/")
                } else if let key = ObjectKey("\(folder)\(entry.name)") {
                    found.append(key)
                }
            }
        }
        return found.sorted()
    }

    package func sweep(_ prefix: String) throws(DeliveryError) {
        var left = [prefix]
        while let folder = left.popLast() {
            for entry in try entries(of: folder) where entry.kind == .directory {
                left.append("\(folder)\(entry.name)/")
            }
            do throws(SystemError) {
                if let there = try StoreFolders.opened(folder, beneath: folders.root()) { try folders.sweep(there) }
            } catch {
                throw DeliveryError(.transient, "could not sweep \(root)/\(folder): \(error.reason)")
            }
        }
    }

    package func isEmpty(below prefix: String) throws(DeliveryError) -> Bool { try entries(of: prefix).isEmpty }

    package func listFolders(_ prefix: String) throws(DeliveryError) -> [String] {
        try entries(of: prefix).filter { $0.kind == .directory }.map(\.name).sorted()
    }

    private func entries(of folder: String) throws(DeliveryError) -> [DirectoryEntry] {
        let entries: [DirectoryEntry]
        do throws(SystemError) {
            entries = try StoreFolders.opened(folder.isEmpty ? "." : folder, beneath: folders.root())?.entries() ?? []
        } catch {
            if error.isEscape { throw throughLink(folder) }
            guard error.isNotFound else {
                throw DeliveryError(.transient, "could not list \(root)/\(folder): \(error.reason)")
            }
            entries = []
        }
        // Behind the listing: what was listed was this store's then.
        try requireWitness()
        return entries
    }
}
