import Delivery
import Segments
import Shared
import Store

/// What one writer has put of a session, as its manifests in the stores say.
struct WriterManifest: Sendable {
    /// A store that has a manifest of the writer.
    struct Holding: Sendable {
        var shelf: ObjectFinder.Shelf
        var found: FoundManifest
        /// Of the segments that it lists there.
        var paths: Set<String>
        /// Where an object of it should be, as far as this daemon has put it; `nil`: it is another writer's.
        var place: (@Sendable (StreamKey, ManifestSegment) -> ObjectCopy.Place)?

        init(_ found: FoundManifest, on shelf: ObjectFinder.Shelf) {
            self.shelf = shelf
            self.found = found
            paths = Set(found.manifest.everySegment.map(\.entry.path))
        }

        /// - Throws: also when one is damaged.
        static func all(
            of session: SessionID, on shelf: ObjectFinder.Shelf
        ) async throws(DeliveryError) -> [Holding] {
            try await shelf.sink.manifests(of: session).map { Holding($0, on: shelf) }
        }

        /// Those of other writers; in the place of one that is damaged, why it cannot be read.
        ///
        /// - Parameter own: what this writer has is known here: its manifest, which may be long, is not even read.
        static func others(
            of session: SessionID, on shelf: ObjectFinder.Shelf, than own: String
        ) async throws(DeliveryError) -> [Result<Holding, DeliveryError>] {
            var folder: String?
            do throws(DeliveryError) {
                folder = shelf.sink.folder(of: session, writer: own, place: try await shelf.readingPlace(session))
            } catch {
                // Where one is damaged it may not be known which is ours: then all are read, and ours is left out by its name.
                if error.isTransient { throw error }
            }
            return try await shelf.sink.readings(of: session, besides: folder).compactMap { reading in
                if case .success(let found) = reading, found.manifest.writer == own { return nil }
                return reading.map { Holding($0, on: shelf) }
            }
        }
    }

    let session: SessionID
    /// Empty: a program that knows no writers.
    let writer: String
    /// By the store's name; the first has the most lines.
    private(set) var holdings: [Holding]

    var manifest: Manifest { holdings[0].found.manifest }
    var origin: WriterBranch.Origin? { WriterBranch.Origin(manifest.continues) }

    /// One for each writer.
    static func all(of session: SessionID, in holdings: [Holding]) -> [WriterManifest] {
        var all: [WriterManifest] = []
        for holding in holdings {
            let writer = holding.found.manifest.writer ?? ""
            if let index = all.firstIndex(where: { $0.writer == writer }) {
                all[index].add(holding)
            } else {
                all.append(WriterManifest(session: session, writer: writer, holdings: [holding]))
            }
        }
        return all
    }

    private mutating func add(_ holding: Holding) {
        let isLongest = holding.found.manifest.lines > holdings[0].found.manifest.lines
        holdings.insert(holding, at: isLongest ? 0 : holdings.endIndex)
    }

    /// Where an object of the writer's should be.
    func copies(of entry: ManifestSegment, in stream: StreamName) -> [ObjectCopy] {
        holdings.filter { $0.paths.contains(entry.path) }.map { Self.copy(of: entry, in: stream, session, $0) }
    }

    static func copy(
        of entry: ManifestSegment, in stream: StreamName, _ session: SessionID, _ holding: Holding
    ) -> ObjectCopy {
        let key = StreamKey(session: session, stream: stream)
        let place = holding.place?(key, entry)
        // One object has one name, whoever reads it.
        let writer = place == nil ? holding.found.manifest.writer.map { " of \($0)" } ?? "" : ""
        let name = ObjectFinder.name(of: entry.path, key, in: holding.shelf.name) + writer
        return ObjectCopy(name: name, place: place) {
            FoundObject(try await holding.shelf.sink.object(entry.path, in: holding.found.folder))
        }
    }

    /// What the writer has of a stream.
    func branch(of stream: StreamName, _ objects: ObjectFinder) -> WriterBranch {
        let found = manifest.entries(of: stream)
        let isFirst = holdings.contains { holding in
            holding.found.folder == holding.shelf.sink.folder(of: session, writer: writer, place: .first)
        }
        return WriterBranch(
            writer: writer, isFirst: isFirst, createdAt: manifest.createdAt, origin: origin,
            // Entries of another program are of the file's first life.
            lastGeneration: found.segments.map { $0.generation ?? 1 }.max() ?? 0
        ) { generation in
            parts(found.segments.filter { ($0.generation ?? 1) == generation }, of: stream, objects)
        } checkpoints: { generation, parts in
            found.checkpoints.filter { ($0.generation ?? 1) == generation }.compactMap {
                Volume.Checkpoint($0, in: parts)
            }
        }
    }

    /// In the order of the source: what another program put first counts its lines from 1.
    func parts(_ entries: [ManifestSegment], of stream: StreamName, _ objects: ObjectFinder) -> [Volume.Part] {
        var line = 1
        return entries.compactMap { entry in
            let outline = SegmentOutline(entry, firstLine: line)
            line = outline.firstLine + outline.lines
            return Volume.Part(outline, isPartial: entry.partial ?? false) { [session] in
                try await objects.sound(outline, of: session, in: copies(of: entry, in: stream))
            }
        }
    }
}

extension Volume.Checkpoint {
    /// - Returns: `nil` when its segment is not there.
    init?(_ entry: ManifestCheckpoint, in parts: [Volume.Part]) {
        if let line = entry.line {
            self.init(id: entry.id, line: line)
            return
        }
        // agent-uploader's say only the segment and the line in it.
        let name = "session-\(SegmentRecord.padded(entry.seq))"
        guard let part = parts.first(where: { $0.outline.name.contains(name) }) else { return nil }
        self.init(id: entry.id, line: part.outline.firstLine - 1 + entry.lineIndex)
    }
}
