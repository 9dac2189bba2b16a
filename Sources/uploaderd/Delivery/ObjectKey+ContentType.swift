extension ObjectKey {
    /// For whoever looks at the store with other tools.
    var contentType: String {
        switch rawValue.split(separator: ".").last {
        case "json": "application/json"
        case "gz": "application/gzip"
        case "zst": "application/zstd"
        case "jsonl": "application/x-ndjson"
        default: "application/octet-stream"
        }
    }
}
