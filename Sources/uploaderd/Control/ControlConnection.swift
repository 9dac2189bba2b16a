import LinuxSystem
import Shared

/// One peer: reads calls, has them answered one after the other, and writes the answers.
///
/// Nothing of it grows with what the peer does. A peer that sends too much is not read; one that does not read makes
/// the sender wait. Lives on the loop.
actor ControlConnection {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let socket: UnixConnection
    private let limits: ControlLimits
    private let time: any TimeSource
    private let harness: CallHarness
    private var inbox: CallInbox
    private var output: [UInt8] = []
    private var written = 0
    /// `run`, while there is nothing to do.
    private var reader: CheckedContinuation<Void, Never>?
    /// Senders, while the peer does not read.
    private var writers: [CheckedContinuation<Void, Never>] = []
    private var token: WatchToken?
    private var interest: Interest = .readable
    private var timer: TimerToken?
    private var idleSince: Instant
    private var open: VarlinkCall?
    /// The peer is gone, or we have given it up.
    private var isGone = false
    private var isDraining = false
    private var task: Task<Void, Never>?

    init(
        _ socket: consuming UnixConnection, loop: EventLoop, time: any TimeSource, limits: ControlLimits,
        harness: CallHarness
    ) {
        self.socket = socket
        self.loop = loop
        self.time = time
        self.limits = limits
        self.harness = harness
        inbox = CallInbox(longestCall: limits.longestCall, capacity: limits.waitingCalls)
        idleSince = time.now
    }

    // MARK: Life

    /// Begins; `ended` is called once, when the connection is over.
    func start(ended: @escaping @Sendable () async -> Void) throws(SystemError) {
        token = try loop.watch(socket.descriptor, .readable) { [self] readiness in
            assumeIsolated { $0.ready(readiness) }
        }
        task = loop.start { [self] in
            await run()
            await ended()
        }
        arm()
    }

    /// No further calls; what is open is answered, but for answers without an end.
    func drain() {
        isDraining = true
        if open?.more == true { task?.cancel() }
        wakeReader()
    }

    /// Over, at once.
    func cancel() {
        task?.cancel()
        giveUp()
    }

    private func run() async {
        while let item = await next() {
            guard case .call(let frame, let passed) = item else {
                if case .end(let error?) = item { await tell(error) }
                break
            }
            guard await serve(frame, passed) else { break }
        }
        giveUp()
    }

    /// - Returns: whether the connection can go on.
    private func serve(_ frame: [UInt8], _ passed: PassedDescriptor?) async -> Bool {
        let call: VarlinkCall
        do throws(ControlError) {
            call = try VarlinkCall(frame: frame)
        } catch {
            await tell(error)
            return false
        }
        // Who closed without waiting for the answer wanted none.
        if isGone, !call.oneway { return true }
        open = call
        arm()
        await harness.serve(call, passed: passed, on: self)
        open = nil
        idleSince = time.now
        return true
    }

    private func tell(_ error: ControlError) async {
        do throws(ControlError) {
            try await send(harness.frame(of: error))
        } catch {
            // The connection ends all the same; the peer did not wait to hear why.
        }
    }

    // MARK: Reading

    private func next() async -> CallInbox.Item? {
        while inbox.isEmpty {
            if isGone || isDraining { return nil }
            arm()
            await withCheckedContinuation { reader = $0 }
        }
        if isDraining, !isGone { return nil }
        let item = inbox.next()
        update()
        return item
    }

    private func wakeReader() {
        reader?.resume()
        reader = nil
    }

    private func ready(_ readiness: Readiness) {
        if readiness.isReadable, isReading || readiness.isBroken { receive() }
        if readiness.isWritable { flush() }
        // Only a peer that closed altogether makes a hang-up: one that shut its sending side down still listens.
        if readiness.isBroken {
            while inbox.hasRoom, receive() {}
            hangUp()
        }
        update()
    }

    private var isReading: Bool { inbox.hasRoom && !isGone }

    /// - Returns: whether anything came.
    @discardableResult
    private func receive() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            do throws(SystemError) {
                var received = try socket.receive(into: buffer)
                guard received.count > 0 else {
                    inbox.end()
                    wakeReader()
                    return false
                }
                guard !received.isCrowded else {
                    inbox.refuse(
                        ControlError(.badRequest, "several descriptors came along, where a call has at most one"))
                    wakeReader()
                    return false
                }
                let count = received.count
                var passed: PassedDescriptor?
                if let descriptor = received.passed.take() { passed = PassedDescriptor(descriptor) }
                inbox.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]), passed, at: time.now)
                if !inbox.isEmpty { wakeReader() }
                return true
            } catch {
                if !error.wouldBlock { hangUp() }
                return false
            }
        }
    }

    // MARK: Writing

    /// Queues a whole frame, and returns when the peer has taken it.
    func send(_ frame: [UInt8]) async throws(ControlError) {
        guard !isGone else { throw .disconnected }
        output.append(contentsOf: frame)
        flush()
        update()
        while !isGone, written < output.count { await withCheckedContinuation { writers.append($0) } }
        if isGone { throw .disconnected }
    }

    /// Whether an answer in parts ought to end now.
    var isStopping: Bool { isDraining }

    private func flush() {
        while written < output.count, !isGone {
            do throws(SystemError) {
                written += try output.withBytes { (bytes) throws(SystemError) in
                    try socket.send(UnsafeRawBufferPointer(rebasing: bytes[written...]))
                }
            } catch {
                if !error.wouldBlock { hangUp() }
                return
            }
        }
        output.removeAll(keepingCapacity: output.count <= VarlinkFraming.longestReply)
        written = 0
        wakeWriters()
    }

    private func wakeWriters() {
        let waiting = writers
        writers = []
        for writer in waiting { writer.resume() }
    }

    // MARK: Ending

    /// The peer closed: whoever works for it may stop. Calls that want no answer are still carried out.
    private func hangUp() {
        guard !isGone else { return }
        if open?.oneway != true { task?.cancel() }
        giveUp()
    }

    private func giveUp() {
        isGone = true
        if let token { loop.unwatch(token) }
        token = nil
        arm()
        wakeReader()
        wakeWriters()
    }

    /// Reads as much as there is room for, and writes while there is something to write.
    private func update() {
        arm()
        guard let token else { return }
        var wanted: Interest = isReading ? .readable : []
        if written < output.count { wanted.insert(.writable) }
        guard wanted != interest else { return }
        do throws(SystemError) {
            try loop.modify(token, wanted)
            interest = wanted
        } catch {
            hangUp()
        }
    }

    // MARK: Time

    /// Sets the one timer to what could happen next.
    private func arm() {
        if let timer { time.cancel(timer) }
        timer = nil
        guard !isGone else { return }
        let deadline: Instant
        if let halfSince = inbox.halfSince, isReading {
            deadline = halfSince + limits.halfRequest
        } else if open == nil, inbox.isEmpty {
            deadline = idleSince + limits.idle
        } else {
            return
        }
        timer = time.schedule(at: deadline) { [weak self] in self?.assumeIsolated { $0.expire() } }
    }

    private func expire() {
        timer = nil
        guard !isGone else { return }
        if let halfSince = inbox.halfSince, isReading, time.now >= halfSince + limits.halfRequest {
            // Not awaited: whoever stops in the middle of a sentence may not read either.
            let seconds = limits.halfRequest.components.seconds
            output.append(
                contentsOf: harness.frame(
                    of: ControlError(.badRequest, "the request did not end within \(seconds) s")))
            flush()
            task?.cancel()
            giveUp()
        } else if open == nil, inbox.isEmpty, time.now >= idleSince + limits.idle {
            giveUp()
        } else {
            arm()
        }
    }
}
