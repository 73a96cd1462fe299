import Coffer
import CofferCatalog
import CofferShapes
import NIOHTTP1
import Testing

@testable import CofferServer

/// Volumes in EC2's words, byte for byte where a client may depend on it.
@Suite struct EC2AnswerTests {
    private func answer(_ query: String, _ subject: ServerSubject) async -> HTTPAnswer {
        await subject.responder.answer(subject.query("\(query)&Version=2016-11-15", service: "ec2"))
    }

    /// The text of the only element of this name.
    private static func text(_ name: String, _ answer: HTTPAnswer) throws -> String {
        let parts = answer.text.split(separator: "<\(name)>", omittingEmptySubsequences: false)
        let rest = try #require(parts.count == 2 ? parts[1] : nil, "\(name) in \(answer.text)")
        return String(rest[..<(try #require(rest.firstRange(of: "</\(name)>")).lowerBound)])
    }

    /// A new volume that is available.
    private func volume(_ parameters: String, _ subject: ServerSubject) async throws -> String {
        let made = await answer("Action=CreateVolume&AvailabilityZone=us-east-1a&\(parameters)", subject)
        #expect(made.status == 200, "\(made.text)")
        #expect(["creating", "available"].contains(try Self.text("status", made)))
        let id = try Self.text("volumeId", made)
        for _ in 0..<1000 {
            let found = await answer("Action=DescribeVolumes&VolumeId.1=\(id)", subject)
            if try Self.text("status", found) == "available" { return id }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw UnexpectedAnswer(text: "volume \(id) did not become available")
    }

    @Test func `an encrypted volume is told with all its members`() async throws {
        let subject = try await ServerSubject()
        let account = subject.home.identity.account
        let id = try await volume(
            "Size=3&Encrypted=true&VolumeType=gp3&TagSpecification.1.ResourceType=volume"
                + "&TagSpecification.1.Tag.1.Key=a%26b&TagSpecification.1.Tag.1.Value=%3Cx%3E",
            subject
        )
        let found = await answer("Action=DescribeVolumes&VolumeId.1=\(id)", subject)
        let (created, key) = (try Self.text("createTime", found), try Self.text("kmsKeyId", found))
        #expect(key.hasPrefix("arn:aws:kms:us-east-1:\(account):key/"))
        #expect(created.utf8.count == 24 && created.hasSuffix("Z"))
        #expect(
            found.text
                == "<DescribeVolumesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
                + "<requestId>\(found.requestID)</requestId><volumeSet><item><volumeId>\(id)</volumeId>"
                + "<volumeArn>arn:aws:ec2:us-east-1:\(account):volume/\(id)</volumeArn><ownerId>\(account)</ownerId>"
                + "<size>3</size><snapshotId></snapshotId><availabilityZone>us-east-1a</availabilityZone>"
                + "<availabilityZoneId>use1-az1</availabilityZoneId><status>available</status>"
                + "<createTime>\(created)</createTime><attachmentSet></attachmentSet><tagSet><item>"
                + "<key>a&amp;b</key><value>&lt;x&gt;</value></item></tagSet><volumeType>gp3</volumeType>"
                + "<iops>3000</iops><throughput>125</throughput><encrypted>true</encrypted><kmsKeyId>\(key)</kmsKeyId>"
                + "<sseType>sse-kms</sseType><multiAttachEnabled>false</multiAttachEnabled></item></volumeSet>"
                + "</DescribeVolumesResponse>"
        )
    }

    @Test func `a volume without encryption names no key and no tags`() async throws {
        let subject = try await ServerSubject()
        let id = try await volume("Size=100", subject)
        let found = await answer("Action=DescribeVolumes&VolumeId.1=\(id)", subject)
        #expect(try Self.text("encrypted", found) == "false")
        #expect(try Self.text("volumeType", found) == "gp2")
        #expect(try Self.text("iops", found) == "300")
        for name in ["kmsKeyId", "tagSet", "throughput", "nextToken"] {
            #expect(!found.text.contains("<\(name)>"), "\(name)")
        }
    }

    @Test func `verbs that give nothing say that it is done`() async throws {
        let subject = try await ServerSubject()
        let id = try await volume("Size=1", subject)
        for query in [
            "Action=CreateTags&ResourceId.1=\(id)&Tag.1.Key=k&Tag.1.Value=v",
            "Action=DeleteTags&ResourceId.1=\(id)&Tag.1.Key=k",
            "Action=ModifyVolumeAttribute&VolumeId=\(id)&AutoEnableIO.Value=true",
            "Action=DeleteVolume&VolumeId=\(id)",
        ] {
            let answer = await answer(query, subject)
            #expect(answer.status == 200, "\(query): \(answer.text)")
            #expect(try Self.text("return", answer) == "true")
        }
        let gone = await answer("Action=DescribeVolumes&VolumeId.1=\(id)", subject)
        #expect(gone.text.contains("<Code>InvalidVolume.NotFound</Code>"))
    }

    @Test func `a volume in pages, and a page's token for other filters`() async throws {
        let subject = try await ServerSubject()
        for _ in 0..<6 { _ = try await volume("Size=1", subject) }
        let first = await answer("Action=DescribeVolumes&MaxResults=5", subject)
        #expect(first.text.split(separator: "<volumeId>").count == 6)
        let token = try Self.text("nextToken", first)
            .replacing("+", with: "%2B").replacing("/", with: "%2F").replacing("=", with: "%3D")
        let second = await answer("Action=DescribeVolumes&MaxResults=5&NextToken=\(token)", subject)
        #expect(second.text.split(separator: "<volumeId>").count == 2)
        #expect(!second.text.contains("<nextToken>"))
        let other = await answer(
            "Action=DescribeVolumes&MaxResults=5&NextToken=\(token)&Filter.1.Name=size&Filter.1.Value.1=1",
            subject
        )
        #expect(other.status == 400)
    }

    @Test func `the host is the one instance`() async throws {
        let subject = try await ServerSubject()
        let found = await answer("Action=DescribeInstances", subject)
        let id = try Self.text("instanceId", found)
        #expect(id.hasPrefix("i-") && id.utf8.count == 19)
        #expect(try Self.text("ownerId", found) == subject.home.identity.account.digits)
        #expect(try Self.text("name", found) == "running")
        let again = await answer("Action=DescribeInstanceStatus&InstanceId.1=\(id)", subject)
        #expect(try Self.text("instanceId", again) == id)
        let none = await answer(
            "Action=DescribeInstances&Filter.1.Name=instance-id&Filter.1.Value.1=i-0*zz",
            subject
        )
        #expect(try Self.text("reservationSet", none).isEmpty)
    }

    @Test func `a dry run ends before anything is done`() async throws {
        let subject = try await ServerSubject()
        for query in [
            "Action=CreateVolume&AvailabilityZone=us-east-1a&Size=1", "Action=DescribeVolumes",
            "Action=DescribeInstances", "Action=DescribeRegions", "Action=DescribeAvailabilityZones",
            "Action=EnableEbsEncryptionByDefault", "Action=GetEbsDefaultKmsKeyId", "Action=DescribeTags",
        ] {
            let answer = await answer("\(query)&DryRun=true", subject)
            #expect(answer.status == 412, "\(query)")
            #expect(
                answer.text.contains(
                    "<Code>DryRunOperation</Code><Message>Request would have succeeded, but DryRun flag is set."
                )
            )
        }
        let found = await answer("Action=DescribeVolumes", subject)
        #expect(try Self.text("volumeSet", found).isEmpty)
    }

    @Test func `an error of the KMS says whose it is`() async throws {
        let subject = try await ServerSubject()
        let answer = await answer(
            "Action=ModifyEbsDefaultKmsKeyId&KmsKeyId=11111111-2222-4333-8444-555555555555",
            subject
        )
        #expect(answer.status == 400)
        #expect(answer.text.contains("<Code>KMS.NotFoundException</Code>"))
    }
}
