package import Shared

/// What a server has, read back.
extension ConfabSink {
    package func lastLine(beside record: SegmentRecord, _ facts: SessionFacts) async throws(DeliveryError) -> Int {
        let session = record.stream.session
        let file = ConfabFile(record.stream.stream, of: session, generation: record.generation, facts)
        // What is kept here may be older than what somebody did there; a session's segments are asked for together.
        return try await begun(session, facts, notBefore: .seconds(5)).files[file.name] ?? 0
    }

    package func bytes(
        of record: SegmentRecord, _ facts: SessionFacts
    ) async throws(DeliveryError) -> any ObjectBytes & Sendable {
        let session = record.stream.session
        let file = ConfabFile(record.stream.stream, of: session, generation: record.generation, facts)
        let all = try await server.download(file.name, of: try await begun(session, facts).id)
        return try await withTaskExecutorPreference(worker) { () async throws(DeliveryError) in
            try await Self.lines(record, of: all, file)
        }
    }

    @concurrent
    private static func lines(
        _ record: SegmentRecord, of all: any ObjectBytes & Sendable, _ file: ConfabFile
    ) async throws(DeliveryError) -> any ObjectBytes & Sendable {
        var line = 1
        var begin: Int64 = record.firstLine == 1 ? 0 : -1
        var room = [UInt8](repeating: 0, count: 256 << 10)
        var position: Int64 = 0
        while position < all.size {
            let count: Int
            do { count = try room.withUnsafeMutableBytes { try all.read(at: position, into: $0) } } catch {
                throw DeliveryError(.transient, "could not read file \(file.name) that was received: \(error)")
            }
            guard count > 0 else { break }
            for index in 0..<count where room[index] == 0x0A {
                line += 1
                if line == record.firstLine { begin = position + Int64(index) + 1 }
                if line == record.lastLine + 1 {
                    // A last line without its end has one there.
                    let end = position + Int64(index) + (record.partial ? 0 : 1)
                    return ObjectSlice(all, begin..<end)
                }
            }
            position += Int64(count)
        }
        throw DeliveryError(.notFound, "file \(file.name) has \(line - 1) lines, not \(record.lastLine)")
    }

    // MARK: A session as a whole

    package func transcript(
        of session: SessionID, _ facts: SessionFacts
    ) async throws(DeliveryError) -> FoundManifest? {
        let there = try await server.begin(session, facts)
        let files = there.files.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        guard !files.isEmpty else { return nil }
        var manifest = Manifest(sid: session.rawValue, createdAt: "", updatedAt: "")
        manifest.session = facts
        for (name, lines) in files {
            guard let (stream, generation) = Self.stream(of: name, session, facts) else { continue }
            let entry = ManifestSegment(path: name, lines: lines, generation: generation)
            if stream == .main {
                manifest.segments.append(entry)
                manifest.segments.sort { $0.seq < $1.seq }
            } else {
                var entries = manifest.streams[stream.rawValue]?.segments ?? []
                entries.append(entry)
                manifest.streams[stream.rawValue] = ManifestStream(
                    kind: "", agentID: nil, activeSeq: generation + 1, segments: entries.sorted { $0.seq < $1.seq },
                    checkpoints: [])
            }
        }
        return FoundManifest(
            manifest: manifest, bytes: [], folder: folder(of: session, writer: "", place: .first) + "\(there.id)/")
    }

    /// The stream that is sent as this file; `nil`: none of ours.
    private static func stream(
        of name: String, _ session: SessionID, _ facts: SessionFacts
    ) -> (StreamName, generation: Int)? {
        guard name.hasSuffix(".jsonl") else { return nil }
        var stem = name.dropLast(6)
        var generation = 1
        if let mark = stem.lastIndex(of: "."), stem[mark...].hasPrefix(".g"),
            let number = Int(stem[stem.index(mark, offsetBy: 2)...]), number > 1
        {
            generation = number
            stem = stem[..<mark]
        }
        let parts = stem.split(separator: "/").map(String.init)
        guard let last = parts.last else { return nil }
        var text = String(stem)
        if last.hasPrefix("agent-"), last != StoreName.escaped(session.rawValue) {
            text = (parts.dropLast() + ["agents", String(last.dropFirst(6))]).joined(separator: "/")
        }
        let found: StreamName?
        let isMain = ConfabFile(.main, of: session, generation: generation, facts).name == name
        found = isMain || last.hasSuffix(session.rawValue) && parts.count == 1 ? .main : StreamName(text)
        return found.map { ($0, generation) }
    }

    /// A whole file, of a manifest that `transcript` has made.
    package func object(
        _ relativePath: String, in folder: String
    ) async throws(DeliveryError) -> any ObjectBytes & Sendable {
        guard let id = folder.split(separator: "/").dropFirst().first else {
            throw DeliveryError(.permanent, "\(server.url) keeps lines, and no objects")
        }
        return try await server.download(relativePath, of: String(id))
    }
}
