import Digests
import Shared
import Testing

@testable import Delivery

/// The published vectors: "AWS Signature Version 4 test suite", and "Examples: Signature Calculations" of the Amazon S3 API
/// Reference.
@Suite("A signature")
struct SignatureV4Tests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var method = "GET"
        /// Not encoded.
        var path = "/"
        var query: [(String, String)] = []
        var headers: [(name: String, value: String)] = []
        var payload = S3Connection.noPayload
        var signature: String

        init(
            _ name: String, _ signature: String, method: String = "GET", path: String = "/",
            query: [(String, String)] = [], headers: [(name: String, value: String)] = [],
            payload: String = S3Connection.noPayload
        ) {
            testDescription = name
            (self.signature, self.method, self.path, self.query) = (signature, method, path, query)
            (self.headers, self.payload) = (headers, payload)
        }
    }

    static let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    static let suite: [Vector] = [
        Vector("get-vanilla", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Vector(
            "get-vanilla-query-order-key-case", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            query: [("Param2", "value2"), ("Param1", "value1")]),
        Vector(
            "get-vanilla-query-unreserved", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
            query: [(unreserved, unreserved)]),
        Vector(
            "get-vanilla-utf8-query", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
            query: [("ሴ", "bar")]),
        Vector(
            "get-unreserved", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f", path: "/\(unreserved)"
        ),
        Vector("get-utf8", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85", path: "/ሴ"),
        Vector(
            "get-header-value-trim", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            headers: [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")]),
        Vector(
            "post-vanilla", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", method: "POST"),
        Vector(
            "post-header-key-sort", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c", method: "POST",
            headers: [("My-Header1", "value1")]),
        Vector(
            "post-vanilla-query", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11", method: "POST",
            query: [("Param1", "value1")]),
        Vector(
            "post-x-www-form-urlencoded", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            method: "POST", headers: [("Content-Type", "application/x-www-form-urlencoded")],
            payload: RunningDigest.digest(of: Array("Param1=value1".utf8)).hex),
    ]

    private static func signature(_ text: String) -> String? {
        text.split(separator: "Signature=").last.map(String.init)
    }

    @Test("is the one of the suite", arguments: suite)
    func isOfSuite(_ vector: Vector) throws {
        let keys = S3Keys(id: "AKIDEXAMPLE", secret: Array("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".utf8))
        let text = SignatureV4(region: "us-east-1", service: "service").authorization(
            vector.method, path: PercentEncoding.encoded(vector.path, keepingSlashes: true), query: vector.query,
            headers: [("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")] + vector.headers,
            payload: vector.payload, keys: keys, at: try #require(RFC3339.parse("2015-08-30T12:36:00Z")))
        #expect(text.hasPrefix("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "))
        #expect(Self.signature(text) == vector.signature)
    }

    static let s3: [Vector] = [
        Vector(
            "GET object", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", path: "/test.txt",
            headers: [("Range", "bytes=0-9")]),
        Vector(
            "PUT object", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", method: "PUT",
            path: "/test$file.text",
            headers: [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            payload: RunningDigest.digest(of: Array("Welcome to Amazon S3.".utf8)).hex),
        Vector(
            "GET bucket lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            query: [("lifecycle", "")]),
        Vector(
            "GET bucket (list objects)", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            query: [("max-keys", "2"), ("prefix", "J")]),
    ]

    @Test("is the one of the S3 reference", arguments: s3)
    func isOfReference(_ vector: Vector) throws {
        let keys = S3Keys(id: "AKIAIOSFODNN7EXAMPLE", secret: Array("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".utf8))
        let text = SignatureV4(region: "us-east-1").authorization(
            vector.method, path: PercentEncoding.encoded(vector.path, keepingSlashes: true), query: vector.query,
            headers: [
                ("Host", "examplebucket.s3.amazonaws.com"), ("x-amz-date", "20130524T000000Z"),
                ("x-amz-content-sha256", vector.payload),
            ] + vector.headers, payload: vector.payload, keys: keys,
            at: try #require(RFC3339.parse("2013-05-24T00:00:00Z")))
        #expect(Self.signature(text) == vector.signature)
    }
}

@Suite("Where S3 objects are")
struct S3AddressTests {
    private func url(_ endpoint: String, pathStyle: Bool, prefix: String = "p/") throws -> String {
        let address = S3Address(
            BucketPlace(endpoint: endpoint, bucket: "b", prefix: prefix, region: "r", pathStyle: pathStyle))
        let key: ObjectKey = try #require(ObjectKey("k.json"))
        return address.url(key, [("q", "a/b")])
    }

    @Test("bucket in the path or before the host, below the endpoint's own path, whatever the prefix holds")
    func urls() throws {
        #expect(try url("https://s3.example", pathStyle: true) == "https://s3.example/b/p/k.json?q=a%2Fb")
        #expect(try url("https://S3.example:443/", pathStyle: false) == "https://b.s3.example/p/k.json?q=a%2Fb")
        #expect(try url("http://h:80/storage/v1/s3/", pathStyle: true) == "http://h/storage/v1/s3/b/p/k.json?q=a%2Fb")
        #expect(
            try url("http://h:9000", pathStyle: true, prefix: "host=a/b c+é/")
                == "http://h:9000/b/host%3Da/b%20c%2B%C3%A9/k.json?q=a%2Fb")
    }

    @Test("what was encoded is what it was")
    func encoding() {
        for text in ["host=a/b c+é/", "%", "100%", "%2", "a+b"] {
            #expect(PercentEncoding.decoded(PercentEncoding.encoded(text)) == text)
        }
        #expect(PercentEncoding.decoded("a+b%2Bc%zz%") == "a b+c%zz%")
    }
}

@Suite("An answer in XML")
struct XMLElementTests {
    @Test("is a tree, whatever its prefixes and entities")
    func tree() throws {
        let text = "<?xml version=\"1.0\"?><s:A xmlns:s='u'><B>x &amp; <![CDATA[<y>]]></B><B>2</B></s:A>"
        let tree = try #require(XMLElement.document(Array(text.utf8)))
        #expect(tree.name == "A" && tree["B"] == "x & <y>" && tree.all("B").map(\.text) == ["x & <y>", "2"])
    }

    @Test(
        "is nothing when it is broken, too deep, or defines entities",
        arguments: [
            "", "<A>", "<A></B>", "text", "<html><br></html>", "<A/><B/>",
            "<!DOCTYPE A [<!ENTITY x \"y\">]><A>&x;</A>", "<!DOCTYPE html><html/>",
            String(repeating: "<A>", count: 129) + String(repeating: "</A>", count: 129),
        ])
    func refused(_ text: String) { #expect(XMLElement.document(Array(text.utf8)) == nil) }

    @Test("may be as deep as it may")
    func deep() {
        let text = String(repeating: "<A>", count: 128) + String(repeating: "</A>", count: 128)
        #expect(XMLElement.document(Array(text.utf8)) != nil)
    }
}
