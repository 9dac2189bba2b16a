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
        /// What pointers call its store; `nil`: none leads there.
        var bucket: String?
        /// Of every object's name there.
        var prefix = ""

        init(_ destination: DestinationConfiguration) {
            name = destination.name
            type = destination.type.rawValue
            isRequired = destination.isRequired
            switch destination.place {
            case .directory(_, let prefix): (bucket, self.prefix) = (destination.ownName, prefix)
            case .s3(let place), .history(let place): (bucket, prefix) = (place.bucket, place.prefix)
            case .supabase(_, let bucket, let prefix, _): (self.bucket, self.prefix) = (bucket, prefix)
            case .presigned, .confab, .agnes: break
            }
        }
    }

    let world: Surroundings
    let board: StatusBoard
    let store: Store
    let context: PipelineContext
    let intake: SourceIntake
    let supervisor: SessionSupervisor
    let delivery: DeliveryService
    /// `nil`: nothing is joined.
    let merging: MergeRounds?
    let objects: ObjectFinder
    let lost: LostSegments
    let forgetting: Forgetting
    let rewriting: Rewriting
    let replay: ReplayService
    let captures: CaptureService
    let destinations: [Destination]
    let watched: [WatchRoot]
    let spoolLimit: Int64
    /// Where the store is, when no destination is configured.
    let defaultStorePath: String?
    let remote: RemoteSessions

    /// Whether the spool takes more, now or as soon as that is noticed: an eighth has to be free.
    var hasRoom: Bool { store.spool.bytes < spoolLimit / 8 * 7 }

    /// What is not taken and is no source that could be named: files whose names are no text, directories that cannot be
    /// read. Each as a sentence.
    func unseen(but sources: [SourcePath]) -> [String] {
        let named = Set(sources.map(\.absolute))
        return board.snapshot().health.filter { $0.isOfUntaken && !named.contains($0.subject) }.map(\.message)
    }

    /// The required destinations that are known not to have all that was put there.
    func faulty() async -> [String] {
        var names: [String] = []
        for settings in destinations where settings.isRequired {
            do throws(StoreError) {
                if let id = try await store.knownStore(of: settings.name),
                    try await !store.faults(at: id, limit: 1).isEmpty
                {
                    names.append(settings.name)
                }
            } catch {
                names.append(settings.name)  // What is not known to be safe is not.
            }
        }
        return names
    }

    var rules: String { context.redactor.rules }

    func roots(_ seen: StatusBoard.Snapshot) -> [RootStatus] {
        watched.map { root in
            let trouble = seen.health.first { $0.subject == root.root }
            let state: RootStatus.State =
                switch trouble?.kind {
                case "root_unreadable", "source_unreadable": .unreadable
                case "root_polled": .polled
                default: seen.presentRoots.contains(root.root) ? (seen.isScanning ? .scanning : .watching) : .waiting
                }
            return RootStatus(agent: root.agent, root: root.root, state: state)
        }
    }

    /// The files of a session that lie below watched roots: others were passed once, and are not looked for again.
    func sources(of session: SessionID) async throws(ControlError) -> [SourcePath] {
        do throws(StoreError) {
            guard let description = try await store.describe(session) else { throw StoreError(.unknown, "") }
            let roots = Set(watched.map(\.root))
            return description.streams.compactMap(\.source).filter { roots.contains($0.root) }.map(\.path)
        } catch {
            if error.code == .unknown { throw ReplayService.noSession(session) }
            throw ControlError(error)
        }
    }

    /// Takes one file to its end: through its root's pipeline when it is watched, else once, as a generic session, as it
    /// came open from the caller. A path that only a caller names is never opened.
    ///
    /// - Returns: what was not taken to its end.
    func takeFile(_ path: String, passed: consuming Descriptor?) async throws(ControlError) -> NotTaken {
        if let root = watched.first(where: { $0.holds(path) }) {
            let source = root.source(String(path.dropFirst(root.root.utf8.count + 1)))
            let left = await supervisor.flush([source])
            if left.isEmpty { try await requireFile(source) }
            return NotTaken(sources: left)
        }
        guard let passed else {
            throw ControlError(
                .noMatch, "\(path) lies below no watched root, and did not come open with the call",
                hint: "name a regular file that you can read, or watch its directory")
        }
        let single = WatchRoot(file: path)
        return try await takeOnce(PassedSource(passed, as: single.source(single.onlyFile ?? "")), of: single)
    }

    /// Takes what is open to its end, once; nobody looks there again.
    ///
    /// - Parameters:
    ///   - single: whose it is.
    ///   - isEnded: a hook says that nothing more comes.
    func takeOnce(
        _ passed: PassedSource, of single: WatchRoot, isEnded: Bool = false
    ) async throws(ControlError) -> NotTaken {
        let source = passed.path
        var context = context
        context.roots = RootDirectories(context.roots, and: passed)
        // Beside the supervisor's: it waits for its own pipelines only.
        context.claims = SourceClaims()
        var roots = intake.roots
        if single.sid != nil, roots[single.root] == nil { roots[single.root] = single }
        let once = SourceIntake(
            store: store, context: context, resolver: intake.resolver, roots: roots, unchangedSince: nil,
            began: intake.began, judge: intake.judge)
        let mailbox = PipelineMailbox()
        if isEnded { mailbox.ask(.ended) }
        // Whoever calls is on the loop, which is not to read or compress anything.
        let end = await withTaskExecutorPreference(world.work[0]) { [context] in
            await SessionSupervisor.live(source, mailbox, 0, once, .once, context)
        }
        switch end {
        case .dormant, .gone, .restart, .swapped, .moved:
            let bytes = mailbox.endless
            return NotTaken(sentences: bytes > 0 ? [SessionSupervisor.endlessSentence(source, bytes)] : [])
        case .otherName(let watched), .busy(let watched), .follows(let watched):
            return NotTaken(sources: await supervisor.flush([watched]))
        case .failed(let error):
            throw ControlError(
                .noMatch, "could not take \(source): \(error)", hint: "name a regular file that this user can read")
        }
    }

    /// Whoever names a path that leads to nothing is told so.
    private func requireFile(_ source: SourcePath) async throws(ControlError) {
        // On a lane, for the disk may hang. What cannot be opened for another reason was said by the flush.
        let looking = Task(executorPreference: world.lane(of: source)) { [context] in
            do throws(CaptureError) {
                _ = try FileTail(source, in: context.roots, key: context.key)
                return false
            } catch {
                return error.code == .missing
            }
        }
        if await looking.value {
            throw ControlError(
                .noMatch, "there is no file \(source)", hint: "what was taken of it is flushed by its session's id")
        }
    }
}

/// What a flush has left where it is.
struct NotTaken: Sendable, Hashable {
    /// Below watched roots: they may be taken yet.
    var sources: [SourcePath] = []
    /// Of what is not looked at again.
    var sentences: [String] = []
}

extension HealthEntry {
    /// Whether it is of something that would be taken, could it be read or named.
    var isOfUntaken: Bool { [WatchEvent.nameKind, "source_unreadable", "root_unreadable"].contains(kind) }
}

extension WatchRoot {
    /// Why nothing can be taken of the one file that the root is for, or of a directory that was named for this run.
    var obstacle: String? {
        if let onlyFile {
            return Self.obstacle("\(root == "/" ? "" : root)/\(onlyFile)", .regular, "file", followLinks: false)
        }
        return isNamed ? Self.obstacle(root, .directory, "directory", followLinks: true) : nil
    }

    private static func obstacle(_ path: String, _ kind: FileKind, _ name: String, followLinks: Bool) -> String? {
        do throws(SystemError) {
            guard let status = try Files.status(path, followLinks: followLinks) else {
                return "\(path): there is no such \(name)"
            }
            return status.kind == kind ? nil : "\(path): it is no \(kind == .regular ? "regular file" : name)"
        } catch {
            return "\(path): it cannot be looked at: \(error.reason)"
        }
    }

    /// Whether the path is one of this root's sources.
    func holds(_ path: String) -> Bool {
        path.hasPrefix("\(root)/") && includes(String(path.dropFirst(root.utf8.count + 1)))
    }
}
