import CofferShapes
import Testing

@testable import CofferServer

/// The small words of EC2: zones, operations.
@Suite struct EC2WordTests {
    @Test(arguments: [
        ("us-east-1", "use1-az1"), ("ap-southeast-2", "apse2-az1"), ("eu-central-1", "euc1-az1"),
        ("us-gov-west-1", "usgw1-az1"), ("local", "local-az1"), ("a-b-c", "abc-az1"),
    ]) func `a zone's id is made as AWS makes them`(_ region: String, _ id: String) throws {
        #expect(EC2Call.zoneID(of: try #require(Region(region))) == id)
    }

    @Test func `every operation has its name and its place in the table`() {
        for operation in EC2Operation.allCases {
            #expect(EC2Operation(action: operation.name) == operation)
            #expect(EC2Inputs.members(of: operation).last?.name == "DryRun")
        }
        #expect(EC2Operation(action: "describeVolumes") == nil)
    }
}
