import Capture
import LinuxSystem
import Shared
import Store

/// Whose stream a file is, whatever path it has: the very file that lines came from, or one with all their bytes, as after
/// a home was restored, or a file was copied to another disk, or replaced and renamed before anybody looked.
extension SourceIntake {
    enum Owner {
        /// Its source is at this path from now on.
        case stream(StreamKey)
        case otherName(of: SourcePath)
        case nobody
        /// Somebody moved a stream meanwhile: to be asked again.
        case unsettled
    }

    /// - Parameter known: of the stream that has the file's path.
    /// - Returns: another stream than `known`, or `nobody`.
    func owner(of tail: inout FileTail, besides known: StreamCursor?) async throws -> Owner {
        if let known, known.file == tail.identity { return .nobody }
        let found = try await ownerOfFile(&tail, besides: known)
        guard case .nobody = found else { return found }
        if let known {
            switch try tail.begin(at: known) {
            case .newGeneration: break
            // The bytes that were taken here are here.
            case .start, .resume, .idle: return .nobody
            case .verify: if try await holdsLast(of: known.stream, tail) != false { return .nobody }
            }
        }
        let owner = try await ownerByContent(&tail, besides: known)
        guard case .nobody = owner else { return owner }
        return try await rebuiltOwner(of: &tail, besides: known)
    }

    /// A file that got another path while nobody looked keeps its stream: the very file, gone from where it was, whose
    /// bytes are those that were taken. One that is still where it was has got a second name.
    private func ownerOfFile(_ tail: inout FileTail, besides known: StreamCursor?) async throws -> Owner {
        let path = tail.path
        for (cursor, source) in try await store.streams(ofFile: tail.identity) where cursor.stream != known?.stream {
            // Where no time of birth is kept, a number that is used again says little, and so do a few bytes.
            let isTelling = tail.identity.birth != 0 || cursor.offset >= Int64(SourceMarker.length)
            if source.path != path, try identity(of: source.path) == tail.identity {
                return .otherName(of: source.path)
            }
            guard isTelling else { continue }
            let isSame: Bool
            switch try tail.begin(at: cursor) {
            case .resume, .idle: isSame = true
            // It was renamed and written anew: no other file has its number and its time of birth.
            case .newGeneration: isSame = tail.identity.birth != 0 && tail.identity == cursor.file
            // The catalog is older than a store.
            case .verify: isSame = try await holdsLast(of: cursor.stream, tail) == true
            case .start: isSame = false
            }
            // A path that has a stream gives it up only where the other one's bytes are not where they were, too: a number
            // that was used again may be of its fork.
            guard isSame else { continue }
            if known != nil, source.path != path, try await !isGone(source, cursor) { continue }
            return try await moved(cursor.stream, from: source, to: path, inPlaceOf: known)
        }
        return .nobody
    }

    /// The stream whose bytes the file holds, where nothing else holds them any more.
    ///
    /// A fork begins with the same bytes as well, and lives beside what it was forked from: then each has its own stream.
    private func ownerByContent(_ tail: inout FileTail, besides known: StreamCursor?) async throws -> Owner {
        for head in try tail.heads() {
            for candidate in try await store.streams(beginningWith: head) {
                guard let owner = try await owner(of: &tail, if: candidate, besides: known) else { continue }
                return owner
            }
        }
        // Of fewer bytes than that only the number says something, and only beside what the path's own stream says.
        guard known != nil else { return .nobody }
        for candidate in try await store.streams(ofFile: tail.identity) {
            if let owner = try await owner(of: &tail, if: candidate, besides: known) { return owner }
        }
        return .nobody
    }

    /// - Returns: `nil` when it is not that stream's.
    private func owner(
        of tail: inout FileTail, if candidate: (cursor: StreamCursor, source: SourceInfo), besides known: StreamCursor?
    ) async throws -> Owner? {
        let (cursor, source) = candidate
        guard cursor.stream != known?.stream else { return nil }
        switch try tail.begin(at: cursor) {
        case .resume, .idle: break
        case .start, .verify, .newGeneration: return nil
        }
        // What took the place of the stream's file has two names, and nobody looked at the first one yet.
        if source.path != tail.path, try identity(of: source.path) == tail.identity {
            return .otherName(of: source.path)
        }
        let isFew = cursor.offset < Int64(SourceMarker.length)
        if isFew, try await !isLikely(cursor, source, tail, besides: known) { return nil }
        guard try await isGone(source, cursor) else { return nil }
        return try await moved(cursor.stream, from: source, to: tail.path, inPlaceOf: known)
    }

    /// Whether a few bytes say whose a file is: many sessions begin with the same line. They do for the number that they were read
    /// from, for a name, or where they came from a store. A number may be another file's by now: where a path would give up its own stream for them, theirs has
    /// the file of yet another one, as when names are exchanged or rotated.
    private func isLikely(
        _ cursor: StreamCursor, _ source: SourceInfo, _ tail: borrowing FileTail, besides known: StreamCursor?
    ) async throws -> Bool {
        if known == nil {
            if cursor.file == tail.identity || source.path.name == tail.path.name { return true }
            return try tail.restored != .none
        }
        guard cursor.file == tail.identity, let there = try identity(of: source.path) else { return false }
        return try await store.streams(ofFile: there).contains { $0.cursor.stream != cursor.stream }
    }

    /// Whether it is the file of a generation that ended when another one took its path, holds what was taken then, and nothing
    /// else: all of it is in the stream that has that generation. Where it goes on it is a session of its own, as a fork is.
    ///
    /// - Parameter known: of the stream that has the file's path. What it has itself is not there, or its own generation is back,
    ///   which is its newest then.
    func isOfEndedGeneration(_ tail: inout FileTail, besides known: StreamCursor?) async throws -> Bool {
        for ending in try await store.endings(inFile: tail.identity) where ending.stream != known?.stream {
            guard case .idle = try tail.begin(at: ending) else { continue }
            if let known {
                guard known.file != tail.identity, case .newGeneration = try tail.begin(at: known) else { return false }
            }
            if try await tail.holdsPartial(of: ending, in: store, key: context.key) { return true }
        }
        return false
    }

    /// Of a session that was forgotten, whose file it is, under whatever name and however it goes on: nothing of it is taken.
    func forgottenStream(of tail: inout FileTail, besides known: StreamCursor?) async throws -> StreamKey? {
        if let known, known.file == tail.identity { return nil }
        for cursor in try await store.forgotten(inFile: tail.identity) {
            switch try tail.begin(at: cursor) {
            case .resume, .idle: return cursor.stream
            case .start, .verify, .newGeneration: continue
            }
        }
        return nil
    }

    func moved(
        _ stream: StreamKey, from source: SourceInfo, to path: SourcePath, inPlaceOf known: StreamCursor?
    ) async throws -> Owner {
        if source.path == path { return .stream(stream) }
        let isMoved = try await store.move(
            stream, from: source, to: source.moved(to: path), inPlaceOf: known?.stream)
        return isMoved ? .stream(stream) : .unsettled
    }

    /// Whether the file that the stream's lines came from is no more where it was, or another one is in its place.
    private func isGone(_ source: SourceInfo, _ cursor: StreamCursor) async throws -> Bool {
        // Nobody looks there any more: whether something has the name is all that may be asked.
        guard roots[source.root] != nil else { return try source.path.isVacant }
        do throws(CaptureError) {
            _ = try context.roots.directory(source.root)
        } catch {
            return false  // A root that is away may come back with all that was in it.
        }
        do {
            var tail = try FileTail(source.path, in: context.roots, key: context.key)
            // The very file that was read is not gone, though it was truncated or written anew.
            guard tail.identity != cursor.file else { return false }
            switch try tail.begin(at: cursor) {
            case .newGeneration: return true
            case .verify: return try await holdsLast(of: cursor.stream, tail) == false
            case .start, .resume, .idle: return false
            }
        } catch let error as CaptureError where error.code == .missing || error.code == .refused {
            return true
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
