import Delivery
import Glibc
import LinuxSystem
import Shared
import TestSupport

/// A bucket of a real server, where the tests are told of one: `UPLOADER_TEST_S3` is
/// `endpoint bucket key-id secret region`, with several of them separated by `;`. `Tests/EndToEnd/test_s3_contract.py` starts
/// servers and says so.
struct S3Bucket: Sendable {
    var place: BucketPlace
    var keys: S3Keys

    static let given: [S3Bucket] = (getenv("UPLOADER_TEST_S3").map { String(cString: $0) } ?? "").split(separator: ";")
        .compactMap { text in
            let words = text.split(separator: " ").map(String.init)
            guard words.count == 5 else { return nil }
            return S3Bucket(
                place: BucketPlace(
                    endpoint: words[0], bucket: words[1], prefix: "", region: words[4], pathStyle: true),
                keys: S3Keys(id: words[2], secret: Array(words[3].utf8)))
        }

    /// A store below a prefix of its own, with the scene that it needs.
    func store(_ scene: TransferScene) -> S3ObjectStore {
        var place = place
        place.prefix = "host=a/b c+é/\(StoreID(random: SystemRandom()).rawValue)/"
        return S3ObjectStore(
            place, client: scene.client(), keys: GivenS3Keys(keys), time: scene.time, digestingOn: scene.files)
    }
}
