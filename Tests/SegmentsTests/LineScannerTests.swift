import Shared
import TestSupport
import Testing

@testable import Segments

private func look(_ text: String) -> LineLook { look(Array(text.utf8)) }
private func look(_ bytes: [UInt8]) -> LineLook { bytes.withUnsafeBytes { LineScanner.look(at: $0) } }
private func time(_ text: String) -> Int64? {
    Array(text.utf8).withUnsafeBytes { LineScanner.timestamp(of: $0)?.seconds }
}

@Suite("A line scanner")
struct LineScannerTests {
    @Test(
        "knows a checkpoint by its top level",
        arguments: [
            #"{"timestamp":"2026-11-20T11:38:39Z","type":"compacted","payload":{"message":""}}"#,
            #"{ "payload" : {"type":"other"} , "type" : "compacted" }"#,
            #"{"type":"system","subtype":"compact_boundary","compactMetadata":{"trigger":"auto"}}"#,
            #"{"type":"x","type":"compacted"}"#,
            #"{"t\u0079pe":"compacted"}"#,
        ])
    func checkpoints(line: String) {
        guard case .checkpoint = look(line + "\n").kind else {
            Issue.record("not a checkpoint: \(line)")
            return
        }
    }

    @Test(
        "takes no other line for one",
        arguments: [
            #"{"type":"user","message":{"type":"compacted"}}"#,
            #"{"type":"user","text":"{\"type\":\"compacted\"}"}"#,
            #"{"type":"user","subtype":"compact_boundary"}"#,
            #"{"type":"compacted","type":"x"}"#,
            #"{"type":["compacted"]}"#,
            #"{"a":["type","compacted"]}"#,
            #"["type","compacted"]"#,
            #"{"a":"type","compacted":1}"#,
            #""compacted""#,
            #"{"type":{"type":"compacted"}}"#,
            #"}{"type":"compacted"}"#,
        ])
    func noCheckpoints(line: String) { #expect(look(line + "\n").kind == .plain) }

    @Test("knows Copilot's end")
    func end() {
        #expect(look(#"{"type":"session.shutdown","data":{}}"#).kind == .end)
        #expect(look(#"{"type":"user.message","data":{"content":"session.shutdown"}}"#).kind == .plain)
    }

    @Test("reads label, git, branch and payload of a checkpoint")
    func details() {
        #expect(
            look(
                #"{"type":"compacted","checkpoint":{"label":"a\"\u00e9\ud83d\ude00","git_commit":"c1","branch":"b"},"payload":{"label":"p"}}"#
            ).kind
                == .checkpoint(
                    CheckpointDetail(
                        label: "a\"é😀", git: "c1", branch: "b",
                        payload: #"{"label":"a\"\u00e9\ud83d\ude00","git_commit":"c1","branch":"b"}"#)))
        #expect(
            look(#"{"type":"compacted","payload":{"summary":"s","git":"g","x":{"label":"no"}},"note":"n"}"#).kind
                == .checkpoint(
                    CheckpointDetail(
                        label: "s", git: "g", branch: nil,
                        payload: #"{"summary":"s","git":"g","x":{"label":"no"}}"#)))
        #expect(
            look(#"{"type":"compacted","note":"n","gitBranch":"main","payload":["label","x"]}"#).kind
                == .checkpoint(CheckpointDetail(label: "n", git: nil, branch: "main", payload: nil)))
        let long = String(repeating: "é", count: 4000)
        #expect(
            look(#"{"type":"compacted","payload":{"label":"\#(long)","branch":"b"}}"#).kind
                == .checkpoint(
                    CheckpointDetail(label: String(long.prefix(512)), git: nil, branch: "b", payload: nil)))
    }

    @Test("says the same of a line however it comes in pieces", arguments: seeds)
    func pieces(seed: UInt64) {
        var random = Seeded(seed)
        let lines = [
            #"{"ty\u0070e":"compacted","payload":{"label":"a\\\"b\\","x":[{"label":"no"},"}{"]},"timestamp":"2026-11-20T11:38:39Z"}"#,
            #"{"type":"compacted","note":"\\\\","checkpoint":{}}{"type":"x"}"#,
            #"{"a":"\\","type":"system","subtype":"compact_boundary","compactMetadata":{"trigger":"\""}}"#,
        ]
        for line in lines {
            let bytes = Array(line.utf8)
            var whole = TopLevelScanner()
            bytes.withUnsafeBytes { whole.feed($0) }
            for _ in 0..<200 {
                var pieced = TopLevelScanner()
                var from = 0
                while from < bytes.count {
                    let end = min(bytes.count, from + Int.random(in: 1...7, using: &random))
                    bytes[from..<end].withUnsafeBytes { pieced.feed($0) }
                    from = end
                }
                #expect(LineScanner.kind(of: pieced) == LineScanner.kind(of: whole))
                #expect(LineScanner.timestamp(of: pieced) == LineScanner.timestamp(of: whole))
                #expect(pieced.isGlued == whole.isGlued)
            }
        }
    }

    @Test("reads a timestamp only from the top level, and only RFC 3339")
    func timestamps() {
        #expect(time(#"{"type":"user","timestamp":"2026-11-20T11:38:39.123Z"}"#) == 1_795_174_719)
        #expect(time(#"{"a":{"timestamp":"2026-11-20T11:38:39Z"}}"#) == nil)
        #expect(time(#"{"timestamp":1795174719}"#) == nil)
        #expect(time(#"{"timestamp":""}"#) == nil)
        #expect(time(#"{"timestamp":"#) == nil)
    }

    @Test("counts oddities")
    func oddities() {
        #expect(look("{}\n").oddities == [])
        #expect(look("{}").oddities == [])
        #expect(look("{}\r\n").oddities == .crlf)
        #expect(look("\n").oddities == .blank)
        #expect(look("\r\n").oddities == [.blank, .crlf])
        #expect(look(" \t\n").oddities == .blank)
        #expect(look([0xEF, 0xBB, 0xBF] + Array("{}\n".utf8)).oddities == .bom)
        #expect(look("42\n").oddities == .notJSON)
        #expect(look("{\"a\":\"b\n").oddities == .notJSON)
        #expect(look([0, 0, 0x0A]).oddities == [.nul, .notJSON])
        #expect(look(Array("{\"a\":\"".utf8) + [0xC3, 0x28] + Array("\"}\n".utf8)).oddities == .invalidUTF8)
        #expect(look("{\"a\":\"é → 😀\"}\n").oddities == [])
        #expect(look("{\"a\":1}{\"b\":2}\n").oddities == .glued)
        #expect(look("{\"a\":\"}{\"}\n").oddities == [])
        #expect(look("{\"a\":\"\\\"}{\"}\n").oddities == [])
        #expect(look("{\"a\":1}}{\n").oddities == .notJSON)
    }

    @Test("sees a word or a byte at every place of a line")
    func glance() {
        for length in 0..<64 {
            for (word, flag) in [
                ("compact", ByteGlance.compact), ("shutdown", .shutdown), ("}{", .closeOpen), ("\0", .nul),
                ("\u{7FF}", .nonASCII),
            ] {
                for after in 0..<24 {
                    let text = String(repeating: "x", count: length) + word + String(repeating: "x", count: after)
                    #expect(Array(text.utf8).withUnsafeBytes { ByteGlance.over($0) } == flag)
                }
            }
            let plain = [UInt8](repeating: 0x78, count: length)
            #expect(plain.withUnsafeBytes { ByteGlance.over($0) } == [])
        }
    }

    @Test("survives what no parser likes, in time that grows with the line only")
    func survives() {
        let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        #expect(look(#"{"type":"compacted","payload":\#(deep)}"#).kind != .plain)
        #expect(look(String(repeating: #"{"a":"#, count: 5000) + #""}{compacted""#).kind == .plain)
        #expect(look(#"{"type":"compacted","payload":{"label":"\ud800 \udc00 \uZZZZ"}}"#).kind != .plain)
        #expect(look(#"{"type":"compacted","a":"\"#).kind != .plain)
        #expect(look(#"{"type":"compacted"#).kind == .plain)
        // Quadratic scanners need hours for these.
        let escapes = String(repeating: #"\n"#, count: 2_000_000)
        #expect(look(#"{"a":"\#(escapes)","type":"compacted"}"#).kind != .plain)
        let slashes = String(repeating: #"\\"#, count: 2_000_000)
        #expect(look(#"{"a":"\#(slashes)","type":"compacted"}"#).kind != .plain)
        let quotes = String(repeating: #"\""#, count: 2_000_000)
        #expect(look(#"{"a":"\#(quotes)","type":"compacted"}"#).kind != .plain)
        let big = [UInt8](repeating: 0x61, count: 80_000_000)
        #expect(look(Array(#"{"type":"compacted","a":""#.utf8) + big + Array(#""}"#.utf8)).kind != .plain)
    }

    @Test("survives any bytes", arguments: seeds)
    func fuzz(seed: UInt64) {
        var random = Seeded(seed)
        let pieces = [
            "{", "}", "[", "]", "\"", "\\", ":", ",", "type", "\"type\"", "\"compacted\"", "\"payload\"", "\\u", "d800",
            "\u{FEFF}", "é", " ", "\n", "\0", "\"timestamp\"", "compact_boundary", "}{", "session.shutdown",
        ]
        for _ in 0..<3000 {
            var line: [UInt8] = []
            for _ in 0..<Int.random(in: 0..<30, using: &random) {
                line += Array(pieces[Int.random(in: 0..<pieces.count, using: &random)].utf8)
            }
            _ = look(line)
            _ = line.withUnsafeBytes { LineScanner.timestamp(of: $0) }
        }
    }
}
