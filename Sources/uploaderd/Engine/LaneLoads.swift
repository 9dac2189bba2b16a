/// Which work lane a new pipeline gets: the one that has the fewest bytes before it. Pure.
///
/// A backlog is a few large sources and many small ones; spread by their names alone one lane would still be busy long
/// after the others have nothing left.
struct LaneLoads {
    private var loads: [Int64]

    /// What a pipeline costs though nothing is known to be left in its source, in bytes.
    private static let least: Int64 = 64 << 10

    init(lanes: Int) { loads = Array(repeating: 0, count: lanes) }

    /// - Parameter left: bytes that the source is thought to have.
    /// - Returns: the lane's index; of equal ones the first.
    mutating func place(_ left: Int64) -> Int {
        let lane = loads.indices.min { loads[$0] < loads[$1] } ?? 0
        loads[lane] += max(left, Self.least)
        return lane
    }

    /// The pipeline that was placed there with `left` has ended.
    mutating func remove(_ left: Int64, from lane: Int) { loads[lane] -= max(left, Self.least) }
}
