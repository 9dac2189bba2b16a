import Delivery
import Shared

/// Which far end a destination has.
extension Assembly {
    /// Of one directory destination: so many sessions wait for its disk at once.
    private static let directoryLanes = 8

    /// The sink of a destination; `nil` for a type that this version cannot deliver to, which the configuration refuses, and
    /// where there is no network.
    ///
    /// - Parameter news: `nil`: nothing is delivered there.
    static func sink(
        _ destination: DestinationConfiguration, _ directories: Directories, _ world: Surroundings,
        _ news: SessionNews? = nil
    ) -> (any SessionSink)? {
        let worker = world.lane(of: destination.name)
        switch destination.place {
        case .directory(let path, let prefix):
            let layout = ObjectLayout(prefix: prefix)
            let witness = layout.storeID.flatMap { stored($0, destination) }.map { StoreWitness($0) }
            let life = StoreID(random: world.random).rawValue.prefix(6)
            let objects = (0..<directoryLanes).map { number in
                DirectoryObjectStore(
                    root: path, owner: String(world.machine.machine.prefix(8)), life: "\(life)\(number)",
                    witness: witness,
                    executor: world.makeLane(number == 0 ? destination.name : "\(destination.name)/\(number)"),
                    time: world.time, faults: world.faults)
            }
            return objectSink(
                SpreadObjectStore(objects, prefix: layout.prefix), layout, destination, directories, world)
        case .s3(let place), .history(let place):
            guard let client = client(destination, place.endpoint, world) else { return nil }
            let objects = S3ObjectStore(
                place, client: client, keys: s3Keys(destination, world), time: world.time, digestingOn: worker)
            // The prefix is the store's: it may hold what our part of a name may not.
            return objectSink(objects, ObjectLayout(prefix: ""), destination, directories, world)
        case .supabase(let url, let bucket, let prefix, let signsUploads):
            guard let client = client(destination, url, world), let source = destination.credentials else { return nil }
            let objects = SupabaseObjectStore(
                url: url, bucket: bucket, signsUploads: signsUploads,
                key: BearerKey(source, lane: world.makeLane(destination.name)), client: client, time: world.time,
                digestingOn: worker)
            return objectSink(objects, ObjectLayout(prefix: prefix), destination, directories, world)
        case .presigned(let url, let prefix):
            guard let client = client(destination, url, world) else { return nil }
            let objects = PresignedObjectStore(url: url, prefix: prefix, client: client)
            return objectSink(objects, ObjectLayout(prefix: ""), destination, directories, world)
        case .confab(let url):
            guard let client = client(destination, url, world), let source = destination.credentials, let news else {
                return nil
            }
            return ConfabSink(
                url: url, client: client, key: BearerKey(source, lane: world.makeLane(destination.name)),
                time: world.time,
                workingOn: worker, noting: news.note, ends: news.end(of:))
        case .agnes(let url):
            guard let client = client(destination, url, world), let source = destination.credentials else { return nil }
            return AgnesSink(
                url: url, client: client, key: BearerKey(source, lane: world.makeLane(destination.name)),
                time: world.time, random: world.random, workingOn: worker, in: directories.cache)
        }
    }

    /// Sessions in an object store, encrypted where the destination says so.
    private static func objectSink(
        _ objects: any ObjectStore, _ layout: ObjectLayout, _ destination: DestinationConfiguration,
        _ directories: Directories, _ world: Surroundings
    ) -> any SessionSink {
        let store = destination.encryption.map { encrypted(objects, $0, layout, destination, world) } ?? objects
        let canRead = destination.hasReadableObjects
        let canLook = destination.place.type != .presigned
        let worker = world.lane(of: destination.name)
        let sessions: any SessionSink =
            canRead
            ? ObjectLayoutSink(store: store, layout: layout, decodingOn: worker)
            : WriteOnlySink(store: store, layout: layout, canLook: canLook)
        guard destination.type == .history else { return sessions }
        return HistorySink(
            store: store, layout: layout, sessions: sessions,
            reach: canRead ? .everything : canLook ? .versions : .nothing, isBeside: destination.isBeside,
            workingOn: worker, in: directories.cache)
    }

    private static func encrypted(
        _ objects: any ObjectStore, _ encryption: EncryptionConfiguration, _ layout: ObjectLayout,
        _ destination: DestinationConfiguration, _ world: Surroundings
    ) -> any ObjectStore {
        var identity: AgeIdentityFile?
        if case .file(let path, let isGuarded) = encryption.identity {
            identity = AgeIdentityFile(path, isGuarded: isGuarded, lane: world.makeLane("\(destination.name)/identity"))
        }
        return EncryptedObjectStore(
            objects, to: encryption.recipients, identity: identity, machine: MachineSeal(world.machine.secret),
            witness: layout.storeID, time: world.time, random: world.random, worker: world.lane(of: destination.name))
    }

    /// What an object is called in the destination's store.
    private static func stored(_ key: ObjectKey, _ destination: DestinationConfiguration) -> ObjectKey? {
        destination.encryption == nil ? key : ObjectKey(key.rawValue + EncryptedObjectStore.suffix)
    }

    /// - Parameter url: of the destination; whether it may be one of plain http was judged where it was read.
    private static func client(
        _ destination: DestinationConfiguration, _ url: String, _ world: Surroundings
    ) -> (any HTTPClient)? {
        let client = world.http?(TransferOptions(destination, allowsPlain: url.lowercased().hasPrefix("http://")))
        return client.map { RetryingClient($0, time: world.time, random: world.random) }
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
