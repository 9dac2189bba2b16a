/// What a scan found, in the order of the text: which rule, and where its matches end.
struct RuleHits {
    /// Ends of matches of one rule that lie close together; of a field's name one alone.
    struct Hit {
        var number: UInt32
        var firstEnd: Int
        var lastEnd: Int
    }

    private(set) var hits: [Hit] = []
    /// Of each rule its last one in `hits`.
    private var lastHit: [Int32]
    /// Of each rule how long a match of its trigger can be; 0: it is about a field.
    private let widths: [Int]
    /// `false`: an end was told behind a later one of its rule.
    private var isOrdered = true

    init(widths: [Int]) {
        self.widths = widths
        lastHit = [Int32](repeating: -1, count: widths.count)
    }

    mutating func begin() {
        for hit in hits where Int(hit.number) < lastHit.count { lastHit[Int(hit.number)] = -1 }
        hits.removeAll(keepingCapacity: true)
        isOrdered = true
    }

    mutating func note(_ number: UInt32, _ end: Int) {
        let place = Int(number)
        guard place < widths.count, widths[place] > 0 else {
            // Names of fields are kept apart, since each begins a value.
            return hits.append(Hit(number: number, firstEnd: end, lastEnd: end))
        }
        let last = Int(lastHit[place])
        // A repeat matches at each of its lengths.
        if last >= 0, end - hits[last].lastEnd <= 64 {
            hits[last].lastEnd = max(end, hits[last].lastEnd)
            if end < hits[last].firstEnd {
                hits[last].firstEnd = end
                isOrdered = false
            }
        } else {
            lastHit[place] = Int32(hits.count)
            hits.append(Hit(number: number, firstEnd: end, lastEnd: end))
        }
    }

    // "Lack of ordering: the multiple matches that Hyperscan produces are not guaranteed to be ordered": Hyperscan's
    // reference, Semantics. Assertions make them so.
    mutating func end() {
        if !isOrdered { hits.sort { $0.firstEnd < $1.firstEnd } }
    }
}
