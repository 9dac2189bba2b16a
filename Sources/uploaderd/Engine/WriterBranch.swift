import Shared

/// What one writer has of one stream: a branch of the session, which may go on from a line of another writer's.
struct WriterBranch: Sendable {
    /// The manifest's `continues`.
    struct Origin: Sendable, Hashable {
        var writer: String
        var stream: StreamName
        var generation: Int
        var line: Int

        init(writer: String, stream: StreamName, generation: Int, line: Int) {
            self.writer = writer
            self.stream = stream
            self.generation = generation
            self.line = line
        }

        /// - Returns: `nil` for what is no `continues`: anybody may have written it.
        init?(_ value: JSONValue?) {
            guard case .object(let fields) = value, case .string(let writer) = fields["writer"] else { return nil }
            func number(_ name: String) -> Int? {
                guard case .integer(let value) = fields[name], (0...Int64(1) << 53).contains(value) else { return nil }
                return Int(value)
            }
            var stream = StreamName.main
            if case .string(let text) = fields["stream"], let named = StreamName(text) { stream = named }
            self.init(
                writer: writer, stream: stream, generation: max(1, number("generation") ?? 1), line: number("line") ?? 0
            )
        }
    }

    /// Empty: a program that knows no writers.
    var writer: String
    /// It writes in the session's own folder.
    var isFirst: Bool
    /// RFC 3339.
    var createdAt: String
    var origin: Origin?
    /// 0: it has nothing of the stream.
    var lastGeneration: Int
    /// In the order of the source; each begins with the line behind the one before, or lines are missing.
    var parts: @Sendable (_ generation: Int) async throws -> [Volume.Part]
    /// With the lines of this writer.
    var checkpoints: @Sendable (_ generation: Int, [Volume.Part]) async throws -> [Volume.Checkpoint]

    /// The order of branches that continue the same line, and of those that continue none.
    static func precedes(_ a: WriterBranch, _ b: WriterBranch) -> Bool {
        (a.isFirst ? 0 : 1, a.createdAt, a.writer) < (b.isFirst ? 0 : 1, b.createdAt, b.writer)
    }
}
