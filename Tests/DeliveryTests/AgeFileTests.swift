import Delivery
import Digests
import Glibc
import LinuxSystem
import Shared
import TestSupport
import Testing

@Suite("An age file")
struct AgeFileTests {
    static func bytes(_ count: Int, seed: Int = 1) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 31 &+ $0 >> 8) }
    }

    private static func whole(_ object: any ObjectBytes) throws -> [UInt8] {
        var all: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 50_000)
        while true {
            let count = try room.withUnsafeMutableBytes { try object.read(at: Int64(all.count), into: $0) }
            if count == 0 { return all }
            all += room[..<count]
        }
    }

    private static func encrypted(_ text: [UInt8], to recipients: [AgeIdentity] = [AgeScene.ours]) throws -> [UInt8] {
        try whole(
            try AgeFile.bytes(of: MemoryObject(text), to: recipients.map(\.recipient), random: SystemRandom()))
    }

    private static func text(_ file: [UInt8], _ identities: [AgeIdentity] = [AgeScene.ours]) throws -> [UInt8] {
        try whole(try AgeFile.text(of: MemoryObject(file), identities))
    }

    @Test(
        "gives back its text, of any size, to each of its recipients",
        arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])
    func roundTrip(_ size: Int) throws {
        let text = Self.bytes(size)
        let file = try Self.encrypted(text, to: [AgeScene.theirs, AgeScene.ours])
        #expect(try Self.text(file) == text)
        #expect(try Self.text(file, [AgeScene.theirs]) == text)
        #expect(throws: AgeFault.notForUs) { try Self.text(file, [AgeIdentity(Self.bytes(32))]) }
        #expect(throws: AgeFault.notForUs) { try Self.text(file, []) }
        let object = try AgeFile.text(of: MemoryObject(file), [AgeScene.ours])
        for start in stride(from: size - 1, through: 0, by: -30_011) {
            var room = [UInt8](repeating: 0, count: 70_000)
            let count = try room.withUnsafeMutableBytes { try object.read(at: Int64(start), into: $0) }
            #expect(Array(room[..<count]) == Array(text[start..<min(size, start + 70_000)]))
        }
    }

    @Test("has keys that are written as the specification writes them")
    func keys() throws {
        let secret = try #require(
            AgeIdentityText.secret("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX".utf8))
        #expect(secret == [UInt8](repeating: 0x42, count: 32))
        #expect(
            AgeIdentity(secret).recipient.text == "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")
    }

    @Test("is never the same twice when its keys are drawn")
    func random() throws {
        #expect(try Self.encrypted([1, 2, 3]) != Self.encrypted([1, 2, 3]))
    }

    @Test("gives nothing but its text when a byte of it is changed, cut off, added or moved")
    func damage() throws {
        let text = Self.bytes(3 * 65_536)
        let file = try Self.encrypted(text)
        let front = file.count - 3 * 65_552
        let chunks = (0..<3).map { Array(file[(front + $0 * 65_552)..<(front + ($0 + 1) * 65_552)]) }
        func expectRefusal(_ damaged: [UInt8], _ what: String) {
            do {
                let all = try Self.text(damaged)
                Issue.record("\(what): \(all.count) bytes came")
            } catch is AgeFault {
            } catch is DamagedBytes {
            } catch {
                Issue.record("\(what): \(error)")
            }
        }
        for place in Array(0..<front) + [front, front + 65_535, front + 65_551, front + 70_000, file.count - 1] {
            var changed = file
            changed[place] ^= 1
            expectRefusal(changed, "byte \(place)")
        }
        for size in Array(0...front + 40) + [65_551, 65_552, 65_553].map({ front + $0 })
            + [16, 17, 1].map({ front + 2 * 65_552 + $0 }) + [front + 2 * 65_552, file.count - 1]
        {
            expectRefusal(Array(file[..<size]), "cut to \(size)")
        }
        let start = Array(file[..<front])
        expectRefusal(start + chunks[1] + chunks[0] + chunks[2], "swapped")
        expectRefusal(start + chunks[0] + chunks[2], "one left out")
        expectRefusal(start + chunks[0] + chunks[0] + chunks[1] + chunks[2], "one twice")
        expectRefusal(start + chunks[0] + chunks[1] + chunks[2] + chunks[2], "the last one twice")
        expectRefusal(file + [0], "one byte more")
        expectRefusal(file + [UInt8](repeating: 0, count: 65_552), "one chunk more")
        // Of another file.
        let other = try Self.encrypted(text)
        expectRefusal(start + Array(other[front...]), "another payload")
    }

    @Test("has a header that is exactly as it should be")
    func header() throws {
        let file = try Self.encrypted([1, 2, 3])
        let text = String(decoding: file.prefix { $0 < 0x80 }, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(4).map(String.init)
        try #require(lines.count == 4 && lines[3].hasPrefix("--- "))
        let rest = Array(file.dropFirst(lines.joined(separator: "\n").utf8.count + 1))
        func reads(_ lines: [String], end: String = "\n") -> AgeFault? {
            do {
                _ = try Self.text(Array(lines.joined(separator: "\n").utf8) + Array(end.utf8) + rest)
                return nil
            } catch {
                return error as? AgeFault
            }
        }
        #expect(reads(lines) == nil)
        let body = lines[2]
        let full = String(repeating: "A", count: 64)
        let (first, stanza, last) = (lines[0], lines[1], lines[3])
        var broken: [String: [String]] = [:]
        broken["version"] = ["age-encryption.org/v2", stanza, body, last]
        broken["no stanza"] = [first, last]
        broken["CRLF"] = lines.map { $0 + "\r" }
        broken["leading space"] = [" " + first, stanza, body, last]
        broken["no word"] = [first, "-> ", body, last]
        broken["no space"] = [first, "->X25519 x", body, last]
        broken["two spaces"] = [first, stanza.replacing("519 ", with: "519  "), body, last]
        broken["last space"] = [first, stanza + " ", body, last]
        broken["a word more"] = [first, stanza + " x", body, last]
        broken["padding"] = [first, stanza, body + "=", last]
        broken["long line"] = [first, stanza, full + "A", "", last]
        broken["no short line"] = [first, "-> other", full, last]
        broken["short body"] = [first, stanza, String(body.dropLast(3)), last]
        broken["not canonical"] = [first, stanza, String(body.dropLast(1)), last]
        broken["another letter"] = [first, stanza, "-" + body.dropFirst(), last]
        broken["no HMAC"] = [first, stanza, body, "---"]
        broken["short HMAC"] = [first, stanza, body, String(last.dropLast())]
        broken["passphrase"] = [first, "-> scrypt x 10", body, stanza, body, last]
        broken["control"] = [first, "-> a\u{7F}", body, stanza, body, last]
        for (what, lines) in broken {
            guard case .header = reads(lines) else {
                Issue.record("\(what): \(String(describing: reads(lines)))")
                continue
            }
        }
        // What is no stanza of ours is passed over; that it was not there is seen by the HMAC.
        #expect(reads([lines[0], "-> other x y", full, "", lines[1], body, lines[3]]) == .forged)
        let endless = Array("age-encryption.org/v1\n".utf8) + [UInt8](repeating: 0x41, count: 1 << 20)
        #expect(throws: AgeFault.self) { try Self.text(endless) }
    }

    @Test("is read as the published test vectors say", .enabled(if: Vector.folder != nil))
    func vectors() throws {
        let folder = try #require(Vector.folder)
        var tried = 0
        for entry in try Files.list(folder) {
            guard let vector = Vector(try Files.readAll("\(folder)/\(entry.name)")) else { continue }
            tried += 1
            var (outcome, released) = ("success", [UInt8]())
            do {
                let object = try AgeFile.text(of: MemoryObject(vector.file), vector.identities)
                var room = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = try room.withUnsafeMutableBytes { try object.read(at: Int64(released.count), into: $0) }
                    if count == 0 { break }
                    released += room[..<count]
                }
            } catch let fault as AgeFault {
                switch fault {
                case .header: outcome = "header failure"
                case .notForUs: outcome = "no match"
                case .forged: outcome = "HMAC failure"
                case .payload: outcome = "payload failure"
                }
            } catch is DamagedBytes {
                outcome = "payload failure"
            }
            #expect(outcome == vector.expected, "\(entry.name)")
            if outcome == "success" {
                #expect(RunningDigest.digest(of: released).hex == vector.payload, "\(entry.name)")
            }
        }
        print("\(tried) vectors of \(folder)")
        #expect(tried > 40)
    }
}

/// One of C2SP/CCTV's files: lines of keys and values, an empty one, then an age file. `UPLOADER_TEST_AGE_VECTORS` says where they are.
private struct Vector {
    var expected: String
    var payload: String?
    var identities: [AgeIdentity] = []
    var file: [UInt8]

    static let folder = getenv("UPLOADER_TEST_AGE_VECTORS").map { String(cString: $0) }

    /// - Returns: `nil` for one of something that we do not do: armour, passphrases, other kinds of keys; and a compressed one.
    init?(_ bytes: [UInt8]) {
        guard let end = bytes.indices.dropLast().first(where: { bytes[$0] == 0x0A && bytes[$0 + 1] == 0x0A }) else {
            return nil
        }
        var expected: String?
        for line in String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ": ", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return nil }
            switch parts[0] {
            case "expect": expected = parts[1]
            case "payload": payload = parts[1]
            case "identity":
                guard let secret = AgeIdentityText.secret(parts[1].utf8) else { return nil }
                identities.append(AgeIdentity(secret))
            case "file key", "comment": break
            default: return nil
            }
        }
        guard let expected else { return nil }
        self.expected = expected
        file = Array(bytes[(end + 2)...])
    }
}
