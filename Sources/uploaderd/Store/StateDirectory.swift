import LinuxSystem
package import Shared

/// The state directory and the names in it; all of it belongs to `Store` alone. Directories are 0700, files 0600.
///
///     catalog.db                                   what is where: CatalogSchema
///     catalog.db.broken-<time>                     one that was damaged, kept aside
///     catalog.db.damaged                           empty: the catalog was found damaged while it was used
///     lock                                         held while a daemon runs; holds its process id
///     spool/<sid>/<stream>/<seq>-<16 hex>.seg      a segment that is not safe elsewhere: header, then object
///     spool/.tmp-<id>                              one being written; deleted at boot
///     spool/.refused/                              what boot found in the spool and could not use
///     spool/.uploaderd.lock                        as lock: the spool may lie elsewhere, and be named to two daemons
///     manifests/<sid>.json                         the fullest manifest put anywhere, as it was put
///     manifests/<sid>.stores                       which stores it speaks for: LocalManifests
///     stores.json                                  which store each destination led to: KnownStores
///     private.txt, forgotten.txt                   sessions of which nothing leaves: StandingList
///     queue/                                       what hooks told while nobody answered: HookQueue; not ours alone
///     store/                                       the default directory destination; not ours
///
/// Sid and stream are escaped as in object names: `StoreName`.
package struct StateDirectory: Sendable, Hashable {
    /// Absolute, without a slash at the end.
    package let path: String
    package let spool: String

    /// - Parameter spool: absolute; `nil`: in the state directory.
    package init(_ path: String, spool: String? = nil) {
        self.path = path
        self.spool = spool ?? "\(path)/spool"
    }

    package var catalog: String { "\(path)/catalog.db" }
    var damage: String { "\(catalog).damaged" }
    package var lock: String { "\(path)/lock" }
    package var spoolLock: String { "\(spool)/.uploaderd.lock" }
    package var refused: String { "\(spool)/.refused" }
    package var manifests: String { "\(path)/manifests" }
    var knownStores: String { "\(path)/stores.json" }
    package var privates: String { "\(path)/private.txt" }
    package var forgotten: String { "\(path)/forgotten.txt" }

    func make() throws(StoreError) {
        for folder in [path, spool, refused, manifests] {
            try reporting("could not make the directory \(folder)") { () throws(SystemError) in
                try Files.makeDirectories(folder)
            }
        }
    }

    package func manifest(of session: SessionID) -> String {
        "\(manifests)/\(StoreName.escaped(session.rawValue)).json"
    }
    package func storesOfManifest(of session: SessionID) -> String {
        "\(manifests)/\(StoreName.escaped(session.rawValue)).stores"
    }

    /// Relative to `spool`.
    static func spoolFolder(of stream: StreamKey) -> String {
        "\(StoreName.escaped(stream.session.rawValue))/\(StoreName.escapedPath(stream.stream))"
    }

    /// Relative to `spool`: `ses_1/main/000001-3fa94c1d22b07e15.seg`.
    static func spoolPath(of record: SegmentRecord) -> String {
        spoolPath(of: record.stream, seq: record.seq, object: record.objectChecksum)
    }

    static func spoolPath(of stream: StreamKey, seq: Int, object: Digest256) -> String {
        "\(spoolFolder(of: stream))/\(SegmentRecord.padded(seq))-\(object.hex.prefix(16)).seg"
    }
}
