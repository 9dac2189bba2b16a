import Delivery
import Shared
import Store

/// What comes of a failure, and of the first success after it.
extension DestinationWorker {
    /// How long a server that fails is waited for by those who persevere, since it took something.
    private static let perseverance: Duration = .seconds(60)

    /// Why something is held back now; `nil`: nothing is.
    func obstacle() async -> String? {
        if isPaused { return "it is paused: uploaderctl resume \(name)" }
        if notBefore != nil || storeID == nil {
            return parts.board.snapshot().destinations[name]?.lastError
                ?? (hasAnswered ? "what its store has is still being read" : "its store has not answered yet")
        }
        if let reason = copies.reason { return reason.message }
        let held = refused.count + publications.refused.count
        if held > 0 { return "\(held) objects or sessions cannot be put there as they are" }
        do {
            let aside = try await parts.store.quarantined(QuarantineChoice(store: storeID)).count
            return aside == 0 ? nil : "\(aside) segments are put aside: uploaderctl quarantine list"
        } catch {
            return "\(error)"
        }
    }

    /// Whether what could not be done may be possible in a moment.
    var isHopeful: Bool { isRemote && breaker.failure?.isTransient ?? true }

    /// Until when there is hope for those who wait in spite of the failure; `nil`: there is none, or nobody does.
    func hopeEnds(at now: Instant) -> Instant? {
        guard isRemote, let since = perseveringSince, let failure = breaker.failure, failure.isTransient else {
            return nil
        }
        let end = max(progressAt ?? since, since) + Self.perseverance
        return end > now ? end : nil
    }

    /// Whether somebody has written others since they were refused: then nobody waits for the next probe.
    func hasOtherCredentials() async -> Bool {
        guard let failure = breaker.failure, failure.isOfCredentials, !credentialFiles.isEmpty else {
            (refusedCredentials, credentialsDue) = (nil, nil)
            return false
        }
        guard credentialsDue.map({ $0 <= parts.world.time.now }) ?? true else { return false }
        let marks = await withTaskExecutorPreference(ownLane) { [credentialFiles] in
            await CredentialMarks.read(credentialFiles)
        }
        credentialsDue = parts.world.time.now + CredentialMarks.interval
        guard let refused = refusedCredentials else {
            refusedCredentials = marks
            return false
        }
        guard marks != refused else { return false }
        (refusedCredentials, credentialsDue) = (nil, nil)
        return true
    }

    /// - Parameter begun: when the attempt began that has gone well.
    func succeeded(begun: Instant? = nil) {
        progressAt = parts.world.time.now
        let wasFailing = breaker.isProbing
        guard breaker.succeeded(begun: begun),
            wasFailing || parts.board.snapshot().destinations[name]?.state != .active
        else { return }
        if parts.board.clear("destination_failing", name) {
            parts.world.log.record(
                Event(.destinationRecovered, "destination \(name) takes objects again", destination: name))
        }
        parts.board.update(name) {
            $0.state = .active
            $0.lastError = nil
        }
    }

    /// - Parameter begun: when the attempt began that has failed; `nil`: just now.
    func failed(_ error: any Error, _ what: String, begun: Instant? = nil) {
        // Left alone by a stop that did not wait for it: after a reload the board is another worker's.
        guard !isStopping else { return }
        // The state directory's disk is not the destination's fault: its hint says where to look.
        let hint = (error as? StoreError)?.hint
        let error = error as? DeliveryError ?? DeliveryError(.transient, "\(what): \(error)", hint: hint)
        let isNew = breaker.failed(error, begun: begun, at: parts.world.time.now, random: parts.world.random.next())
        // The pause may be longer than they wait: the last thing that they see is not half a minute old.
        if isNew, let end = hopeEnds(at: parts.world.time.now) { breaker.tryAgain(by: end) }
        // Where it leads may be another store by the time it answers again.
        if error.code == .unusable { storeID = nil }
        defer { changed() }
        guard isNew else { return }
        let isHeld = !error.isTransient && error.code != .notFound
        let wasHeld = parts.board.snapshot().destinations[name]?.state == .held
        parts.board.update(name) {
            $0.state = isHeld ? .held : .waiting
            $0.lastError = error.message
        }
        parts.board.report("destination_failing", name, error.message, hint: error.hint)
        if breaker.failures == 1 || isHeld != wasHeld {
            parts.world.log.record(
                Event(isHeld ? .destinationHeld : .deliveryFailed, error.message, hint: error.hint, destination: name))
        }
    }

    /// This session, or this object of it, cannot go there as things are; everything else goes on.
    func refuse(_ matter: Complaints.Matter, of session: SessionID, _ error: DeliveryError) {
        complaints.note(matter, of: session)
        parts.refuse(error, by: name, session: session)
    }

    /// It went well, or is nobody's business any more.
    func settle(_ matter: Complaints.Matter, of session: SessionID) {
        if complaints.settle(matter, of: session) { parts.board.clearRefusals(of: session, by: name) }
    }

    /// - Parameter reason: why none of the stores that have the segment gives it; all else goes on.
    func unreached(_ delivery: SegmentDelivery, _ reason: DeliveryError, begun: Instant) {
        guard !isStopping else { return }
        copies.failed(
            delivery.id, reason, begun: begun, at: parts.world.time.now, random: parts.world.random.next())
        guard parts.board.report("copy_out_of_reach", name, reason.message, hint: reason.hint) else { return }
        parts.world.log.record(
            Event(
                .deliveryFailed, reason.message, hint: reason.hint, session: delivery.record.stream.session,
                destination: name))
    }

    /// All that was to be copied there from other stores is, or is on its way.
    func noteAllReached() {
        if copies.noneLeft() { parts.board.clear("copy_out_of_reach", name) }
    }
}
