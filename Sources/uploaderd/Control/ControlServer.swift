package import LinuxSystem
package import Shared

/// Serves `io.uploaderd.Control` on a Unix socket: takes connections, turns strangers away, and ends in two steps.
///
/// Lives on the loop.
package actor ControlServer {
    private nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let socket: ControlSocket
    private let policy: PeerPolicy
    private let limits: ControlLimits
    private let time: any TimeSource
    private let log: any EventLog
    private let harness: CallHarness
    private var token: WatchToken?
    private var connections: [Int: ControlConnection] = [:]
    private var nextConnection = 0
    private var isStopped = false
    /// Those who wait until the last connection is over.
    private var drains: [CheckedContinuation<Void, Never>] = []

    /// - Parameter owner: the user id that is served.
    package init(
        on socket: consuming ControlSocket, loop: EventLoop, time: any TimeSource, log: any EventLog, owner: UInt32,
        limits: ControlLimits = ControlLimits(), handler: any ControlHandler
    ) {
        self.socket = socket
        self.loop = loop
        self.time = time
        self.log = log
        self.limits = limits
        policy = PeerPolicy(owner: owner)
        harness = CallHarness(handler: handler, time: time, limits: limits)
    }

    /// From now on callers are answered. Those who connected since the socket was made have been waiting.
    package func start() throws(ControlPlaneError) {
        do throws(SystemError) {
            try listen()
        } catch {
            throw ControlPlaneError(code: .socket, message: "could not watch the control socket", cause: error)
        }
    }

    /// No new connections and calls; returns when what is open has been answered, or `ControlLimits.drain` has passed: a
    /// caller that does not read, or whose answer waits for a store that hangs, holds up no stop. What has no end is ended.
    package func drain() async {
        stopListening()
        let deadline = time.schedule(at: time.now + limits.drain) { [weak self] in
            self?.assumeIsolated { $0.giveUpAll() }
        }
        for connection in connections.values { await connection.drain() }
        while !connections.isEmpty { await withCheckedContinuation { drains.append($0) } }
        time.cancel(deadline)
    }

    /// Who is not answered by now is not answered at all.
    private func giveUpAll() {
        for connection in connections.values { connection.assumeIsolated { $0.cancel() } }
        connections = [:]
        release()
    }

    /// Everything is over at once.
    package func cancel() async {
        stopListening()
        for connection in connections.values { await connection.cancel() }
    }

    private func listen() throws(SystemError) {
        token = try loop.watch(socket.listener.descriptor, .readable) { [weak self] _ in
            self?.assumeIsolated { $0.acceptAll() }
        }
    }

    private func stopListening() {
        isStopped = true
        if let token { loop.unwatch(token) }
        token = nil
        guard let path = socket.path else { return }
        do throws(SystemError) {
            try Files.unlink(path)
        } catch {
            // Harmless: nobody listens there, which the next daemon finds out.
            log.record(Event(.debug, "could not remove \(path): \(error)"))
        }
    }

    private func acceptAll() {
        // Bounded, so that a flood of connections leaves room for everything else on the loop.
        for _ in 0..<16 {
            guard !isStopped else { return }
            do throws(SystemError) {
                guard let connection = try socket.listener.accept() else { return }
                try take(connection)
            } catch {
                pause(error)
                return
            }
        }
    }

    private func take(_ connection: consuming UnixConnection) throws(SystemError) {
        let peer = try connection.peer()
        guard policy.admits(peer) else {
            log.record(
                Event(
                    .peerRefused, "refused a control connection of user \(peer.user)",
                    hint: "only user \(policy.owner) is served; as root: runuser -u USER -- uploaderctl …",
                    fields: ["PEER_UID": "\(peer.user)", "PEER_PID": "\(peer.process)"]))
            return refuse(connection, ControlError(.permissionDenied, "only user \(policy.owner) is served"))
        }
        guard connections.count < limits.connections else {
            log.record(
                Event(
                    .peerRefused, "refused a control connection: \(limits.connections) are open",
                    fields: ["PEER_UID": "\(peer.user)", "PEER_PID": "\(peer.process)"]))
            return refuse(
                connection,
                ControlError(
                    .busy, "\(limits.connections) connections are open",
                    hint: "close some, for instance a forgotten uploaderctl status --watch"))
        }
        let served = ControlConnection(connection, loop: loop, time: time, limits: limits, harness: harness)
        let number = nextConnection
        nextConnection += 1
        connections[number] = served
        // Both live on the loop, so this is a plain call.
        let failure = served.assumeIsolated { served -> SystemError? in
            do throws(SystemError) {
                try served.start { [weak self] in await self?.forget(number) }
                return nil
            } catch {
                return error
            }
        }
        if let failure {
            connections[number] = nil
            throw failure
        }
    }

    /// Says why, if the socket takes it at once, and closes.
    private func refuse(_ connection: consuming UnixConnection, _ reason: ControlError) {
        do throws(SystemError) {
            _ = try harness.frame(of: reason).withBytes { (bytes) throws(SystemError) in try connection.send(bytes) }
        } catch {
            // It is closed all the same.
        }
    }

    /// No descriptors are left, for instance: the waiting connections wait on, and the loop does not spin.
    private func pause(_ error: SystemError) {
        log.record(Event(.peerRefused, "could not take a control connection: \(error)"))
        if let token { loop.unwatch(token) }
        token = nil
        _ = time.schedule(at: time.now + .seconds(1)) { [weak self] in self?.assumeIsolated { $0.resume() } }
    }

    private func resume() {
        guard !isStopped, token == nil else { return }
        do throws(SystemError) { try listen() } catch { pause(error) }
    }

    private func forget(_ number: Int) {
        connections[number] = nil
        if connections.isEmpty { release() }
    }

    private func release() {
        let waiting = drains
        drains = []
        for waiter in waiting { waiter.resume() }
    }
}
