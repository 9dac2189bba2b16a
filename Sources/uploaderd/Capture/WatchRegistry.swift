import LinuxSystem
import Shared
import Synchronization

/// One inotify queue, shared by who adds watches and who reads events.
final class NotificationQueue: Sendable {
    let inotify: Inotify

    init() throws(SystemError) { inotify = try Inotify() }
}

/// Why a directory is watched. One directory may have several reasons: roots may overlap.
enum WatchPlace: Hashable, Sendable {
    /// It is `path` below the root with this index; the empty path is the root itself.
    case directory(root: Int, path: String)
    /// In it the entry `name` leads to the root with this index.
    case anchor(root: Int, name: String)

    var root: Int {
        switch self {
        case .directory(let root, _), .anchor(let root, _): root
        }
    }

    static func == (a: WatchPlace, b: WatchPlace) -> Bool {
        switch (a, b) {
        case (.directory(let one, let path), .directory(let other, let otherPath)):
            one == other && String.sameBytes(path, otherPath)
        case (.anchor(let one, let name), .anchor(let other, let otherName)):
            one == other && String.sameBytes(name, otherName)
        case (.directory, .anchor), (.anchor, .directory): false
        }
    }
}

/// Which watch stands for which directory: the one place where both threads look.
///
/// A watch and its entry appear in one step, so that the loop never reads an event of a watch that is not yet known.
final class WatchRegistry: Sendable {
    enum Adding: Sendable {
        case watched
        /// fs.inotify.max_user_watches, max_user_instances or our own budget is reached.
        case limited
        case failed(SystemError)
    }

    private struct Table {
        var places: [Int32: [WatchPlace]] = [:]
        var watches: [WatchPlace: (watch: Int32, sweep: UInt32)] = [:]
        /// Paths that were refused, so that each is said once and their events lead nowhere.
        var refused: Set<WatchPlace> = []
    }

    static let refusedLimit = 1024

    /// `nil` when the kernel gave none: then every directory is polled.
    let queue: NotificationQueue?
    private let budget: Int
    private let table = Mutex(Table())

    init(queue: NotificationQueue?, budget: Int) {
        self.queue = queue
        self.budget = budget
    }

    /// Watches an open directory, or says again that it is watched.
    ///
    /// - Parameter sweep: the scan that saw it; see `places(of:notSeenIn:)`.
    func add(_ directory: borrowing Descriptor, as place: WatchPlace, sweep: UInt32) -> Adding {
        guard let queue else { return .limited }
        return table.withLock { table in
            if table.watches[place] == nil, table.places.count >= budget { return .limited }
            let watch: Int32
            do throws(SystemError) {
                watch = try queue.inotify.add(directory, .everything)
            } catch {
                return error.isNoSpace || error.isTooManyOpen ? .limited : .failed(error)
            }
            if let known = table.watches[place], known.watch != watch {
                // Another directory has taken this place.
                Self.drop(place, known.watch, from: &table, queue)
            }
            table.watches[place] = (watch, sweep)
            if table.places[watch]?.contains(place) != true { table.places[watch, default: []].append(place) }
            return .watched
        }
    }

    func places(of watch: Int32) -> [WatchPlace] { table.withLock { $0.places[watch] ?? [] } }

    func isWatched(_ place: WatchPlace) -> Bool { table.withLock { $0.watches[place] != nil } }

    /// The number of watches.
    var count: Int { table.withLock { $0.places.count } }

    /// The kernel dropped the watch: its directory is gone, or unmounted.
    func forget(_ watch: Int32) {
        table.withLock { table in
            for place in table.places.removeValue(forKey: watch) ?? [] where table.watches[place]?.watch == watch {
                table.watches[place] = nil
            }
        }
    }

    /// Stops watching a place and all below it.
    func remove(root: Int, below path: String) {
        remove { place in
            guard case .directory(root, let known) = place else { return false }
            return path.isEmpty || known == path || known.hasPrefix(path + "/")
        }
    }

    func removeAnchors(root: Int) {
        remove { place in
            if case .anchor(root, _) = place { true } else { false }
        }
    }

    /// Stops watching what a finished sweep of the root has not seen: it is not there any more.
    func remove(root: Int, notSeenIn sweep: UInt32) {
        table.withLock { table in
            for (place, known) in table.watches {
                guard case .directory(root, _) = place, known.sweep != sweep else { continue }
                Self.drop(place, known.watch, from: &table, queue)
            }
        }
    }

    /// - Returns: whether this was not said before, and is worth saying.
    func refuse(root: Int, path: String) -> Bool {
        table.withLock { table in
            guard table.refused.count < Self.refusedLimit else { return false }
            return table.refused.insert(.directory(root: root, path: path)).inserted
        }
    }

    func isRefused(root: Int, path: String) -> Bool {
        table.withLock { !$0.refused.isEmpty && $0.refused.contains(.directory(root: root, path: path)) }
    }

    /// The paths below a root that were refused.
    func refused(root: Int) -> [String] {
        table.withLock { table in
            table.refused.compactMap { place in
                if case .directory(root, let path) = place { path } else { nil }
            }
        }
    }

    /// - Returns: whether it had been refused.
    func unrefuse(root: Int, path: String) -> Bool {
        table.withLock { !$0.refused.isEmpty && $0.refused.remove(.directory(root: root, path: path)) != nil }
    }

    private func remove(_ isMeant: (WatchPlace) -> Bool) {
        table.withLock { table in
            for (place, known) in table.watches where isMeant(place) {
                Self.drop(place, known.watch, from: &table, queue)
            }
        }
    }

    private static func drop(_ place: WatchPlace, _ watch: Int32, from table: inout Table, _ queue: NotificationQueue?)
    {
        table.watches[place] = nil
        table.places[watch]?.removeAll { $0 == place }
        guard table.places[watch]?.isEmpty == true else { return }
        table.places[watch] = nil
        queue?.inotify.remove(watch)
    }
}

extension InotifyMask {
    /// Both reasons for a watch need no more than this; closing tells that a writer may be gone.
    static let everything: InotifyMask = [
        .modified, .created, .deleted, .movedFrom, .movedTo, .closedAfterWriting, .attributes, .selfDeleted, .selfMoved,
        .onlyDirectory,
    ]
}
