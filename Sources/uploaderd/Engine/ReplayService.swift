import Delivery
import Segments
import Shared
import Store

/// Reads a session's lines back in order: what the catalog knows from the spool and the stores, or what the manifest of one
/// store says, which needs no catalog.
struct ReplayService: Sendable {
    let store: Store
    let objects: ObjectFinder

    /// One generation of one stream, as a list of objects.
    struct Volume: Sendable {
        struct Part: Sendable {
            var outline: SegmentOutline
            var isThere: Bool
            var bytes: @Sendable () async throws -> FoundObject
        }

        var stream: StreamName
        var generation: Int
        /// In the order of the source.
        var parts: [Part]
        var checkpoints: [ManifestCheckpoint]

        /// Lines that there are.
        var lines: Int { parts.last.map(\.outline.lastLine) ?? 0 }

        /// - Returns: `nil` when there is no such checkpoint.
        func checkpoint(_ choice: CheckpointChoice) -> ManifestCheckpoint? {
            switch choice {
            case .latest: return checkpoints.max { ($0.line ?? 0, $0.id) < ($1.line ?? 0, $1.id) }
            case .id(let id):
                if let exact = checkpoints.first(where: { $0.id == id }) { return exact }
                // A merge puts other lines before the compacted one, so the line's place in the segment is another; the
                // time and the sequence number stay, and a segment has one checkpoint, at its end.
                guard let wanted = Self.withoutLine(id) else { return nil }
                return checkpoints.first { Self.withoutLine($0.id) == wanted }
            }
        }

        /// The id up to its `-l`.
        private static func withoutLine(_ id: String) -> Substring? {
            guard let dash = id.lastIndex(of: "-") else { return nil }
            let line = id[id.index(after: dash)...]
            return line.first == "l" && line.count > 1 && line.dropFirst().allSatisfy(\.isNumber) ? id[..<dash] : nil
        }
    }

    /// - Parameters:
    ///   - generation: `nil`: the last one.
    ///   - from: a destination's name; `nil`: whatever the catalog knows.
    func volume(
        of session: SessionID, _ stream: StreamName, generation: Int?, from: String?
    ) async throws(ControlError) -> Volume {
        do {
            if let from { return try await remote(session, stream, generation, from) }
            return try await known(session, stream, generation)
        } catch let error as ControlError {
            throw error
        } catch {
            throw ControlError(.backendError, "could not read what is known of session \(session): \(error)")
        }
    }

    private func known(_ session: SessionID, _ stream: StreamName, _ generation: Int?) async throws -> Volume {
        guard let description = try await store.describe(session) else { throw Self.noSession(session) }
        let key = StreamKey(session: session, stream: stream)
        guard let found = description.streams.first(where: { $0.stream == key }) else {
            throw Self.noStream(stream, of: session, description.streams.map(\.stream.stream))
        }
        let wanted = generation ?? found.cursor.generation
        var parts = wanted == 1 ? try await foreignParts(of: key) : []
        for segment in try await store.segments(of: key, generation: wanted) {
            parts.append(
                Volume.Part(
                    outline: SegmentOutline(segment.record),
                    isThere: segment.state == .spooled || segment.state == .retired
                ) { [objects] in
                    try await objects.bytes(of: segment.id, segment.record, holders: segment.receipts)
                })
        }
        guard !parts.isEmpty || generation == nil else { throw Self.noGeneration(wanted, of: key) }
        let checkpoints = try await store.mergeInput(of: key).checkpoints.filter { $0.generation == wanted }
        return Volume(
            stream: stream, generation: wanted, parts: parts, checkpoints: checkpoints.map(ManifestCheckpoint.init))
    }

    /// What another program uploaded before us stands only in the manifests.
    func foreignParts(of key: StreamKey) async throws -> [Volume.Part] {
        guard try await store.hasForeignEntries(key) else { return [] }
        for (_, shelf) in objects.readable {
            for found in try await shelf.sink.manifests(of: key.session) {
                let foreign = Self.entries(of: key.stream, in: found.manifest).segments.filter { $0.generation == nil }
                if !foreign.isEmpty { return Self.parts(foreign, found.folder, shelf.sink) }
            }
        }
        throw DeliveryError(.transient, "the store that has the first lines of \(key) cannot be read now")
    }

    private func remote(
        _ session: SessionID, _ stream: StreamName, _ generation: Int?, _ name: String
    ) async throws -> Volume {
        guard let id = objects.id(named: name), let shelf = objects.shelf(id) else {
            let open = objects.readable.map(\.shelf.name)
            throw ControlError(
                .backendError, "destination \(name) is not open",
                hint: open.isEmpty ? "uploaderctl status says why" : "open now: \(open.joined(separator: ", "))")
        }
        guard let found = try await shelf.sink.manifests(of: session).first else {
            throw Self.noSession(session, in: name)
        }
        let entries = Self.entries(of: stream, in: found.manifest)
        let last = entries.segments.compactMap(\.generation).max() ?? 1
        let wanted = generation ?? last
        // Entries of another program are of the file's first life.
        let segments = entries.segments.filter { ($0.generation ?? 1) == wanted }
        guard !segments.isEmpty else {
            throw Self.noStream(stream, of: session, found.manifest.streams.keys.compactMap(StreamName.init) + [.main])
        }
        return Volume(
            stream: stream, generation: wanted, parts: Self.parts(segments, found.folder, shelf.sink),
            checkpoints: entries.checkpoints.filter { ($0.generation ?? 1) == wanted })
    }

    private static func parts(
        _ entries: [ManifestSegment], _ folder: String, _ sink: any SessionSink
    ) -> [Volume.Part] {
        var line = 1
        return entries.map { entry in
            let outline = SegmentOutline(entry, firstLine: line)
            line = outline.firstLine + outline.lines
            return Volume.Part(outline: outline, isThere: true) {
                FoundObject(try await sink.object(entry.path, in: folder))
            }
        }
    }

    private static func entries(
        of stream: StreamName, in manifest: Manifest
    ) -> (segments: [ManifestSegment], checkpoints: [ManifestCheckpoint]) {
        if stream == .main { return (manifest.segments, manifest.checkpoints) }
        let found = manifest.streams[stream.rawValue]
        return (found?.segments ?? [], found?.checkpoints ?? [])
    }

    /// Sends the lines in order, in pieces of at most 256 KiB.
    ///
    /// - Parameters:
    ///   - lines: 1-based, both included; `nil`: all.
    ///   - body: is given pieces, and where each begins in what is stored of the generation.
    func send(
        _ volume: Volume, lines: ClosedRange<Int>?, to body: (Int64, [UInt8]) async throws(ControlError) -> Void
    ) async throws(ControlError) {
        var next = 1
        var offset: Int64 = 0
        for part in volume.parts {
            let outline = part.outline
            guard outline.firstLine == next, part.isThere else {
                throw ControlError(
                    .damaged,
                    "lines \(next) to \(max(next, outline.firstLine - 1)) of generation \(volume.generation) are missing",
                    hint: "uploaderctl verify says what happened to them")
            }
            next = outline.firstLine + outline.lines
            let range = outline.firstLine...max(outline.firstLine, outline.lastLine)
            if lines.map({ $0.overlaps(range) }) ?? true {
                try await send(part, lines.flatMap { $0.clamped(to: range) == range ? nil : $0 }, from: offset, body)
            }
            offset += outline.bytes ?? 0
        }
    }

    private func send(
        _ part: Volume.Part, _ lines: ClosedRange<Int>?, from offset: Int64,
        _ body: (Int64, [UInt8]) async throws(ControlError) -> Void
    ) async throws(ControlError) {
        do {
            var reader = try MemberReader(part.outline, object: try await part.bytes(), lines: lines)
            var position = offset + (lines.flatMap { part.outline.parts(for: $0)?.uncompressed.lowerBound } ?? 0)
            while let piece = try reader.next() {
                try await body(position, Array(piece))
                position += Int64(piece.count)
                await Task.yield()
            }
        } catch let error as ControlError {
            throw error
        } catch let error as SegmentError where error.code == .damaged {
            throw ControlError(
                .damaged, error.description,
                hint: "uploaderctl verify --deep lists all that is damaged; another destination may be whole")
        } catch {
            throw ControlError(.backendError, "could not read \(part.outline.name): \(error)")
        }
    }

    static func noSession(_ session: SessionID, in destination: String? = nil) -> ControlError {
        ControlError(
            .noSuchSession, "there is no session \(session)\(destination.map { " in destination \($0)" } ?? " here")",
            hint: "uploaderctl sessions lists what there is")
    }

    private static func noStream(_ stream: StreamName, of session: SessionID, _ there: [StreamName]) -> ControlError {
        ControlError(
            .noMatch, "session \(session) has no stream \(stream)",
            hint: "it has " + there.map(\.rawValue).sorted().joined(separator: ", "))
    }

    private static func noGeneration(_ generation: Int, of key: StreamKey) -> ControlError {
        ControlError(
            .noMatch, "\(key) has no generation \(generation)", hint: "uploaderctl show \(key.session) lists them")
    }
}
