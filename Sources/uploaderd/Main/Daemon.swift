import Capture
import Configuration
import ControlPlane
import Engine
import Glibc
import LinuxSystem
import Redaction
import Shared
import Synchronization

/// The running process: the loop and its lanes, one engine at a time, the control socket, the service manager, signals.
///
/// What a second daemon must not have comes first, the state directory and then the socket; nothing is cut before both are
/// held. Then the engine, who answers, READY; stop is the reverse. Lives on the loop.
actor Daemon {
    private nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    let input: ConfigurationInput
    var loaded: LoadedConfiguration
    let parts: ProcessParts
    let board: StatusBoard
    var engine: Engine?
    var desk: ControlDesk?
    private var server: ControlServer?
    var isStopping = false
    /// Rung when a signal has asked for something.
    let bell = Doorbell()
    private var wantsReload = false
    /// The catalog is damaged: an engine on a new one is to take the place of this one.
    private var wantsNewState = false
    /// One engine takes another's place: nobody else may begin that.
    var isReplacing = false
    var stateMadeAnew: Instant?
    let shownConfiguration = Mutex(ConfigurationReply(file: nil, settings: []))

    /// Runs until it is told to stop, or with `--once` until everything is taken. Blocks the calling thread, which is the
    /// loop's from then on.
    ///
    /// - Returns: the process's exit code.
    static func run(_ loaded: LoadedConfiguration, _ input: ConfigurationInput) -> Int32 {
        let log = JournalLog(least: loaded.configuration.log.level)
        let code = Mutex<Int32>(ExitCode.failed)
        do {
            try OwnDirectories(directories: loaded.directories, log: log).secure()
            let parts = try ProcessParts(loaded, log: log)
            let daemon = Daemon(loaded, input, parts)
            let signals = try Signals(on: parts.loop) { signal in
                daemon.assumeIsolated { $0.received(signal) }
            }
            parts.loop.start {
                let result = await daemon.live()
                code.withLock { $0 = result }
                parts.loop.stop()
            }
            parts.loop.run()
            withExtendedLifetime(signals) {}
        } catch {
            code.withLock { $0 = failed(error, log) }
        }
        log.flush()
        return code.withLock { $0 }
    }

    private init(_ loaded: LoadedConfiguration, _ input: ConfigurationInput, _ parts: ProcessParts) {
        self.loaded = loaded
        self.input = input
        self.parts = parts
        loop = parts.loop
        board = StatusBoard(time: parts.world.time)
    }

    // MARK: Life

    private func live() async -> Int32 {
        parts.log.record(
            Event(.started, "uploaderd \(Product.version) starts", fields: ["STATE": loaded.directories.state]))
        for notice in loaded.notices {
            parts.log.record(Event(.configuration, notice.description, hint: notice.hint))
        }
        do {
            let state = try await heldState()
            return loaded.options.once
                ? await once(try await start(loaded.configuration, on: state)) : try await serve(on: state)
        } catch {
            return Self.failed(error, parts.log)
        }
    }

    func start(_ configuration: UploaderConfiguration, on state: HeldState) async throws -> Engine {
        let redactor: Redactor
        do {
            redactor = try await parts.redactor(for: configuration, directories: loaded.directories)
        } catch {
            await state.close()
            throw error
        }
        return try await Assembly.engine(
            configuration, on: state, directories: loaded.directories, isOnce: loaded.options.once, redactor: redactor,
            board: board, world: parts.world, watching: parts.watching,
            bells: loaded.options.once ? nil : LoopBells(loop: loop))
    }

    private func once(_ engine: Engine) async -> Int32 {
        let display = parts.display(board, isOnce: true)
        let stopped = loop.start { [bell, time = parts.world.time] in
            _ = await bell.wait(on: time)
            if !Task.isCancelled { await engine.seal() }
        }
        let reasons = await engine.finish()
        stopped.cancel()
        await engine.stop(deadline: nil)
        display.cancel()
        await display.value
        for reason in reasons { Terminal.writeError("not safe yet: \(TerminalText.escaped(reason))\n") }
        let seen = board.snapshot()
        if parts.isForeground {
            Terminal.writeError("\(seen.sealedSegments) segments, \(ByteCount(seen.sealedBytes)) taken\n")
        }
        return reasons.isEmpty ? ExitCode.done : ExitCode.partly
    }

    /// The control socket, and then an engine: nothing is cut while another daemon may have the socket. Who connects while
    /// the engine starts waits for its answer.
    private func serve(on state: HeldState) async throws -> Int32 {
        let socket: ControlSocket
        do {
            socket = try parts.controlSocket(loaded.configuration.control.socket)
        } catch {
            await state.close()
            throw error
        }
        let engine: Engine
        do {
            engine = try await start(loaded.configuration, on: state)
        } catch {
            socket.abandon()
            throw error
        }
        return try await serve(engine, on: socket)
    }

    private func serve(_ engine: Engine, on socket: consuming ControlSocket) async throws -> Int32 {
        self.engine = engine
        let desk = ControlDesk(engine: engine.parts) { () async throws(ControlError) in
            try await self.reload()
        } configuration: {
            self.shown()
        }
        self.desk = desk
        let server = ControlServer(
            on: socket, loop: loop, time: parts.world.time, log: parts.log, owner: Process.user, handler: desk)
        self.server = server
        try await server.start()
        shownConfiguration.withLock { $0 = Self.reply(loaded) }
        let heartbeat = loop.start { [parts, board] in await parts.heartbeat(board).run() }
        parts.log.record(Event(.ready, "ready; roots: \(loaded.configuration.watch.count)"))
        parts.manager.ready(status: StatusLine.text(board.snapshot()))
        if parts.isForeground { Terminal.writeError(Welcome.text(loaded)) }
        let display = parts.display(board)
        let status = loop.start { [parts, board] in
            await StatusLine.keep(board, parts) { await desk.unsafeSince() }
        }
        while !isStopping {
            _ = await bell.wait(on: parts.world.time)
            if wantsReload, !isStopping, !isReplacing {
                wantsReload = false
                await reloadBySignal()
            }
            if wantsNewState, !isStopping, !isReplacing {
                wantsNewState = false
                await takeNewState()
            }
        }
        parts.manager.stopping(status: "sealing open sessions")
        parts.log.record(Event(.stopping, "stopping: sealing what is open, then delivering for a while"))
        await self.engine?.seal()
        await server.drain()
        await self.engine?.stop(deadline: parts.world.time.now + Self.stopDeadline)
        for task in [heartbeat, status, display] {
            task.cancel()
            await task.value
        }
        parts.log.record(Event(.stopped, "stopped; \(ByteCount(board.snapshot().spoolBytes)) wait in the spool"))
        return ExitCode.done
    }

    /// Below the unit's TimeoutStopSec, with room for the sealing before it and a store that hangs after it.
    private static let stopDeadline: Duration = .seconds(25)

    static func failed(_ error: any Error, _ log: JournalLog) -> Int32 {
        let failure = StartFailure(error)
        log.record(Event(.stopped, "could not start: \(failure.message)", hint: failure.hint))
        return failure.exitCode
    }

    func heldState() async throws -> HeldState {
        try await Assembly.state(loaded.directories, world: parts.world) { [self] in
            // From the store's lane, in the midst of something.
            loop.start { await self.noteDamage() }
        }
    }

    private func noteDamage() {
        wantsNewState = true
        bell.ring()
    }

    // MARK: Signals

    private func received(_ signal: Signals.Signal) {
        switch signal {
        case .hangup: wantsReload = true
        case .terminate, .interrupt:
            if isStopping {
                // The second one: what is sealed is safe in the spool, what is not is safe in its source.
                parts.log.flush()
                _exit(130)
            }
            isStopping = true
        }
        bell.ring()
    }
}
