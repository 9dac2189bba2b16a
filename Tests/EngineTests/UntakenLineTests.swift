import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Engine

/// What was read of a source and not taken may go or become something else: only what was taken has to stay.
@Suite("A line without its end that was read")
struct UntakenLineTests {
    private let stage: Stage

    init() throws { stage = try Stage() }

    private static func line(_ number: Int) -> [UInt8] { Array("{\"n\":\(number)}\n".utf8) }

    private static func bytes(_ text: String, times count: Int = 1) -> [UInt8] {
        Array(repeatElement(Array(text.utf8), count: count).joined())
    }

    /// The same inode holds other bytes, all at once.
    private func hold(_ bytes: [UInt8], _ life: Life) throws {
        try stage.scratch.write(bytes, to: "home/a.jsonl")
        try stage.scratch.setTime(of: "home/a.jsonl", to: stage.world.time.wall)
        life.watcher.rang("a.jsonl")
    }

    /// Shows the source in each of these states, one after the other, while its segment stays open: then the store has
    /// these bytes, of one generation.
    private func expect(_ taken: [UInt8], of states: [[UInt8]]) throws {
        try stage.live { life in
            for state in states {
                try hold(state, life)
                try await stage.pass(.seconds(1))
            }
            await life.settle()
            #expect(try await life.segments("a").map(\.generation) == [1])
            #expect(life.board.snapshot().noticed.generations == 0)
            #expect(life.board.snapshot().health.isEmpty)
        }
        #expect(try stage.end.content("a") == taken)
        #expect(stage.log.count(.generationStarted) == 0)
    }

    @Test(
        "is forgotten when it is cut off, and the open segment goes on",
        arguments: [0, 1, 3, 200], ["", "{\"t\":", "{\"torn\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
    func cutOff(before: Int, more: String) throws {
        let whole = (0..<before).flatMap(Self.line)
        let next = Self.line(1_000) + Self.line(1_001)
        try expect(
            whole + next,
            of: [
                whole + Self.bytes("{\"torn\":\"AAAA"), whole, whole + Self.bytes("{\"other"),
                // Longer than before when it is looked at next: only the bytes tell.
                whole + next + Self.bytes(more),
            ])
    }

    @Test(
        "is read again when lines are written where it was, in a file that had its size before",
        arguments: [4096, 300_000])
    func preallocated(size: Int) throws {
        let states = (0...5).map { count in
            let lines = (0..<count).flatMap(Self.line)
            return lines + [UInt8](repeating: 0, count: size - lines.count)
        }
        try expect((0..<5).flatMap(Self.line), of: states)
    }

    @Test("is read again when a line is written where it was, and its own end behind it")
    func preallocatedFurther() throws {
        let nul = [UInt8](repeating: 0, count: 8192)
        let written = Self.line(1) + Self.line(2) + nul.dropFirst(Self.line(2).count)
        try expect(written + Self.line(3), of: [Self.line(1) + nul, written + Self.line(3)])
    }

    @Test(
        "is read again whatever length it has",
        arguments: ["cut", "cut behind what is held", "in front", "behind what is held"])
    func long(_ change: String) throws {
        let torn = Self.bytes("{\"text\":\"") + [UInt8](repeating: UInt8(ascii: "x"), count: 12 << 20)
        let shown: [UInt8]
        let taken: [UInt8]
        switch change {
        case "cut":
            shown = Self.line(1) + Self.line(2)
            taken = shown
        case "cut behind what is held":
            shown = Self.line(1) + torn.dropLast(1 << 20) + Self.bytes("\"}\n") + Self.line(2)
            taken = shown
        case "in front":
            shown = Self.line(1) + Self.line(2) + torn.dropFirst(Self.line(2).count)
            taken = Self.line(1) + Self.line(2)
        default:
            taken = Self.line(1) + torn.dropLast(1 << 20) + Self.bytes("\"}\n")
            shown = taken + torn.suffix(torn.count + Self.line(1).count - taken.count)
        }
        try stage.live { life in
            try hold(Self.line(1) + torn, life)
            try await stage.pass(.seconds(20))
            #expect(try await life.segments("a").map(\.lines) == [1])
            try hold(shown, life)
            try await stage.pass(.seconds(20))
            await life.settle()
            #expect(try await life.segments("a").allSatisfy { $0.generation == 1 })
        }
        #expect(try stage.end.content("a") == taken)
    }

    @Test(
        "ends the generation when what was taken before it is gone with it",
        arguments: ["", "{\"n\":8}\n{\"n\":8}\n{\"torn\":"])
    func generation(_ other: String) throws {
        let before = Self.line(1) + Self.line(2) + Self.bytes("{\"torn\":\"A")
        try stage.live { life in
            try hold(before, life)
            try await stage.pass(.seconds(1))
            try hold(Self.bytes(other) + Self.line(9), life)
            await life.settle()
            #expect(try await life.segments("a").map(\.generation) == [1, 1, 2])
        }
        #expect(try stage.end.content("a") == before)
        #expect(try stage.end.content("a", generation: 2) == Self.bytes(other) + Self.line(9))
    }

    @Test("was taken when it is in a segment: a file that no longer holds it begins a generation")
    func partialGone() throws {
        let ended = Self.line(1) + Self.bytes("{\"type\":\"session.shutdown\"}\n")
        let torn = ended + Self.bytes("{\"n\":3,\"half")
        let other = ended + Self.bytes("{\"n\":3}\n")
        try stage.live { life in
            for state in [torn, torn + Self.bytes("er"), other] {
                try hold(state, life)
                try await stage.pass(.seconds(30))
            }
            #expect(try await life.segments("a").last?.generation == 2)
        }
        #expect(try stage.end.content("a") == torn + Self.bytes("er"))
        #expect(try stage.end.content("a", generation: 2) == other)
    }

    @Test("was taken when it is in a segment: only what was read behind it may go")
    func partial() throws {
        let taken = Self.line(1) + Self.bytes("{\"type\":\"session.shutdown\"}\n{\"n\":3,\"half")
        let whole = taken + Self.bytes("\":true}\n")
        try stage.live { life in
            try hold(taken, life)
            try await stage.pass(.seconds(30))
            #expect(try await life.segments("a").contains { $0.partial })
            for state in [taken + Self.bytes("other"), taken, whole] {
                try hold(state, life)
                try await stage.pass(.seconds(30))
            }
            #expect(try await life.segments("a").allSatisfy { $0.generation == 1 && !$0.partial })
            try hold(whole + Self.bytes("{\"type\":\"session.shutdown\"}\n{\"n\":5"), life)
            try await stage.pass(.seconds(30))
            try hold(whole, life)
            try await stage.pass(.seconds(30))
            #expect(life.board.snapshot().noticed.generations == 1)
        }
        #expect(try stage.end.content("a") == whole + Self.bytes("{\"type\":\"session.shutdown\"}\n{\"n\":5"))
    }

    /// More of them than may be held together: those behind the budget are let go of, and read again.
    @Test(
        "is taken, cut off, replaced or left as it is though it was let go of, one of many long ones",
        arguments: ["ended", "grown, then ended", "cut off", "replaced", "written in front", "gone", "left"])
    func letGo(_ change: String) throws {
        let torn = Self.bytes("{\"text\":\"") + [UInt8](repeating: UInt8(ascii: "x"), count: 5 << 20)
        let before = Self.line(1) + torn
        let other = Self.line(2) + torn.dropFirst(Self.line(2).count)
        var states: [[UInt8]] = []
        var taken = Self.line(1)
        switch change {
        case "ended": states = [before + Self.bytes("\"}\n")]
        case "grown, then ended": states = [before + torn, before + torn + Self.bytes("\"}\n")]
        case "cut off": states = [Self.line(1), Self.line(1) + Self.line(2)]
        case "replaced": states = [Self.line(1) + Self.line(2)]
        case "written in front":
            states = [Self.line(1) + other]
            taken += Self.line(2)
        default: break
        }
        if let last = states.last, change != "written in front" { taken = last }
        let shown = states
        let expected = change == "gone" ? before : taken
        try stage.live { life in
            for number in 0..<9 {
                try stage.append(before, to: "other\(number).jsonl", life)
                try await stage.pass(.seconds(20))
            }
            try hold(before, life)
            try await stage.pass(.seconds(20))
            #expect(life.parts.context.untaken.isExceeded == false)
            #expect(await life.parts.supervisor.flush(nil).count == 10)
            #expect(try await life.segments("a").map(\.lines) == [1])
            for state in shown {
                try hold(state, life)
                try await stage.pass(.seconds(20))
            }
            if change == "gone" {
                try Files.unlink(stage.scratch("home/a.jsonl"))
                life.watcher.gone("a.jsonl")
                try await stage.pass(.seconds(100))
            }
            await life.settle()
            #expect(try await life.segments("a").allSatisfy { $0.generation == 1 })
        }
        #expect(try stage.end.content("a") == expected)
        #expect(stage.log.count(.generationStarted) == 0)
    }

    @Test("was taken when it is in a segment, also when the longer one that it became was let go of")
    func letGoPartial() throws {
        // All but the last few of the bytes that may be held.
        let sizes = [Int](repeating: 5 << 20, count: 6) + [(2 << 20) - (100 << 10)]
        let ended = Self.line(1) + Self.bytes("{\"type\":\"session.shutdown\"}\n")
        let torn = ended + Self.bytes("{\"n\":3,\"half") + [UInt8](repeating: UInt8(ascii: "y"), count: 100 << 10)
        let grown = torn + [UInt8](repeating: UInt8(ascii: "z"), count: 70 << 10)
        let other = ended + Self.line(3) + Self.line(4)
        try stage.live { life in
            for (number, size) in sizes.enumerated() {
                let fill = Self.line(1) + [UInt8](repeating: UInt8(ascii: "x"), count: size)
                try stage.append(fill, to: "other\(number).jsonl", life)
                try await stage.pass(.seconds(20))
            }
            for state in [torn, grown, other] {
                try hold(state, life)
                try await stage.pass(.seconds(30))
            }
            #expect(try await life.segments("a").last?.generation == 2)
        }
        #expect(try stage.end.content("a", generation: 2) == other)
    }
}
