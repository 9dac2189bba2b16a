import Shared
import Synchronization

/// How far a server's clock is from ours, for signatures, which it takes for 15 minutes before and after: zero until the
/// server says that ours is wrong, and again when ours is right.
final class ServerClock: Sendable {
    private let time: any TimeSource
    /// In nanoseconds, what is added to ours.
    private let offset = Mutex<Int64>(0)

    /// Beyond this a signature of ours is in danger; below it a correction is not worth its own uncertainty.
    private static let tolerance: Duration = .seconds(240)

    init(time: any TimeSource) { self.time = time }

    var now: WallTime { WallTime(nanoseconds: time.wall.nanoseconds + offset.withLock { $0 }) }

    /// What each answer's Date says (RFC 9110, 6.6.1): a correction that is not needed any more ends.
    func note(_ answer: HTTPResponse) {
        guard offset.withLock({ $0 }) != 0, let server = Self.date(of: answer) else { return }
        let isRight = abs((server - time.wall).nanoseconds) < Self.tolerance.nanoseconds
        if isRight { offset.withLock { $0 = 0 } }
    }

    /// The server refused our time.
    ///
    /// - Parameter told: the server's, from the refusal.
    /// - Returns: whether it is known now what to add, and it is something else than was added.
    func correct(by answer: HTTPResponse, told: WallTime?) -> Bool {
        guard let server = told ?? Self.date(of: answer) else { return false }
        let difference = (server - time.wall).nanoseconds
        return offset.withLock { offset in
            let isNew = abs(difference - offset) > Self.tolerance.nanoseconds / 4
            offset = abs(difference) < Self.tolerance.nanoseconds ? 0 : difference
            return isNew
        }
    }

    /// How far ours is wrong, for a hint; `nil`: not that much.
    var error: Duration? {
        let offset = offset.withLock { $0 }
        return offset == 0 ? nil : .nanoseconds(-offset)
    }

    /// - Returns: `nil` when a cache may have written it long ago.
    private static func date(of answer: HTTPResponse) -> WallTime? {
        guard answer.headers["Age"] == nil, let text = answer.headers["Date"] else { return nil }
        return HTTPDate.parse(text)
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`: RFC 9110, 5.6.7, the one form that is still written.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static func parse(_ text: String) -> WallTime? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let number = month + 1
        let day = words[1].utf8.count == 1 ? "0\(words[1])" : String(words[1])
        return RFC3339.parse("\(words[3])-\(number < 10 ? "0" : "")\(number)-\(day)T\(words[4])Z")
    }
}
