import Shared

/// ListObjectsV2, page by page. Names come from anybody: what is no key of ours is left out.
extension S3ObjectStore {
    package func list(_ prefix: String) async throws(DeliveryError) -> [ObjectKey] {
        var keys: [ObjectKey] = []
        try await eachPage(below: prefix, delimiter: nil) { page, decoded in
            for entry in page.all("Contents") {
                guard let name = entry["Key"].map(decoded), let key = ours(name).flatMap({ ObjectKey(String($0)) })
                else {
                    continue
                }
                keys.append(key)
            }
        }
        return keys.sorted()
    }

    package func isEmpty(below prefix: String) async throws(DeliveryError) -> Bool {
        let (page, _) = try await page(below: prefix, delimiter: nil, most: 1, from: nil)
        return page.all("Contents").isEmpty
    }

    package func listFolders(_ prefix: String) async throws(DeliveryError) -> [String] {
        var names: [String] = []
        try await eachPage(below: prefix, delimiter: "/") { page, decoded in
            for entry in page.all("CommonPrefixes") {
                guard let path = entry["Prefix"].map(decoded), let key = ours(path), key.hasPrefix(prefix) else {
                    continue
                }
                let name = key.dropFirst(prefix.count)
                if name.hasSuffix("/"), name.utf8.count > 1 { names.append(String(name.dropLast())) }
            }
        }
        return names.sorted()
    }

    /// The part of an object's name that is behind our prefix.
    func ours(_ name: String) -> Substring? {
        let prefix = connection.address.prefix
        return name.hasPrefix(prefix) ? name.dropFirst(prefix.count) : nil
    }

    private func eachPage(
        below prefix: String, delimiter: String?, _ body: (XMLElement, (String) -> String) -> Void
    ) async throws(DeliveryError) {
        var token: String?
        while true {
            let (page, purpose) = try await page(below: prefix, delimiter: delimiter, most: 1000, from: token)
            let isEncoded = page["EncodingType"] == "url"
            body(page) { isEncoded ? PercentEncoding.decoded($0) : $0 }
            guard page["IsTruncated"] == "true" else { return }
            guard let next = page["NextContinuationToken"], !next.isEmpty, next != token else {
                throw DeliveryError(
                    .transient,
                    "could not \(purpose) in \(connection.address): a page says that there are more, and not where")
            }
            token = next
        }
    }

    /// - Returns: one page, and what it was asked for.
    private func page(
        below prefix: String, delimiter: String?, most: Int, from token: String?
    ) async throws(DeliveryError) -> (XMLElement, purpose: String) {
        let purpose = "list \(prefix.isEmpty ? "the objects" : prefix)"
        var query = [
            ("list-type", "2"), ("max-keys", "\(most)"), ("encoding-type", "url"),
            ("prefix", connection.address.prefix + prefix),
        ]
        if let delimiter { query.append(("delimiter", delimiter)) }
        if let token { query.append(("continuation-token", token)) }
        let answer = try await connection.send(
            S3Connection.Request(method: .get, key: nil, query: query, purpose: purpose)
        ).answer()
        guard let page = XMLElement.document(try answer.start(Int(HTTPRequest.usualAnswer))),
            page.name == "ListBucketResult"
        else {
            throw DeliveryError(
                .transient, "could not \(purpose) in \(connection.address): the answer is no listing",
                hint: "is \(connection.address.endpoint) the address of an S3 server?")
        }
        return (page, purpose)
    }
}
