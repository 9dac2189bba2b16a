import Capture
import LinuxSystem
import Shared
import Store

/// Where a transcript lies that a hook named.
enum TranscriptPlace: Sendable, Hashable {
    case watched(SourcePath)
    /// Below a watched root, and left out by its configuration.
    case excluded
    case elsewhere(String)
    /// No path was named.
    case unknown

    var isElsewhere: Bool { if case .elsewhere = self { true } else { false } }
}

/// What follows from an event.
extension CaptureService {
    /// A hook names its transcript as the agent sees it; a home, or a root, may be a link.
    func place(of path: String?) async -> TranscriptPlace {
        guard let path else { return .unknown }
        if let place = Self.place(of: path, below: watched.map { ($0, $0.root) }) { return place }
        let looking = Task(executorPreference: world.lane(of: "queue")) { [watched] in
            Self.place(of: Files.resolved(path), below: watched.map { ($0, Files.resolved($0.root)) })
        }
        return await looking.value ?? .elsewhere(path)
    }

    private static func place(of path: String, below roots: [(root: WatchRoot, path: String)]) -> TranscriptPlace? {
        var isExcluded = false
        for (root, directory) in roots {
            guard let relative = PathText.relative(path, to: directory) else { continue }
            if root.includes(relative) { return .watched(root.source(relative)) }
            // What a person has excluded no hook brings in.
            if root.onlyFile == nil { isExcluded = true }
        }
        return isExcluded ? .excluded : nil
    }

    /// Takes a session's file that lies below no watched root to its end.
    ///
    /// - Returns: why it was not taken, a sentence each; nothing of a file that is not there.
    @discardableResult
    func visit(_ sid: SessionID, _ parts: EngineParts, isEnded: Bool = false) async -> [String] {
        var reasons: [String] = []
        do throws(StoreError) {
            guard let row = try await store.capture(of: sid), let path = row.path else { return [] }
            if case .elsewhere = await place(of: path) {
                switch await takeElsewhere(path, agent: row.agent, sid: sid, isEnded: isEnded, parts) {
                case .taken, .missing: break
                case .notTaken(let sentences):
                    // The next hook asks again; until then the file is where it is.
                    reasons = sentences
                    for sentence in sentences { world.log.record(Event(.sourceRefused, sentence, session: sid)) }
                }
            }
            try await store.noteLookedAt(sid)
        } catch {
            note(failure: "what a hook told of session \(sid) could not be read: \(error)")
        }
        return reasons
    }

    enum Visit: Sendable, Hashable {
        case taken, missing
        case notTaken([String])
    }

    /// Only a file of this user's own, and one that is called as sessions are: a hook says what an agent says, which may be
    /// what a page told it.
    func takeElsewhere(
        _ path: String, agent: Agent, sid: SessionID?, isEnded: Bool = false, _ parts: EngineParts
    ) async -> Visit {
        guard path.hasSuffix(".jsonl") else {
            return .notTaken(["\(path) is not taken: its name does not end in .jsonl"])
        }
        let root = WatchRoot(elsewhere: path, agent: agent, sid: sid)
        let opening = Task(executorPreference: world.lane(of: "queue")) { () -> Opened in
            do throws(SystemError) {
                // A link at its end is not followed, a FIFO not waited for.
                let file = try Descriptor.open(path, [.readOnly, .noFollow, .nonBlocking])
                let status = try file.status()
                guard status.kind == .regular else { return .refused("\(path) is not taken: it is no regular file") }
                guard status.owner == Process.user else {
                    return .refused("\(path) is not taken: it is another user's")
                }
                return .open(PassedSource(file, as: root.source(root.onlyFile ?? "")))
            } catch {
                return error.isNotFound ? .missing : .refused("\(path) is not taken: \(error.reason)")
            }
        }
        switch await opening.value {
        case .missing: return .missing
        case .refused(let why): return .notTaken([why])
        case .open(let passed):
            await oneAtATime.acquire()
            defer { oneAtATime.release() }
            do throws(ControlError) {
                // What it leaves is a last line without its end, which is not there yet.
                _ = try await parts.takeOnce(passed, of: root, isEnded: isEnded)
                return .taken
            } catch {
                return .notTaken([error.sentence])
            }
        }
    }

    private enum Opened: Sendable {
        case open(PassedSource)
        case missing
        case refused(String)
    }

    /// All of the session that is there is sealed, then it is said to have ended.
    ///
    /// - Returns: `false` when that is to be tried again.
    func end(_ sid: SessionID, _ parts: EngineParts) async -> Bool {
        // While the spool is full nothing is taken, and what comes behind it would take the end back.
        await parts.context.gate.pass()
        guard !Task.isCancelled else { return true }
        do throws(StoreError) {
            let row = try await store.capture(of: sid)
            let roots = Set(watched.map(\.root))
            var sources =
                try await store.describe(sid)?.streams.compactMap(\.source).filter { roots.contains($0.root) }
                .map(\.path) ?? []
            switch await place(of: row?.path) {
            case .watched(let source): if !sources.contains(source) { sources.append(source) }
            case .elsewhere: await visit(sid, parts, isEnded: true)
            case .excluded, .unknown: break
            }
            await supervisor.end(sources)
            // What is sealed as the engine stops would take the end back: the row says that it is due.
            guard await !supervisor.isStopping else { return true }
        } catch {
            note(failure: "the end of session \(sid) could not be told: \(error)")
            return false
        }
        let isSettled = await settle(sid)
        // No segment came with it that would ring: its manifests are behind now.
        parts.delivery.ring()
        return isSettled
    }

    /// - Returns: `false` when nothing of the session was taken yet, though its file is there.
    func settle(_ sid: SessionID) async -> Bool {
        do throws(StoreError) {
            if try await store.settleEnd(of: sid) { return true }
            if let path = try await store.capture(of: sid)?.path, await isThere(path) { return false }
            try await store.dropEnd(of: sid)
            return true
        } catch {
            note(failure: "the end of session \(sid) could not be noted: \(error)")
            return false
        }
    }

    private func isThere(_ path: String) async -> Bool {
        let looking = Task(executorPreference: world.lane(of: "queue")) {
            do throws(SystemError) { return try Files.status(path) != nil } catch { return true }
        }
        return await looking.value
    }

    /// Lines of another program's queue.
    func take(_ request: ImportQueueRequest, _ parts: EngineParts) async throws(StoreError) -> ImportQueueReply {
        var reply = ImportQueueReply()
        if request.origin == .uploaded {
            _ = try await store.noteUploaded(request.sessions)
            reply.noted = request.sessions.count
            return reply
        }
        for session in request.sessions {
            switch await place(of: session.path) {
            case .watched(let source):
                await supervisor.look(at: source)
                reply.watched += 1
            case .excluded: reply.notTaken.append("\(session.path) is not taken: the configuration leaves it out")
            case .unknown: break
            case .elsewhere(let path):
                let agent = HookPayload.agent(of: path)
                switch await takeElsewhere(path, agent: agent, sid: session.sid, parts) {
                case .taken: reply.taken += 1
                case .missing: reply.missing += 1
                case .notTaken(let sentences): reply.notTaken += sentences
                }
            }
        }
        return reply
    }
}
