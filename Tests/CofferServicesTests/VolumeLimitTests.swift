internal import Coffer
internal import CofferCatalog
internal import CofferEBS
internal import CofferShapes
internal import CofferTesting
internal import Testing

/// What each type of volume can be, and the words of the refusals.
@Suite struct VolumeLimitTests {
    struct Case: CustomTestStringConvertible {
        let type: VolumeType
        let gibibytes: UInt64
        var iops: Int?
        var throughput: Int?
        let code: AWSError.Code
        var testDescription: String { "\(type) \(gibibytes) GiB \(iops ?? -1) \(throughput ?? -1)" }
    }

    @Test(arguments: [
        Case(type: .gp2, gibibytes: 16_385, code: .invalidParameterValue),
        Case(type: .gp3, gibibytes: 65_537, code: .invalidParameterValue),
        Case(type: .io1, gibibytes: 3, iops: 100, code: .invalidParameterValue),
        Case(type: .io2, gibibytes: 3, iops: 100, code: .invalidParameterValue),
        Case(type: .st1, gibibytes: 124, code: .invalidParameterValue),
        Case(type: .sc1, gibibytes: 16_385, code: .invalidParameterValue),
        Case(type: .standard, gibibytes: 1025, code: .invalidParameterValue),
        Case(type: .gp3, gibibytes: 10, iops: 2999, code: .invalidParameterValue),
        Case(type: .gp3, gibibytes: 10, iops: 5001, code: .invalidParameterValue),
        Case(type: .gp3, gibibytes: 1000, iops: 80_001, code: .invalidParameterValue),
        Case(type: .gp3, gibibytes: 10, throughput: 124, code: .invalidParameterValue),
        Case(type: .gp3, gibibytes: 10, throughput: 751, code: .invalidParameterValue),
        Case(type: .gp3, gibibytes: 1000, iops: 80_000, throughput: 2001, code: .invalidParameterValue),
        Case(type: .io1, gibibytes: 10, code: .missingParameter),
        Case(type: .io2, gibibytes: 10, code: .missingParameter),
        Case(type: .io1, gibibytes: 10, iops: 501, code: .invalidParameterValue),
        Case(type: .io1, gibibytes: 10, iops: 99, code: .invalidParameterValue),
        Case(type: .io2, gibibytes: 4, iops: 4001, code: .invalidParameterValue),
        Case(type: .io1, gibibytes: 16_384, iops: 64_001, code: .invalidParameterValue),
        Case(type: .gp2, gibibytes: 10, iops: 100, code: .invalidParameterCombination),
        Case(type: .st1, gibibytes: 125, iops: 100, code: .invalidParameterCombination),
        Case(type: .io1, gibibytes: 10, iops: 100, throughput: 125, code: .invalidParameterCombination),
        Case(type: .gp2, gibibytes: 10, throughput: 125, code: .invalidParameterCombination),
    ])
    func `what no type allows is refused, and nothing is made`(_ wanted: Case) async throws {
        let home = try await VolumeHome()
        let request = VolumeHome.request {
            ($0.type, $0.sizeBytes) = (wanted.type, wanted.gibibytes << 30)
            ($0.iops, $0.throughput) = (wanted.iops, wanted.throughput)
        }
        let error = await refusal { try await home.volumes.beginCreateVolume(request, caller: home.root) }
        #expect(error?.code == wanted.code)
        #expect(try home.home.catalog.volumes().isEmpty)
    }

    @Test func `at their limits volumes are made, with what their type gives by itself`() async throws {
        let home = try await VolumeHome()
        let wanted: [(VolumeType, UInt64, Int?, Int?, Int?, Int?)] = [
            (.gp3, 1, nil, nil, 3000, 125), (.gp3, 65_536, 80_000, 2000, 80_000, 2000),
            (.gp3, 1, 3000, 750, 3000, 750), (.gp2, 1, nil, nil, 100, nil), (.gp2, 1000, nil, nil, 3000, nil),
            (.gp2, 16_384, nil, nil, 16_000, nil), (.io1, 4, 200, nil, 200, nil),
            (.io2, 256, 256_000, nil, 256_000, nil),
            (.st1, 125, nil, nil, nil, nil), (.sc1, 16_384, nil, nil, nil, nil),
            (.standard, 1024, nil, nil, nil, nil),
        ]
        for (type, size, iops, throughput, givenIOPS, givenThroughput) in wanted {
            var request = VolumeHome.request { ($0.type, $0.sizeBytes) = (type, size << 30) }
            (request.iops, request.throughput) = (iops, throughput)
            // The answer alone: a filesystem may hold no file of 64 TiB.
            let volume = try await home.volumes.beginCreateVolume(request, caller: home.root)
            #expect(volume.type == type && volume.sizeGiB == size)
            #expect(volume.iops == givenIOPS && volume.throughput == givenThroughput, "\(type) \(size)")
        }
        await home.volumes.finishBegunWork()
    }

    @Test func `zones that are not there, several attachments and bad tokens are refused`() async throws {
        let home = try await VolumeHome()
        let cases: [(AWSError.Code, (inout CreateVolumeRequest) -> Void)] = [
            (.zoneNotFound, { $0.zone = "us-east-1b" }), (.zoneNotFound, { $0.zone = "eu-west-1a" }),
            (.ec2UnsupportedOperation, { $0.isMultiAttach = true }),
            (.invalidParameterValue, { $0.clientToken = "" }),
            (.invalidParameterValue, { $0.clientToken = String(repeating: "x", count: 65) }),
            (.invalidParameterValue, { $0.clientToken = "tökén" }),
            (.invalidParameterDependency, { $0.key = KeyReference("alias/aws/ebs") }),
            (.tagKeyMalformed, { $0.tags = [Tag(key: "aws:mine", value: "")] }),
        ]
        for (code, change) in cases {
            let request = VolumeHome.request(change)
            #expect(
                await refusal { try await home.volumes.createVolume(request, caller: home.root) }?.code
                    == code
            )
        }
        #expect(try home.home.catalog.volumes().isEmpty)
        #expect(try home.folder.names(in: "home/volumes").isEmpty)
    }
}
