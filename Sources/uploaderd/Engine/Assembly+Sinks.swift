import Delivery
import Shared

/// Which far end a destination has.
extension Assembly {
    /// The sink of a destination; `nil` for a type that this version cannot deliver to, which the configuration refuses, and
    /// where there is no network.
    static func sink(_ destination: DestinationConfiguration, _ world: Surroundings) -> (any SessionSink)? {
        let worker = world.lane(of: destination.name)
        switch destination.place {
        case .directory(let path, let prefix):
            let layout = ObjectLayout(prefix: prefix)
            let objects = DirectoryObjectStore(
                root: path, owner: String(world.machine.machine.prefix(8)),
                life: String(StoreID(random: world.random).rawValue.prefix(8)), witness: layout.storeID,
                executor: world.makeLane(destination.name), time: world.time, faults: world.faults)
            return ObjectLayoutSink(store: objects, layout: layout, decodingOn: worker)
        case .s3(let place):
            guard let client = client(destination, place.endpoint, world) else { return nil }
            let objects = S3ObjectStore(
                place, client: client, keys: s3Keys(destination, world), time: world.time, digestingOn: worker)
            // The prefix is the store's: it may hold what our part of a name may not.
            return ObjectLayoutSink(store: objects, layout: ObjectLayout(prefix: ""), decodingOn: worker)
        case .supabase(let url, let bucket, let prefix):
            guard let client = client(destination, url, world), let source = destination.credentials else { return nil }
            let objects = SupabaseObjectStore(
                url: url, bucket: bucket, key: BearerKey(source, lane: world.makeLane(destination.name)),
                client: client, time: world.time, digestingOn: worker)
            return ObjectLayoutSink(store: objects, layout: ObjectLayout(prefix: prefix), decodingOn: worker)
        case .presigned(let url, let prefix):
            guard let client = client(destination, url, world) else { return nil }
            let objects = PresignedObjectStore(url: url, prefix: prefix, client: client)
            return WriteOnlySink(store: objects, layout: ObjectLayout(prefix: ""))
        case .confab, .agnes, .history: return nil
        }
    }

    /// - Parameter url: of the destination; whether it may be one of plain http was judged where it was read.
    private static func client(
        _ destination: DestinationConfiguration, _ url: String, _ world: Surroundings
    ) -> (any HTTPClient)? {
        world.http?(TransferOptions(destination, allowsPlain: url.lowercased().hasPrefix("http://")))
    }

    private static func s3Keys(_ destination: DestinationConfiguration, _ world: Surroundings) -> any S3KeySource {
        switch destination.credentials {
        case .file(let path, let isGuarded):
            S3KeyFile(path, isGuarded: isGuarded, lane: world.makeLane(destination.name))
        case .given(let secret): GivenS3Keys(secret)
        case .aws(.profile(let name, let files)):
            S3ProfileKeys(name, in: files, lane: world.makeLane(destination.name))
        case .aws(.container(let url, let token, let file)):
            S3ServiceKeys(
                .container(url: url, token: token, tokenFile: file), client: near(world),
                lane: world.makeLane(destination.name))
        case .aws(.instance):
            S3ServiceKeys(.instance, client: near(world), lane: world.makeLane(destination.name))
        // The configuration refuses the one, and has made a value of the other.
        case nil, .aws(.environment): GivenS3Keys(Secret(""))
        }
    }

    /// To a service of this machine or the one below it, which answers at once or is not there.
    private static func near(_ world: Surroundings) -> (any HTTPClient)? {
        world.http?(TransferOptions(stillness: .seconds(5), connecting: .seconds(2), allowsPlain: true))
    }
}
