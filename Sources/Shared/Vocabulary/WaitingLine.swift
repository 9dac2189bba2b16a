/// Values that wait for their turn, each once, first come first served.
package struct WaitingLine<Value: Hashable> {
    private var line: [Value] = []
    private var first = 0
    private var members: Set<Value> = []

    package init() {}

    package var isEmpty: Bool { members.isEmpty }
    package var count: Int { members.count }

    package mutating func add(_ value: Value) {
        if members.insert(value).inserted { line.append(value) }
    }

    package mutating func next() -> Value? {
        guard first < line.count else { return nil }
        let value = line[first]
        first += 1
        members.remove(value)
        // Taking from the front of an array is O(n): drop what is spent now and then.
        if first == line.count || first > 4096 {
            line.removeFirst(first)
            first = 0
        }
        return value
    }

    /// In their order.
    package var values: ArraySlice<Value> { line[first...] }

    package func contains(_ value: Value) -> Bool { members.contains(value) }

    package func contains(where isWanted: (Value) -> Bool) -> Bool { line[first...].contains(where: isWanted) }
}
