import LinuxSystem
import Shared
import TestSupport
import Testing

@Suite("Varlink frames")
struct FramingTests {
    private func frames(_ pieces: [[UInt8]], limit: Int = 1_000) throws -> [[UInt8]] {
        var framing = VarlinkFraming(limit: limit)
        var found: [[UInt8]] = []
        for piece in pieces {
            piece.withUnsafeBytes { framing.append($0) }
            while let frame = try framing.next() { found.append(frame) }
        }
        #expect(framing.held == 0)
        return found
    }

    @Test("are the same however the bytes are cut")
    func split() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<500 {
            let messages = (0..<Int.random(in: 0..<6, using: &random)).map { _ in
                (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 1...255, using: &random) }
            }
            let bytes = messages.flatMap { VarlinkFraming.framed($0) }
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...max(1, rest.count), using: &random))
                pieces.append(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            #expect(try frames(pieces) == messages, "seed \(seed)")
            #expect(try frames(bytes.map { [$0] }) == messages, "seed \(seed), byte by byte")
        }
    }

    @Test("are refused when longer than the limit, whether their end has come or not")
    func tooLong() throws {
        #expect(try frames([[1, 2, 3, 4, 0]], limit: 4) == [[1, 2, 3, 4]])
        #expect(throws: VarlinkFraming.TooLong.self) { try frames([[1, 2, 3, 4, 5, 0]], limit: 4) }
        #expect(throws: VarlinkFraming.TooLong.self) { try frames([[1, 2, 3], [4, 5]], limit: 4) }
    }
}

@Suite("A JSON reader")
struct JSONReaderTests {
    @Test(
        "reads what RFC 8259 calls JSON",
        arguments: [
            ("null", JSONValue.null), (" [ ] ", .array([])), ("{}", .object([:])), ("-0", .integer(0)),
            ("9223372036854775807", .integer(.max)), ("18446744073709551615", .unsigned(.max)),
            ("18446744073709551616", .number(18446744073709551616)), ("1e2", .integer(100)),
            ("1111e11", .integer(111_100_000_000_000)),
            ("-0.0", .integer(0)), ("1e19", .unsigned(10_000_000_000_000_000_000)), ("-1.5E-1", .number(-0.15)),
            (#""\u00e9\ud83d\ude00\n\/""#, .string("é😀\n/")),
            (#"{"a":[true,false,null]}"#, .object(["a": .array([.bool(true), .bool(false), .null])])),
        ])
    func reads(_ text: String, _ value: JSONValue) throws {
        #expect(try JSONReader.value(of: Array(text.utf8)) == value)
    }

    @Test(
        "refuses everything else",
        arguments: [
            "", " ", "nul", "tru", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "01", "1.", ".5", "1e", "+1", "-",
            "\"", "\"\\x\"", "\"\\u12\"", #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, "1 2", "[", "{", "1e999",
            "\"a\nb\"", #"{"a":1,"a":2}"#, String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
            String(repeating: "9", count: 1_025),
        ])
    func refuses(_ text: String) {
        #expect(throws: JSONFault.self) { try JSONReader.value(of: Array(text.utf8)) }
    }

    @Test("takes depth 64, and refuses a million brackets without exhausting the stack")
    func depth() throws {
        let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        _ = try JSONReader.value(of: Array(deepest.utf8))
        let hostile = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        #expect(throws: JSONFault.self) { try JSONReader.value(of: hostile) }
    }

    @Test("refuses invalid UTF-8")
    func encoding() {
        #expect(throws: JSONFault.self) { try JSONReader.value(of: [0x22, 0xFF, 0x22]) }
        #expect(throws: JSONFault.self) { try JSONReader.value(of: [0x22, 0x5C, 0x6E, 0xC3, 0x22]) }
    }

    @Test("never crashes, and agrees with the other decoder on what it accepts")
    func fuzz() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        let alphabet = Array(#"{}[]":,\u0123456789abcdefE+-. tnlr"#.utf8) + [0xC3, 0xA9, 0xFF, 0]
        let sample = Array(
            #"{"method":"a.b.C","parameters":{"n":-12.5e3,"s":"x\ud83d\ude00\n","a":[1,true,null]},"more":true}"#.utf8)
        var accepted = 0
        for round in 0..<20_000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = alphabet.randomElement(using: &random) ?? 0
                case 1: bytes.remove(at: index)
                default: bytes.insert(alphabet.randomElement(using: &random) ?? 0, at: index)
                }
            }
            guard let value = try? JSONReader.value(of: bytes) else { continue }
            accepted += 1
            let other = try JSONText.decode(JSONValue.self, from: bytes)
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(Self.isSame(value, other), "seed \(seed), round \(round): \(text)")
        }
        #expect(accepted > 100, "seed \(seed)")
    }

    /// 1e2 is a whole number here, and may be a Double there.
    private static func isSame(_ one: JSONValue, _ other: JSONValue) -> Bool {
        switch (one, other) {
        case (.number(let value), .integer(let whole)), (.integer(let whole), .number(let value)):
            value == Double(whole)
        case (.number(let value), .unsigned(let whole)), (.unsigned(let whole), .number(let value)):
            value == Double(whole)
        case (.array(let ones), .array(let others)):
            ones.count == others.count && zip(ones, others).allSatisfy { isSame($0, $1) }
        case (.object(let ones), .object(let others)):
            ones.count == others.count
                && ones.allSatisfy { key, value in others[key].map { isSame(value, $0) } ?? false }
        default: one == other
        }
    }
}

@Suite("Base64")
struct Base64Tests {
    @Test(
        "writes what RFC 4648 writes",
        arguments: zip(["", "f", "fo", "foo", "foob"], ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]))
    func vectors(_ plain: String, _ text: String) {
        #expect(Array(plain.utf8).withUnsafeBytes { Base64.text(of: $0) } == text)
        #expect(Base64.bytes(of: text) == Array(plain.utf8))
    }

    @Test("comes back as it was")
    func roundTrip() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Seeded(seed)
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0..<100, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(Base64.bytes(of: bytes.withUnsafeBytes { Base64.text(of: $0) }) == bytes, "seed \(seed)")
        }
    }

    @Test(
        "is refused when it is not canonical",
        arguments: ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Z g="])
    func refused(_ text: String) { #expect(Base64.bytes(of: text) == nil) }
}
