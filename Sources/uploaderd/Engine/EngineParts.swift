import Capture
import LinuxSystem
import Redaction
import Segments
import Shared
import Store

/// The services of a running engine, for whoever answers questions about it.
package struct EngineParts: Sendable {
    /// A destination as it is configured.
    struct Destination: Sendable, Hashable {
        var name: String
        var type: String
        var isRequired: Bool
    }

    let world: Surroundings
    let board: StatusBoard
    let store: Store
    let context: PipelineContext
    let intake: SourceIntake
    let supervisor: SessionSupervisor
    let delivery: DeliveryService
    let objects: ObjectFinder
    let replay: ReplayService
    let destinations: [Destination]
    let watched: [WatchRoot]
    let spoolLimit: Int64
    /// Where the store is, when no destination is configured.
    let defaultStorePath: String?

    var rules: String { context.redactor.rules }

    /// The ids of all required stores; `nil` while one of them was never open.
    var requiredStores: [StoreID]? {
        let required = destinations.filter(\.isRequired)
        let ids = required.compactMap { objects.id(named: $0.name) }
        return ids.count == required.count ? ids : nil
    }

    var storeNames: [StoreID: String] {
        Dictionary(uniqueKeysWithValues: objects.readable.map { ($0.id, $0.shelf.name) })
    }

    func roots(_ seen: StatusBoard.Snapshot) -> [RootStatus] {
        watched.map { root in
            let trouble = seen.health.first { $0.subject == root.root }
            let state: RootStatus.State =
                switch trouble?.kind {
                case "root_unreadable", "source_unreadable": .unreadable
                case "watch_limit": .polled
                default: seen.presentRoots.contains(root.root) ? (seen.isScanning ? .scanning : .watching) : .waiting
                }
            return RootStatus(agent: root.agent, root: root.root, state: state)
        }
    }

    /// The files of a session.
    func sources(of session: SessionID) async throws(ControlError) -> [SourcePath] {
        do throws(StoreError) {
            guard let description = try await store.describe(session) else { throw StoreError(.unknown, "") }
            return description.streams.compactMap(\.source).map {
                SourcePath(agent: $0.agent, root: $0.root, relativePath: $0.relativePath)
            }
        } catch {
            if error.code == .unknown { throw ReplayService.noSession(session) }
            throw ControlError(.backendError, error.description, hint: error.hint)
        }
    }

    /// Takes one file to its end: through its root's pipeline when it is watched, else once, as a generic session.
    func takeFile(_ path: String) async throws(ControlError) {
        if let root = watched.first(where: { $0.holds(path) }) {
            await supervisor.flush([root.source(String(path.dropFirst(root.root.utf8.count + 1)))])
            return
        }
        let single = WatchRoot(file: path)
        let source = single.source(single.onlyFile ?? "")
        let once = SourceIntake(
            store: store, context: context, resolver: intake.resolver,
            roots: intake.roots.merging([single.root: single]) { $1 }, unchangedSince: nil, began: intake.began)
        let end = await SessionSupervisor.live(source, PipelineMailbox(), once, .once, context)
        if case .failed(let error) = end {
            throw ControlError(
                .noMatch, "could not take \(path): \(error)", hint: "name a regular file that this user can read")
        }
    }
}

extension WatchRoot {
    /// Whether the path is one of this root's sources.
    func holds(_ path: String) -> Bool {
        path.hasPrefix("\(root)/") && includes(String(path.dropFirst(root.utf8.count + 1)))
    }
}
