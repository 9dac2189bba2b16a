import Capture
import LinuxSystem
import Shared
import Store

/// Files that have neither the path nor the inode number of what was taken, and all its bytes: a home that was restored,
/// a copy on another disk, a file that was replaced and renamed before anybody looked.
extension SourceIntake {
    /// The stream whose bytes the file holds, where nothing else holds them any more.
    ///
    /// A fork begins with the same bytes as well, and lives beside what it was forked from: then each has its own stream.
    func knownByContent(_ tail: inout FileTail) async throws -> Naming? {
        let path = tail.path
        for head in try tail.heads() {
            for (cursor, source) in try await store.streams(beginningWith: head) {
                switch try tail.begin(at: cursor) {
                case .resume, .idle: break
                case .start, .verify, .newGeneration: continue
                }
                guard try isGone(source, cursor) else { continue }
                let place = SourceInfo(
                    agent: path.agent, root: path.root, relativePath: path.relativePath, kind: source.kind,
                    agentID: source.agentID)
                if try await store.move(cursor.stream, from: source, to: place) {
                    return .named(try await name(of: cursor.stream))
                }
            }
        }
        return nil
    }

    /// Whether the file that the stream's lines came from is no more where it was, or another one is in its place.
    private func isGone(_ source: SourceInfo, _ cursor: StreamCursor) throws -> Bool {
        let path = SourcePath(agent: source.agent, root: source.root, relativePath: source.relativePath)
        guard roots[source.root] != nil else {
            // Nobody looks there any more: whether something has the name is all that may be asked.
            return try path.places.allSatisfy { try Files.status($0, followLinks: true) == nil }
        }
        do throws(CaptureError) {
            _ = try context.roots.directory(source.root)
        } catch {
            return false  // A root that is away may come back with all that was in it.
        }
        do throws(CaptureError) {
            var tail = try FileTail(path, in: context.roots, key: context.key)
            // The very file that was read is not gone, though it was truncated or written anew.
            guard tail.identity != cursor.file else { return false }
            switch try tail.begin(at: cursor) {
            case .newGeneration: return true
            case .start, .resume, .idle, .verify: return false
            }
        } catch {
            if error.code == .missing || error.code == .refused { return true }
            throw error
        }
    }
}
