/// Which of the known names somebody who wrote another one may have meant.
package enum NearestName {
    /// - Returns: the nearest known name, `nil` when none is near.
    package static func suggestion(for name: String, among known: some Sequence<String>) -> String? {
        let written = Array(name.lowercased().utf8.prefix(80))
        var best: (name: String, distance: Int)?
        for candidate in known {
            let letters = Array(candidate.lowercased().utf8)
            var distance = distance(written, letters)
            // A beginning of the name, or a name with more behind it, is near however much is missing.
            if written.count >= 3, letters.starts(with: written) || written.starts(with: letters) {
                distance = min(distance, 1)
            }
            guard distance <= max(1, min(written.count, letters.count) / 3) else { continue }
            if distance < (best?.distance ?? .max) { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Letters inserted, left out, exchanged, or swapped with their neighbour (optimal string alignment).
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i]
            row.reserveCapacity(b.count + 1)
            for j in 1...b.count {
                let exchanged = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                var least = min(exchanged, last[j] + 1, row[j - 1] + 1)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    least = min(least, beforeLast[j - 2] + 1)
                }
                row.append(least)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
