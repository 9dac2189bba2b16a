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
                if try await store.move(cursor.stream, from: source, to: source.moved(to: path)) {
                    return .named(try await name(of: cursor.stream))
                }
            }
        }
        return nil
    }

    /// Whether the file that the stream's lines came from is no more where it was, or another one is in its place.
    private func isGone(_ source: SourceInfo, _ cursor: StreamCursor) throws -> Bool {
        // Nobody looks there any more: whether something has the name is all that may be asked.
        guard roots[source.root] != nil else { return try source.path.isVacant }
        do throws(CaptureError) {
            _ = try context.roots.directory(source.root)
        } catch {
            return false  // A root that is away may come back with all that was in it.
        }
        do throws(CaptureError) {
            var tail = try FileTail(source.path, in: context.roots, key: context.key)
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

extension SourceInfo {
    var path: SourcePath { SourcePath(agent: agent, root: root, relativePath: relativePath) }

    /// The same file, or one with its bytes, at another path.
    func moved(to path: SourcePath) -> SourceInfo {
        SourceInfo(agent: path.agent, root: path.root, relativePath: path.relativePath, kind: kind, agentID: agentID)
    }
}

extension SourcePath {
    /// Whether nothing is at any of the places where its file may lie.
    var isVacant: Bool {
        get throws(SystemError) {
            for place in places where try Files.status(place, followLinks: true) != nil { return false }
            return true
        }
    }
}
