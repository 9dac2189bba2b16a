import CCurl
package import LinuxSystem
package import Shared

/// All requests that are under way, with one cache of connections: libcurl's multi interface on the loop.
///
/// libcurl says which sockets it waits for and when it wants to be called; the loop does that. It blocks nowhere: bodies are
/// read, and long answers written, on a lane. When there are no transfers there are no timers.
package actor Transfers {
    private nonisolated let loop: EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private nonisolated let time: any TimeSource
    package nonisolated let rates: TransferRates
    private nonisolated let lane: any RoomExecutor
    private nonisolated let directory: String
    private nonisolated let multi: Multi

    private var running: [UnsafeMutableRawPointer: Transfer] = [:]
    private var sockets: [curl_socket_t: WatchToken] = [:]
    private var timer: TimerToken?
    /// Those that wait until they may send more.
    private var held: TimerToken?
    /// Counts pauses, so that who waits longest goes first.
    private var pauses: UInt64 = 0

    /// - Parameters:
    ///   - lane: for files; it may hang.
    ///   - directory: where long answers lie, without names; made when one comes.
    ///   - rates: by a clock that may be another than libcurl's.
    package init(
        loop: EventLoop, time: any TimeSource, lane: any RoomExecutor, directory: String, rates: TransferRates
    ) {
        self.loop = loop
        self.time = time
        self.rates = rates
        self.lane = lane
        self.directory = directory
        multi = Multi()
        multi.owner = self
    }

    /// The requests of one destination.
    package nonisolated func client(_ options: TransferOptions) -> TransferClient { TransferClient(self, options) }

    func send(
        _ request: HTTPRequest, _ options: TransferOptions, _ allowances: [UploadAllowance]
    ) async throws(DeliveryError) -> HTTPResponse {
        let transfer = try Transfer(request, options, allowances) { [weak self] transfer in
            // libcurl calls on the loop, from within our own calls.
            self?.assumeIsolated { $0.attend(to: transfer) }
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                transfer.continuation = continuation
                begin(transfer)
            }
        } onCancel: {
            loop.start { await self.cancel(transfer) }
        }
        return try result.get()
    }

    private func begin(_ transfer: Transfer) {
        running[transfer.easy] = transfer
        attend(to: transfer)
        if Task.isCancelled { return cancel(transfer) }
        let code = curl_multi_add_handle(multi.handle, transfer.easy)
        guard code == CURLM_OK else {
            transfer.failure = DeliveryError(
                .transient, "could not \(transfer.request.purpose): \(String(cString: curl_multi_strerror(code)))")
            return end(transfer)
        }
    }

    /// libcurl uses the addresses of handles again.
    private func isRunning(_ transfer: Transfer) -> Bool { running[transfer.easy] === transfer }

    private func cancel(_ transfer: Transfer) {
        guard isRunning(transfer) else { return }
        transfer.failure = DeliveryError(.transient, "could not \(transfer.request.purpose): it was given up")
        end(transfer)
    }

    /// Gives the answer to whoever waits for it. What is still being read or written for it comes to nothing.
    private func end(_ transfer: Transfer) {
        guard isRunning(transfer) else { return }
        running[transfer.easy] = nil
        curl_multi_remove_handle(multi.handle, transfer.easy)
        transfer.continuation?.resume(returning: transfer.outcome)
        transfer.continuation = nil
        // Here, on the loop: a lane may hold the transfer a little longer.
        transfer.close()
    }

    // MARK: Bodies

    /// Has read and written what is to be, on the lane.
    private func attend(to transfer: Transfer) {
        if let range = transfer.outgoing.wanted() {
            let serial = transfer.outgoing.serial
            switch transfer.request.body {
            case .none: break
            case .bytes(let bytes):
                _ = transfer.outgoing.take(Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]), serial: serial)
            case .object(let object):
                lane.start { [self] in
                    let read = Self.read(range, of: object)
                    await take(read, serial, for: transfer)
                }
            }
        }
        if let piece = transfer.incoming.unwritten(isOver: transfer.result != nil) {
            let (file, offset, directory) = (transfer.file, transfer.incoming.written, directory)
            lane.start { [self] in
                let result = Self.write(piece, at: offset, into: file, directory)
                await note(result, piece.count, for: transfer)
            }
        }
        // Who waits for a piece of its body is told when it is there.
        guard transfer.isHeld else { return }
        if transfer.heldAs == nil {
            pauses += 1
            transfer.heldAs = pauses
        }
        if held == nil, let next = transfer.allowances.lazy.map(\.next).max() {
            held = rates.time.schedule(at: next) { [weak self] in self?.assumeIsolated { $0.releaseHeld() } }
        }
    }

    private func releaseHeld() {
        held = nil
        // One takes all that may go: without turns the others would stand still until they are given up.
        let waiting = running.values.filter(\.isHeld)
        for transfer in waiting.sorted(by: { ($0.heldAs ?? 0) < ($1.heldAs ?? 0) }) { proceed(transfer) }
    }

    private nonisolated static func read(
        _ range: Range<Int64>, of object: any ObjectBytes
    ) -> Result<[UInt8], DeliveryError> {
        var bytes = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound))
        do {
            var done = 0
            while done < bytes.count {
                let count = try bytes.withUnsafeMutableBytes {
                    try object.read(
                        at: range.lowerBound + Int64(done), into: UnsafeMutableRawBufferPointer(rebasing: $0[done...]))
                }
                guard count > 0 else {
                    return .failure(
                        DeliveryError(
                            .transient, "its bytes end at \(range.lowerBound + Int64(done)) of \(object.size)"))
                }
                done += count
            }
            return .success(bytes)
        } catch {
            return .failure(DeliveryError(.transient, "its bytes could not be read: \(error)"))
        }
    }

    private func take(_ read: Result<[UInt8], DeliveryError>, _ serial: Int, for transfer: Transfer) {
        guard isRunning(transfer), serial == transfer.outgoing.serial else { return }
        switch read {
        case .success(let bytes): _ = transfer.outgoing.take(bytes, serial: serial)
        case .failure(let error):
            transfer.failure = DeliveryError(error.code, "could not \(transfer.request.purpose): \(error.message)")
        }
        proceed(transfer)
    }

    private nonisolated static func write(
        _ piece: [UInt8], at offset: Int64, into file: SpillFile?, _ directory: String
    ) -> Result<SpillFile, SystemError> {
        do throws(SystemError) {
            let file = if let file { file } else { try SpillFile(in: directory) }
            try file.write(piece, at: offset)
            return .success(file)
        } catch {
            return .failure(error)
        }
    }

    private func note(_ result: Result<SpillFile, SystemError>, _ count: Int, for transfer: Transfer) {
        guard isRunning(transfer) else { return }
        switch result {
        case .success(let file):
            transfer.file = file
            transfer.incoming.noteWritten(count)
        case .failure(let error):
            transfer.failure = DeliveryError(
                .transient, "could not \(transfer.request.purpose): the answer could not be kept: \(error)",
                hint: error.isNoSpace ? "free space on the disk of \(directory)" : nil)
            return end(transfer)
        }
        if transfer.result == nil { proceed(transfer) } else { finish(transfer) }
    }

    private func proceed(_ transfer: Transfer) {
        transfer.isHeld = false
        transfer.heldAs = nil
        attend(to: transfer)
        guard transfer.isPaused else { return }
        transfer.isPaused = false
        _ = ccurl_continue(transfer.easy)
        harvest()
    }

    private func finish(_ transfer: Transfer) {
        attend(to: transfer)
        if !transfer.incoming.isWriting { end(transfer) }
    }

    // MARK: libcurl's calls

    /// - Parameter what: CURL_POLL_IN and its like.
    func watch(_ socket: curl_socket_t, _ what: Int32) -> Bool {
        guard what != CURL_POLL_REMOVE else {
            if let token = sockets.removeValue(forKey: socket) { loop.unwatch(token) }
            return true
        }
        var interest: Interest = []
        if what & CURL_POLL_IN != 0 { interest.insert(.readable) }
        if what & CURL_POLL_OUT != 0 { interest.insert(.writable) }
        do throws(SystemError) {
            if let token = sockets[socket] {
                try loop.modify(token, interest)
            } else {
                sockets[socket] = try loop.watch(foreign: socket, interest) { [weak self] readiness in
                    self?.assumeIsolated { $0.act(socket, readiness) }
                }
            }
            return true
        } catch {
            return false  // libcurl ends the transfer: CURLM_ABORTED_BY_CALLBACK
        }
    }

    private func act(_ socket: curl_socket_t, _ readiness: Readiness) {
        var events: Int32 = 0
        if readiness.isReadable { events |= CURL_CSELECT_IN }
        if readiness.isWritable { events |= CURL_CSELECT_OUT }
        if readiness.isBroken { events |= CURL_CSELECT_ERR }
        var count: Int32 = 0
        curl_multi_socket_action(multi.handle, socket, events, &count)
        harvest()
    }

    /// - Parameter milliseconds: from now; negative: never.
    func setTimer(_ milliseconds: Int) {
        if let timer { time.cancel(timer) }
        guard milliseconds >= 0 else { return timer = nil }
        // libcurl must not be called from within its call, so never at once: curl_multi_setopt(CURLMOPT_TIMERFUNCTION).
        timer = time.schedule(at: time.now + .milliseconds(milliseconds)) { [weak self] in
            self?.assumeIsolated { $0.timedOut() }
        }
    }

    private func timedOut() {
        timer = nil
        var count: Int32 = 0
        ccurl_multi_timeout(multi.handle, &count)
        harvest()
    }

    private func harvest() {
        var result = CURLE_OK
        while let easy = ccurl_multi_next_over(multi.handle, &result) {
            guard let transfer = running[easy] else { continue }
            var status = 0
            _ = ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
            transfer.status = status
            transfer.result = result
            finish(transfer)
        }
    }
}
