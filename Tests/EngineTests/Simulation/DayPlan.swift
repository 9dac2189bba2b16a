import Delivery
import LinuxSystem
import Shared
import TestSupport

/// What happens on a simulated day, and when: all of it drawn from a seed before the day begins.
struct DayPlan {
    enum Happening: Sendable {
        case write(Int, [UInt8])
        case rewrite(Int, Rewrite, [UInt8])
        case rename(Int)
        case weather(String, FarEnd.Weather)
        case disk(DayDisk.Weather)
        /// The wall clock is set.
        case clock(Duration)
        /// A lane hangs, or goes on.
        case stall(String), goOn(String)
        case kill(Moment), powerLoss(Moment)
        /// Somebody says what is to become of a session.
        case say(String, SessionStanding)
    }

    /// What an agent, or a tool beside it, does to a file besides adding to it.
    enum Rewrite: CaseIterable, Sendable {
        /// The file is cut to nothing and written anew, by who has it open.
        case truncate
        /// Another file takes its name.
        case replace
        /// It is deleted, and made again.
        case recreate
        /// It is cut to nothing after a copy was made: what is added is all there is.
        case copyTruncate
        /// Another file with the same bytes and more takes its name: a restored home.
        case restore
    }

    /// When a life ends.
    enum Moment: Sendable {
        case now
        /// When so many jobs have run: any `await`.
        case afterJobs(Int)
        case at(FaultPoint, Int)
    }

    /// A file of a session: one for each stream.
    struct Source: Sendable {
        var sid: String
        var stream: String
        var path: String
    }

    static let hours = 24
    private(set) var sources: [Source] = []
    private(set) var happenings: [(at: Duration, what: Happening)] = []
    private(set) var lines = 0
    private let random: SeededRandom
    /// Of 400 lines, so many are checkpoints: seldom more than one, for each is an object that stays, and makes the day long.
    private let checkpoints: Int

    init(seed: UInt64, ends: [String]) {
        random = SeededRandom(seed &+ 0x5EED)
        checkpoints = seed % 8 == 4 ? 8 : 1
        for end in ends { addWeather(of: end) }
        for session in 0..<random.within(4...6) { addSession(session) }
        addFaults()
        addStandings(SeededRandom(seed &+ 0xF0))
        happenings = happenings.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element)
    }

    private var anyTime: Duration { .milliseconds(random.below(Self.hours * 3_600_000)) }

    // MARK: Far ends, disk, clock, lanes, ends of lives

    private mutating func addWeather(of end: String) {
        happenings.append((.zero, .weather(end, .rough)))
        let reasons: [DeliveryError] = [
            DeliveryError(.transient, "the far end is down"), DeliveryError(.permanent, "the far end takes nothing"),
            DeliveryError(.authentication, "the far end knows nobody"), DeliveryError(.unusable, "this is no store"),
        ]
        for _ in 0..<random.within(1...2) {
            let from = Duration.seconds(random.within(3600...18 * 3600))
            var weather = FarEnd.Weather.down(reasons[random.below(reasons.count)])
            if random.percent(40) {
                // It takes what it is given and does not say so; slowly.
                weather = .rough
                weather.delay = .seconds(1) ... .seconds(random.within(20...120))
                weather.losing = 60
            }
            happenings.append((from, .weather(end, weather)))
            happenings.append((from + .seconds(random.within(60...5400)), .weather(end, .rough)))
        }
    }

    private mutating func addFaults() {
        let points = FaultPoint.allCases
        for _ in 0..<random.within(2...5) {
            let moment: Moment =
                switch random.below(10) {
                case 0: .now
                case 1...4: .afterJobs(random.below(4_000))
                default: .at(points[random.below(points.count)], random.within(1...3))
                }
            happenings.append((anyTime, random.percent(50) ? .kill(moment) : .powerLoss(moment)))
        }
        for _ in 0..<random.within(0...2) {
            let from = anyTime
            happenings.append((from, .disk(random.percent(40) ? .full : .failing(percent: random.within(1...20)))))
            happenings.append((from + .seconds(random.within(30...3600)), .disk(.fair)))
        }
        for _ in 0..<random.within(0...3) {
            let years = Duration.seconds(random.within(-20...20) * 365 * 86_400)
            happenings.append((anyTime, .clock(years + .seconds(random.within(-86_400...86_400)))))
        }
        for lane in ["work.0", "work.1", "store"] where random.percent(20) {
            let from = anyTime
            happenings.append((from, .stall(lane)))
            happenings.append((from + .seconds(random.within(1...900)), .goOn(lane)))
        }
    }

    /// One session may be private for some hours, another one may be forgotten.
    private mutating func addStandings(_ random: SeededRandom) {
        var sids = Set(sources.map(\.sid)).sorted()
        if random.percent(50) {
            let sid = sids.remove(at: random.below(sids.count))
            let from = Duration.seconds(random.below(Self.hours * 3600))
            happenings.append((from, .say(sid, .private)))
            happenings.append((from + .seconds(random.within(60...6 * 3600)), .say(sid, .open)))
        }
        if random.percent(50) {
            let sid = sids[random.below(sids.count)]
            happenings.append((.seconds(random.within(3600...Self.hours * 3600)), .say(sid, .forgotten)))
        }
    }

    // MARK: Agents

    /// A session with its sub-agents, each writing a file of its own.
    private mutating func addSession(_ number: Int) {
        let sid = "0000000\(number)-1111-4222-8333-444444444444"
        let begin = random.below(12 * 3600)
        addSource(Source(sid: sid, stream: "main", path: "p/\(sid).jsonl"), from: begin)
        for child in 0..<(random.percent(50) ? random.within(1...3) : 0) {
            let name = "a\(number)\(child)"
            addSource(
                Source(sid: sid, stream: "agents/\(name)", path: "p/\(sid)/subagents/agent-\(name).jsonl"),
                from: begin + random.below(3600))
        }
    }

    /// Bursts of writing with pauses, some of them hours long; what is written ends anywhere, inside a line or a character.
    private mutating func addSource(_ source: Source, from begin: Int) {
        let index = sources.count
        sources.append(source)
        var at = Duration.seconds(begin)
        var line = 0
        var pending: [UInt8] = []
        for _ in 0..<random.within(2...5) {
            for _ in 0..<random.within(3...12) {
                // A tool's output is read back in one go.
                for _ in 0..<(random.percent(8) ? random.within(100...500) : random.within(1...6)) {
                    line += 1
                    pending += text(line, of: source)
                }
                let count = random.within(1...pending.count)
                happenings.append((at, .write(index, Array(pending[..<count]))))
                pending.removeFirst(count)
                at += random.duration(within: .milliseconds(10) ... .seconds(20))
            }
            if random.percent(12) {
                line += 1
                let new = text(line, of: source)
                happenings.append((at, .write(index, pending)))
                pending = []
                let kinds = Rewrite.allCases
                happenings.append((at, .rewrite(index, kinds[random.below(kinds.count)], new)))
            }
            if random.percent(5) { happenings.append((at, .rename(index))) }
            at += random.duration(within: .seconds(60) ... .seconds(2 * 3600))
        }
        happenings.append((at, .write(index, pending + Array("{\"type\":\"user\",\"last\":\"\(source.sid)\"}\n".utf8))))
        lines += line + 1
    }

    private func text(_ number: Int, of source: Source) -> [UInt8] {
        let padding = String(repeating: "ä€😀x", count: random.percent(3) ? 400 : random.below(20))
        let kind =
            random.below(400) < checkpoints
            ? "\"type\":\"system\",\"subtype\":\"compact_boundary\"" : "\"type\":\"user\",\"cwd\":\"/home/player/p\""
        return Array(
            "{\(kind),\"n\":\(number),\"of\":\"\(source.sid) \(source.stream)\",\"text\":\"\(padding)\"}\n".utf8)
    }
}
