import Shared
import Testing

@Suite("Texts of values")
struct ValueTextTests {
    @Test(
        "durations read as people write them",
        arguments: [
            ("60s", 60_000), ("500ms", 500), ("1h", 3_600_000), ("7d", 604_800_000), ("2m30s", 150_000),
            ("1d2h3m4s5ms", 93_784_005), ("0s", 0),
        ])
    func durations(_ text: String, _ milliseconds: Int64) {
        #expect(DurationText.duration(text) == .milliseconds(milliseconds))
    }

    @Test(
        "what is no duration is not guessed at",
        arguments: [
            "", "60", "s", "1.5s", "-1s", "1s1s", "1s2m", "1 s", "1S", "1s ", "1m30", "1w", "99999999999999999999s",
            "9999999999999999d", "１s", "1́s",
        ])
    func noDurations(_ text: String) {
        #expect(DurationText.duration(text) == nil)
    }

    @Test("a duration's text reads back as the same duration")
    func durationsAgain() {
        for milliseconds: Int64 in [0, 1, 999, 1000, 1001, 59_999, 150_000, 3_600_000, 90_061_001, 604_800_000] {
            let text = DurationText.text(.milliseconds(milliseconds))
            #expect(DurationText.duration(text) == .milliseconds(milliseconds), "\(text)")
        }
        #expect(DurationText.text(.seconds(150)) == "2m30s")
    }

    @Test("rates are off, or a size a second")
    func rates() {
        #expect(TransferRate("off") == .off)
        #expect(TransferRate("2MiB/s")?.bytesPerSecond == .mebi(2))
        #expect(TransferRate("1500/s")?.text == "1500B/s")
        for text in ["", "on", "2MiB", "0/s", "/s", "2 MiB / s", "-1/s", "2MiB/m"] {
            #expect(TransferRate(text) == nil, "\(text)")
        }
    }

    @Test("a size's exact text reads back as the same size")
    func sizes() {
        for bytes: Int64 in [0, 1, 1023, 1024, 1025, 1_500_000, 8 << 20, 3 << 30, .max] {
            #expect(ByteCount(ByteCount(bytes).exact)?.bytes == bytes)
        }
        #expect(ByteCount.mebi(8).exact == "8MiB")
    }

    @Test("paths expand only a leading ~/")
    func paths() {
        #expect(PathText.absolute("~/a", home: "/home/u") == "/home/u/a")
        #expect(PathText.absolute("/a//b/./c/", home: nil) == "/a/b/c")
        #expect(PathText.absolute("/", home: nil) == "/")
        for text in ["", "a", "./a", "$HOME/a", "~other/a", "/a\0b"] {
            #expect(PathText.absolute(text, home: "/home/u") == nil, "\(text)")
        }
        #expect(PathText.absolute("~/a", home: nil) == nil)
        #expect(PathText.relative("/a/b/c", to: "/a") == "b/c")
        #expect(PathText.relative("/ab", to: "/a") == nil)
        #expect(PathText.relative("/a", to: "/a") == nil)
        #expect(PathText.relative("/a", to: "/") == "a")
    }

    @Test("a secret shows in no description, dump or interpolation")
    func secrets() {
        let source = CredentialsSource.given(Secret("hunter2"))
        var dumped = ""
        dump(source, to: &dumped)
        for text in ["\(source)", String(reflecting: source), dumped] { #expect(!text.contains("hunter2")) }
    }
}
