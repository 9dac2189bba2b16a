import Delivery
import Segments
import Shared
import Store
import Synchronization

/// What is found to be wrong with copies is said, and known from then on.
extension ObjectFinder {
    /// Health entries about copies; the subject is the copy's name.
    static let missing = "object_missing"
    static let damaged = "object_damaged"

    /// Says what is wrong with a copy, or with `nil` that nothing is, and has Store know it of one that a store was said
    /// to have.
    ///
    /// - Parameter isRead: of one that is there: all of it was compared; else it is as long as it should be.
    /// - Returns: whether reading it again would tell the same.
    @discardableResult
    func note(_ error: (any Error)?, _ copy: ObjectCopy, isRead: Bool = true) async -> Bool {
        let fault: CopyFault
        switch error {
        case let error as DeliveryError where error.code == .notFound: fault = .missing
        case let error as DeliveryError where error.code == .damaged: fault = .damaged
        case let error as SegmentError where error.code == .damaged: fault = .damaged
        case let error as StoreError where error.code == .missing: fault = .missing
        case let error as StoreError where error.code == .damaged: fault = .damaged
        case .some: return false
        case nil:
            await noteWhole(copy, isRead: isRead)
            return false
        }
        // Its lines are in another object by now, and it may be gone for that: whoever reads them looks again.
        if await isReplaced(copy) { return false }
        let isNew = Self.say(fault, copy.name, error, on: board)
        // Store knows it already where it was said before; one that was put since is another receipt's.
        guard let place = copy.place else { return true }
        do {
            if let id = try await place.segment(), try await store.note(fault, of: id, at: place.store) {
                askAgain()
            }
        } catch {
            // Safe: whoever looks next finds the same.
            if isNew { world.log.record(Event(.persistenceFailed, "\(copy.name): what it is was not noted: \(error)")) }
        }
        return true
    }

    private func isReplaced(_ copy: ObjectCopy) async -> Bool {
        do {
            guard let id = try await copy.place?.segment() else { return false }
            return try await store.isReplaced(id)
        } catch {
            return false  // Safe: it is said as if it were wanted yet.
        }
    }

    private func noteWhole(_ copy: ObjectCopy, isRead: Bool) async {
        let wasMissing = board.clear(Self.missing, copy.name)
        let wasDamaged = isRead && board.clear(Self.damaged, copy.name)
        guard wasMissing || wasDamaged || copy.isFaulty, let place = copy.place else { return }
        do {
            guard let id = try await place.segment() else { return }
            try await store.noteWhole(id, at: place.store, isRead: isRead)
        } catch {
            world.log.record(Event(.persistenceFailed, "that \(copy.name) is whole was not noted: \(error)"))
        }
    }

    /// The object was put there just now: whatever was wrong with it is over.
    func noteDelivered(_ record: SegmentRecord, to destination: String) {
        clear(Self.name(of: record, in: destination))
    }

    /// The file is in the spool no more.
    func noteSetAside(_ record: SegmentRecord) { clear(Self.name(of: record, in: "spool")) }

    private func clear(_ name: String) { for kind in [Self.missing, Self.damaged] { board.clear(kind, name) } }

    /// - Parameter error: `nil`: it was found in an earlier life.
    /// - Returns: whether it is said for the first time.
    @discardableResult
    static func say(_ fault: CopyFault, _ name: String, _ error: (any Error)?, on board: StatusBoard) -> Bool {
        let what: String
        switch fault {
        case .missing:
            board.clear(damaged, name)
            what = "is not where it was put"
        case .damaged:
            board.clear(missing, name)
            what = "is not what was put"
        }
        return board.report(
            fault == .missing ? missing : damaged, name, "\(name) \(what)\(error.map { ": \($0)" } ?? "")",
            hint:
                "uploaderctl verify --deep lists all that is; its lines are read from another destination that has them"
        )
    }

    /// Of manifests; the subject is the store's name, and the session.
    static let unreadableManifest = "manifest_unreadable"

    /// Says which manifests of other writers are damaged, or that none is.
    ///
    /// - Returns: a sentence for each.
    func note(_ faults: [DeliveryError], ofManifestsOf session: SessionID, on shelf: Shelf) -> [String] {
        let subject = "\(shelf.name)/\(session)"
        let sentences = faults.map { "in destination \(shelf.name): \($0.message)" }
        if faults.isEmpty {
            board.clear(Self.unreadableManifest, subject)
        } else {
            board.report(
                Self.unreadableManifest, subject, sentences.joined(separator: "; "),
                hint: "repair or remove that object; until then replay leaves its writer's lines out")
        }
        return sentences
    }
}
