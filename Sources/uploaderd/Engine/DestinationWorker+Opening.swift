import Delivery
import Shared
import Store

extension DestinationWorker {
    /// Opens the store at the first need.
    func opened() async throws -> StoreID? {
        if let storeID { return storeID }
        let proposal = StoreID(random: parts.world.random)
        let known = try await parts.store.knownStore(of: name)
        let found: StoreID
        do throws(DeliveryError) {
            await opening.acquire()
            defer { opening.release() }
            found = try await sink.open(proposing: proposal, known: known)
        } catch {
            failed(error, "could not open destination \(name)")
            return nil
        }
        // Receipts belong to the store: the same name with another store is somebody's mistake until they say otherwise.
        if let known, known != found {
            let message = "destination \(name) leads to another store than before (\(found), it was \(known))"
            failed(
                DeliveryError(
                    .unusable, message,
                    hint: "put the old store back, or give the new one another name in the configuration"), message)
            return nil
        }
        if let other = parts.objects.claim(found, for: name) {
            let message = "destination \(name) leads to the same store as destination \(other)"
            failed(
                DeliveryError(
                    .unusable, message, hint: "give each a store of its own, or take one out of the configuration"),
                message)
            return nil
        }
        try await parts.store.note(found, of: name)
        if sink is any LineSink { try await parts.store.takesLines(found) }
        if sink is any WholeFileSink { try await parts.store.takesFiles(found) }
        hasAnswered = true
        succeeded()
        changed()
        parts.board.update(name) { $0.storeID = found }
        parts.objects.add(ObjectFinder.Shelf(places), as: found)
        try await parts.opened(found)
        try await parts.sayQuarantine(at: found, name)
        // Not before: until Store knows that it is to have everything, it would seem to have it.
        storeID = found
        changed()
        noteNews()
        return found
    }
}
