import Digests
import Shared
import Store
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("A manifest schedule")
struct ManifestScheduleTests {
    @Test("allows a manifest every two seconds, and a second more for each 64 KiB of it")
    func interval() throws {
        var schedule = ManifestSchedule()
        let session = try #require(SessionID("a"))
        let start = Instant(nanoseconds: 0)
        #expect(schedule.isDue(session, at: start) && schedule.deadline(of: session, after: start) == nil)
        schedule.published(session, bytes: 128 << 10, at: start)
        #expect(!schedule.isDue(session, at: start + .milliseconds(3999)))
        #expect(schedule.deadline(of: session, after: start) == start + .seconds(4))
        #expect(schedule.isDue(session, at: start + .seconds(4)))
        #expect(ManifestSchedule.interval(bytes: 0) == .seconds(2))
    }

    @Test("forgets what is past, so that it does not grow with the number of sessions")
    func prune() throws {
        var schedule = ManifestSchedule()
        let start = Instant(nanoseconds: 0)
        let sessions = try (0..<200).map { try #require(SessionID("s\($0)")) }
        for (index, session) in sessions.enumerated() {
            schedule.published(session, bytes: 0, at: start + .seconds(index))
        }
        schedule.prune(at: start + .seconds(100))
        let due = start + .seconds(100)
        #expect(sessions.count { schedule.deadline(of: $0, after: due) != nil } == 101)
        #expect(!schedule.isDue(sessions[199], at: start + .seconds(100)))
    }
}

@Suite("A publication queue")
struct PublicationQueueTests {
    private static let start = Instant(nanoseconds: 5_000_000_000)

    private static func sessions(_ names: String) throws -> [SessionID] {
        try names.map { try #require(SessionID("\($0)")) }
    }

    @Test("gives the longest waiting, as many as may be made beside those that are")
    func room() throws {
        var queue = PublicationQueue()
        let all = try Self.sessions("abcdef")
        #expect(queue.next(among: all, isAll: true, isLast: false, at: Self.start)?.due == Array(all[..<4]))
        for session in all[..<3] { queue.begin(session) }
        #expect(queue.next(among: all, isAll: true, isLast: false, at: Self.start)?.due == [all[3]])
        queue.keepUp(with: 18)
        #expect(queue.next(among: all, isAll: true, isLast: false, at: Self.start)?.due == Array(all[3...]))
        queue.keepUp(with: 1)
        #expect(queue.free == 1)
    }

    @Test("waits for a session's time, unless it is the last manifest and somebody waits for it")
    func time() throws {
        var queue = PublicationQueue()
        let all = try Self.sessions("a")
        queue.begin(all[0])
        queue.published(all[0], bytes: 100, at: Self.start)
        let next = try #require(queue.next(among: all, isAll: true, isLast: false, at: Self.start))
        #expect(next.due.isEmpty && next.next == Self.start + ManifestSchedule.interval(bytes: 100))
        #expect(queue.next(among: all, isAll: true, isLast: true, at: Self.start)?.due == all)
    }

    @Test("asks for the others where too few of the first are due")
    func more() throws {
        var queue = PublicationQueue()
        let all = try Self.sessions("ab")
        queue.begin(all[0])
        queue.failed(all[0], until: Self.start + .seconds(300))
        #expect(queue.next(among: all, isAll: false, isLast: false, at: Self.start) == nil)
        #expect(queue.next(among: all, isAll: true, isLast: false, at: Self.start)?.due == [all[1]])
        queue.prune(at: Self.start + .seconds(300))
        #expect(queue.next(among: all, isAll: true, isLast: false, at: Self.start)?.due == all)
    }
}

@Suite("A memory budget")
struct MemoryBudgetTests {
    @Test("is exceeded by what all holders have together, and only as long as they do")
    func sums() {
        let budget = MemoryBudget(bytes: 100)
        budget.change(from: 0, to: 60)
        budget.change(from: 0, to: 40)
        #expect(!budget.isExceeded)
        budget.change(from: 60, to: 61)
        #expect(budget.isExceeded)
        budget.change(from: 40, to: 0)
        #expect(!budget.isExceeded)
    }
}

@Suite("Lane loads")
struct LaneLoadsTests {
    @Test("put a source where the fewest bytes wait, so that one large one does not queue small ones behind it")
    func spreads() {
        var loads = LaneLoads(lanes: 2)
        #expect(loads.place(1_000_000) == 0)
        for _ in 0..<9 { #expect(loads.place(100_000) == 1) }
        loads.remove(1_000_000, from: 0)
        #expect(loads.place(0) == 0 && loads.place(800_000) == 0 && loads.place(100_000) == 0)
        #expect(loads.place(100_000) == 1)
    }
}

@Suite("Permits")
struct PermitsTests {
    @Test("let so many in at once and no more, each in its turn", arguments: [1, 2, 3])
    func bounds(seed: UInt64) throws {
        let world = SimulatedWorld(seed: seed)
        try world.run {
            let permits = Permits(3)
            let inside = Atomic<Int>(0)
            let done = Atomic<Int>(0)
            for index in 0..<2000 {
                world.executor("work.\(index % 4)").start {
                    await permits.acquire()
                    #expect(inside.add(1, ordering: .relaxed).newValue <= 3)
                    await Task.yield()
                    inside.subtract(1, ordering: .relaxed)
                    permits.release()
                    done.add(1, ordering: .relaxed)
                }
            }
            while done.load(ordering: .relaxed) < 2000 { try await world.time.sleep(for: .seconds(1)) }
            for _ in 0..<3 { await permits.acquire() }
        }
    }
}

@Suite("A spool gate")
struct SpoolGateTests {
    @Test("holds up who comes while it is closed, and lets all go when it opens")
    func opens() throws {
        let world = SimulatedWorld(seed: 1)
        try world.run {
            let gate = SpoolGate()
            #expect(gate.set(closed: true) && !gate.set(closed: true) && gate.isClosed)
            let passed = Atomic<Int>(0)
            for _ in 0..<5 {
                world.executor("work").start {
                    await gate.pass()
                    passed.add(1, ordering: .relaxed)
                }
            }
            try await world.time.sleep(for: .seconds(1))
            #expect(passed.load(ordering: .relaxed) == 0)
            #expect(gate.set(closed: false))
            try await world.time.sleep(for: .seconds(1))
            #expect(passed.load(ordering: .relaxed) == 5)
            await gate.pass()
        }
    }

    @Test("holds up nobody any more when the engine ends")
    func ends() throws {
        let world = SimulatedWorld(seed: 1)
        try world.run {
            let gate = SpoolGate()
            gate.set(closed: true)
            let passed = Doorbell()
            world.executor("work").start {
                await gate.pass()
                passed.ring()
            }
            try await world.time.sleep(for: .seconds(1))
            gate.end()
            #expect(await passed.wait(until: world.time.now + .seconds(1), on: world.time) == .rung)
            #expect(!gate.isClosed)
            gate.set(closed: true)
            await gate.pass()
        }
    }
}

@Suite("A pipeline's mailbox")
struct PipelineMailboxTests {
    @Test("answers a flush only after the round that began behind it")
    func flush() throws {
        let world = SimulatedWorld(seed: 1)
        try world.run {
            let mailbox = PipelineMailbox()
            let answers = Mutex<[Bool]>([])
            func ask() {
                world.executor("asker").start {
                    let answer = await mailbox.flush()
                    answers.withLock { $0.append(answer) }
                }
            }
            ask()
            try await world.time.sleep(for: .seconds(1))
            // It says nothing of the source: one that has nothing to take must not begin again for it.
            #expect(!mailbox.isRung)
            mailbox.ring()
            #expect(mailbox.isRung)
            #expect(mailbox.take() == .flush)
            // Asked when the round had begun: not for this round to answer.
            ask()
            try await world.time.sleep(for: .seconds(1))
            mailbox.answerFlushes()
            try await world.time.sleep(for: .seconds(1))
            #expect(answers.withLock { $0 } == [true])
            #expect(mailbox.take() == .flush)
            mailbox.answerFlushes()
            try await world.time.sleep(for: .seconds(1))
            #expect(answers.withLock { $0 } == [true, true])
            #expect(mailbox.take() == [])
        }
    }

    @Test("keeps a shutdown until the end, and says no to whoever asks a pipeline that has ended")
    func close() throws {
        let world = SimulatedWorld(seed: 1)
        try world.run {
            let mailbox = PipelineMailbox()
            mailbox.ask(.shutdown)
            #expect(mailbox.take() == .shutdown && mailbox.take() == .shutdown && mailbox.isEnding)
            let waiting = Mutex<Bool?>(nil)
            world.executor("asker").start {
                let answer = await mailbox.flush()
                waiting.withLock { $0 = answer }
            }
            try await world.time.sleep(for: .seconds(1))
            mailbox.close()
            try await world.time.sleep(for: .seconds(1))
            #expect(waiting.withLock { $0 } == false)
            #expect(await mailbox.flush() == false)
        }
    }

    @Test("answers a flush at once while the spool is full, and not when there is room before the source goes on")
    func full() throws {
        let world = SimulatedWorld(seed: 1)
        try world.run {
            let mailbox = PipelineMailbox()
            let gate = SpoolGate()
            gate.set(closed: true)
            mailbox.pause(before: gate)
            #expect(await mailbox.flush())
            gate.set(closed: false)
            let answers = Atomic<Int>(0)
            world.executor("asker").start {
                _ = await mailbox.flush()
                answers.add(1, ordering: .relaxed)
            }
            try await world.time.sleep(for: .seconds(1))
            // It pauses again, as one that saw the gate closed just before.
            mailbox.pause(before: gate)
            try await world.time.sleep(for: .seconds(1))
            #expect(answers.load(ordering: .relaxed) == 0)
            mailbox.goOn()
            #expect(mailbox.take().contains(.flush))
            mailbox.answerFlushes()
            try await world.time.sleep(for: .seconds(1))
            #expect(answers.load(ordering: .relaxed) == 1)
        }
    }

    @Test("counts what was expected of a source once, and not what came later")
    func counts() {
        let mailbox = PipelineMailbox(left: 100)
        #expect(mailbox.count(taken: 60) == 60)
        #expect(mailbox.count(taken: 60) == 40)
        #expect(mailbox.count(taken: 60) == 0)
    }
}
