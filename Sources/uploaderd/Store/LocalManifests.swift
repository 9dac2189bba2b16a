import Digests
import LinuxSystem
import Shared

/// The manifests that were put in stores, kept here too: what rebuilds rows when the catalog is lost or rolled back.
///
///     manifests/<sid>.json      the fullest manifest put anywhere, byte for byte
///     manifests/<sid>.stores    {"manifests":["sha256:…","sha256:…"],"stores":{"<store id>":{"epoch":12,"listing":"sha256:…"}}}
///
/// `manifests` are the digests of the kept manifest's bytes, and of the three before it: the list is written first, and crashes
/// may come in between. A manifest that is none of them, or of which nothing says what it was, is damaged: it would be put over
/// a good one.
/// `listing` is the digest of the lines `<stream>\t<path>\n` of all segments that the manifest at that store lists, main
/// first, then by name. A store whose listing is that of the kept manifest had every segment in it when it was kept:
/// segments are put before the manifest that names them. Of any other store nothing is claimed; to put an object
/// there again is harmless. Valid: both files parse, and the manifest is one of those named; one a crash older than the other only
/// claims less.
struct LocalManifests {
    struct Stores: Codable {
        struct Entry: Codable {
            var epoch: Int
            var listing: Digest256

            enum CodingKeys: CodingKey {
                case epoch, listing
            }
        }
        var manifests: [Digest256] = []
        var stores: [String: Entry] = [:]
    }

    struct Kept {
        var session: SessionID
        var manifest: Manifest
        /// Stores that had all of it.
        var holders: [StoreID]
        var epochs: [StoreID: Int]
    }

    let directory: StateDirectory

    func stores(of session: SessionID) throws(StoreError) -> Stores {
        let path = directory.storesOfManifest(of: session)
        guard let bytes = try read(path) else { return Stores() }
        do {
            return try JSONText.decode(Stores.self, from: bytes)
        } catch {
            return Stores()  // Safe: nothing is claimed of any store, and the manifest is not believed.
        }
    }

    /// The kept manifest of a file in the directory.
    ///
    /// - Throws: `damaged` when it is not the one that was kept, or does not parse.
    func read(fileNamed name: String) throws(StoreError) -> Kept {
        let path = "\(directory.manifests)/\(name)"
        guard let bytes = try read(path) else {
            throw StoreError(
                .damaged, "\(path) is gone, no file, or longer than the \(Manifest.longest) bytes that are read")
        }
        let manifest: Manifest
        do {
            manifest = try Manifest(reading: bytes)
        } catch {
            throw StoreError(.damaged, "\(path) does not parse", cause: error)
        }
        guard let session = SessionID(manifest.sid), directory.manifest(of: session) == path else {
            throw StoreError(.damaged, "\(path) is the manifest of another session")
        }
        let stores = try stores(of: session)
        guard stores.manifests.contains(RunningDigest.digest(of: bytes)) else {
            throw StoreError(
                .damaged,
                stores.manifests.isEmpty
                    ? "nothing says whether \(path) is as it was written" : "\(path) is not as it was written")
        }
        let listing = Self.listing(of: manifest)
        var kept = Kept(session: session, manifest: manifest, holders: [], epochs: [:])
        for (name, entry) in stores.stores.sorted(by: { $0.key < $1.key }) {
            kept.epochs[StoreID(name)] = entry.epoch
            if entry.listing == listing { kept.holders.append(StoreID(name)) }
        }
        return kept
    }

    private func read(_ path: String) throws(StoreError) -> [UInt8]? {
        try reporting("could not read \(path)") { () throws(SystemError) in
            // Opening a FIFO would wait for who writes into it.
            guard let status = try Files.status(path), status.kind == .regular, status.size <= Manifest.longest else {
                return nil
            }
            return try Files.readAll(path, limit: Int(Manifest.longest))
        }
    }

    static func listing(of manifest: Manifest) -> Digest256 {
        var streams = [(StreamName.main.rawValue, manifest.segments.map(\.path))]
        for (name, stream) in manifest.streams { streams.append((name, stream.segments.map(\.path))) }
        return listing(of: streams)
    }

    static func listing(of basis: ManifestBasis) -> Digest256 {
        var streams = basis.streams.map { ($0.stream.stream.rawValue, $0.segments.map(\.path)) }
        if !streams.contains(where: { $0.0 == StreamName.main.rawValue }) {
            streams.append((StreamName.main.rawValue, []))
        }
        return listing(of: streams)
    }

    private static func listing(of streams: [(name: String, paths: [String])]) -> Digest256 {
        var digest = RunningDigest()
        let main = StreamName.main.rawValue
        let ordered = streams.sorted { ($0.name == main ? 0 : 1, $0.name) < ($1.name == main ? 0 : 1, $1.name) }
        for stream in ordered {
            for path in stream.paths {
                Array("\(stream.name)\t\(path)\n".utf8).withUnsafeBytes { digest.update($0) }
            }
        }
        return digest.digest()
    }
}

extension LocalManifests.Stores.Entry {
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        epoch = try values.decode(Int.self, forKey: .epoch, in: Plausible.place)
        listing = try values.decode(Digest256.self, forKey: .listing)
    }
}
