/// The program that wrote a session.
package enum Agent: String, Codable, Sendable, CaseIterable {
    case claude, codex, gemini, copilot, pi, generic
}

/// How the objects of a segment are compressed.
package enum Codec: String, Codable, Sendable, CaseIterable {
    case gzip, zstd, none

    /// The end of an object's name, with its dots.
    package var fileExtension: String {
        switch self {
        case .gzip: ".jsonl.gz"
        case .zstd: ".jsonl.zst"
        case .none: ".jsonl"
        }
    }
}

/// Why a segment was sealed.
package enum CutReason: String, Codable, Sendable, CaseIterable {
    case bytes, lines, age, quiet, checkpoint, end, truncated, shutdown, flush
}
