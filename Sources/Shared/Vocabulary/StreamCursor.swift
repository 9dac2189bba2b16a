/// What tells two live files apart while both exist. Device numbers change over reboots: evidence, never a key.
package struct FileIdentity: Hashable, Sendable, Codable {
    package var device: UInt64
    package var inode: UInt64
    /// Nanoseconds since 1970, 0 where the file system keeps none.
    package var birth: Int64

    package init(device: UInt64, inode: UInt64, birth: Int64) {
        self.device = device
        self.inode = inode
        self.birth = birth
    }
}

/// Keyed digests of places in a source by which it is recognised again. A length of 0 means: nothing known.
package struct SourceMarks: Hashable, Sendable, Codable {
    /// The first bytes of the source, at most 1,024: grows with the file until then.
    package var headLength: Int
    package var headMAC: Digest256?
    /// The bytes before the cursor, at most 1,024.
    package var tailLength: Int
    package var tailMAC: Digest256?

    package init(headLength: Int = 0, headMAC: Digest256? = nil, tailLength: Int = 0, tailMAC: Digest256? = nil) {
        self.headLength = headLength
        self.headMAC = headMAC
        self.tailLength = tailLength
        self.tailMAC = tailMAC
    }
}

/// How far one generation of a stream is in durable segments.
package struct StreamCursor: Hashable, Sendable, Codable {
    package var stream: StreamKey
    /// From 1.
    package var generation: Int
    /// The next source byte that is in no durable segment (a partial one does not count).
    package var offset: Int64
    /// Lines of the generation in durable segments.
    package var line: Int
    /// The sequence number of the stream's next segment.
    package var nextSeq: Int
    package var marks: SourceMarks
    package var file: FileIdentity
    /// The running SHA-256 of the generation's redacted bytes, as `RunningDigest.state`; empty: to be rebuilt by a reader.
    package var chainState: [UInt8]
    /// The bytes from `offset` to here are in a durable partial segment.
    package var partialEnd: Int64?

    package init(
        stream: StreamKey, generation: Int = 1, offset: Int64 = 0, line: Int = 0, nextSeq: Int = 1,
        marks: SourceMarks = SourceMarks(), file: FileIdentity, chainState: [UInt8] = [], partialEnd: Int64? = nil
    ) {
        self.stream = stream
        self.generation = generation
        self.offset = offset
        self.line = line
        self.nextSeq = nextSeq
        self.marks = marks
        self.file = file
        self.chainState = chainState
        self.partialEnd = partialEnd
    }
}
