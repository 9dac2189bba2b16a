import Testing

@testable import Segments

@Suite("The UTF-8 check")
struct UTF8CheckTests {
    /// Pieces of text, whole and broken, as the edges of Unicode's table 3-7 have them.
    private static let whole: [[UInt8]] = [
        [0x41], [0x7F], [0x00], Array("a longer run of plain letters".utf8), [0xC2, 0x80], [0xDF, 0xBF],
        [0xE0, 0xA0, 0x80],
        [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
    ]
    private static let broken: [[UInt8]] = [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xED, 0xA0, 0x80],
        [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF],
    ]

    private static func standard(_ bytes: [UInt8]) -> Bool {
        do {
            _ = try UTF8Span(validating: bytes.span)
            return true
        } catch {
            return false
        }
    }

    @Test("says what the standard library says, of any bytes")
    func agrees() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for round in 0..<100_000 {
            let pieces = round % 2 == 0 ? Self.whole : Self.whole + Self.broken
            let bytes = (0..<next(8)).flatMap { _ in pieces[next(pieces.count)] }
            let found = bytes.withUnsafeBytes { UTF8Check.isValid($0) }
            #expect(found == Self.standard(bytes), "\(bytes), seed \(seed)")
        }
    }

    @Test("knows each broken sequence, wherever it stands", arguments: broken)
    func refuses(sequence: [UInt8]) {
        for before in 0..<17 {
            for after in 0..<9 {
                let bytes = [UInt8](repeating: 0x20, count: before) + sequence + [UInt8](repeating: 0x20, count: after)
                #expect(!bytes.withUnsafeBytes { UTF8Check.isValid($0) })
            }
        }
    }
}
