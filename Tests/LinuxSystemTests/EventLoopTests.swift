import Glibc
import LinuxSystem
import Shared
import Synchronization
import Testing

@Suite("The event loop and its lanes")
struct EventLoopTests {
    /// Runs `body` on a loop of its own and returns what it returned.
    private func onLoop<Result: Sendable>(
        _ body: @escaping @Sendable (EventLoop, SystemTime) async -> Result
    ) throws -> Result {
        let loop = try EventLoop()
        let time = try SystemTime(loop: loop)
        let result = Mutex<Result?>(nil)
        loop.start {
            let value = await body(loop, time)
            result.withLock { $0 = value }
            loop.stop()
        }
        loop.run()
        return try #require(result.withLock { $0 })
    }

    @Test("runs a task and the actors that live on it on one thread")
    func actors() throws {
        actor Counter {
            nonisolated let executor: any RoomExecutor
            nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
            var count = 0
            init(_ executor: any RoomExecutor) { self.executor = executor }
            func add() -> Int {
                count += 1
                return count
            }
        }
        let total = try onLoop { loop, _ in
            let counter = Counter(loop)
            var last = 0
            for _ in 0..<1000 { last = await counter.add() }
            #expect(loop.isCurrent)
            return last
        }
        #expect(total == 1000)
    }

    @Test("fires timers in the order of their deadlines and not when cancelled")
    func timers() throws {
        let order = try onLoop { _, time in
            let fired = Mutex<[Int]>([])
            let bell = Doorbell()
            let start = time.now
            _ = time.schedule(at: start + .milliseconds(20)) {
                fired.withLock { $0.append(2) }
                bell.ring()
            }
            _ = time.schedule(at: start + .milliseconds(10)) { fired.withLock { $0.append(1) } }
            let never = time.schedule(at: start + .milliseconds(5)) { fired.withLock { $0.append(0) } }
            time.cancel(never)
            _ = await bell.wait(on: time)
            return fired.withLock { $0 }
        }
        #expect(order == [1, 2])
    }

    /// Setting the clock to what it is needs the right to set it, and moves it by microseconds.
    @Test(
        "tells when the wall clock is set, and by how much", .enabled(if: getuid() == 0, "setting the clock needs root")
    )
    func wallClock() throws {
        let jump = try onLoop { _, time in
            let told = Mutex<Duration?>(nil)
            let bell = Doorbell()
            time.whenSet { jump in
                told.withLock { $0 = jump }
                bell.ring()
            }
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            guard clock_settime(CLOCK_REALTIME, &now) == 0 else { return Optional(Duration.zero) }
            _ = await bell.wait(until: time.now + .seconds(30), on: time)
            time.whenSet(nil)
            return told.withLock { $0 }
        }
        #expect(abs(try #require(jump).nanoseconds) < 1_000_000_000)
    }

    @Test("a doorbell keeps a ring, times out, and ends with its task")
    func doorbell() throws {
        let wakes = try onLoop { loop, time in
            let bell = Doorbell()
            bell.ring()
            bell.ring()
            let kept = await bell.wait(on: time)
            let late = await bell.wait(until: time.now + .milliseconds(1), on: time)
            let past = await bell.wait(until: time.now, on: time)
            let cancelled = Mutex<Doorbell.Wake?>(nil)
            let done = Doorbell()
            let task = loop.start {
                let wake = await bell.wait(on: time)
                cancelled.withLock { $0 = wake }
                done.ring()
            }
            task.cancel()
            _ = await done.wait(on: time)
            return [kept, late, past, cancelled.withLock { $0 } ?? .timeout]
        }
        #expect(wakes == [.rung, .timeout, .timeout, .rung])
    }

    @Test("a lane runs its tasks on its own thread, in order")
    func lane() throws {
        let seen = try onLoop { loop, time in
            let lane = Lane(name: "test")
            let seen = Mutex<[Int]>([])
            let done = Doorbell()
            for index in 0..<100 {
                lane.start {
                    #expect(!loop.isCurrent)
                    seen.withLock { $0.append(index) }
                    if index == 99 { done.ring() }
                }
            }
            _ = await done.wait(on: time)
            lane.stop()
            return seen.withLock { $0 }
        }
        #expect(seen == Array(0..<100))
    }
}
