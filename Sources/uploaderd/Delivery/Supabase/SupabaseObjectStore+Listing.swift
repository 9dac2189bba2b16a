import Shared
import Synchronization

/// What there is below a prefix: by cursor, whole names a page at a time; from servers that have no such listing level by
/// level. Names come from anybody: what is no key of ours is left out.
extension SupabaseObjectStore {
    /// Entries that are asked for at once; a server may give fewer.
    private static let page = 1000

    package func list(_ prefix: String) async throws(DeliveryError) -> [ObjectKey] {
        if let found = try await byCursor(below: prefix, isDelimited: false) {
            return found.objects.filter { $0.hasPrefix(prefix) }.compactMap { ObjectKey($0) }.sorted()
        }
        var keys: [ObjectKey] = []
        var folders = [prefix]
        while let folder = folders.popLast() {
            let level = try await level(folder)
            keys += level.objects.compactMap { ObjectKey(folder + $0) }
            // What cannot be a part of a key of ours has none below it.
            folders += level.folders.filter { ObjectKey(folder + $0) != nil }.map { "\(folder)\($0)/" }
        }
        return keys.sorted()
    }

    package func isEmpty(below prefix: String) async throws(DeliveryError) -> Bool {
        if let found = try await byCursor(below: prefix, isDelimited: false, most: 1) { return found.objects.isEmpty }
        let level = try await level(prefix, most: 1)
        return level.objects.isEmpty && level.folders.isEmpty
    }

    package func listFolders(_ prefix: String) async throws(DeliveryError) -> [String] {
        if let found = try await byCursor(below: prefix, isDelimited: true) {
            return found.folders.filter { $0.hasPrefix(prefix) }.map { path in
                let name = path.dropFirst(prefix.count)
                return String(name.hasSuffix("/") ? name.dropLast() : name)
            }.filter { !$0.isEmpty }.sorted()
        }
        return try await level(prefix).folders.sorted()
    }

    private struct Found {
        var objects: [String] = []
        var folders: [String] = []
    }

    private struct CursorPage: Decodable {
        struct Entry: Decodable { var name: String }
        var hasNext: Bool
        var nextCursor: String?
        var objects: [Entry]
        var folders: [Entry]
    }

    /// - Parameter most: that are needed; `nil`: all.
    /// - Returns: whole names, those of folders with a slash at their end; `nil`: the server has no such listing.
    private func byCursor(
        below prefix: String, isDelimited: Bool, most: Int? = nil
    ) async throws(DeliveryError) -> Found? {
        if hasCursors.withLock({ $0 }) == false { return nil }
        struct Question: Encodable {
            struct Order: Encodable { var column = "name" }
            var prefix: String
            var limit: Int
            var isDelimited: Bool
            var cursor: String?
            var sortBy = Order()

            enum CodingKeys: String, CodingKey {
                case prefix, limit, cursor, sortBy
                case isDelimited = "with_delimiter"
            }
        }
        var found = Found()
        var question = Question(prefix: prefix, limit: most ?? Self.page, isDelimited: isDelimited)
        while true {
            let result = try await ask("list-v2", question, below: prefix)
            // An old server has not heard of it: it takes the question for an upload to a bucket of that name. What is really
            // wrong the other listing says.
            if case .failure(let refusal) = result, refusal.error.code != .transient, question.cursor == nil {
                return nil
            }
            let page = try decoded(CursorPage.self, try result.answer(), below: prefix)
            hasCursors.withLock { $0 = true }
            found.objects += page.objects.map(\.name)
            found.folders += page.folders.map(\.name)
            if let most, found.objects.count + found.folders.count >= most { return found }
            guard page.hasNext else { return found }
            guard let next = page.nextCursor, !next.isEmpty, next != question.cursor else {
                throw DeliveryError(
                    .transient,
                    "could not list \(named(prefix)) in \(place): a page says that there are more, and not where")
            }
            question.cursor = next
        }
    }

    /// One level, by offset.
    ///
    /// - Parameter most: that are needed; `nil`: all.
    /// - Returns: names without what is before them.
    private func level(_ folder: String, most: Int? = nil) async throws(DeliveryError) -> Found {
        struct Question: Encodable {
            struct Order: Encodable { var column = "name", order = "asc" }
            var prefix: String
            var limit: Int
            var offset = 0
            var sortBy = Order()
        }
        struct Entry: Decodable {
            var name: String
            /// A folder has none.
            var id: String?
        }
        var found = Found()
        var question = Question(prefix: folder, limit: most ?? Self.page)
        while true {
            let answer = try await ask("list", question, below: folder).answer()
            let entries = try decoded([Entry].self, answer, below: folder)
            hasCursors.withLock { if $0 == nil { $0 = false } }
            // A server may give fewer than were asked for; only an empty page is the last one.
            guard !entries.isEmpty else { return found }
            question.offset += entries.count
            for entry in entries where !entry.name.isEmpty {
                if entry.id == nil { found.folders.append(entry.name) } else { found.objects.append(entry.name) }
            }
            if let most, found.objects.count + found.folders.count >= most { return found }
        }
    }

    private func ask(
        _ listing: String, _ question: some Encodable, below prefix: String
    ) async throws(DeliveryError) -> Result<HTTPResponse, SupabaseRefusal> {
        let body: [UInt8]
        do { body = try JSONText.encode(question) } catch {
            throw DeliveryError(.permanent, "could not write JSON: \(error)")
        }
        return try await connection.send(
            SupabaseConnection.Request(
                method: .post, path: "object/\(listing)/\(place.bucket)",
                headers: ["Content-Type": "application/json"], body: .bytes(body), purpose: "list \(named(prefix))"))
    }

    private func decoded<Value: Decodable>(
        _ type: Value.Type, _ answer: HTTPResponse, below prefix: String
    ) throws(DeliveryError) -> Value {
        do {
            return try JSONText.decode(type, from: try answer.start(Int(HTTPRequest.usualAnswer)))
        } catch let error as DeliveryError {
            throw error
        } catch {
            throw notStorage("list \(named(prefix))")
        }
    }

    private func named(_ prefix: String) -> String { prefix.isEmpty ? "the objects" : prefix }
}
