import Digests
import Redaction
import Shared
import Testing

@Suite("A redactor")
struct RedactorTests {
    private let redactor = Redactor(rules: .none)

    private func raw(_ text: String, _ body: (RawLine) throws -> Void) rethrows {
        try Array(text.utf8).withUnsafeBytes {
            try body(RawLine(bytes: $0, offset: 40, terminated: text.hasSuffix("\n")))
        }
    }

    @Test("passes a line as it is when it has no rules")
    func passes() {
        #expect(redactor.rules == "none")
        raw("{\"key\":\"sk-123\"}\r\n") { raw in
            redactor.redact(raw) { line in
                #expect(Array(line.bytes) == Array("{\"key\":\"sk-123\"}\r\n".utf8))
                #expect(line.sourceOffset == 40)
                #expect(line.sourceBytes == 18)
                #expect(line.isVerbatim == true)
                #expect(line.withheld == nil)
                #expect(line.redactions == [:])
            }
        }
    }

    @Test("puts one line in the place of one that it withholds, whatever that was", arguments: WithheldReason.allCases)
    func withholds(reason: WithheldReason) {
        for text in ["{\"secret\":1}\n", "no end"] {
            raw(text) { raw in
                redactor.withhold(raw, reason) { line in
                    let bytes = Array(text.utf8)
                    let notice =
                        "{\"type\":\"uploaderd.withheld\",\"bytes\":\(bytes.count),\"reason\":\"\(reason.rawValue)\"}"
                        + (text.hasSuffix("\n") ? "\n" : "")
                    #expect(String(decoding: line.bytes, as: UTF8.self) == notice)
                    #expect(line.sourceBytes == Int64(bytes.count))
                    #expect(line.isVerbatim == false)
                    #expect(line.withheld == reason)
                    var digest = RunningDigest()
                    line.digestSource(into: &digest)
                    #expect(digest.digest() == RunningDigest.digest(of: bytes))
                }
            }
        }
    }

    @Test("passes a long line piece by piece and knows its source")
    func long() {
        var long = redactor.beginLong(offset: 7)
        var out: [UInt8] = []
        for text in ["{\"a\":", "\"b\"", "}\n"] {
            Array(text.utf8).withUnsafeBytes { long.pass($0) { out += Array($0.bytes) } }
        }
        let source = long.finish { out += Array($0.bytes) }
        #expect(String(decoding: out, as: UTF8.self) == "{\"a\":\"b\"}\n")
        #expect(source.offset == 7)
        #expect(source.bytes == 10)
        #expect(source.digest == RunningDigest.digest(of: out))
    }
}

/// Invariant 1: raw bytes cannot become a segment but through a `Redactor`, because nothing else compiles.
@Suite("The compiler")
struct ForgeryTests {
    private static let imports = "import Digests\nimport Redaction\nimport Segments\nimport Shared\n"

    @Test("accepts a line that a redactor made")
    func accepts() throws {
        let refusal = try SwiftCompiler().refusal(
            of: Self.imports + """
                func use(_ redactor: Redactor, _ raw: RawLine, _ writer: inout SegmentWriter) -> Int {
                    redactor.redact(raw) { writer.append($0) }
                    return redactor.redact(raw) { $0.bytes.count }
                }
                """)
        #expect(refusal == nil)
    }

    @Test(
        "refuses a line, a piece and a segment that nobody redacted",
        arguments: [
            (
                "func forge(_ raw: RawLine) { _ = RedactedLine(verbatim: raw) }",
                "'RedactedLine' initializer is inaccessible due to 'fileprivate' protection level"
            ),
            (
                "extension RedactedLine { static func of(_ raw: RawLine) -> Self { RedactedLine(verbatim: raw) } }",
                "'RedactedLine' initializer is inaccessible due to 'fileprivate' protection level"
            ),
            (
                "extension RedactedLine { init(_ raw: RawLine) { self.bytes = raw.bytes } }",
                "'let' property 'bytes' may not be initialized directly"
            ),
            (
                "func forge(_ raw: RawLine) { _ = RedactedPiece(raw.bytes) }",
                "'RedactedPiece' initializer is inaccessible due to 'fileprivate' protection level"
            ),
            (
                "func keep(_ redactor: Redactor, _ raw: RawLine) -> RedactedLine { redactor.redact(raw) { $0 } }",
                "is borrowed and cannot be consumed"
            ),
            (
                "func forge(_ raw: RawLine, _ writer: inout SegmentWriter) { writer.append(raw) }",
                "cannot convert value of type 'RawLine'"
            ),
            (
                """
                func forge(_ record: SegmentRecord, _ bytes: [UInt8]) -> SealedSegment {
                    SealedSegment(record: record, checkpoint: nil, object: .bytes(bytes), next: nil)
                }
                """,
                "'SealedSegment' initializer is inaccessible due to 'internal' protection level"
            ),
        ])
    func refuses(source: String, reason: String) throws {
        let refusal = try #require(try SwiftCompiler().refusal(of: Self.imports + source))
        #expect(refusal.contains(reason), "it was refused, but for this: \(refusal)")
        // Even where a test may look inside a room.
        let inside = Self.imports.replacing("import Redaction", with: "@testable import Redaction")
        #expect(try SwiftCompiler().refusal(of: inside + source) != nil)
    }
}

extension String {
    /// Only for one occurrence: `replacing` of the standard library needs its string processing module.
    fileprivate func replacing(_ old: String, with new: String) -> String {
        split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}
