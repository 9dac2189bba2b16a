import Delivery
import LinuxSystem
import Shared
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// A day on a simulated machine: sessions that grow in bursts, a far end that fails for an hour and is rough all day, lost
/// events, and three crashes, each at a point of the crash protocol or between two jobs. All of it follows from the seed.
final class SimulatedDay: Sendable {
    private enum Happening: Sendable {
        case write(String, [UInt8])
        case weather(FarEnd.Weather)
        case crash
        case crashAt(FaultPoint, Int)
    }

    static let hours = 24
    let stage: Stage
    private let random: SeededRandom
    private let bell = Doorbell()
    private let lives = Mutex<[String]>(["life-1"])
    private let failures = Mutex<[String]>([])

    init(seed: UInt64) throws {
        random = SeededRandom(seed &+ 0x5EED)
        let spool: ByteCount = seed % 3 == 0 ? .kibi(24) : .gibi(4)
        let codec: Codec = [.gzip, .zstd, .none][Int(seed % 5) % 3]
        stage = try Stage(seed: seed, agent: .claude) {
            $0.spool.maxBytes = spool
            $0.segments.codec = codec
        }
    }

    /// Lives through the day, and through some hours of rest.
    func pass() throws {
        let happenings = plan()
        try stage.world.run { [self] in
            var life = try await stage.start(lives.withLock { $0[0] })
            let start = stage.world.time.now
            for (at, happening) in happenings {
                repeat {
                    while life.line.isCut { life = try await restart(life) }
                } while await bell.wait(until: start + at, on: stage.world.time) == .rung
                switch happening {
                case .write(let file, let bytes):
                    // One event of ten is lost.
                    try stage.append(bytes, to: file, random.percent(90) ? life : nil)
                case .weather(let weather): stage.end.weather = weather
                case .crash: crash(life)
                case .crashAt(let point, let count):
                    stage.faults.stop(at: point, count: count) { [self, life] in
                        crash(life)
                        bell.ring()
                    }
                }
            }
            while life.line.isCut { life = try await restart(life) }
            stage.end.weather = .fair
            try await stage.pass(.seconds(2 * 3600))
            while life.line.isCut { life = try await restart(life) }
            await life.settle()
            try await stage.pass(.seconds(3600))
            await life.engine.stop(deadline: nil)
        }
        #expect(failures.withLock { $0 } == [], "seed \(stage.world.seed)")
    }

    var crashes: Int { lives.withLock { $0.count - 1 } }
    /// The state directory of the life that goes on now.
    var state: String { lives.withLock { $0.last ?? "" } }

    /// What happened, in order, without anything that differs from run to run.
    var trace: [String] { stage.log.lines(hiding: stage.scratch.path) + stage.end.history }

    // MARK: Crashes

    /// Stops the process here: its state directory as it is now is what the next life finds.
    private func crash(_ life: Life) {
        guard life.line.cut() else { return }
        let next = lives.withLock { lives in
            lives.append("life-\(lives.count + 1)")
            return lives[lives.count - 1]
        }
        do throws(SystemError) {
            try Tree.copy(stage.scratch(life.state), to: stage.scratch(next))
        } catch {
            failures.withLock { $0.append("\(error)") }
        }
    }

    private func restart(_ life: Life) async throws -> Life {
        // Aside, unheard and on its old directory: only so that nothing of it is left behind in this process.
        await life.engine.stop(deadline: nil)
        return try await stage.start(lives.withLock { $0[$0.count - 1] })
    }

    // MARK: The plan

    private func plan() -> [(at: Duration, what: Happening)] {
        var plan: [(at: Duration, what: Happening)] = [(.zero, .weather(.rough))]
        for session in 0..<random.within(4...6) { plan += growth(of: session) }
        let outage = Duration.seconds(random.within(3600...18 * 3600))
        plan.append((outage, .weather(.down(DeliveryError(.transient, "the far end is down")))))
        plan.append((outage + .seconds(3600), .weather(.rough)))
        let points = FaultPoint.allCases
        for _ in 0..<3 {
            let at = Duration.seconds(random.below(Self.hours * 3600))
            let isBetween = random.percent(30)
            plan.append((at, isBetween ? .crash : .crashAt(points[random.below(points.count)], random.within(1...3))))
        }
        return plan.sorted { $0.at < $1.at }
    }

    /// Bursts of writing with hours between them; what is written ends anywhere, inside a line or a character.
    private func growth(of session: Int) -> [(at: Duration, what: Happening)] {
        let sid = "0000000\(session)-1111-4222-8333-444444444444"
        let files =
            random.percent(50) ? ["p/\(sid).jsonl", "p/\(sid)/subagents/agent-a\(session).jsonl"] : ["p/\(sid).jsonl"]
        var plan: [(at: Duration, what: Happening)] = []
        for file in files {
            var at = Duration.seconds(random.below(12 * 3600))
            var pending: [UInt8] = []
            var line = 0
            for _ in 0..<random.within(2...5) {
                for _ in 0..<random.within(3...12) {
                    for _ in 0..<random.within(1...6) {
                        line += 1
                        pending += self.line(line, of: sid)
                    }
                    let count = random.within(1...pending.count)
                    plan.append((at, .write(file, Array(pending[..<count]))))
                    pending.removeFirst(count)
                    at += random.duration(within: .milliseconds(10) ... .seconds(20))
                }
                at += random.duration(within: .seconds(60) ... .seconds(2 * 3600))
            }
            plan.append((at, .write(file, pending + line1(sid))))
        }
        return plan
    }

    private func line1(_ sid: String) -> [UInt8] { Array("{\"type\":\"user\",\"last\":\"\(sid)\"}\n".utf8) }

    private func line(_ number: Int, of sid: String) -> [UInt8] {
        let padding = String(repeating: "ä€😀x", count: random.percent(5) ? 400 : random.below(30))
        let kind =
            random.percent(3)
            ? "\"type\":\"system\",\"subtype\":\"compact_boundary\"" : "\"type\":\"user\",\"cwd\":\"/home/player/p\""
        return Array("{\(kind),\"n\":\(number),\"sid\":\"\(sid)\",\"text\":\"\(padding)\"}\n".utf8)
    }
}
