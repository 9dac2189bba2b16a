import Segments
import Shared
import Store

/// A cursor that went back while its source was read: what had been taken is to be cut again.
extension StreamPipeline {
    /// What was taken turned out to have no whole copy: the cursor's row is before it.
    var isSetBack: Bool { context.lost.setbacks(of: cursor.stream) != setbacks }

    /// Goes on where the cursor's row is now, with the file that is open: its path may lead nowhere by now.
    mutating func goBackToRow() async throws -> End? {
        setbacks = context.lost.setbacks(of: cursor.stream)
        var isRestarted = false
        while let row = try await context.store.cursor(of: cursor.stream),
            isRestarted || (row.generation, row.offset) != (cursor.generation, cursor.offset)
        {
            letGo()
            cutter = SegmentCutter(limits: context.limits)
            buffer.drop(buffer.count)
            searched = 0
            cursor = row
            let end = try await begin()
            // The row's marks were made anew.
            guard case .restart? = end, !isRestarted else { return end }
            isRestarted = true
        }
        return nil
    }
}
