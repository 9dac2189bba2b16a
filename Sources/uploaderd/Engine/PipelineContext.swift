import Capture
import Digests
import Redaction
import Segments
import Shared
import Store

/// What all pipelines share. Immutable but for the gates, which are made to be shared.
struct PipelineContext: Sendable {
    let store: Store
    var roots: RootDirectories
    let redactor: Redactor
    let limits: SegmentLimits
    let compressors: CompressorPool
    let key: MachineKey
    /// Of each work lane: one pipeline compresses while another waits for its seal. Counted together, the first to come
    /// could all be on one lane, and the others would stand still.
    let permits: [Permits]
    /// Of open segments.
    let budget: MemoryBudget
    /// Of lines without their end, at rest.
    let untaken: MemoryBudget
    let gate: SpoolGate
    let board: StatusBoard
    let log: any EventLog
    let time: any TimeSource
    let machine: MachineFacts
    let chains: ChainRebuilder
    let lost: LostSegments
    var claims = SourceClaims()
}
