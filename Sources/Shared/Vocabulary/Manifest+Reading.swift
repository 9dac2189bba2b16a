extension Manifest {
    /// A longer one is not read, in bytes: 200,000 segments, ours or anybody's.
    package static let longest: Int64 = 128 << 20

    /// Reads a manifest, which anybody who can write to a store may have written.
    ///
    /// Its entries are decoded one by one as they are read: at no time is there a tree of all of them.
    ///
    /// - Throws: `JSONMismatch`.
    package init(reading text: [UInt8]) throws {
        var entries: [String?: [ManifestSegment]] = [:]
        do {
            let rest = try JSONReader.value(of: text) { path in
                switch path.count {
                case 1: path[0] == "segments"
                case 3: path[0] == "streams" && path[2] == "segments"
                default: false
                }
            } taking: { element, path in
                let stream = path.count == 1 ? nil : path[1]
                let index = entries[stream]?.count ?? 0
                do {
                    entries[stream, default: []].append(
                        try JSONValueDecoder.decode(ManifestSegment.self, from: element))
                } catch {
                    throw JSONMismatch(error, below: path.joined(separator: ".") + "[\(index)]")
                }
            }
            self = try JSONValueDecoder.decode(Manifest.self, from: rest)
        } catch {
            throw JSONMismatch(error)
        }
        for (stream, list) in entries {
            if let stream { streams[stream]?.segments = list } else { segments = list }
        }
    }
}
