package import LinuxSystem
import Shared
import Synchronization

/// A descriptor that a peer sent along, until somebody wants it.
package final class PassedDescriptor: Sendable {
    private let kept: Mutex<Descriptor?>

    init(_ descriptor: consuming Descriptor) { kept = Mutex(descriptor) }

    /// - Returns: `nil` the second time.
    package func take() -> Descriptor? { kept.withLock { $0.take() } }
}

/// What came from one peer and waits to be answered: bytes go in as they come, calls come out whole and in order.
///
/// Pure. It holds at most one frame, `capacity` calls and what one read brings: when it is full nothing is read.
struct CallInbox {
    enum Item {
        case call([UInt8], PassedDescriptor?)
        /// Nothing more will come; the error is to be told first.
        case end(ControlError?)
    }

    private let capacity: Int
    private var framing: VarlinkFraming
    private var items: [Item] = []
    /// Came with the beginning of the call that is half here.
    private var heldDescriptor: PassedDescriptor?
    /// When the call that is half here began.
    private(set) var halfSince: Instant?
    private(set) var hasEnded = false

    init(longestCall: Int, capacity: Int) {
        framing = VarlinkFraming(limit: longestCall)
        self.capacity = capacity
    }

    var isEmpty: Bool { items.isEmpty }
    var hasRoom: Bool { !hasEnded && items.count < capacity }

    mutating func next() -> Item { items.removeFirst() }

    /// - Parameter passed: belongs to the call whose bytes came last: the kernel ends a recvmsg where one was passed.
    mutating func take(_ bytes: UnsafeRawBufferPointer, _ passed: PassedDescriptor?, at now: Instant) {
        framing.append(bytes)
        var calls = 0
        do throws(VarlinkFraming.TooLong) {
            while let frame = try framing.next() {
                calls += 1
                items.append(.call(frame, heldDescriptor ?? (framing.held == 0 ? passed : nil)))
                heldDescriptor = nil
            }
        } catch {
            return end(ControlError(.badRequest, "the request is longer than \(error.limit) bytes"))
        }
        guard framing.held > 0 else {
            halfSince = nil
            return
        }
        if let passed { heldDescriptor = passed }
        if calls > 0 || halfSince == nil { halfSince = now }
    }

    /// The peer sends nothing more.
    mutating func end() {
        end(framing.held > 0 ? ControlError(.badRequest, "the connection ended inside a request") : nil)
    }

    /// What came is not what any call has: that is told, and nothing more is read.
    mutating func refuse(_ error: ControlError) { end(error) }

    private mutating func end(_ error: ControlError?) {
        guard !hasEnded else { return }
        hasEnded = true
        halfSince = nil
        items.append(.end(error))
    }
}
