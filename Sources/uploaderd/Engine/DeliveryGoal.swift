import Shared
import Store

/// What somebody waits for who asked at a moment: all that was sealed by then is in the store, and in a manifest there. What comes
/// later, as in a session that never rests, is not waited for.
struct DeliveryGoal {
    private let last: SegmentID?
    /// Once all is delivered: the manifests that have to list it, and how many of them, from the first on, do.
    private var wanted: [WantedManifest]?
    private var listed = 0
    private var notBefore: Instant
    /// When it was reached, if it is.
    private var reachedAt: Instant?
    /// What was refused since somebody waits: it is not waited for again, though others may ask for it all the time.
    private var refused: Set<SegmentID> = []
    private var withheld: Set<SessionID> = []
    /// Something was left out, and may not be there.
    private var isPartly = false

    /// From one look to the next.
    private static let pause: Duration = .milliseconds(200)
    /// From then on: where nothing comes the end is near, and with it the spool is tidied.
    private static let grace: Duration = .seconds(2)
    /// Store does nothing else while it looks at so many.
    private static let atOnce = 1_000

    init(_ parts: DeliveryParts) async throws {
        last = try await parts.store.lastSegment()
        notBefore = parts.world.time.now + Self.pause
    }

    /// Asks Store, and not oftener than needed.
    ///
    /// - Returns: whether it was reached some time ago, and there is still no end.
    /// - Parameters:
    ///   - refused: what the store does not take now.
    ///   - withheld: sessions whose manifest it does not take now.
    ///   - copies: what other stores do not give now.
    mutating func isReached(
        at store: StoreID, _ parts: DeliveryParts, besides refused: Set<SegmentID>, _ withheld: Set<SessionID>,
        unreached copies: UnreachedCopies
    ) async throws -> Bool {
        let now = parts.world.time.now
        self.refused.formUnion(refused)
        self.withheld.formUnion(withheld)
        if let reachedAt { return now >= reachedAt + Self.grace }
        guard now >= notBefore else { return false }
        notBefore = now + Self.pause
        if !self.refused.isEmpty || !self.withheld.isEmpty || copies.leave != .all { isPartly = true }
        if try await isThere(store, parts, besides: self.refused, self.withheld, unreached: copies) { reachedAt = now }
        return false
    }

    /// Asks Store.
    ///
    /// - Returns: whether all of it is there and listed, and nothing was left out.
    mutating func isWhole(at store: StoreID, _ parts: DeliveryParts, unreached copies: UnreachedCopies) async throws
        -> Bool
    {
        guard copies.reason == nil else { return false }
        if isPartly { (wanted, listed, reachedAt, isPartly) = (nil, 0, nil, false) }
        return try await isThere(store, parts, besides: [], [], unreached: copies)
    }

    private mutating func isThere(
        _ store: StoreID, _ parts: DeliveryParts, besides refused: Set<SegmentID>, _ withheld: Set<SessionID>,
        unreached copies: UnreachedCopies
    ) async throws -> Bool {
        guard reachedAt == nil, let last else { return true }
        if wanted == nil,
            try await !parts.store.isDelivered(
                upTo: last, to: store, besides: refused.union(copies.segments), spooledOnly: copies.leave != .all)
        {
            return false
        }
        let wanted = if let wanted { wanted } else { try await parts.store.wantedManifests(at: store) }
        self.wanted = wanted
        // Never all of them anew: of half a million each look would take longer than putting one.
        while listed < wanted.count {
            let next = wanted[listed..<min(listed + Self.atOnce, wanted.count)]
            let first = try await parts.store.firstUnlisted(of: next, at: store, besides: withheld)
            listed = first ?? next.endIndex
            if first != nil { return false }
        }
        return true
    }
}
