import Digests
import Redaction
import Shared
import TestSupport
import Testing

@testable import Segments

@Suite("A segment rewriter")
struct SegmentRewriterTests {
    private static let secret = "zebra-12345678"
    private static let marker = "[REDACTED:zebra]"

    private static func rewriter(memberBytes: Int = 4096) throws -> SegmentRewriter {
        let rule = RedactionRule("zebra", "zebra-[0-9]{8}", source: "", examples: [], nearMisses: [])
        let rules = try RedactionRules(RuleSet(rules: [rule], fields: []))
        return SegmentRewriter(redactor: Redactor(rules: rules), key: key, level: 6, memberBytes: memberBytes)
    }

    private static func redacted(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        let word = Array(secret.utf8)
        var from = 0
        while from < bytes.count {
            if bytes[from...].starts(with: word) {
                out += Array(marker.utf8)
                from += word.count
            } else {
                out.append(bytes[from])
                from += 1
            }
        }
        return out
    }

    /// Lines of all kinds, every seventh with a secret.
    private static func text(_ count: Int, isSecret: Bool = true) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in 0..<count {
            switch number % 5 {
            case 0: bytes += Array("{\"n\":\(number),\"timestamp\":\"2026-11-20T11:38:39Z\"".utf8)
            case 1: bytes += [0, 0, 0xFF, 0xFE]
            case 2: break
            case 3: bytes += Array("{\"n\":12345678901234567890}{\"glued\":1".utf8)
            default: bytes += Array(repeating: UInt8(ascii: "x"), count: 600)
            }
            if isSecret, number % 7 == 0 { bytes += Array(" \(secret) ".utf8) }
            bytes += Array(number % 3 == 0 ? "\r\n".utf8 : "\n".utf8)
        }
        return bytes
    }

    @Test(
        "keeps lines, numbers and all bytes but the secrets', whatever the codec and the members",
        arguments: Codec.allCases)
    func rewrites(codec: Codec) throws {
        for memberBytes in [100, 4096, 1 << 20] {
            let old = Self.text(200)
            var place = try start(seq: 7)
            place.firstLine = 41
            place.sourceOffset = 5000
            [UInt8](repeating: 1, count: 5000).withUnsafeBytes { place.chain.update($0) }
            let segment = try sealed(old, at: place, codec: codec, memberBytes: memberBytes)
            let rewriter = try Self.rewriter(memberBytes: memberBytes)
            let object = MemoryObject(segment.bytes)
            #expect(try rewriter.changes(segment.record, object: object, isLong: false))
            let new = try rewriter.rewritten(segment.record, checkpoint: nil, object: object)
            #expect(try read(SegmentOutline(new.record), new.bytes) == Self.redacted(old))
            // But for what the bytes themselves say, it is the same segment.
            var expected = segment.record
            expected.rules = new.record.rules
            expected.bytes = new.record.bytes
            expected.storedBytes = new.record.storedBytes
            expected.checksum = RunningDigest.digest(of: Self.redacted(old))
            expected.objectChecksum = RunningDigest.digest(of: new.bytes)
            expected.members = new.record.members
            expected.redactions = ["zebra": 29]
            expected.chain = SegmentRecord.unknownChain
            #expect(new.record == expected)
            #expect(new.record.members.first == MemberIndex(firstLine: 41, uncompressedOffset: 0, objectOffset: 0))
            // And once more: there is nothing left to be removed.
            #expect(try !rewriter.changes(new.record, object: MemoryObject(new.bytes), isLong: false))
        }
    }

    @Test("leaves a segment alone of which no byte would be another")
    func unchanged() throws {
        let segment = try sealed(Self.text(100, isSecret: false), at: try start())
        #expect(try !Self.rewriter().changes(segment.record, object: MemoryObject(segment.bytes), isLong: false))
        let damaged = MemoryObject(Array(segment.bytes.dropLast()))
        #expect(throws: SegmentError.self) {
            try Self.rewriter().changes(segment.record, object: damaged, isLong: false)
        }
    }

    @Test("of a line without its end makes a partial segment of one, and of a checkpoint one that does not tell either")
    func ends() throws {
        let part = Array("{\"a\":\"\(Self.secret)".utf8)
        let partial = try sealed(part, at: try start(), partial: true)
        let whole = try Self.rewriter().rewritten(partial.record, checkpoint: nil, object: MemoryObject(partial.bytes))
        #expect(whole.record.partial && whole.record.lines == 1 && whole.record.sourceBytes == Int64(part.count))
        #expect(try read(SegmentOutline(whole.record), whole.bytes) == Self.redacted(part))
        #expect(whole.record.chain == whole.record.checksum)

        let line = "{\"type\":\"compacted\",\"payload\":{\"label\":\"\(Self.secret)\",\"branch\":\"main\"}}\n"
        let segment = try sealed(Array("{}\n".utf8) + Array(line.utf8), at: try start(), cut: .checkpoint)
        let old = try #require(segment.checkpoint)
        #expect(old.label == Self.secret)
        let new = try Self.rewriter().rewritten(
            segment.record, checkpoint: old, object: MemoryObject(segment.bytes))
        let checkpoint = try #require(new.checkpoint)
        #expect(checkpoint.id == old.id && checkpoint.line == old.line && checkpoint.branch == "main")
        #expect(checkpoint.label == Self.marker && checkpoint.payload?.contains(Self.secret) == false)
    }

    @Test("streams a line that is not to be held, with secrets all over it")
    func long() throws {
        var line = Array("{\"text\":\"".utf8)
        let plain = Array(repeating: Array("plain text ".utf8), count: 30_000).flatMap(\.self)
        while line.count < 9 << 20 { line += plain + Array("\(Self.secret) ".utf8) }
        line += Array("\"}\n".utf8)
        let segment = try sealed(line, at: try start())
        let rewriter = try Self.rewriter()
        let object = MemoryObject(segment.bytes)
        #expect(try rewriter.changes(segment.record, object: object, isLong: true))
        let sink = Pieces()
        let new = try rewriter.rewrittenLong(
            segment.record, checkpoint: nil, object: object, in: SpoolTemporaryID("t")
        ) { sink.bytes.append(contentsOf: $0) }
        guard case .spooled = new.object else {
            Issue.record("it was withheld")
            return
        }
        #expect(try read(SegmentOutline(new.record), sink.bytes) == Self.redacted(line))
        #expect(new.record.sourceMAC == segment.record.sourceMAC && new.record.lines == 1)
        #expect(try !rewriter.changes(new.record, object: MemoryObject(sink.bytes), isLong: true))
    }
}

private final class Pieces {
    var bytes: [UInt8] = []
}
