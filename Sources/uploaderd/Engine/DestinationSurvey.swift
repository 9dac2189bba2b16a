import Delivery
import LinuxSystem
package import Shared
import Store

/// What can be found out about destinations without writing to them: `--dry-run`.
///
/// Whether there is room for an object, and whether its put succeeds, only a put tells.
package struct DestinationSurvey: Sendable {
    package struct Finding: Sendable, Hashable {
        package var name: String
        /// For people: the folder.
        package var place: String
        /// Why nothing would be delivered there, as a sentence; `nil`: nothing speaks against it.
        package var obstacle: String?
        package var hint: String?
        /// The id of the store that is there; `nil`: it would be made.
        package var store: StoreID?
    }

    package private(set) var findings: [Finding] = []

    /// Looks at every destination that is a directory, in the order of the configuration.
    package static func taken(
        _ destinations: [DestinationConfiguration], directories: Directories, world: Surroundings
    ) async -> DestinationSurvey {
        let known = CatalogGlance.stores(in: StateDirectory(directories.state, spool: directories.spool))
        var survey = DestinationSurvey()
        for destination in destinations {
            guard case .directory(let path, let prefix) = destination.place else { continue }
            let layout = ObjectLayout(prefix: prefix)
            let store = DirectoryObjectStore(
                root: path, owner: "", life: "", executor: world.makeLane(destination.name), time: world.time)
            let sink = ObjectLayoutSink(store: store, layout: layout)
            // A disk that hangs is told, not waited for.
            let found = await Patience.wait(Patience.atStart, world) {
                await look(at: path, sink, known: known[destination.name])
            }
            var finding = found ?? Finding(name: "", place: path, obstacle: "its disk does not answer", hint: nil)
            finding.name = destination.name
            if finding.obstacle == nil, let id = finding.store,
                let other = survey.findings.first(where: { $0.store == id })
            {
                finding.obstacle = "it leads to the same store as destination \(other.name)"
                finding.hint = "give each a store of its own, or take one out of the configuration"
            }
            survey.findings.append(finding)
        }
        return survey
    }

    private static func look(at path: String, _ sink: ObjectLayoutSink, known: StoreID?) async -> Finding {
        var finding = Finding(name: "", place: path, obstacle: nil, hint: nil)
        do {
            finding.store = try await sink.store(known: known)
            if let known, let found = finding.store, known != found {
                finding.obstacle = "it leads to another store than before (\(found), it was \(known))"
                finding.hint = "put the old store back, or give the new one another name in the configuration"
            } else {
                try Files.requireWritable(path)
            }
        } catch let error as DeliveryError {
            finding.obstacle = error.message
            finding.hint = error.hint
        } catch let error as SystemError {
            finding.obstacle = "it cannot be written: \(error)"
            finding.hint = "let this user write there, or choose another path"
        } catch {
            finding.obstacle = "\(error)"
        }
        return finding
    }
}
