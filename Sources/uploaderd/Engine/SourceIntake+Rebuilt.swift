import Capture
import Digests
import Segments
import Shared
import Store

/// Whose a file is after the catalog was lost: no mark and no number of a file is known, only digests of what was stored.
extension SourceIntake {
    /// How long files wait, from the start on, for what the stores say of other sessions than those that they are named after.
    private static let patience: Duration = .seconds(60)

    /// The session that an unknown file is named after, where it has what was taken of that: most are known by this.
    ///
    /// Where it has not, it may be another session's file under a new name, and every store was heard when this returns.
    func rebuiltName(of tail: inout FileTail) async throws -> SourceName? {
        // What was made since then has no lines in a store.
        let isInDoubt = resolver.isInDoubt && tail.identity.birth <= began.nanoseconds
        if !isInDoubt, try await !store.hasRebuilt() { return nil }
        let name: SourceName
        switch layout(of: tail.path).name(of: tail.path.relativePath) {
        case .notASession: return nil
        case .named(let found): name = found
        case .needsFirstLines(let fallback): name = try resolved(fallback, by: &tail)
        }
        try await resolver.resolve(name.sid, of: tail.identity)
        let source = try await store.source(of: name.key)
        if source == nil || source?.path == tail.path, try await holdsLast(of: name.key, tail) == true { return name }
        let left = Self.patience - (resolver.world.time.wall - began)
        if isInDoubt, left > .zero {
            _ = await Patience.wait(left, resolver.world) { [resolver] in await resolver.asking.over() }
        }
        return nil
    }

    /// The rebuilt stream whose bytes the file holds, where the file that was its source does not hold them any more.
    func rebuiltOwner(of tail: inout FileTail, besides known: StreamCursor?) async throws -> Owner {
        guard try await store.hasRebuilt() else { return .nobody }
        let beginnings = try await store.beginnings(upTo: tail.observe().size)
        for found in try await Self.matching(beginnings, tail, context.key) where found.stream != known?.stream {
            // Asked once: somebody may be about to read the stream's own file, and then there is none any more.
            guard let last = try await last(of: found.stream), try await tail.holds(last, key: context.key) else {
                continue
            }
            guard let source = try await source(of: found.stream), Self.isLikely(found, source, tail) else { continue }
            if source.path != tail.path {
                if try identity(of: source.path) == tail.identity { return .otherName(of: source.path) }
                if try await isElsewhere(last, source.path) { continue }
            }
            return try await moved(found.stream, from: source, to: tail.path, inPlaceOf: known)
        }
        return .nobody
    }

    /// Whether a few bytes say whose a file is: many sessions begin with the same line. One with another name was there before
    /// they were taken.
    private static func isLikely(
        _ found: RebuiltBeginning, _ source: SourceInfo, _ tail: borrowing FileTail
    ) -> Bool {
        if found.offset >= Int64(SourceMarker.length) || source.path.name == tail.path.name { return true }
        // A manifest's times are whole seconds.
        return tail.identity.birth != 0 && tail.identity.birth <= found.createdAt.nanoseconds + 1_000_000_000
    }

    /// Whether it has what was taken last of a stream whose cursor has no marks. `nil`: it has some by now, or nothing was taken.
    func holdsLast(of stream: StreamKey, _ tail: borrowing FileTail) async throws -> Bool? {
        guard let last = try await last(of: stream) else { return nil }
        return try await tail.holds(last, key: context.key)
    }

    private func last(of stream: StreamKey) async throws -> SegmentRecord? {
        guard case .segment(let last?) = try await store.evidence(of: stream) else { return nil }
        return last
    }

    /// Whether another file, at `path`, has the bytes.
    private func isElsewhere(_ last: SegmentRecord, _ path: SourcePath) async throws -> Bool {
        guard roots[path.root] != nil else { return try !path.isVacant }
        do throws(CaptureError) {
            _ = try context.roots.directory(path.root)
        } catch {
            return true  // A root that is away may come back with all that was in it.
        }
        do {
            let other = try FileTail(path, in: context.roots, key: context.key)
            return try await other.holds(last, key: context.key)
        } catch let error as CaptureError where error.code == .missing || error.code == .refused {
            return false
        }
    }

    /// Where the stream's source is, or was when the manifest of its session was put. `nil`: it is not told, or is not watched.
    private func source(of stream: StreamKey) async throws -> SourceInfo? {
        if let known = try await store.source(of: stream) { return known }
        guard stream.stream == .main, let told = try await store.facts(of: stream.session)?.sourcePath,
            // A store said it.
            PathText.absolute(told, home: nil) == told, !told.split(separator: "/").contains("..")
        else { return nil }
        // Of roots one in another the inner one has it.
        for (root, settings) in roots.sorted(by: { $0.key.utf8.count > $1.key.utf8.count }) {
            guard let relative = PathText.relative(told, to: root), settings.includes(relative) else { continue }
            return SourceInfo(
                agent: settings.agent, root: root, relativePath: relative, kind: SourceKind.transcript.rawValue)
        }
        return nil
    }

    /// Those that the file begins with.
    private static func matching(
        _ beginnings: [RebuiltBeginning], _ tail: borrowing FileTail, _ key: MachineKey
    ) async throws -> [RebuiltBeginning] {
        var macs: [Int64: Digest256] = [:]
        var digest = RunningDigest()
        var read: Int64 = 0
        for length in Set(beginnings.map(\.part.bytes)).sorted() {
            guard try await tail.eachByte(of: read..<length, { digest.update($0) }) else { break }
            read = length
            macs[length] = key.mac(of: digest.digest())
        }
        return beginnings.filter { macs[$0.part.bytes] == $0.part.mac }
    }
}
