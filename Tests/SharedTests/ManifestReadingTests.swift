import Testing

@testable import Shared

@Suite("Reading a manifest")
struct ManifestReadingTests {
    private static let digest = "sha256:" + String(repeating: "0123456789abcdef", count: 4)

    private static func entry(_ seq: Int, _ more: String = "") -> String {
        """
        {"seq":\(seq),"path":"segments/session-\(seq)-\(seq % 7).jsonl.gz","first_ts":1,"last_ts":2,"lines":3,
         "bytes_uncompressed":40,"bytes_gzip":30,"checksum":"\(digest)","object_checksum":"\(digest)","generation":1,
         "first_line":\(seq * 3 - 2),"source_offset":\(seq * 40),"source_bytes":40,"source_mac":"\(digest)",
         "codec":"gzip","cut":"quiet","rules":"none","redactions":{"a":1},"members":[[1,0,0],[2,5.0,9]],
         "source_parts":[[7,"\(digest)"]]\(more)}
        """
    }

    private static func text(_ segments: [String], _ more: String = "") -> String {
        """
        {"version":1,"layout":1,"requires":[],"sid":"s","writer":"w","epoch":3,"created_at":"a","updated_at":"b",
         "active_seq":9,"segments":[\(segments.joined(separator: ","))],
         "checkpoints":[{"id":"c","seq":2,"line_idx":2,"ts":7,"payload":{"segments":[1,{"x":null}]}}],
         "session":{"title":"t \\u00e9 \\ud83d\\ude00"},"superseded":[{"path":"p","at":"t"}]\(more)}
        """
    }

    static let samples = [
        text([]), text([entry(1), entry(2, #","odd":{"segments":[1,2]},"bytes":1"#), entry(3)]),
        text(
            [entry(1)],
            #","streams":{"agents/a":{"kind":"k","active_seq":2,"segments":[\#(entry(1))],"checkpoints":[]},"#
                + #""b":{"kind":"k","agent_id":"x","active_seq":1,"segments":[],"checkpoints":[]}},"gaps":[{"a":[1.5]}],"#
                + #""later":{"streams":{"x":{"segments":[1,2,3]}}},"chain":{"streams":{"main":{"1":"\#(digest)"}},"fold":"\#(digest)"}"#
        ),
        #"{"version":1,"sid":"s","segments":[{"seq":1,"path":"p","lines":2,"bytes":10,"gzip_bytes":5}]}"#,
        #"{"sid":"s"}"#,
    ]

    @Test("gives what any decoder gives", arguments: samples)
    func same(_ text: String) throws {
        let bytes = Array(text.utf8)
        let read = try Manifest(reading: bytes)
        #expect(try read == JSONText.decode(Manifest.self, from: bytes))
        for pretty in [true, false] {
            #expect(try Manifest(reading: JSONText.encode(read, pretty: pretty)) == read)
        }
    }

    @Test(
        "refuses what is none",
        arguments: [
            "", "[]", "null", "{", #"{"segments":[]}"#, #"{"sid":1}"#, #"{"sid":"s","segments":{}}"#,
            #"{"sid":"s","segments":[1]}"#, #"{"sid":"s","segments":[{"seq":1}]}"#, #"{"sid":"s"} x"#,
            #"{"sid":"s","segments":[{"seq":-1,"path":"p"}]}"#, #"{"sid":"s","segments":[{"seq":1e300,"path":"p"}]}"#,
            #"{"sid":"s","streams":{"a":{"segments":[{"seq":1,"path":"p"}]}}}"#, #"{"sid":"s","epoch":1.5}"#,
            #"{"sid":"s","superseded":[{"path":"p"}]}"#, #"{"sid":"s","segments":[],"segments":[]}"#,
            #"{"sid":"s","segments":[{"seq":1,"path":"p","checksum":"sha256:00"}]}"#,
        ])
    func refused(_ text: String) {
        #expect(throws: (any Error).self) { try Manifest(reading: Array(text.utf8)) }
    }

    @Test("cut off anywhere is refused")
    func cutOff() throws {
        let bytes = Array(Self.samples[2].utf8)
        for length in stride(from: 0, to: bytes.count - 1, by: 13) {
            #expect(throws: (any Error).self) { try Manifest(reading: Array(bytes.prefix(length))) }
        }
    }
}
