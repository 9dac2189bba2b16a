import LinuxSystem
package import Shared

/// What agent-uploader has left in its spool, or in the `queue` folder of it:
///
///     queue/session-000001.jsonl.gz               a segment, gzip; or .jsonl, plain
///     queue/session-000001.jsonl.gz.meta.json     {"remote_path": "sessions/<sid>/segments/session-000001.jsonl.gz", "created_at": …,
///                                                  "kind": "Segment"}
///     queue/manifest.json, …                      with descriptors of the kinds Manifest and Checkpoint
///     active/session-000002.jsonl                 the open segment: whose it is nothing says, so it stays
///
/// `created_at` is an array `[year, day of the year, hour, minute, second, nanosecond, …]` in UTC, or RFC 3339. Valid: the last three
/// parts of `remote_path` are a session id, `segments`, and the name of the file. The names of files hold no session: with two
/// sessions in one spool one file takes the place of the other's, so what a manifest beside says of a segment is compared.
package struct AgentUploaderSpool: Sendable {
    package struct Segment: Sendable, Hashable {
        package var seq: Int
        package var path: String
        package var isPacked: Bool
        package var createdAt: WallTime
        /// Of the plain bytes, where a manifest says it.
        package var bytes: Int64?
    }

    /// Its segments by their numbers, each once.
    package private(set) var sessions: [SessionID: [Segment]] = [:]
    /// What is left where it is, a sentence each.
    package private(set) var left: [String] = []
    /// Descriptors of manifests and checkpoints: both are made from the lines.
    package private(set) var passedOver = 0
    package let folder: String

    private static let suffix = ".meta.json"
    private static let longestDescriptor = 1 << 20

    /// - Returns: `nil` for a path that is no spool.
    package init?(reading path: String) throws(ClientError) {
        guard let folder = try Self.folder(path) else { return nil }
        self.folder = folder
        var sizes: [SessionID: [Int: Int64]] = [:]
        let names = try Self.names(in: folder)
        for name in names.sorted() where name.hasSuffix(Self.suffix) {
            let data = String(name.dropLast(Self.suffix.utf8.count))
            guard let value = Self.json("\(folder)/\(name)"), let kind = value["kind"]?.text,
                let createdAt = Self.time(value["created_at"]), let remote = value["remote_path"]?.text
            else {
                left.append("\(folder)/\(name) is no descriptor of agent-uploader's")
                continue
            }
            switch kind {
            case "Segment":
                guard let (sid, segment) = segment(data, remote, createdAt) else {
                    left.append("\(folder)/\(name) names no segment of a session: \(remote.prefix(200))")
                    continue
                }
                sessions[sid, default: []].append(segment)
            case "Manifest":
                passedOver += 1
                Self.note(Self.json("\(folder)/\(data)"), in: &sizes)
            case "Checkpoint": passedOver += 1
            default: left.append("\(folder)/\(name) is of the unknown kind \(kind.prefix(80))")
            }
        }
        for (sid, segments) in sessions { sessions[sid] = settled(segments, sizes[sid] ?? [:]) }
        noteOpen(Files.parent(of: folder))
    }

    private static func folder(_ path: String) throws(ClientError) -> String? {
        let own = try names(in: path)
        if own.contains(where: { $0.hasSuffix(suffix) }) { return path }
        guard own.contains("queue") else { return nil }
        let queued = try names(in: "\(path)/queue").contains { $0.hasSuffix(suffix) }
        // One that was sent to its end.
        let isSpool = ["active", "state", "manifests"].contains { own.contains($0) }
        return queued || isSpool ? "\(path)/queue" : nil
    }

    private static func names(in folder: String) throws(ClientError) -> [String] {
        do throws(SystemError) {
            guard try Files.status(folder, followLinks: true)?.kind == .directory else { return [] }
            return try Files.list(folder).map(\.name)
        } catch {
            throw ClientError(.failed, "could not read \(folder)", cause: error.reason)
        }
    }

    /// - Returns: `nil` for what cannot be read, or is no JSON.
    private static func json(_ path: String) -> JSONValue? {
        do {
            let file = try Descriptor.open(path, [.readOnly, .noFollow, .nonBlocking])
            guard try file.status().kind == .regular else { return nil }
            return try JSONReader.value(of: try file.contents(limit: longestDescriptor, path: path))
        } catch {
            return nil
        }
    }

    private func segment(
        _ data: String, _ remote: String, _ createdAt: WallTime
    ) -> (SessionID, Segment)? {
        let parts = remote.split(separator: "/", omittingEmptySubsequences: false).suffix(3).map(String.init)
        guard parts.count == 3, parts[1] == "segments", parts[2] == data, let sid = SessionID(parts[0]) else {
            return nil
        }
        let isPacked = data.hasSuffix(".jsonl.gz")
        guard data.hasPrefix("session-"), isPacked || data.hasSuffix(".jsonl"),
            let seq = Int(data.dropFirst(8).prefix { $0 != "." }), seq >= 0
        else { return nil }
        return (sid, Segment(seq: seq, path: "\(folder)/\(data)", isPacked: isPacked, createdAt: createdAt))
    }

    /// Sizes of segments, as a manifest has them.
    private static func note(_ manifest: JSONValue?, in sizes: inout [SessionID: [Int: Int64]]) {
        guard let manifest, let sid = manifest["sid"]?.text.flatMap({ SessionID($0) }) else { return }
        for entry in manifest["segments"]?.elements ?? [] {
            guard let seq = entry["seq"]?.int, let bytes = (entry["bytes_uncompressed"] ?? entry["bytes"])?.int else {
                continue
            }
            sizes[sid, default: [:]][Int(clamping: seq)] = bytes
        }
    }

    /// Ordered by their numbers; of two with one number the later.
    private mutating func settled(_ segments: [Segment], _ sizes: [Int: Int64]) -> [Segment] {
        var found: [Segment] = []
        for segment in segments.sorted(by: { ($0.seq, $0.createdAt) < ($1.seq, $1.createdAt) }) {
            var segment = segment
            segment.bytes = sizes[segment.seq]
            if let last = found.last, last.seq == segment.seq {
                left.append("\(last.path) has the number of \(segment.path), which is later")
                found.removeLast()
            }
            found.append(segment)
        }
        return found
    }

    private mutating func noteOpen(_ spool: String) {
        do throws(SystemError) {
            for entry in try Files.list("\(spool)/active") where entry.kind == .regular {
                let path = "\(spool)/active/\(entry.name)"
                guard try Files.status(path).map({ $0.size > 0 }) ?? false else { continue }
                left.append(
                    "\(path) is an open segment, of which nothing says whose it is: agent-uploader closes it when it ends"
                )
            }
        } catch {
            left.append("\(spool)/active could not be read: \(error.reason)")
        }
    }

    /// - Returns: `nil` for what is no time.
    package static func time(_ value: JSONValue?) -> WallTime? {
        switch value {
        case .string(let text): return RFC3339.parse(text)
        case .array(let parts):
            let numbers = parts.compactMap(\.int)
            guard numbers.count == parts.count, (6...9).contains(numbers.count),
                (1970...9999).contains(numbers[0]), (1...366).contains(numbers[1]), (0...23).contains(numbers[2]),
                (0...59).contains(numbers[3]), (0...60).contains(numbers[4]), (0...999_999_999).contains(numbers[5])
            else { return nil }
            let offsets = numbers.dropFirst(6) + [0, 0, 0].dropFirst(numbers.count - 6)
            guard offsets.allSatisfy({ (-59...59).contains($0) }),
                let year = RFC3339.parse("\(numbers[0])-01-01T00:00:00Z")
            else { return nil }
            let shift = zip(offsets, [3_600, 60, 1] as [Int64]).reduce(0) { $0 + $1.0 * $1.1 }
            let day = (numbers[1] - 1) * 86_400 + numbers[2] * 3_600 + numbers[3] * 60 + numbers[4]
            return WallTime(nanoseconds: (year.seconds + day - shift) * 1_000_000_000 + numbers[5])
        default: return nil
        }
    }
}
