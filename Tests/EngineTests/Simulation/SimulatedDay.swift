import Delivery
import LinuxSystem
import Shared
import Store
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// A day on a simulated machine: agents that write as agents do, far ends that are slow, fail, lie or are gone, lost
/// events, a disk that fails, a clock that jumps by years, and lives that end at any point, with and without power. All of
/// it follows from the seed: `DayPlan`.
final class SimulatedDay: Sendable {
    /// A file as its agent knows it.
    struct Written: Sendable {
        var path: String
        /// What it has held, one after the other; each was only added to.
        var versions: [[UInt8]] = [[]]
        /// By generation, in bytes: what the store had answered for when the file was rewritten.
        var promised: [Int: Int64] = [:]
    }

    let stage: Stage
    let plan: DayPlan
    private let bell = Doorbell()
    private let random: SeededRandom
    private let lives = Mutex<[String]>(["life-1"])
    private let isStoreStalled = Mutex(false)
    private let failures = Mutex<[String]>([])
    /// What somebody has said of sessions last, whether that was heard or not.
    private let said = Mutex<[String: SessionStanding]>([:])
    private let files: Mutex<[Written]>
    /// Of the life that goes on, or of the next one.
    private let disk: Mutex<DayDisk>

    init(seed: UInt64) throws {
        let spool: ByteCount = seed % 3 == 0 ? .kibi(24) : .gibi(4)
        let codec: Codec = [.gzip, .zstd, .none][Int(seed % 5) % 3]
        let ends = Array(["north", "south", "west"].prefix(1 + Int(seed % 3)))
        stage = try Stage(seed: seed, ends: ends, agent: .claude) {
            $0.spool.maxBytes = spool
            $0.segments.codec = codec
        }
        plan = DayPlan(seed: seed, ends: ends)
        random = SeededRandom(seed &+ 0xD15C)
        files = Mutex(plan.sources.map { Written(path: $0.path) })
        disk = Mutex(DayDisk(stage.scratch("life-1"), DiskImage(), random))
    }

    var crashes: Int { lives.withLock { $0.count - 1 } }
    /// The state directory of the life that goes on now.
    var state: String { lives.withLock { $0.last ?? "" } }
    var written: [Written] { files.withLock { $0 } }
    func isForgotten(_ sid: String) -> Bool { said.withLock { $0[sid] } == .forgotten }

    /// What happened, in order, without anything that differs from run to run.
    var trace: [String] {
        stage.log.lines(hiding: stage.scratch.path)
            + stage.ends.sorted { $0.key < $1.key }.flatMap { end in end.value.history.map { "\(end.key) \($0)" } }
    }

    /// Lives through the day, and through some hours in which nothing goes wrong.
    func pass() throws {
        try stage.world.run { [self] in
            var life = try await begin()
            let start = stage.world.time.now
            for (at, happening) in plan.happenings {
                repeat {
                    while life.line.isCut { life = try await restart(life) }
                } while await bell.wait(until: start + at, on: stage.world.time) == .rung
                try await perform(happening, life)
            }
            while life.line.isCut { life = try await restart(life) }
            stage.world.interrupt(after: .max) {}
            stage.faults.forget()
            disk.withLock { $0.weather = .fair }
            for end in stage.ends.values { end.weather = .fair }
            for lane in ["work.0", "work.1", "store"] { stage.world.executor(lane).goOn() }
            for (sid, standing) in said.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
                try await say(standing == .private ? .open : standing, of: sid, life)
            }
            // Nobody asks for anything: what is stuck would stay so.
            try await stage.pass(.seconds(3 * 3600))
            await life.engine.stop(deadline: nil)
            // What could not be unlinked is the next start's business.
            life = try await begin()
            await life.engine.stop(deadline: nil)
            disk.withLock { $0.end() }
        }
        #expect(failures.withLock { $0 } == [], "seed \(stage.world.seed)")
    }

    private func perform(_ happening: DayPlan.Happening, _ life: Life) async throws {
        note(happening)
        switch happening {
        case .write(let index, let bytes):
            let path = files.withLock { files in
                files[index].versions[files[index].versions.count - 1] += bytes
                return files[index].path
            }
            try stage.append(bytes, to: path, heard(life))
        case .rewrite(let index, let kind, let bytes): try await rewrite(index, kind, bytes, life)
        case .rename(let index): try rename(index, life)
        case .weather(let end, let weather): stage.ends[end]?.weather = weather
        case .disk(let weather): disk.withLock { $0.weather = weather }
        case .clock(let jump):
            stage.world.time.shiftWall(by: jump)
            // By years, so that one does not undo the other.
            let isSaid = life.board.snapshot().health.contains { $0.kind == ClockWatch.jumped }
            #expect(life.line.isCut || isSaid, "seed \(stage.world.seed)")
        case .stall(let lane):
            stage.world.executor(lane).stall()
            if lane == "store" { isStoreStalled.withLock { $0 = true } }
        case .goOn(let lane):
            stage.world.executor(lane).goOn()
            if lane == "store" { isStoreStalled.withLock { $0 = false } }
        case .say(let sid, let standing):
            said.withLock { $0[sid] = standing }
            // Said again at the end: nobody may hear it now.
            if isStoreStalled.withLock({ $0 }) || life.line.isCut { break }
            do { try await say(standing, of: sid, life) } catch {}
        case .kill(let moment): end(life, at: moment) { $0.kill(life) }
        case .powerLoss(let moment): end(life, at: moment) { $0.cutPower(life) }
        }
    }

    private func note(_ happening: DayPlan.Happening) {
        let text =
            switch happening {
            case .write(let index, let bytes): "\(bytes.count) bytes to \(plan.sources[index].path)"
            case .rewrite(let index, let kind, _): "\(kind) \(plan.sources[index].path)"
            case .rename(let index): "rename \(plan.sources[index].path)"
            case .weather, .disk, .clock, .stall, .goOn, .kill, .powerLoss, .say: "\(happening)"
            }
        stage.log.record(Event(.debug, "the day: \(text)"))
    }

    /// One event of ten is lost.
    private func heard(_ life: Life) -> Life? { random.percent(90) ? life : nil }

    private func say(_ standing: SessionStanding, of sid: String, _ life: Life) async throws {
        _ = try await life.store.say(standing, of: try #require(SessionID(sid)))
        life.parts.forgetting.ring()
        life.parts.delivery.ring()
        await life.parts.supervisor.reopened([])
    }

    // MARK: Files

    private func rewrite(_ index: Int, _ kind: DayPlan.Rewrite, _ bytes: [UInt8], _ life: Life) async throws {
        await notePromise(index, life)
        let (path, old) = files.withLock { files in
            if kind != .restore { files[index].versions.append([]) }
            let last = files[index].versions.count - 1
            let old = files[index].versions[last]
            files[index].versions[last] += bytes
            return (files[index].path, old)
        }
        let full = stage.scratch("home/\(path)")
        let wall = stage.world.time.wall
        switch kind {
        case .truncate, .copyTruncate:
            if try Files.status(full) != nil { try Descriptor.open(full, [.writeOnly]).truncate(to: 0) }
            // Who looks in between sees an empty file.
            if kind == .copyTruncate { heard(life)?.watcher.rang(path) }
            try stage.scratch.append(bytes, to: "home/\(path)", at: wall)
        case .replace, .restore:
            try stage.scratch.append(old + bytes, to: "home/p/.new", at: wall)
            try Files.makeDirectories(Files.parent(of: full))
            try Files.rename(stage.scratch("home/p/.new"), to: full, replacing: true)
        case .recreate:
            try Files.unlink(full)
            heard(life)?.watcher.gone(path)
            try stage.scratch.append(bytes, to: "home/\(path)", at: wall)
        }
        heard(life)?.watcher.rang(path)
    }

    /// What has a row now must be in the store at the end, whatever becomes of the file.
    private func notePromise(_ index: Int, _ life: Life) async {
        // Who asks a lane that hangs hangs with it, and the day with both.
        if isStoreStalled.withLock({ $0 }) { return }
        let source = plan.sources[index]
        do {
            guard !life.line.isCut, let cursor = try await life.store.cursor(of: life.key(source.sid, source.stream)),
                !life.line.isCut
            else { return }
            files.withLock {
                $0[index].promised[cursor.generation] = max(
                    $0[index].promised[cursor.generation] ?? 0, cursor.offset)
            }
        } catch {
            // The disk fails: nothing is answered for.
        }
    }

    /// The agent's project got another name.
    private func rename(_ index: Int, _ life: Life) throws {
        let old = files.withLock { $0[index].path }
        guard old.hasPrefix("p/"), try Files.status(stage.scratch("home/\(old)")) != nil else { return }
        let new = "q/" + old.dropFirst(2)
        try Files.makeDirectories(Files.parent(of: stage.scratch("home/\(new)")))
        try Files.rename(stage.scratch("home/\(old)"), to: stage.scratch("home/\(new)"), replacing: true)
        files.withLock { $0[index].path = new }
        heard(life)?.watcher.moved(old, new)
    }

    // MARK: Lives

    private func end(_ life: Life, at moment: DayPlan.Moment, _ how: @escaping @Sendable (SimulatedDay) -> Void) {
        let crash: @Sendable () -> Void = { [self] in
            how(self)
            bell.ring()
        }
        switch moment {
        case .now: crash()
        case .afterJobs(let jobs): stage.world.interrupt(after: jobs, crash)
        case .at(let point, let count): stage.faults.stop(at: point, count: count, crash)
        }
    }

    /// Stops the process here: its state directory as it is now is what the next life finds.
    private func kill(_ life: Life) {
        succeed(life) { [stage] (old, next) throws(SystemError) in
            try Tree.copy(stage.scratch(life.state), to: stage.scratch(next))
            var image = old.image
            try image.move(to: stage.scratch(next))
            return image
        }
    }

    /// Stops the machine here: what was not synced may be there, in part, or not.
    private func cutPower(_ life: Life) {
        succeed(life) { [stage, random] (old, next) throws(SystemError) in
            try old.image.restore(to: stage.scratch(next), random)
            return try DiskImage(holding: stage.scratch(next))
        }
    }

    private func succeed(_ life: Life, _ inherit: (DayDisk, String) throws(SystemError) -> DiskImage) {
        guard life.line.cut() else { return }
        let old = disk.withLock { $0 }
        old.end()
        let next = lives.withLock { lives in
            lives.append("life-\(lives.count + 1)")
            return lives[lives.count - 1]
        }
        do throws(SystemError) {
            let made = DayDisk(stage.scratch(next), try inherit(old, next), random)
            made.weather = old.weather
            disk.withLock { $0 = made }
        } catch {
            failures.withLock { $0.append("\(error)") }
        }
    }

    private func restart(_ life: Life) async throws -> Life {
        // Aside, unheard and on its old directory: only so that nothing of it is left behind in this process.
        for lane in ["work.0", "work.1", "store"] { stage.world.executor(lane).goOn() }
        isStoreStalled.withLock { $0 = false }
        await life.engine.stop(deadline: nil)
        return try await begin()
    }

    /// Starts, and starts again after a while as the service manager does, until the disk lets it.
    private func begin() async throws -> Life {
        while true {
            do {
                let life = try await stage.start(state)
                stage.log.record(Event(.debug, "the day: \(life.state) begins"))
                return life
            } catch let error as StoreError {
                guard disk.withLock({ $0.weather }) != .fair else { throw error }
                try await stage.pass(.seconds(2))
                // A disk does not fail for ever, and the day goes on when it is well again.
                if random.percent(10) { disk.withLock { $0.weather = .fair } }
            }
        }
    }
}
