import FoundationEssentials
import Shared
import TestSupport
import Testing

@Suite("A time, and a size, as text")
struct TextFormTests {
    @Test("is the same moment that Foundation reads in it, over 500 years")
    func times() throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        print("TextFormTests seed \(seed)")
        let random = SeededRandom(seed)
        for _ in 0..<2_000 {
            // WallTime ends with 64 bits of nanoseconds, in 2262.
            let time = WallTime(seconds: Int64(random.below(18_000_000_000)) - 9_000_000_000)
            let text = RFC3339.text(time)
            #expect(RFC3339.parse(text) == time, "seed \(seed): \(text)")
            let date = try Date(text, strategy: .iso8601)
            #expect(Int64(date.timeIntervalSince1970) == time.seconds, "seed \(seed): \(text)")
        }
    }

    @Test(
        "has fractions and offsets when it is read",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00:00.5z", 500_000_000),
            ("1970-01-01 00:00:01Z", 1_000_000_000), ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T23:30:00-00:30", 0), ("2000-02-29T00:00:00Z", 951_782_400_000_000_000),
            ("1970-01-01T00:00:00.1234567891Z", 123_456_789),
        ] as [(String, Int64)])
    func readable(text: String, nanoseconds: Int64) { #expect(RFC3339.parse(text)?.nanoseconds == nanoseconds) }

    @Test(
        "is none when it is not whole",
        arguments: [
            "", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00+1:00", "9999-12-31T00:00:00Z",
            "1970-01-01T00:00:00+24:00", "１970-01-01T00:00:00Z", "2026-02-31T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z", "1900-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        ])
    func unreadable(text: String) { #expect(RFC3339.parse(text) == nil) }

    @Test(
        "of a size says how many bytes",
        arguments: [
            ("0", 0), ("512", 512), ("8MiB", 8 << 20), ("64 KiB", 64 << 10), ("1GB", 1_000_000_000), ("1kB", 1_000),
            ("9223372036854775807", Int64.max), ("8589934591GiB", 8_589_934_591 << 30),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) { #expect(ByteCount(text)?.bytes == bytes) }

    @Test(
        "of no size is refused",
        arguments: ["", "MiB", "-1", "1.5MiB", "8MIB", "8 MiB ", "9223372036854775808", "8589934592GiB", "٣"])
    func noSizes(text: String) { #expect(ByteCount(text) == nil) }

    @Test("of an exact size is read as that size")
    func exact() {
        for bytes in [0, 1, 1023, 1024, 3 << 10, 8 << 20, 5 << 30] as [Int64] {
            #expect(ByteCount(ByteCount(bytes).description)?.bytes == bytes)
        }
        #expect(ByteCount(1_503_238_553).description == "1.4GiB")
    }
}
