import Redaction
import Shared
import Testing

/// The standard rules, compiled once for all tests.
enum Standard {
    static let rules: Result<RedactionRules, any Error> = Result { try RedactionRules(.standard) }

    static func redactor() throws -> Redactor { Redactor(rules: try rules.get()) }
}

extension Redactor {
    /// What the bytes of a line become.
    func redacted(bytes: [UInt8]) -> (bytes: [UInt8], isVerbatim: Bool) {
        bytes.withUnsafeBytes { raw in
            redact(RawLine(bytes: raw, offset: 0, terminated: raw.last == 0x0A)) { (Array($0.bytes), $0.isVerbatim) }
        }
    }

    /// What a line becomes, as text; the line's end included.
    func redacted(_ line: String) -> Outcome {
        Array(line.utf8).withUnsafeBytes { bytes in
            redact(RawLine(bytes: bytes, offset: 0, terminated: line.hasSuffix("\n"))) { redacted in
                Outcome(
                    text: String(decoding: redacted.bytes, as: UTF8.self), redactions: redacted.redactions,
                    isVerbatim: redacted.isVerbatim, withheld: redacted.withheld)
            }
        }
    }

    func findings(of line: String) -> [Finding]? { findings(of: Array(line.utf8)) }

    func findings(of line: [UInt8]) -> [Finding]? {
        line.withUnsafeBytes { findings(in: RawLine(bytes: $0, offset: 0, terminated: false)) }
    }

    /// What a long line becomes that comes in such pieces; `isFailed`: it is to be withheld.
    func passed(_ line: [UInt8], pieces: Int) -> (bytes: [UInt8], source: LongLineSource, isFailed: Bool) {
        var long = beginLong(offset: 3)
        var out: [UInt8] = []
        line.withUnsafeBytes { bytes in
            for at in stride(from: 0, to: bytes.count, by: pieces) {
                let end = min(at + pieces, bytes.count)
                long.pass(UnsafeRawBufferPointer(rebasing: bytes[at..<end])) { out += Array($0.bytes) }
            }
        }
        let source = long.finish { out += Array($0.bytes) }
        return (out, source, long.isFailed)
    }

    struct Outcome {
        var text: String
        var redactions: [String: Int]
        var isVerbatim: Bool
        var withheld: WithheldReason?
    }
}

extension String {
    /// As the content of a JSON string.
    var escaped: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
