/// The bells of those who want to know whenever something happens, rung in the order in which they came.
package struct Doorbells: Sendable {
    private var bells: [(listener: Int, bell: Doorbell)] = []
    private var next = 0

    package init() {}

    package mutating func add(_ bell: Doorbell) -> Int {
        next += 1
        bells.append((next, bell))
        return next
    }

    package mutating func remove(_ listener: Int) { bells.removeAll { $0.listener == listener } }

    /// To be rung outside the lock under which this is: who hears one may ask at once.
    package var all: [Doorbell] { bells.map(\.bell) }
}

/// Something of which one can hear that it has changed.
package protocol Announcing: Sendable {
    /// Rings `bell` after every change until `unsubscribe`.
    func subscribe(_ bell: Doorbell) -> Int
    func unsubscribe(_ listener: Int)
}
