import Capture
import LinuxSystem
import Redaction
import Shared
import Store

/// Says whose session a source is, and whether there is anything to take from it.
///
/// A path that is in the catalog keeps its stream, whatever its name says now. For any other the agent's layout names the
/// stream; should that stream have another live file, this one gets a name of its own (`<name>~<8 hex>`).
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

    /// A source that a scan found and that is not known to be taken to its end.
    struct Unsettled: Sendable {
        var path: SourcePath
        /// In bytes, about.
        var left: Int64
    }

    /// - Returns: `nil` when the file is no session's, or is another name of one that is taken already.
    func name(of path: SourcePath) async throws -> SourceName? {
        let layout = roots[path.root]?.layout ?? AgentLayout(agent: path.agent)
        if let known = try await store.stream(ofRoot: path.root, relativePath: path.relativePath) {
            return SourceName(
                sid: known.session, stream: known.stream,
                kind: try await store.source(of: known).flatMap { SourceKind(rawValue: $0.kind) } ?? .transcript)
        }
        if let key = try await renamed(path) {
            return SourceName(
                sid: key.session, stream: key.stream,
                kind: try await store.source(of: key).flatMap { SourceKind(rawValue: $0.kind) } ?? .transcript)
        }
        let name: SourceName
        switch layout.name(of: path.relativePath) {
        case .notASession: return nil
        case .named(let found): name = found
        case .needsFirstLines(let fallback): name = try resolved(fallback, at: path)
        }
        return try await distinguished(name, at: path)
    }

    /// A file that got another path while nobody looked keeps its stream: the very file, gone from where it was, whose
    /// bytes are those that were taken.
    private func renamed(_ path: SourcePath) async throws -> StreamKey? {
        var tail = try FileTail(path, in: context.roots, key: context.key)
        for (cursor, source) in try await store.streams(ofFile: tail.identity) {
            let old = SourcePath(agent: source.agent, root: source.root, relativePath: source.relativePath)
            // Where no time of birth is kept, a number that is used again says little, and so do a few bytes.
            let isTelling = tail.identity.birth != 0 || cursor.offset >= Int64(SourceMarker.length)
            guard old != path, isTelling, try identity(of: old) != tail.identity else { continue }
            switch try tail.begin(at: cursor) {
            case .resume, .idle:
                await moved(from: old, to: path)
                return cursor.stream
            case .start, .newGeneration, .verify: continue
            }
        }
        return nil
    }

    private func resolved(_ fallback: SourceName, at path: SourcePath) throws -> SourceName {
        var tail = try FileTail(path, in: context.roots, key: context.key)
        _ = try tail.begin(at: nil)
        var lines = FirstLines(agent: path.agent, kind: .agent)
        var buffer = LineBuffer()
        while !lines.isComplete, case .bytes(let count) = try tail.read(into: buffer.room(64 << 10)) {
            buffer.fill(count)
            while let line = buffer.nextLine(), !lines.isComplete {
                context.redactor.redact(RawLine(bytes: line, offset: 0, terminated: true)) { lines.take($0.bytes) }
                buffer.drop(line.count)
            }
            if buffer.count > FirstLines.byteLimit { break }
        }
        return AgentLayout.resolved(fallback, by: lines)
    }

    /// Two live files never share a stream; a file that went on elsewhere keeps its.
    private func distinguished(_ name: SourceName, at path: SourcePath) async throws -> SourceName? {
        try await resolver.resolve(name.sid)
        guard let other = try await store.source(of: name.key) else { return name }
        let otherPath = SourcePath(agent: other.agent, root: other.root, relativePath: other.relativePath)
        guard otherPath != path, let theirs = try identity(of: otherPath) else { return name }
        // A hard link: the same bytes under two names are taken once.
        if let ours = try identity(of: path), ours == theirs { return nil }
        return name.distinguished(by: path)
    }

    private func identity(of path: SourcePath) throws -> FileIdentity? {
        do throws(CaptureError) {
            return try FileTail(path, in: context.roots, key: context.key).identity
        } catch {
            if error.code == .missing || error.code == .refused { return nil }
            throw error
        }
    }

    /// A source got another path: its stream goes on there.
    func moved(from old: SourcePath, to new: SourcePath) async {
        do {
            guard let key = try await store.stream(ofRoot: old.root, relativePath: old.relativePath),
                let source = try await store.source(of: key),
                try await store.stream(ofRoot: new.root, relativePath: new.relativePath) == nil
            else { return }
            try await store.noteSource(
                SourceInfo(agent: new.agent, root: new.root, relativePath: new.relativePath, kind: source.kind), of: key
            )
        } catch {
            // Safe: by its name and its content the source is recognised when it is opened.
            context.log.record(Event(.persistenceFailed, "the new path \(new) of a source was not noted: \(error)"))
        }
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
            let places = found.map {
                SettledQuery(
                    root: $0.path.root, relativePath: $0.path.relativePath, size: $0.size, modified: $0.modified,
                    identity: $0.identity)
            }
            let taken = try await store.taken(of: places, unchangedSince: unchangedSince)
            return zip(found, taken).compactMap { source, taken in
                taken.isSettled ? nil : Unsettled(path: source.path, left: max(0, source.size - taken.bytes))
            }
        } catch {
            // Safe: looking at all of them finds the same, only slower.
            return found.map { Unsettled(path: $0.path, left: $0.size) }
        }
    }
}
