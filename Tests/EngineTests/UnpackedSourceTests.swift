import Capture
import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

/// A compressed source that is uncompressed beside itself grows under its final name: until it is whole it is no truncation.
@Suite("A source on its way out of its compressed file")
struct UnpackedSourceTests {
    private let stage: Stage
    private static let sid = "0199a000-0000-7000-8000-000000000001"
    private static let file = "sessions/2026/11/21/rollout-2026-11-21T10-00-00-\(sid).jsonl"
    private static let lines = (0..<4_000).map { "{\"n\":\($0)}\n" }
    private static let data = Array(lines.joined().utf8)
    private static let more = Array("{\"more\":1}\n".utf8)

    init() throws {
        stage = try Stage(agent: .codex)
        try Files.makeDirectories(Files.parent(of: stage.scratch("home/\(Self.file)")))
    }

    /// A zstd frame (RFC 8878) of blocks that are as they are.
    private static func packed(_ bytes: [UInt8]) -> [UInt8] {
        // Magic; no content size, no checksum; a window of 1 MiB.
        var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x50]
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(64 << 10)
            rest = rest.dropFirst(block.count)
            let header = block.count << 3 | (rest.isEmpty ? 1 : 0)
            frame += [UInt8(header & 0xFF), UInt8(header >> 8 & 0xFF), UInt8(header >> 16)] + block
        } while !rest.isEmpty
        return frame
    }

    private func ring(_ life: Life) async throws {
        try stage.scratch.setTime(of: "home/\(Self.file)", to: stage.world.time.wall)
        life.watcher.rang(Self.file)
        try await stage.pass(.seconds(1))
    }

    /// Takes the session, and compresses it.
    private func cold(_ body: @escaping @Sendable (Life) async throws -> Void) throws {
        try stage.live { life in
            try stage.append(Self.data, to: Self.file, life)
            await life.settle()
            try stage.scratch.write(Self.packed(Self.data), to: "home/\(Self.file).zst")
            try Files.unlink(stage.scratch("home/\(Self.file)"))
            life.watcher.rang(Self.file)
            await life.settle()
            #expect(life.board.snapshot().health.isEmpty)
            try await body(life)
        }
    }

    @Test("is waited for as it grows, and goes on with the same generation", arguments: [false, true])
    func grows(losesPacked: Bool) throws {
        try cold { [self] life in
            do {
                let writer = try Descriptor.open(stage.scratch("home/\(Self.file)"), [.writeOnly, .create])
                for start in stride(from: 0, to: Self.data.count, by: 5_000) {
                    try Array(Self.data[start..<min(start + 5_000, Self.data.count)]).withBytes {
                        (bytes) throws(SystemError) in try writer.writeAll(bytes)
                    }
                    try await ring(life)
                    #expect(life.board.snapshot().health.isEmpty)
                    if losesPacked, start == 10_000 { try Files.unlink(stage.scratch("home/\(Self.file).zst")) }
                }
            }
            try stage.append(Self.more, to: Self.file, life)
            await life.settle()
            #expect(life.board.snapshot().health.isEmpty)
        }
        #expect(try stage.end.content(Self.sid) == Self.data + Self.more)
        #expect(stage.log.count(.generationStarted) == 0)
    }

    @Test(
        "is told of when nobody writes to it any more, and read again when it is whole, or gone",
        arguments: [true, false])
    func brokenOff(isMended: Bool) throws {
        try cold { [self] life in
            try stage.append(Array(Self.data[..<9_000]), to: Self.file, life)
            try await stage.pass(.seconds(200))
            let entry = try #require(life.board.snapshot().health.first)
            #expect(entry.kind == "source_unreadable" && entry.message.contains("9000 of the \(Self.data.count) bytes"))
            if isMended {
                try stage.append(Array(Self.data[9_000...]), to: Self.file, life)
            } else {
                try Files.unlink(stage.scratch("home/\(Self.file)"))
            }
            try await stage.pass(.seconds(200))
            await life.settle()
            #expect(life.board.snapshot().health.isEmpty)
        }
        #expect(try stage.end.content(Self.sid) == Self.data)
        #expect(stage.log.count(.generationStarted) == 0)
    }

    enum Other: CaseIterable { case bytes, packedIsGone, packedIsOther, packedIsDamaged }

    @Test("is another generation when its bytes are others, or no compressed file has them", arguments: Other.allCases)
    func other(_ other: Other) throws {
        let short = Array(Self.data[..<9_890]) + Array("{\"other\":1}\n".utf8)
        let shown = other == .bytes ? short : Array(Self.data[..<9_890])
        try cold { [self] life in
            let packed = "home/\(Self.file).zst"
            switch other {
            case .bytes: break
            case .packedIsGone: try Files.unlink(stage.scratch(packed))
            case .packedIsOther:
                // Put in its place: what is written into the very file that was read is a generation of its own.
                try Files.unlink(stage.scratch(packed))
                try stage.scratch.write(Self.packed(Self.more), to: packed)
            case .packedIsDamaged:
                // Another one: of the very file that was read, what is whole is compared.
                try Files.unlink(stage.scratch(packed))
                try stage.scratch.write(Array(Self.packed(Self.data).dropLast(9)), to: packed)
            }
            try stage.append(shown, to: Self.file, life)
            await life.settle()
        }
        #expect(try stage.end.content(Self.sid) == Self.data)
        #expect(try stage.end.content(Self.sid, generation: 2) == shown)
    }
}
