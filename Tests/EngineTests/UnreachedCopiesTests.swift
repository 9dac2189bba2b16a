import Delivery
import LinuxSystem
import Shared
import Store
import TestSupport
import Testing

@testable import Engine

/// What has left the spool is to go to one more store.
@Suite("Copies that are out of reach")
struct UnreachedCopiesTests {
    private static let away = DeliveryError(.transient, "nobody answers")

    /// Ten sessions that are in the archive alone, and neither in the mirror nor in the spool.
    private static func stage() throws -> Stage {
        let stage = try Stage(ends: ["archive", "mirror"]) {
            $0.destinations[1].isRequired = false
            $0.merge.enabled = false
        }
        let mirror = try #require(stage.ends["mirror"])
        try stage.live { life in
            await life.settle()
            mirror.weather = .down(away)
            for number in 0..<10 { try stage.append("{\"n\":\(number)}\n", to: "old\(number).jsonl", life) }
            await life.settle()
            try await stage.pass(.seconds(60))
            #expect(try Tree.files(stage.scratch("state/spool")).isEmpty)
        }
        return stage
    }

    private static func health(_ life: Life) -> [String] {
        life.board.snapshot().health.map { "\($0.kind) \($0.subject)" }.sorted()
    }

    private static func lines(_ name: String, in end: FarEnd) throws -> [UInt8] {
        #expect(end.keys.contains("\(Stage.prefix)\(name)/manifest.json"), "\(name)")
        return try end.content(name)
    }

    @Test(
        "are no fault of the store that is to get them: it gets all else side by side, and them when they are back",
        arguments: [Self.away, DeliveryError(.authentication, "the key is refused", retryAfter: .seconds(30))])
    func goesOn(_ error: DeliveryError) throws {
        let stage = try Self.stage()
        let (archive, mirror) = (try #require(stage.ends["archive"]), try #require(stage.ends["mirror"]))
        try stage.live { life in
            await life.settle()
            archive.weather = .down(error)
            mirror.weather = .fair
            mirror.weather.delay = .milliseconds(50) ... .milliseconds(50)
            try await stage.pass(.seconds(60))
            _ = mirror.takeMostAtOnce()
            for number in 0..<40 { try stage.append("{\"m\":\(number)}\n", to: "new\(number).jsonl", life) }
            await life.settle()
            for number in 0..<40 {
                let there = try Self.lines("new\(number)", in: mirror)
                #expect(try there == stage.source("new\(number).jsonl"))
            }
            #expect(mirror.takeMostAtOnce() > 2)
            #expect(life.board.snapshot().destinations["mirror"]?.state == .active)
            #expect(Self.health(life) == ["copy_out_of_reach mirror", "destination_failing archive"])
            // One at a time, ever more seldom: what asks for the archive's own sake is as much again.
            let before = archive.requests
            try await stage.pass(.seconds(3600))
            let asked = archive.requests - before
            #expect((120...1_000).contains(asked), "\(asked) requests in an hour")
            #expect(archive.takeMostAtOnce() <= 2 || asked == 0)
            archive.weather = .fair
            try await stage.pass(.seconds(90))
            for number in 0..<10 {
                let there = try Self.lines("old\(number)", in: mirror)
                #expect(try there == stage.source("old\(number).jsonl"))
            }
            #expect(Self.health(life).isEmpty)
        }
    }

    @Test("are named to who waits, who does not wait for them")
    func flush() throws {
        let stage = try Self.stage()
        let (archive, mirror) = (try #require(stage.ends["archive"]), try #require(stage.ends["mirror"]))
        try stage.live { life in
            await life.settle()
            archive.weather = .down(Self.away)
            mirror.weather = .fair
            await life.parts.delivery.retry()
            let obstacles = await life.parts.delivery.settled(perseveres: false)
            #expect(obstacles.map(\.name) == ["archive", "mirror"] || obstacles.map(\.name) == ["mirror"])
            #expect(obstacles.last?.reason.contains("nobody answers") == true, "\(obstacles)")
        }
    }

    @Test("are asked for again by themselves, one first; when none is left, that is said")
    func leave() {
        var copies = UnreachedCopies(RetryPolicy())
        let start = Instant(nanoseconds: 0)
        func at(_ seconds: Int) -> Instant { start + .seconds(seconds) }
        #expect(copies.leave == .all && copies.segments.isEmpty && copies.next == nil)
        for id in 1...3 {
            copies.failed(SegmentID(rawValue: Int64(id)), Self.away, begun: start, at: at(1), random: 1)
        }
        #expect(copies.leave == .none && copies.segments.count == 3)
        copies.prune(at: at(20))
        #expect(copies.leave == .one && copies.segments.count == 3)
        copies.underWay = 1
        let isNoneLeft = copies.noneLeft()
        #expect(copies.leave == .none && !isNoneLeft)
        copies.underWay = 0
        copies.succeeded(begun: at(21))
        #expect(copies.leave == .all && copies.next == at(31))
        let isOver = copies.noneLeft()
        #expect(!isOver && copies.reason != nil)
        copies.prune(at: at(31))
        let isOverNow = copies.noneLeft()
        #expect(isOverNow && copies.reason == nil && copies.segments.isEmpty)
    }
}
