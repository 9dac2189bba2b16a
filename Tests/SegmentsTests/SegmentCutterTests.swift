import Shared
import TestSupport
import Testing

@testable import Segments

private let compacted = LineKind.checkpoint(CheckpointDetail(label: "compacted"))

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

@Suite("A segment cutter")
struct SegmentCutterTests {
    private let limits = SegmentLimits(maxBytes: 100, maxLines: 5, maxAge: .seconds(60), quiet: .seconds(5))

    @Test("seals before the line that would overflow the segment")
    func overflow() {
        var cutter = SegmentCutter(limits: limits)
        #expect(Array(cutter.line(bytes: 60, kind: .plain, at: at(0))) == [.append])
        #expect(Array(cutter.line(bytes: 41, kind: .plain, at: at(0))) == [.seal(.bytes), .append])
        #expect(Array(cutter.line(bytes: 59, kind: .plain, at: at(0))) == [.append, .seal(.bytes)])
        #expect(!cutter.isOpen)
        #expect(Array(cutter.line(bytes: 500, kind: .plain, at: at(0))) == [.append, .seal(.bytes)])
    }

    @Test("seals behind the line that reaches the number, a checkpoint, and the end")
    func behind() {
        var cutter = SegmentCutter(limits: limits)
        for _ in 0..<4 { #expect(Array(cutter.line(bytes: 1, kind: .plain, at: at(0))) == [.append]) }
        #expect(Array(cutter.line(bytes: 1, kind: .plain, at: at(0))) == [.append, .seal(.lines)])
        #expect(Array(cutter.line(bytes: 1, kind: compacted, at: at(0))) == [.append, .seal(.checkpoint)])
        #expect(Array(cutter.line(bytes: 1, kind: .plain, at: at(0))) == [.append])
        #expect(Array(cutter.line(bytes: 100, kind: .end, at: at(0))) == [.seal(.bytes), .append, .seal(.end)])
    }

    @Test("is quiet since its last line, old since its first, and exact about both")
    func deadlines() {
        var cutter = SegmentCutter(limits: limits)
        #expect(cutter.deadline == nil)
        #expect(cutter.tick(at: at(1000)) == nil)
        _ = cutter.line(bytes: 1, kind: .plain, at: at(10))
        #expect(cutter.deadline == at(15))
        _ = cutter.line(bytes: 1, kind: .plain, at: at(14))
        #expect(cutter.deadline == at(19))
        #expect(cutter.tick(at: Instant(nanoseconds: at(19).nanoseconds - 1)) == nil)
        #expect(cutter.tick(at: at(19)) == .seal(.quiet))
        #expect(cutter.deadline == nil)
        var busy = SegmentCutter(
            limits: SegmentLimits(maxBytes: 1000, maxLines: 1000, maxAge: .seconds(60), quiet: .seconds(5)))
        for second in 0..<60 {
            #expect(Array(busy.line(bytes: 1, kind: .plain, at: at(Double(second)))) == [.append])
        }
        #expect(busy.deadline == at(60))
        #expect(busy.tick(at: at(60)) == .seal(.age))
    }

    @Test("seals before a line that comes when the deadline is over")
    func lateLine() {
        var cutter = SegmentCutter(limits: limits)
        _ = cutter.line(bytes: 1, kind: .plain, at: at(0))
        #expect(Array(cutter.line(bytes: 1, kind: .plain, at: at(5))) == [.seal(.quiet), .append])
        #expect(cutter.deadline == at(10))
    }

    @Test("seals what is open on request, and nothing else")
    func request() {
        var cutter = SegmentCutter(limits: limits)
        #expect(cutter.end(.flush) == nil)
        _ = cutter.line(bytes: 1, kind: .plain, at: at(0))
        #expect(cutter.end(.truncated) == .seal(.truncated))
        #expect(cutter.end(.truncated) == nil)
    }

    @Test("holds its promises for any lines", arguments: seeds)
    func holdsPromises(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<200 {
            var cutter = SegmentCutter(limits: limits)
            var now = at(0)
            var open: [(bytes: Int, at: Instant)] = []
            for _ in 0..<100 {
                now = now + .milliseconds(Int.random(in: 0..<8000, using: &random))
                let due = cutter.deadline
                #expect((due == nil) == open.isEmpty)
                if let first = open.first, let last = open.last {
                    #expect(due == min(first.at + .seconds(60), last.at + .seconds(5)))
                }
                if Int.random(in: 0..<3, using: &random) == 0 {
                    if cutter.tick(at: now) != nil {
                        #expect(due.map { $0 <= now } == true)
                        open = []
                    } else {
                        #expect(due.map { $0 > now } ?? true)
                    }
                }
                let bytes = Int.random(in: 1...120, using: &random)
                let kind = Int.random(in: 0..<10, using: &random) == 0 ? compacted : .plain
                for action in cutter.line(bytes: bytes, kind: kind, at: now) {
                    switch action {
                    case .append: open.append((bytes, now))
                    case .seal:
                        let total = open.reduce(0) { $0 + $1.bytes }
                        #expect(!open.isEmpty)
                        #expect(total <= 100 || open.count == 1)
                        #expect(open.count <= 5)
                        open = []
                    }
                }
                #expect(cutter.isOpen == !open.isEmpty)
                if case .checkpoint = kind { #expect(open.isEmpty) }
            }
        }
    }
}
