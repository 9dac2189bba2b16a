import Segments
import Shared
import Store

/// What is said of what is not there, or not whole.
extension ReplayService {
    static func damaged(_ error: SegmentError) -> ControlError {
        ControlError(
            .damaged, error.description,
            hint: "uploaderctl verify --deep lists all that is damaged; another destination may be whole")
    }

    static func missing(_ lines: ClosedRange<Int>, in volume: Volume) -> ControlError {
        ControlError(
            .damaged,
            "lines \(lines.lowerBound) to \(lines.upperBound) of generation \(volume.generation) are missing",
            hint: "uploaderctl verify says what happened to them")
    }

    static func noSession(_ session: SessionID, in destination: String? = nil) -> ControlError {
        ControlError(
            .noSuchSession, "there is no session \(session)\(destination.map { " in destination \($0)" } ?? " here")",
            hint: "uploaderctl sessions lists what there is")
    }

    static func noStream(_ stream: StreamName, of session: SessionID, _ there: [StreamName]) -> ControlError {
        ControlError(
            .noMatch, "session \(session) has no stream \(stream)",
            hint: "it has " + there.map(\.rawValue).sorted().joined(separator: ", "))
    }

    static func noGeneration(_ generation: Int, of key: StreamKey) -> ControlError {
        ControlError(
            .noMatch, "\(key) has no generation \(generation)", hint: "uploaderctl show \(key.session) lists them")
    }
}
