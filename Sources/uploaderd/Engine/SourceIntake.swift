import Capture
import LinuxSystem
import Redaction
import Shared
import Store

/// What a source is to be taken as.
enum Naming: Sendable {
    case named(SourceName)
    case notASession
    /// A hard link: the same file is taken under this other path.
    case otherName(of: SourcePath)
}

/// Says whose session a source is, and whether there is anything to take from it.
///
/// A file keeps its stream, wherever it is now. A path that is in the catalog keeps its stream, whatever its name says
/// now, unless its file is another stream's. For any other the agent's layout names the stream; should that stream have
/// another live file, this one gets a name of its own (`<name>~<8 hex>`).
struct SourceIntake: Sendable {
    let store: Store
    let context: PipelineContext
    let resolver: SessionResolver
    /// By root, what its paths mean.
    let roots: [String: WatchRoot]
    /// Sources that did not change since then, and are as long as what is taken of them, are not looked into.
    let unchangedSince: WallTime?
    /// When the engine began to look.
    let began: WallTime
    let judge: PrivacyJudge

    /// A source that a scan found and that is not known to be taken to its end.
    struct Unsettled: Sendable {
        var path: SourcePath
        /// In bytes, about.
        var left: Int64

        /// Sparse files may say that they have more than can be counted together.
        static let most: Int64 = 1 << 48
    }

    /// Opens what the path leads to now, or takes the file that was kept open.
    ///
    /// - Returns: `nil` for what could be no session if it were opened.
    /// - Throws: `CaptureError`.
    func open(_ path: SourcePath, or lost: LostSource?) async throws -> FileTail? {
        if let lost { return try FileTail(lost.file, key: context.key) }
        do throws(CaptureError) {
            return try FileTail(path, in: context.roots, key: context.key)
        } catch {
            guard error.code == .missing || error.code == .refused,
                case .notASession = layout(of: path).name(of: path.relativePath),
                try await store.cursor(ofRoot: path.root, relativePath: path.relativePath) == nil
            else { throw error }
            return nil
        }
    }

    func layout(of path: SourcePath) -> AgentLayout {
        roots[path.root]?.layout ?? AgentLayout(agent: path.agent)
    }

    /// - Throws: `inconsistent` when `--sid` gives another session to what is known already.
    func name(of tail: inout FileTail) async throws -> Naming {
        let path = tail.path
        let naming = try await anyName(of: &tail)
        // Another file of that directory may have been passed once.
        if let root = roots[path.root], let sid = root.sid, root.includes(path.relativePath),
            case .named(let name) = naming, name.sid != sid
        {
            throw EngineError(
                .inconsistent,
                "it is session \(name.sid) here already, and --sid says \(sid): leave --sid out, or use another --state-dir"
            )
        }
        return naming
    }

    private func anyName(of tail: inout FileTail) async throws -> Naming {
        let path = tail.path
        while true {
            let known = try await store.cursor(ofRoot: path.root, relativePath: path.relativePath)
            if known == nil, let name = try await rebuiltName(of: &tail) { return .named(name) }
            switch try await owner(of: &tail, besides: known) {
            case .stream(let stream): return .named(try await name(of: stream))
            case .otherName(let other): return .otherName(of: other)
            case .unsettled: continue
            case .nobody: break
            }
            if let forgotten = try await forgottenStream(of: &tail, besides: known) {
                return .named(try await name(of: forgotten))
            }
            if try await isOfEndedGeneration(&tail, besides: known) { return .notASession }
            if let known { return .named(try await name(of: known.stream)) }
            // Its lines came from a store: it is no new session before somebody goes on with it.
            if try tail.restored == .untouched { return .notASession }
            let name: SourceName
            switch layout(of: path).name(of: path.relativePath) {
            case .notASession: return .notASession
            case .named(let found): name = found
            case .needsFirstLines(let fallback): name = try resolved(fallback, by: &tail)
            }
            return try await distinguished(name, &tail)
        }
    }

    func name(of stream: StreamKey) async throws -> SourceName {
        SourceName(
            sid: stream.session, stream: stream.stream,
            kind: try await store.source(of: stream).flatMap { SourceKind(rawValue: $0.kind) } ?? .transcript)
    }

    func resolved(_ fallback: SourceName, by tail: inout FileTail) throws -> SourceName {
        AgentLayout.resolved(fallback, by: try firstLines(of: &tail, kind: .agent).learnt)
    }

    /// - Returns: what they tell, and whether there are as many as are looked at.
    private func firstLines(of tail: inout FileTail, kind: SourceKind) throws -> (learnt: FirstLines, isAll: Bool) {
        _ = try tail.begin(at: nil)
        var lines = FirstLines(agent: tail.path.agent, kind: kind)
        var buffer = LineBuffer()
        while !lines.isComplete, case .bytes(let count) = try tail.read(into: buffer.room(64 << 10)) {
            buffer.fill(count)
            while let line = buffer.nextLine(), !lines.isComplete {
                context.redactor.redact(RawLine(bytes: line, offset: 0, terminated: true)) { lines.take($0.bytes) }
                buffer.drop(line.count)
            }
            if buffer.count > FirstLines.byteLimit { return (lines, true) }
        }
        return (lines, lines.isComplete)
    }

    /// Whether the privacy rules let a source be taken of which nothing was cut yet.
    ///
    /// - Throws: `EngineError.undecided` while its lines may yet say where it runs.
    func admits(_ name: SourceName, _ tail: inout FileTail) async throws -> Bool {
        guard judge.rules != nil else { return true }
        let file = try tail.observe()
        let read = try await judge.asks(name) ? try firstLines(of: &tail, kind: name.kind) : nil
        return try await judge.admits(name, of: tail.path.agent, file, read)
    }

    /// Two live files never share a stream; a file that went on elsewhere keeps its.
    private func distinguished(_ first: SourceName, _ tail: inout FileTail) async throws -> Naming {
        let path = tail.path
        try await resolver.resolve(first.sid, of: tail.identity)
        var (name, number) = (first, 0)
        while let other = try await store.source(of: name.key), other.path != path {
            if roots[other.root] == nil {
                // Nobody looks there any more, so whether that file lives is not known: the bytes decide.
                if try await holdsTaken(of: name.key, &tail) { break }
            } else {
                guard let theirs = try identity(of: other.path) else { break }
                if theirs == tail.identity { return .otherName(of: other.path) }
            }
            number += 1
            name = first.distinguished(by: path, number)
        }
        return .named(name)
    }

    /// Whether the file begins with what was taken of the stream.
    private func holdsTaken(of stream: StreamKey, _ tail: inout FileTail) async throws -> Bool {
        guard let cursor = try await store.cursor(of: stream) else { return true }
        switch try tail.begin(at: cursor) {
        case .start, .resume, .idle, .verify: return true
        case .newGeneration: return false
        }
    }

    /// - Returns: `nil` where no file is, and for a place that is not watched.
    func identity(of path: SourcePath) throws -> FileIdentity? {
        do throws(CaptureError) {
            return try FileTail(path, in: context.roots, key: context.key).identity
        } catch {
            if error.code == .missing || error.code == .refused { return nil }
            throw error
        }
    }

    /// A source got another path: its stream goes on there, if its file is there yet. It may have got the next one before anybody
    /// heard of this, and have been recognised there.
    func moved(from old: SourcePath, to new: SourcePath) async {
        do {
            guard let cursor = try await store.cursor(ofRoot: old.root, relativePath: old.relativePath),
                try identity(of: new) == cursor.file, let source = try await store.source(of: cursor.stream)
            else { return }
            // `false`: something else has the new path, or the stream is elsewhere by now. Then its content tells.
            _ = try await store.move(cursor.stream, from: source, to: source.moved(to: new), inPlaceOf: nil)
        } catch {
            // Safe: by its name and its content the source is recognised when it is opened.
            context.log.record(Event(.persistenceFailed, "the new path \(new) of a source was not noted: \(error)"))
        }
    }

    /// Whether a file that is held open was found nowhere: else it is read there.
    ///
    /// - Parameter seen: where a scan saw it.
    func isNowhere(_ lost: LostSource, _ seen: SourcePath?) async throws -> Bool {
        guard try lost.file.hasName else { return true }
        for path in [lost.file.path, seen] {
            if let path, try identity(of: path) == lost.file.identity { return false }
        }
        return try await store.source(of: lost.name.key).map { $0.path == lost.file.path } ?? true
    }

    /// Every source was looked at since the engine began; the next start need not look into those that did not change.
    func noteLookedThrough() async {
        do throws(StoreError) {
            try await store.setValue(Self.lookedThrough, "\(began.nanoseconds)")
        } catch {
            // Safe: the next start looks into all of them.
        }
    }

    static let lookedThrough = "looked_through"

    /// Those that may have something to take, asking the catalog once for all of them.
    func unsettled(among found: [FoundSource]) async -> [Unsettled] {
        do {
            var places = found.map {
                SettledQuery(
                    root: $0.path.root, relativePath: $0.path.relativePath, size: $0.size, modified: $0.modified,
                    identity: $0.identity)
            }
            var taken = try await store.taken(of: places, unchangedSince: unchangedSince)
            let packed = found.indices.filter { found[$0].isPacked }
            if !packed.isEmpty {
                // Only who decompresses it knows its size: a cold file that was looked into is settled by what it is.
                for index in packed { places[index].size = taken[index].bytes }
                let again = try await store.taken(of: packed.map { places[$0] }, unchangedSince: unchangedSince)
                for (index, settled) in zip(packed, again) where taken[index].bytes > 0 { taken[index] = settled }
            }
            return zip(found, taken).compactMap { source, taken in
                // Whether it is the session that `--sid` says is looked at each time.
                taken.isSettled && roots[source.path.root]?.sid == nil
                    ? nil
                    : Unsettled(path: source.path, left: min(max(0, source.size - taken.bytes), Unsettled.most))
            }
        } catch {
            // Safe: looking at all of them finds the same, only slower.
            return found.map { Unsettled(path: $0.path, left: min($0.size, Unsettled.most)) }
        }
    }
}
