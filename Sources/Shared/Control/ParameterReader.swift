/// Takes a call's parameters one by one, and knows at the end whether there were others. `null` is as absent.
struct ParameterReader {
    private var left: [String: JSONValue]

    init(_ parameters: [String: JSONValue]) { left = parameters.filter { $0.value != .null } }

    private mutating func take<Value>(
        _ name: String, _ read: (JSONValue) -> Value?
    ) throws(ControlError) -> Value? {
        guard let value = left.removeValue(forKey: name) else { return nil }
        guard let read = read(value) else { throw .invalidParameter(name) }
        return read
    }

    mutating func text(_ name: String) throws(ControlError) -> String? { try take(name) { $0.text } }
    mutating func truth(_ name: String) throws(ControlError) -> Bool? { try take(name) { $0.truth } }
    mutating func session(_ name: String) throws(ControlError) -> SessionID? {
        try take(name) { $0.text.flatMap { SessionID($0) } }
    }
    mutating func stream(_ name: String) throws(ControlError) -> StreamName? {
        try take(name) { $0.text.flatMap { StreamName($0) } }
    }
    mutating func agent(_ name: String) throws(ControlError) -> Agent? {
        try take(name) { $0.text.flatMap { Agent(rawValue: $0) } }
    }
    mutating func time(_ name: String) throws(ControlError) -> WallTime? {
        try take(name) { $0.text.flatMap { RFC3339.parse($0) } }
    }

    /// A whole number from 1.
    mutating func count(_ name: String) throws(ControlError) -> Int? {
        try take(name) { $0.int.flatMap { $0 >= 1 ? Int($0) : nil } }
    }

    mutating func rate(_ name: String) throws(ControlError) -> TransferRate? {
        try take(name) { $0.text.flatMap { TransferRate($0) } }
    }

    mutating func quarantined() throws(ControlError) -> QuarantineRequest {
        QuarantineRequest(id: try count("id"), sid: try session("sid"), destination: try text("destination"))
    }

    mutating func lines(_ name: String) throws(ControlError) -> LineRange? {
        try take(name) { value in
            guard case .object(let members) = value, members.keys.allSatisfy(["first", "last"].contains),
                let first = value["first"]?.int, first >= 1
            else { return nil }
            switch value["last"] {
            case nil, .null: return LineRange(first: Int(first), last: nil)
            case .integer(let last) where last >= first: return LineRange(first: Int(first), last: Int(last))
            default: return nil
            }
        }
    }

    mutating func pointer(_ name: String) throws(ControlError) -> PointerHandle? {
        try take(name) { PointerHandle($0) }
    }

    mutating func sample(_ name: String) throws(ControlError) -> VerifySample? {
        try take(name) { $0.text.flatMap { VerifySample($0) } }
    }

    mutating func event(_ name: String) throws(ControlError) -> CapturedEvent? {
        try take(name) { CapturedEvent($0) }
    }

    mutating func origin(_ name: String) throws(ControlError) -> ImportQueueRequest.Origin? {
        try take(name) { $0.text.flatMap { ImportQueueRequest.Origin(rawValue: $0) } }
    }

    mutating func queued(_ name: String) throws(ControlError) -> [QueuedSession]? {
        try take(name) { value in
            guard let elements = value.elements, elements.count <= ImportQueueRequest.most else { return nil }
            let sessions = elements.compactMap { QueuedSession($0) }
            return sessions.count == elements.count ? sessions : nil
        }
    }

    func required<Value>(_ value: Value?, _ name: String) throws(ControlError) -> Value {
        guard let value else { throw .invalidParameter(name) }
        return value
    }

    /// - Throws: naming a parameter that nobody took.
    func end() throws(ControlError) {
        if let unknown = left.keys.min() { throw .invalidParameter(unknown) }
    }
}
