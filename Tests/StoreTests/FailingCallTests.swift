import Glibc
import LinuxSystem
import Segments
import Shared
import Store
import Synchronization
import TestSupport
import Testing

/// Every system call that the store makes on its directory fails once, in every way in which it can: the answer is an
/// error or the thing is done, the next attempt succeeds, and nothing that was answered for is lost.
@Suite("The store, when a system call fails", .enabled(if: WatchedDisk.isThere))
struct FailingCallTests {
    enum Fault: CaseIterable { case io, noSpace, interrupted, short }

    /// Fails one call, the `wanted`th of those that can fail so.
    private final class OneFault: Sendable {
        private let state = Mutex((seen: 0, wanted: Int.max, hit: DiskCall?.none))
        private let fault: Fault
        init(_ fault: Fault) { self.fault = fault }

        func arm(_ wanted: Int) { state.withLock { $0 = (0, wanted, nil) } }
        func disarm() { state.withLock { $0.wanted = .max } }
        var seen: Int { state.withLock { $0.seen } }
        var hit: DiskCall? { state.withLock { $0.hit } }

        func verdict(_ call: DiskCall) -> DiskVerdict {
            switch (fault, call.kind) {
            case (.noSpace, .read), (.noSpace, .sync), (.noSpace, .unlink), (.noSpace, .removeDirectory): return .done
            case (.interrupted, .rename), (.interrupted, .unlink), (.interrupted, .makeDirectory): return .done
            case (.interrupted, .removeDirectory): return .done
            case (.short, .read), (.short, .write): if call.count < 2 { return .done }
            case (.short, _): return .done
            default: break
            }
            let isIt = state.withLock { state in
                state.seen += 1
                guard state.seen == state.wanted else { return false }
                state.hit = call
                return true
            }
            guard isIt else { return .done }
            switch fault {
            case .io: return .fails(EIO)
            case .noSpace: return .fails(ENOSPC)
            case .interrupted: return .fails(EINTR)
            case .short: return .short(call.count / 2)
            }
        }
    }

    @Test("loses nothing, whichever it is", arguments: Fault.allCases)
    func each(_ fault: Fault) async throws {
        let rule = OneFault(fault)
        rule.arm(.max)
        try await work(rule, 0)
        let count = rule.seen
        #expect(count > 100)
        // All of them with `make soak`; one of twenty, and never the same, every day.
        let isSoak = getenv("UPLOADER_SOAK") != nil
        let step = isSoak ? 1 : 20
        let first = Int.random(in: 1...step)
        print("\(fault): \(count) calls, every \(step)th from \(first)")
        for wanted in stride(from: first, through: count, by: step) {
            rule.arm(wanted)
            try await work(rule, wanted)
        }
    }

    @Test("knows that its catalog was lost, though the start that found it did not get through")
    func lostTwice() async throws {
        let lived = try Scene()
        let source = try Source("ses_1", lines: 4)
        let (store, _) = try await lived.open()
        try await store.seal(source, lines: 2)
        await store.close()
        try Files.unlink(lived.directory.catalog)
        let rule = OneFault(.io)
        let step = getenv("UPLOADER_SOAK") == nil ? 10 : 1
        var number = Int.random(in: 1...step)
        print("every \(step)th call from \(number)")
        var isHit = true
        while isHit {
            let scene = try lived.copy("cut-\(number)")
            rule.arm(number)
            let disk = WatchedDisk(scene.directory.path, rule: rule.verdict)
            do {
                let (store, _) = try await scene.open()
                await store.close()
            } catch is StoreError {}
            disk.end()
            isHit = rule.hit != nil
            let what: Comment = "call \(number): \(rule.hit.map { "\($0.kind) \($0.path)" } ?? "")"
            let (again, report) = try await scene.open()
            #expect(report.storesUnread && report.unresolved == [source.key.session], what)
            await again.close()
            number += step
        }
        #expect(number > 50)
    }

    /// A life from the first call to the last; what fails is done again, as the engine does.
    private func work(_ rule: OneFault, _ number: Int) async throws {
        let scene = try Scene("state-\(number)")
        let disk = WatchedDisk(scene.directory.path, rule: rule.verdict)
        defer { disk.end() }
        let what: Comment = "call \(number): \(rule.hit.map { "\($0.kind) \($0.path)" } ?? "")"
        let far = FarEnd("far")
        var source = try Source("ses_1", lines: 6)
        let other = try Source("ses_2", "agents/b", lines: 4)
        var store = try await patiently(what) { try await scene.open().0 }
        try await patiently(what) { try await store.use([far.id]) }
        for round in 0..<2 {
            for each in [source, other] {
                try await patiently(what) { [each] in try await store.seal(each, lines: 2) }
                try await patiently(what) { [each] in try await expectWhole(store, each) }
            }
            try await patiently(what) { try await store.deliver(to: far) }
            try await patiently(what) { try await store.publish(to: far) }
            try await patiently(what) { try await store.retire(try await store.retirable(required: [far.id])) }
            source.generations[0] += Source.lines(10...14, of: "round \(round)")
        }
        await store.close()
        store = try await patiently(what) { try await scene.open().0 }
        rule.disarm()
        for each in [source, other] {
            try await store.seal(each, lines: 3)
            try await expectWhole(store, each)
        }
        try await store.use([far.id])
        try await store.deliver(to: far)
        try await store.publish(to: far)
        try await store.retire(try await store.retirable(required: [far.id]))
        for each in [source, other] {
            let basis = try await store.manifestBasis(of: each.key.session, at: far.id)
            let streams = basis.manifest.streams.values.flatMap(\.segments)
            let bytes = (basis.manifest.segments + streams).flatMap { far.objects[$0.path] ?? [] }
            #expect(bytes == each.bytes, what)
        }
        await store.close()
        // A file that could not be unlinked is the next start's business.
        let (again, _) = try await scene.open()
        #expect(try scene.spoolFiles.isEmpty, what)
        await again.close()
    }

    /// Its lines are only in that file when its source was truncated meanwhile, and boot believes both.
    @Test("gives no number again while the file of a failed seal has it and cannot be removed")
    func leftover() async throws {
        let scene = try Scene()
        let isBroken = Atomic<Bool>(false)
        let disk = WatchedDisk(scene.directory.path) { call in
            guard isBroken.load(ordering: .relaxed) else { return .done }
            let isFolderOfSession = call.kind == .sync && call.isDirectory && call.path.hasPrefix("spool/ses_1")
            return isFolderOfSession || (call.kind == .unlink && call.path.hasSuffix(".seg")) ? .fails(EIO) : .done
        }
        defer { disk.end() }
        let (store, _) = try await scene.open()
        isBroken.store(true, ordering: .relaxed)
        for text in ["{\"n\":1}\n", "{\"n\":2}\n"] {
            let source = try Source("ses_1", bytes: Array(text.utf8))
            await #expect(throws: StoreError.self) { try await store.seal(source, lines: 1) }
            #expect(try scene.spoolFiles.count == 1, "two files have one number")
        }
        isBroken.store(false, ordering: .relaxed)
        let last = try Source("ses_1", bytes: Array("{\"n\":3}\n".utf8))
        try await store.seal(last, lines: 1)
        #expect(try scene.spoolFiles.count == 1)
        try await expectWhole(store, last)
    }

    /// One fault is answered with at most one error.
    @discardableResult
    private func patiently<Value: Sendable>(
        _ what: Comment, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch {
            #expect(error is StoreError || error is SystemError, what)
            return try await body()
        }
    }

    @Test("offers what it could not note a receipt for again")
    func receipt() async throws {
        let scene = try Scene()
        let isFull = Mutex(false)
        let disk = WatchedDisk(
            scene.directory.path, rule: { isFull.withLock { $0 } && $0.kind == .write ? .fails(ENOSPC) : .done })
        defer { disk.end() }
        let far = FarEnd("far")
        let (store, _) = try await scene.open()
        try await store.use([far.id])
        try await store.seal(try Source("ses_1", lines: 1), lines: 1)
        let next = try #require(try await store.nextDeliveries(to: far.id, limit: 1).first)
        #expect(try await store.claim(next.id, for: far.id))
        #expect(try await store.nextDeliveries(to: far.id, limit: 1).isEmpty)
        isFull.withLock { $0 = true }
        await #expect(throws: StoreError.self) { try await store.record(receiptFor: next.id, at: far.id) }
        isFull.withLock { $0 = false }
        #expect(try await store.nextDeliveries(to: far.id, limit: 1).map(\.id) == [next.id])
        try await store.deliver(to: far)
        #expect(far.objects.count == 1)
        await store.close()
    }
}
