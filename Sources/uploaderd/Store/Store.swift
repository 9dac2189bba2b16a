import Glibc
package import LinuxSystem
package import Shared

/// The one writer of the state directory: catalog, spool and local manifests.
///
/// Lives on lane "store" and blocks there. No method contains an `await`, so each is a transaction. What a method says
/// it did is durable when it returns; after a throw nothing of it was done, and the same call may be made again.
///
/// **Start and stop** (this file, Store+Recovery, Store+Adoption)
///
///     Store.open(directory, …) → (Store, RecoveryReport)     one at a time: StoreError.locked
///     close()                                                 the lock is free, the catalog a single file
///     writer() · value(_:) · setValue(_:_:)                   our writer id; small values by name
///     noteStoresRead()                                        what a lost catalog knew is taken up
///     spool: SpoolGauge                                       bytes in the spool, readable from any thread
///
/// **Capture** (Store+Sealing, Store+Commits, Store+Sessions)
///
///     cursor(of:) · source(of:) · cursor(ofRoot:relativePath:)
///     evidence(of:)                 for a cursor that was rebuilt: what to check in the source; nil: nothing
///     seal(_:advancing:source:)     a segment and the cursor behind it; many callers share one commit
///     makeSpoolTemporary()          for a line too long for memory; `discard(_:)` if nothing becomes of it
///     markRecomputed(_:) · setChain(_:of:generation:offset:)   marks and chain of an unverified cursor
///     note(_:of:) · setEnded(_:reason:) · setContinues(_:of:) · move(_:from:to:)
///     preface(of:)                  what a manifest says of a session before it lists anything
///     unresolved() · requireResolved(_:) · resolve(_:)         sessions of which nothing may be cut
///     recordGap(_:reason:)                                     a lost segment that the source cannot give back
///
///
/// **Hooks** (Store+Captures)
///
///     note(_: [CapturedEvent]) · openCaptures() · capture(of:)     what they told, before it is answered
///     noteGone(_:) · settleEnd(of:) · noteUploaded(_:)
///
/// **Delivery** (Store+Delivery)
///
///     use(_: [StoreID])             the stores to fill; one that is new is to get everything
///     nextDeliveries(to:limit:excluding:) → [SegmentDelivery]
///     claim(_:for:) · record(receiptFor:at:) · release(_:for:)     before, after, and instead of a put
///     openObject(_:) → SpooledObject?
///     note(_:of:at:) · noteWhole(_:at:isRead:) · faults(at:limit:)     what a store does not have as it was said; Store+Faults
///     forsake(_:for:because:)       there is no whole copy of it anywhere
///     takesLines(_:) · recall(_:before:at:)     a store that takes a stream's lines in order; Store+LineOrder
///     takesFiles(_:) · fileDue(at:) · file(upTo:at:)      one that takes whole files; Store+WholeFiles
///     retirable(required:limit:) · retire(_:) · removeLeftovers()
///
/// **Privacy** (Store+Privacy)
///
///     say(_:of:) · standing(of:) · standings(after:limit:) · requireOpen(_:)
///     depart(_:to:) → Departure?    leave to put something of a session; `departures` says what is on its way
///     standingsFault                why nothing may leave at all
///
///     forgetting(at:limit:) · recordErased(_:at:) · erased(_:)     what stores have yet of forgotten sessions; Store+Forgetting
///     unpurged() · purge(_:)        what is here yet of them
///
/// **Manifests** (Store+Manifests, Store+Superseded, Store+TakeUp)
///
///     publishable(to:) · manifestBasis(of:at:) · keep(_:for:) · recordManifest(_:digest:)
///     supersededDue(before:at:) · supersededFirst(at:) · recordDeleted(_:at:)
///     takeUp(_:at:as:)              rows made from a manifest: of our earlier life, or of another program
///
/// **Merging** (Store+Merging)
///
///     mergeCandidates(limit:) · mergeInput(of:) · settleMerge(of:) · sealMerged(_:replacing:)
///
/// **Audit** (Store+Audit)
///
///     audit(_:after:limit:) · refusals(_:after:limit:)     what became of sessions
///     noteSkipped(_:at:) · note(_: Setback, of:at:)
///
/// **Rewriting** (Store+Rewriting, Store+RewritingJobs)
///
///     enforce(rules:) · isOutdated(_:) · segments(of:notBy:) · note(rules:of:) · sealRewritten(_:replacing:)
///     askRewriting(of:) · rewriting() · settleRewriting(of:) · endRewriting(of:) · condemned(of:)    what somebody asked for
///
/// **Control** (Store+Overview)
///
///     sessions() · describe(_:) · segments(of:generation:) · segment(_:) · backlog(at:) · isHeld(_:byAll:)
package actor Store {
    package nonisolated let executor: any RoomExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let directory: StateDirectory
    /// Bytes in the spool.
    package nonisolated let spool = SpoolGauge()
    nonisolated let queue = CommitQueue()

    let time: any TimeSource
    let random: any RandomSource
    let faults: any FaultHook
    let log: any EventLog

    /// `nil` before `start` and after `close`.
    var opened: Catalog?
    private var lock: Descriptor?
    private var spoolLock: Descriptor?
    /// Of the lock in the spool.
    private var spoolIdentity: FileIdentity?
    var spoolFiles: SpoolDirectory
    /// Stores in use, by their row.
    var activeStores: [Int64] = []
    /// The rows of stores that were in use in this life: asked for with every step of a delivery.
    var knownStores: [StoreID: Int64] = [:]
    /// Rows of those that take lines in order: see Store+LineOrder.
    var lineStores: Set<Int64> = []
    /// Of stores that take whole files, by their rows: see Store+WholeFiles.
    var fileRounds: [Int64: FileRound] = [:]
    var ourWriter: String?
    /// Where the round over the sessions goes on, by store: the row of the session that was served last.
    var rounds: [Int64: Int64] = [:]
    /// By store, what waited for it when that was counted last, where counting takes long.
    var counted: [Int64: CountedBacklog] = [:]
    /// Claims whose end could not be committed, so that their rows say that an attempt is open, and none is.
    var abandonedClaims: [(segment: SegmentID, store: StoreID)] = []
    var leftovers = Leftovers()
    /// Manifests kept since they were last recorded, by session row.
    var kept: [Int64: KeptManifest] = [:]
    /// Why the lists of private and forgotten sessions cannot be relied on: while they cannot, nothing leaves.
    package internal(set) var standingsFault: StoreError?
    /// Sessions that are closed by the files, and not by the catalog yet.
    var unrecorded: Set<SessionID> = []
    package nonisolated let departures: Departures
    /// The digest of the redaction rules in force; `nil`: nothing is redacted.
    var rulesInForce: String?
    /// Streams of which a pipeline may go on with a digest over bytes that were rewritten since.
    var doubtfulChains: Set<StreamKey> = []

    let damaged: @Sendable () -> Void

    private init(
        _ directory: StateDirectory, executor: any RoomExecutor, time: any TimeSource, random: any RandomSource,
        faults: any FaultHook, log: any EventLog, syncs: any Syncing, departures: Departures,
        damaged: @escaping @Sendable () -> Void
    ) {
        self.departures = departures
        self.damaged = damaged
        self.directory = directory
        self.executor = executor
        self.time = time
        self.random = random
        self.faults = faults
        self.log = log
        spoolFiles = SpoolDirectory(directory.spool, syncs: syncs)
    }

    /// Opens the state directory, makes it if there is none, and recovers what an earlier life left behind.
    ///
    /// A damaged catalog is set aside and rebuilt. One of a newer version is not touched.
    ///
    /// - Parameters:
    ///   - syncs: how what comes together is made durable.
    ///   - departures: of the process: what an earlier engine began may not be over.
    ///   - damaged: called once when the catalog turns out to be damaged while it is used: the next `open` sets it aside.
    /// - Throws: `locked`, with the process id of the daemon that runs; `foreign`; `newerCatalog`; `readOnly`, `noSpace`, `io`.
    package static func open(
        _ directory: StateDirectory, executor: any RoomExecutor, time: any TimeSource, random: any RandomSource,
        faults: any FaultHook = NoFaults(), log: any EventLog, syncs: any Syncing = SyncsInTurn(),
        departures: Departures = Departures(), damaged: @escaping @Sendable () -> Void = {}
    ) async throws(StoreError) -> (Store, RecoveryReport) {
        let store = Store(
            directory, executor: executor, time: time, random: random, faults: faults, log: log, syncs: syncs,
            departures: departures, damaged: damaged)
        return (store, try await store.start())
    }

    private func start() throws(StoreError) -> RecoveryReport {
        try directory.requireOurs()
        try directory.make()
        do throws(StoreError) {
            lock = try acquireLock(directory.lock, "state directory \(directory.path)", "--state-dir")
            spoolLock = try acquireLock(directory.spoolLock, "spool directory \(directory.spool)", "--spool-dir")
            spoolIdentity = try reporting("could not look at \(directory.spoolLock)") { () throws(SystemError) in
                try Files.status(directory.spoolLock)?.identity
            }
            let hadTraces = try hasTraces()
            return try rise(hadTraces: hadTraces)
        } catch {
            close()
            throw error
        }
    }

    /// Ends all use of the state directory; every later call throws `closed`. Closing twice is not an error.
    package func close() {
        do throws(StoreError) {
            try opened?.checkpoint()
        } catch {
            // Safe: the write-ahead log beside the catalog holds everything.
        }
        opened = nil
        spoolLock = nil
        lock = nil
    }

    /// The catalog, while the store is open.
    func catalog() throws(StoreError) -> Catalog {
        guard let opened else { throw StoreError(.closed, "the state directory \(directory.path) is closed") }
        return opened
    }

    /// - Throws: `unknown`.
    func knownStream(_ key: StreamKey) throws(StoreError) -> StreamRow {
        guard let stream = try catalog().stream(key) else {
            throw StoreError(.unknown, "there is no stream \(key)", hint: "`uploaderctl sessions` lists what there is")
        }
        return stream
    }

    /// - Throws: `unknown`.
    func knownSession(_ session: SessionID) throws(StoreError) -> Int64 {
        guard let row = try catalog().sessionRow(session) else {
            throw StoreError(
                .unknown, "there is no session \(session)", hint: "`uploaderctl sessions` lists what there is")
        }
        return row
    }

    /// Our random id, made with the catalog.
    package func writer() throws(StoreError) -> String {
        if let ourWriter { return ourWriter }
        let writer = try value("writer") ?? ""
        // What a transaction says that is not over may never have been.
        if try !catalog().isInTransaction { ourWriter = writer }
        return writer
    }

    package func value(_ name: String) throws(StoreError) -> String? {
        try catalog().row("SELECT value FROM meta WHERE key = ?1", name) { (row) throws(StoreError) in row.text(0) }
    }

    package func setValue(_ name: String, _ value: String) throws(StoreError) {
        ourWriter = nil
        try catalog().run("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", name, value)
    }

    /// 16 hexadecimal digits.
    func newIdentifier() -> String {
        let digits = String(random.next(), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Whether the spool is the directory that was opened: another may lie over it, or nothing.
    func isSpoolInPlace() throws(StoreError) -> Bool {
        try reporting("could not look at \(directory.spoolLock)") { () throws(SystemError) in
            try Files.status(directory.spoolLock).map { $0.identity == spoolIdentity } ?? false
        }
    }

    /// flock(2) ends with the process, so what is left of a killed daemon holds nobody off.
    private func acquireLock(_ path: String, _ what: String, _ flag: String) throws(StoreError) -> Descriptor {
        let pid = Array("\(getpid())\n".utf8)
        let file = try reporting("could not open \(path)") { () throws(SystemError) in
            try Descriptor.open(path, [.readWrite, .create, .noFollow])
        }
        let isOurs = try reporting("could not lock \(path)") { () throws(SystemError) in try file.lock() }
        guard isOurs else {
            var text = [UInt8](repeating: 0, count: 32)
            let count = try reporting("could not read \(path)") { () throws(SystemError) in
                try text.withMutableBytes { (buffer) throws(SystemError) in try file.readFully(into: buffer, at: 0) }
            }
            let holder = String(decoding: text[..<count].prefix { $0 != 0x0A }, as: UTF8.self)
            // Who has the lock writes it there a moment later.
            let daemon = holder.isEmpty ? "a daemon that starts" : "the daemon with process id \(holder)"
            throw StoreError(
                .locked, "the \(what) is in use by \(daemon)",
                hint: "stop it (`systemctl --user stop uploaderd`), or use another \(flag)")
        }
        try reporting("could not write \(path)") { () throws(SystemError) in
            try file.truncate(to: 0)
            try pid.withBytes { (buffer) throws(SystemError) in try file.writeAll(buffer, at: 0) }
        }
        return file
    }

    enum Beginning {
        case known, new, broken
    }

    /// Whether an earlier life left segments or manifests.
    private func hasTraces() throws(StoreError) -> Bool {
        let (spool, manifests) = try reporting("could not list \(directory.path)") { () throws(SystemError) in
            (try Files.list(directory.spool), try Files.list(directory.manifests))
        }
        return spool.contains { !$0.name.hasPrefix(".") && !StateDirectory.systemNames.contains($0.name) }
            || manifests.contains { !$0.name.hasPrefix(".") }
    }
}
