import Capture
import Digests
import Redaction
import Segments
import Shared
import Store

/// What all pipelines share. Immutable but for the gates, which are made to be shared.
struct PipelineContext: Sendable {
    let store: Store
    let roots: RootDirectories
    let redactor: Redactor
    let limits: SegmentLimits
    let compressors: CompressorPool
    let key: MachineKey
    let permits: Permits
    let budget: MemoryBudget
    let gate: SpoolGate
    let board: StatusBoard
    let log: any EventLog
    let time: any TimeSource
    let machine: MachineFacts
    let chains: ChainRebuilder
}
