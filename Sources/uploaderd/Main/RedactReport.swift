import Configuration
import Engine
import LinuxSystem
import Redaction
import Shared

/// `--redact FILE`: what would be removed from a file, where, and by which rule. Nothing is stored or sent.
///
/// A line of JSON for each: `FoundSecret`.
enum RedactReport {
    /// - Parameter path: relative to the working directory, or absolute.
    static func run(on path: String, _ loaded: LoadedConfiguration) -> Int32 {
        let log = JournalLog(least: .error)
        do {
            let cache = RulesCache(directory: loaded.directories.cache, log: log)
            let redactor = Redactor(rules: try cache.rules(RuleSet(loaded.configuration.redaction)))
            let longest = loaded.configuration.segments.maxLine.bytes
            // Nobody waits for who writes into a FIFO.
            let file = try Descriptor.open(path, [.readOnly, .nonBlocking])
            guard try file.status().kind == .regular else {
                Terminal.writeError(
                    "error: \(TerminalText.escaped(path)) is not a regular file\nhint: name a file of JSON lines\n")
                return ExitCode.usage
            }
            var code = ExitCode.done
            try eachLine(of: file) { bytes, line in
                let text = try secrets(of: bytes, line, redactor, longest: longest).map {
                    String(decoding: try JSONText.encode($0), as: UTF8.self) + "\n"
                }
                if !text.isEmpty { code = max(code, Terminal.answer(text.joined(), ExitCode.done)) }
            }
            return code
        } catch {
            let failure = StartFailure(error)
            let hint = failure.hint.map { "hint: \($0)\n" } ?? ""
            Terminal.writeError(
                "error: could not look at \(TerminalText.escaped(path)): \(TerminalText.escaped(failure.message))\n\(hint)"
            )
            return failure.exitCode
        }
    }

    /// - Parameters:
    ///   - line: its number, from 1.
    ///   - longest: in bytes; a longer line would be withheld.
    private static func secrets(
        of bytes: UnsafeRawBufferPointer, _ line: Int, _ redactor: Redactor, longest: Int64
    ) throws -> [FoundSecret] {
        func withheld(_ reason: WithheldReason) -> [FoundSecret] {
            [FoundSecret(line: line, offset: 0, bytes: bytes.count, withheld: reason.rawValue)]
        }
        guard Int64(bytes.count) <= longest else { return withheld(.tooLong) }
        let raw = RawLine(bytes: bytes, offset: 0, terminated: bytes.last == 0x0A)
        guard let findings = redactor.findings(in: raw) else { return withheld(.redactionFailed) }
        return findings.map { finding in
            // Of a short one nothing: it would be most of it.
            let begin = finding.range.count >= 16 ? String(decoding: bytes[finding.range].prefix(4), as: UTF8.self) : ""
            return FoundSecret(
                line: line, offset: finding.range.lowerBound, bytes: finding.range.count, rule: finding.rule,
                type: finding.type, begins: begin)
        }
    }

    /// Gives `body` each line with its end, and its number, from 1. Holds one line at a time, however long it is.
    private static func eachLine(of file: borrowing Descriptor, _ body: (UnsafeRawBufferPointer, Int) throws -> Void)
        throws
    {
        var held: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        var offset: Int64 = 0
        var line = 1
        while true {
            let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
            if count == 0 { break }
            offset += Int64(count)
            let searched = held.count
            held.append(contentsOf: chunk[..<count])
            var start = 0
            try held.withUnsafeBytes { bytes in
                while let end = bytes.firstNewline(from: max(start, searched)) {
                    try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), line)
                    start = end
                    line += 1
                }
            }
            held.removeFirst(start)
        }
        if !held.isEmpty { try held.withUnsafeBytes { try body($0, line) } }
    }
}
