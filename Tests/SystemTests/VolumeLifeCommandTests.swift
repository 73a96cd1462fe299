import CofferTesting
import Foundation
import Testing

/// The commands of a volume's life that need no mount: what they print, refuse, and exit with.
@Suite struct VolumeLifeCommandTests {
    private func object(_ outcome: CofferProgram.Outcome) throws -> [String: Any] {
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try #require(try JSONSerialization.jsonObject(with: outcome.outputBytes) as? [String: Any])
    }

    @Test func `create takes type, performance and tags, and ls finds volumes by them`() throws {
        let coffer = try CofferProgram()
        let made = try object(
            coffer.run(
                "volume",
                "create",
                "--name",
                "data",
                "--size",
                "100GiB",
                "--type",
                "io2",
                "--iops",
                "1000",
                "--tag",
                "env=prod-1",
                "--tag",
                "team=red",
                "--output",
                "json"
            )
        )
        #expect(
            made["VolumeType"] as? String == "io2" && made["Iops"] as? Int == 1000
                && made["Size"] as? Int == 100
        )
        #expect(made["Encrypted"] as? Bool == true && made["SseType"] as? String == "sse-kms")
        #expect(made["AvailabilityZone"] as? String == "us-east-1a" && made["SnapshotId"] as? String == "")
        #expect((made["VolumeArn"] as? String)?.hasSuffix("volume/\(made["VolumeId"] ?? "")") == true)
        let tags = try #require(made["Tags"] as? [[String: String]])
        #expect(
            tags == [
                ["Key": "Name", "Value": "data"], ["Key": "env", "Value": "prod-1"],
                ["Key": "team", "Value": "red"],
            ]
        )
        let other = try coffer.succeed("volume", "create", "--size", "1GiB")
        let id = try #require(made["VolumeId"] as? String)
        for (filter, found) in [
            ("tag:env=prod*", [id]), ("size=100,1", [id, other]), ("volume-type=gp?", [other]),
            ("tag:env=test", []),
            ("status=available", [id, other]), ("encrypted=false", []),
        ] {
            let rows = try coffer.succeed("volume", "ls", "--filter", filter).split(separator: "\n")
            #expect(rows.map { String($0.prefix(21)) } == found, "\(filter)")
        }
        #expect(try coffer.succeed("volume", "show", "data").contains("Type\tio2, 1000 IOPS\n"))
        let both = try coffer.succeed("volume", "ls", "--filter", "size=1", "--filter", "volume-type=io2")
        #expect(both.isEmpty)
    }

    @Test(arguments: [
        (["create", "--size", "1GiB", "--type", "gp9"], 2, "gp9"),
        (["create", "--size", "1GiB", "--type", "gp2", "--iops", "100"], 2, "InvalidParameterCombination"),
        (["create", "--size", "10GiB", "--type", "io1"], 2, "MissingParameter"),
        (["create", "--size", "1GiB", "--type", "st1"], 2, "InvalidParameterValue"),
        (["create", "--size", "1GiB", "--throughput", "3000"], 2, "InvalidParameterValue"),
        (["create", "--size", "1GiB", "--tag", "aws:x=1"], 2, "InvalidTagKey.Malformed"),
        (["create", "--size", "1GiB", "--tag", "x"], 2, "--tag"),
        (["ls", "--filter", "colour=red"], 2, "InvalidParameterValue"),
        (["ls", "--filter", "red"], 2, "--filter"),
        (["modify", "data"], 2, "--size"),
        (["modify", "data", "--size", "8MiB"], 2, "InvalidParameterValue"),
        (["modify", "none", "--size", "2GiB"], 4, "InvalidVolume.NotFound"),
        (["rekey", "data", "--key", "alias/none"], 4, "NotFoundException"),
        (["rekey", "none", "--key", "alias/aws/ebs"], 4, "InvalidVolume.NotFound"),
        (["tag", "none", "a=b"], 4, "InvalidVolume.NotFound"), (["untag", "data"], 2, "tag key"),
        (["events", "none"], 4, "InvalidVolume.NotFound"),
        (["defaults", "--key", "alias/none"], 4, "NotFoundException"),
        (["defaults", "--key", "x", "--reset-key"], 2, "--reset-key"),
        (["attach", "data", "--device", "/etc/passwd"], 2, "InvalidParameterValue"),
    ])
    func `what cannot be is refused with its code and the right exit`(
        _ arguments: [String],
        _ code: Int,
        _ words: String
    ) throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB")
        let outcome = try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer",
            ["volume"] + arguments,
            environment: ["COFFER_HOME": coffer.home]
        )
        #expect(
            Int(outcome.code) == code && outcome.errors.contains(words),
            "\(outcome.code) \(outcome.errors)"
        )
        #expect(outcome.output.isEmpty)
    }

    @Test func `a volume is renamed and tagged, and its tags taken away`() throws {
        let coffer = try CofferProgram()
        let id = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB")
        _ = try coffer.succeed("volume", "tag", "data", "Name=archive", "env=prod")
        #expect(try coffer.succeed("volume", "tag", "archive") == "Name\tarchive\nenv\tprod")
        _ = try coffer.succeed("volume", "untag", "archive", "env", "Name", "none")
        #expect(try coffer.run("volume", "show", "archive").code == 4)
        let json = try object(coffer.run("volume", "tag", id, "--output", "json"))
        #expect((json["Tags"] as? [Any])?.isEmpty == true)
        // Two of one name: neither is meant by it.
        _ = try coffer.succeed("volume", "tag", id, "Name=twin")
        let other = try coffer.succeed("volume", "create", "--size", "16MiB", "--tag", "Name=twin")
        let refused = try coffer.run("volume", "rm", "twin", "--yes")
        #expect(refused.code == 2 && refused.errors.contains("2 volumes are named 'twin'"))
        #expect(try coffer.run("volume", "create", "--name", "twin", "--size", "16MiB").code == 2)
        _ = try coffer.succeed("volume", "rm", other, "--yes")
        #expect(try coffer.succeed("volume", "show", "twin").contains(id))
    }

    @Test func `a volume is moved to another key, and opens by that one alone`() throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("key", "create", "--alias", "old")
        let new = try coffer.succeed("key", "create", "--alias", "new")
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB", "--key", "alias/old")
        _ = try coffer.succeed("volume", "rekey", "data", "--key", "alias/new")
        _ = try coffer.succeed("key", "disable", "alias/old")
        #expect(try coffer.succeed("volume", "check", "data").hasPrefix("clean"))
        #expect(try coffer.succeed("volume", "show", "data").contains("key/\(new)\n"))
        #expect(try coffer.succeed("volume", "events", "data").contains("rekeyVolume\tcompleted"))
    }

    @Test(arguments: [["rekey", "data", "--key", "alias/new"], ["repair", "data"]])
    func `a rekey that was killed half-way leaves a volume that opens, and the next one or a repair ends it`(
        _ ending: [String]
    ) throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("key", "create", "--alias", "old")
        let new = try coffer.succeed("key", "create", "--alias", "new")
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB", "--key", "alias/old")
        let killed = try coffer.run(
            "volume",
            "rekey",
            "data",
            "--key",
            "alias/new",
            environment: ["COFFER_TEST_KILL_AFTER": "rewrapBegun"]
        )
        #expect(killed.code == 128 + SIGKILL)
        let check = try coffer.run("volume", "check", "data")
        #expect(check.code == 1 && check.output.contains("rewrapUnfinished"))
        let ended = try CofferProgram.execute(
            "\(CofferProgram.programs)/coffer",
            ["volume"] + ending + ["--home", coffer.home]
        )
        #expect(ended.code == 0, "\(ended.errors)")
        #expect(try coffer.succeed("volume", "check", "data").hasPrefix("clean"))
        _ = try coffer.succeed("key", "disable", "alias/old")
        #expect(try coffer.succeed("volume", "check", "data").hasPrefix("clean"))
        #expect(try coffer.succeed("volume", "show", "data").contains("key/\(new)\n"))
    }

    @Test func `the default key is the one of new volumes, until it is taken back`() throws {
        let coffer = try CofferProgram()
        let key = try coffer.succeed("key", "create", "--alias", "app")
        #expect(
            try coffer.succeed("volume", "defaults")
                == "Encryption by default\toff\nDefault KMS key\talias/aws/ebs"
        )
        _ = try coffer.succeed("volume", "defaults", "--encryption-by-default", "on", "--key", "alias/app")
        let set = try object(coffer.run("volume", "defaults", "--output", "json"))
        #expect(set["EbsEncryptionByDefault"] as? Bool == true)
        #expect((set["KmsKeyId"] as? String)?.hasSuffix("key/\(key)") == true)
        let made = try object(coffer.run("volume", "create", "--size", "16MiB", "--output", "json"))
        #expect(made["KmsKeyId"] as? String == set["KmsKeyId"] as? String)
        _ = try coffer.succeed("volume", "defaults", "--reset-key", "--encryption-by-default", "off")
        #expect(try coffer.succeed("volume", "defaults").hasSuffix("\toff\nDefault KMS key\talias/aws/ebs"))
    }

    @Test func `another user may what its policy says, and nothing else`() throws {
        let coffer = try CofferProgram()
        _ = try coffer.succeed("volume", "create", "--name", "data", "--size", "16MiB")
        _ = try coffer.succeed("user", "create", "bob")
        let denied = try coffer.run("volume", "ls", "--as", "bob")
        #expect(denied.code == 3 && denied.errors.contains("UnauthorizedOperation") && denied.output.isEmpty)
        let policy = coffer.folder.path("policy.json")
        let text =
            #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}}"#
        try Data(text.utf8).write(to: URL(fileURLWithPath: policy))
        _ = try coffer.succeed("user", "policy", "put", "bob", "look", policy)
        #expect(try coffer.succeed("volume", "ls", "--as", "bob").contains("data"))
        #expect(try coffer.run("volume", "rm", "data", "--yes", "--as", "bob").code == 3)
        #expect(try coffer.run("volume", "tag", "data", "a=b", "--as", "bob").code == 3)
    }

    @Test func `a creation that fails tells why in the events, which outlive their volume`() throws {
        let coffer = try CofferProgram()
        let key = try coffer.succeed("key", "create", "--alias", "app")
        _ = try coffer.succeed("key", "disable", "alias/app")
        #expect(try coffer.run("volume", "create", "--size", "16MiB", "--key", "alias/app").code == 5)
        let failed = try object(coffer.run("volume", "events", "--output", "json"))
        let event = try #require((failed["Events"] as? [[String: String]])?.last)
        #expect(event["Event"] == "createVolume" && event["Result"] == "failed")
        #expect(event["Cause"]?.hasPrefix("Client.InvalidKmsKey.InvalidKeyState: ") == true)
        #expect(event["Cause"]?.contains(key) == true)
        let id = try coffer.succeed("volume", "create", "--size", "16MiB")
        _ = try coffer.succeed("volume", "rm", id, "--yes")
        let rows = try coffer.succeed("volume", "events", id).split(separator: "\n").map {
            $0.split(separator: "\t")[2]
        }
        #expect(rows == ["createVolume", "deleteVolume"])
        #expect(try coffer.succeed("volume", "events", "--limit", "1").contains("deleteVolume"))
    }
}
