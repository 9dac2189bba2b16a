import Redaction
import Segments
import Shared
import Store

/// Makes segments anew by the rules in force: one that no store has yet, before it is claimed, and those of a session of which
/// somebody asked it. What changes nothing leaves the segment as it is, but for the digest of its rules.
struct SegmentRewriting: Sendable {
    enum Outcome: Sendable {
        /// Not a byte would be another.
        case unchanged
        case rewritten
        /// Something else stands in its place by now.
        case stale
    }

    let store: Store
    let objects: ObjectFinder
    let redactor: Redactor
    private let rewriter: SegmentRewriter
    private let longLine: Int64

    /// - Returns: `nil` where nothing is redacted.
    init?(_ context: PipelineContext, objects: ObjectFinder) {
        guard context.redactor.rules != RedactionRules.none.digest else { return nil }
        store = context.store
        self.objects = objects
        redactor = context.redactor
        longLine = Int64(context.limits.longLine)
        rewriter = SegmentRewriter(
            redactor: context.redactor, key: context.key, level: context.compressors.level,
            memberBytes: context.limits.memberBytes)
    }

    /// The digest of the rules in force.
    var rules: String { redactor.rules }

    /// - Throws: `SegmentError.damaged` when there is no whole copy of it anywhere.
    func renew(_ id: SegmentID, _ record: SegmentRecord, holders: [StoreID]) async throws -> Outcome {
        let object = try await objects.bytes(of: id, record, holders: holders)
        let lane = objects.world.lane(of: record.stream.session)
        // Two lines, one of them without its end, are no long line: they are read as any others.
        let isLong = record.lines == 1 && record.bytes > longLine
        let changes = try await withTaskExecutorPreference(lane) { [rewriter] in
            try rewriter.changes(record, object: object, isLong: isLong)
        }
        guard changes else {
            try await store.note(rules: rules, of: id)
            return .unchanged
        }
        let checkpoint = try await store.checkpoint(of: id)
        let sealed: SealedSegment
        if isLong {
            sealed = try await long(record, checkpoint, object)
        } else {
            sealed = try await withTaskExecutorPreference(lane) { [rewriter] in
                try rewriter.rewritten(record, checkpoint: checkpoint, object: object)
            }
        }
        do throws(StoreError) {
            _ = try await store.sealRewritten(sealed, replacing: id)
        } catch {
            guard error.code == .stale else { throw error }
            return .stale
        }
        let withheld = (sealed.record.anomalies["withheld"] ?? 0) - (record.anomalies["withheld"] ?? 0)
        if withheld > 0 { noteWithheld(withheld, in: record) }
        try await renewFacts(of: record.stream.session)
        return .rewritten
    }

    private func noteWithheld(_ lines: Int, in record: SegmentRecord) {
        objects.board.update { $0.noticed.withheldLines += lines }
        let message = "\(lines) lines of \(record.stream) were withheld when they were redacted again"
        objects.board.report(
            "lines_withheld", "\(record.stream)", message,
            hint: "they are beyond the limits of a rule; the agent's file has them")
        objects.world.log.record(
            Event(
                .lineWithheld, message, session: record.stream.session,
                fields: ["STREAM": record.stream.stream.rawValue, "SEQ": "\(record.seq)"]))
    }

    private func long(
        _ record: SegmentRecord, _ checkpoint: CheckpointRecord?, _ object: FoundObject
    ) async throws -> SealedSegment {
        let temporary = SharedTemporary(try await store.makeSpoolTemporary())
        let sealed: SealedSegment
        do {
            sealed = try await withTaskExecutorPreference(objects.world.lane(of: record.stream.session)) { [rewriter] in
                try rewriter.rewrittenLong(record, checkpoint: checkpoint, object: object, in: temporary.id) { bytes in
                    try temporary.append(bytes)
                }
            }
        } catch {
            try await store.discard(temporary.id)
            throw error
        }
        if case .bytes = sealed.object { try await store.discard(temporary.id) }
        return sealed
    }

    /// What was learnt of a session was learnt from its lines.
    func renewFacts(of session: SessionID) async throws {
        guard let old = try await store.facts(of: session) else { return }
        let text = try JSONText.encode(old)
        let new = text.withUnsafeBytes { bytes in
            redactor.redact(RawLine(bytes: bytes, offset: 0, terminated: false)) { line in
                line.isVerbatim ? nil : Array(line.bytes)
            }
        }
        guard let new else { return }
        let facts: SessionFacts
        do {
            facts = try JSONText.decode(SessionFacts.self, from: new)
        } catch {
            // What the rules cannot be applied to is not told at all.
            facts = SessionFacts(agent: old.agent)
        }
        try await store.replaceFacts(old, by: facts, of: session)
    }
}
