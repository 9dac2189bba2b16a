import Delivery
import Digests
import Segments
import Shared
import Testing

@testable import Engine

@Suite("One line in two forms, of which rules have removed more from one")
struct MarkedLineTests {
    private static func isSame(_ one: String, _ other: String) -> Bool {
        let there = MarkedLine.isSame(Array(one.utf8), Array(other.utf8))
        #expect(there == MarkedLine.isSame(Array(other.utf8), Array(one.utf8)), "\(one) \(other)")
        return there
    }

    @Test(
        "is told from what stands around the markers",
        arguments: [
            ("{\"n\":1,\"text\":\"a [REDACTED:x] b\"}\n", "{\"n\":1,\"text\":\"a secret b\"}\n"),
            ("[REDACTED:x] stands at the start\n", "secret stands at the start\n"),
            ("at the end stands [REDACTED:x]\n", "at the end stands secret\n"),
            ("two [REDACTED:x] in one [REDACTED:y] line\n", "two one in one in one line\n"),
            ("two [REDACTED:x] in one [REDACTED:y] line\n", "two one in one [REDACTED:y] line\n"),
            ("side by side [REDACTED:x][REDACTED:y], here\n", "side by side secrets, here\n"),
            ("one for both: [REDACTED:pem_key], here\n", "one for both: ab [REDACTED:x] cd, here\n"),
            // A number gets quotes with its marker, and in nested JSON those of its level.
            ("{\"pin\":\"[REDACTED:sensitive_field]\",\"number\":2}\n", "{\"pin\":123456,\"number\":2}\n"),
            ("{\"pin\":\"[REDACTED:sensitive_field]\",\"number\":2}\n", "{\"pin\":\"123456\",\"number\":2}\n"),
            ("{\"a\":\"{\\\"pin\\\":\\\"[REDACTED:x]\\\"}\"}\n", "{\"a\":\"{\\\"pin\\\":123456}\"}\n"),
            ("{\"type\":\"uploaderd.withheld\",\"bytes\":12,\"reason\":\"too_long\"}\n", "hello world\n"),
            (
                "{\"type\":\"uploaderd.withheld\",\"bytes\":12,\"reason\":\"too_long\"}\n",
                "{\"type\":\"uploaderd.withheld\",\"bytes\":12,\"reason\":\"redaction_failed\"}\n"
            ),
        ])
    func same(_ pair: (String, String)) { #expect(Self.isSame(pair.0, pair.1), "\(pair)") }

    @Test(
        "is not taken for another line",
        arguments: [
            ("{\"n\":1,\"text\":\"a [REDACTED:x] b\"}\n", "{\"n\":2,\"text\":\"a secret b\"}\n"),
            ("{\"n\":1,\"text\":\"a [REDACTED:x] b\"}\n", "{\"n\":1,\"text\":\"a secret c\"}\n"),
            ("{\"n\":1,\"text\":\"a [REDACTED:x] b\"}\n", "{\"n\":1,\"text\":\"a  b\"}\n"),
            // Too little is left of it.
            ("[REDACTED:x]\n", "anything at all, whatever it is\n"),
            ("key: [REDACTED:x]\n", "key: anything\n"),
            // No markers, or what only begins like one.
            ("one line without a marker\n", "another line without one\n"),
            ("a line with a [REDACTED: of no type\n", "a line with a secret of no type\n"),
            ("a line with a [REDACTED:]of no type\n", "a line with a secret of no type\n"),
            ("two [REDACTED:x] in one [REDACTED:y] line\n", "two one in two line\n"),
            ("{\"type\":\"uploaderd.withheld\",\"bytes\":13,\"reason\":\"too_long\"}\n", "hello world\n"),
        ])
    func other(_ pair: (String, String)) { #expect(!Self.isSame(pair.0, pair.1), "\(pair)") }

    @Test("is told soon, whatever it is made of")
    func hostile() {
        let many = String(repeating: "a", count: 1 << 20)
        #expect(!Self.isSame("x[REDACTED:x]\(many)b[REDACTED:x]y\n", "x\(many)\(many)y\n"))
        #expect(Self.isSame("x[REDACTED:x]\(many)b[REDACTED:x]y\n", "x\(many)\(many)by y\n"))
    }

    private static func parts(_ segments: [[String]], rules: String?) -> [Volume.Part] {
        var line = 1
        return segments.compactMap { lines in
            let bytes = Array(lines.joined().utf8)
            let entry: [String: JSONValue] = [
                "seq": .integer(1), "path": .string("\(line)"), "lines": .integer(Int64(lines.count)),
                "first_line": .integer(Int64(line)), "codec": .string("none"),
                "bytes_uncompressed": .integer(Int64(bytes.count)), "bytes_gzip": .integer(Int64(bytes.count)),
                "checksum": .string("sha256:" + RunningDigest.digest(of: bytes).hex),
                "rules": rules.map(JSONValue.string) ?? .null,
            ]
            line += lines.count
            guard let text = try? JSONText.encode(JSONValue.object(entry)),
                let segment = try? JSONText.decode(ManifestSegment.self, from: text)
            else { return nil }
            return Volume.Part(SegmentOutline(segment, firstLine: 1)) { FoundObject(MemoryObject(bytes)) }
        }
    }

    @Test("lines of two writers are the same only where these have other rules, however both are cut")
    func common() async throws {
        func line(_ number: Int, _ secret: String) -> String { "{\"number\":\(number),\"text\":\"a \(secret) b\"}\n" }
        let old = (1...6).map { line($0, "secret-\($0)") }
        let new = (1...6).map { line($0, $0 % 2 == 0 ? "[REDACTED:x]" : "secret-\($0)") }
        for cut in 1...5 {
            let one = Self.parts([Array(old[..<cut]), Array(old[cut...])], rules: "one")
            for (rules, wanted) in [("two", 6), ("one", 1)] {
                let other = Self.parts([Array(new[..<3]), Array(new[3...])], rules: rules)
                #expect(try await CommonLines(of: one, and: other) == CommonLines(lines: wanted), "\(cut)")
                #expect(try await CommonLines(of: other, and: one) == CommonLines(lines: wanted), "\(cut)")
            }
        }
        // What follows is compared, too.
        let longer = Self.parts([old + ["{\"more\":1}\n"]], rules: "one")
        let different = Self.parts([new + ["{\"more\":2}\n"]], rules: "two")
        #expect(try await CommonLines(of: longer, and: different) == CommonLines(lines: 6))
        #expect(try await CommonLines(of: longer, and: Self.parts([new], rules: nil)) == CommonLines(lines: 6))
        // A last line without its end is only the beginning of the same bytes.
        let half = Self.parts([Array(old[..<2]), [String(old[2].dropLast(4))]], rules: "one")
        #expect(
            try await CommonLines(of: half, and: Self.parts([new], rules: "two"))
                == CommonLines(lines: 2, isBeginning: .first))
    }
}
