import LinuxSystem
import Shared

/// The writing end of a pipe that a caller passed: takes the bytes as they are, as fast as its reader reads them.
actor PipeOutlet {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let pipe: Descriptor
    private var token: WatchToken?
    private var waiter: CheckedContinuation<Void, Never>?

    /// - Throws: `badRequest` when the descriptor is no pipe: nothing else is written to.
    init(_ pipe: consuming Descriptor, loop: EventLoop) throws(ControlError) {
        let kind: FileKind
        let isWritable: Bool
        do throws(SystemError) {
            kind = try pipe.status().kind
            isWritable = try pipe.isWritable()
            try pipe.setNonBlocking()
        } catch {
            throw ControlError(.badRequest, "the descriptor that came along cannot be used", cause: "\(error)")
        }
        guard kind == .fifo else { throw ControlError(.badRequest, "the descriptor that came along is no pipe") }
        guard isWritable else {
            throw ControlError(
                .badRequest, "the descriptor that came along is a pipe's reading end; pass the writing one")
        }
        self.pipe = pipe
        self.loop = loop
    }

    /// Returns when all bytes are in the pipe.
    ///
    /// - Throws: `disconnected` when nobody reads the pipe any more, or the task was cancelled.
    func write(_ bytes: [UInt8]) async throws(ControlError) {
        var written = 0
        while written < bytes.count {
            guard !Task.isCancelled else { throw .disconnected }
            do throws(SystemError) {
                written += try bytes.withBytes { (buffer) throws(SystemError) in
                    try pipe.write(UnsafeRawBufferPointer(rebasing: buffer[written...]))
                }
            } catch {
                guard error.wouldBlock else { throw .disconnected }
                try await room()
            }
        }
    }

    private func room() async throws(ControlError) {
        if token == nil {
            do throws(SystemError) {
                token = try loop.watch(pipe, .writable) { [weak self] _ in
                    self?.assumeIsolated { $0.wake() }
                }
            } catch {
                throw ControlError(.backendError, "could not wait for the pipe", cause: "\(error)")
            }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled { continuation.resume() } else { waiter = continuation }
            }
        } onCancel: {
            loop.start { await self.wake() }
        }
    }

    private func wake() {
        // Level-triggered: a watch that nobody waits for would spin.
        if let token { loop.unwatch(token) }
        token = nil
        waiter?.resume()
        waiter = nil
    }
}
