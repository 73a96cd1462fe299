internal import Coffer
internal import CofferBlock
internal import CofferCatalog
internal import CofferEBS
internal import CofferKMS
internal import CofferShapes
internal import CofferTesting
internal import Testing

/// Moving a volume to another KMS key.
@Suite struct VolumeRekeyTests {
    private func header(_ home: VolumeHome, _ id: VolumeID) throws -> VolumeHeader {
        let store = try FileBlockStore(path: home.folder.path("home/volumes/\(id).coffer"), .readOnly)
        return try VolumeImage.unverifiedHeader(of: store)
    }

    @Test func `a volume is opened by the new key alone, and its data's key is the same`() async throws {
        let home = try await VolumeHome()
        let (old, new) = (try await home.key(), try await home.key())
        let volume = try await home.volume(key: old)
        let before = try header(home, volume.id)
        let moved = try await home.volumes.rekeyVolume(volume.id.text, to: .id(new.keyID), caller: home.root)
        #expect(moved.kmsKeyARN == new.arn)
        let after = try header(home, volume.id)
        #expect(after.uuid == before.uuid && after.salt == before.salt && after.state == .ready)
        #expect(after.slots.compactMap { $0 }.map(\.wrapped.keyARN) == [new.arn])
        try await home.home.keyManagement().disableKey(.id(old.keyID), caller: home.root)
        #expect(try await home.volumes.checkVolume(volume.id.text, caller: home.root).isClean)
        // Again is fine, and changes nothing.
        _ = try await home.volumes.rekeyVolume(volume.id.text, to: .id(new.keyID), caller: home.root)
        #expect(try header(home, volume.id).sequence == after.sequence)
    }

    @Test func `a volume that nobody asked to have encrypted can be moved under a KMS key`() async throws {
        let home = try await VolumeHome()
        let key = try await home.key()
        let plain = try await home.volumes.createVolume(VolumeHome.request(), caller: home.root)
        let moved = try await home.volumes.rekeyVolume(plain.id.text, to: .id(key.keyID), caller: home.root)
        #expect(moved.isEncrypted && moved.kmsKeyARN == key.arn)
        #expect(try await home.volumes.checkVolume(plain.id.text, caller: home.root).isClean)
    }

    @Test func `a key that cannot be used changes nothing`() async throws {
        let home = try await VolumeHome()
        let old = try await home.key()
        let volume = try await home.volume(key: old)
        let before = try home.folder.bytes("home/volumes/\(volume.id).coffer")
        let kms = try await home.home.keyManagement()
        let disabled = try await home.key()
        try await kms.disableKey(.id(disabled.keyID), caller: home.root)
        let rsa = try await home.key(.rsa2048, usage: .encryptDecrypt)
        for (key, code) in [
            (KeyReference.id(disabled.keyID), AWSError.Code.disabled),
            (.id(rsa.keyID), .invalidParameterValue),
            (KeyReference("alias/none"), .notFound),
        ] {
            let error = await refusal {
                try await home.volumes.rekeyVolume(volume.id.text, to: key, caller: home.root)
            }
            #expect(error?.code == code)
        }
        #expect(try home.folder.bytes("home/volumes/\(volume.id).coffer") == before)
        #expect(try await home.now(volume.id.text).kmsKeyARN == old.arn)
    }

    @Test func `leave is needed for both keys`() async throws {
        let home = try await VolumeHome()
        let (old, new) = (try await home.key(), try await home.key())
        let volume = try await home.volume(key: old)
        let ec2 = #"{"Effect":"Allow","Action":["ec2:*","kms:DescribeKey","kms:Decrypt"],"Resource":"*"}"#
        let statements = [
            #"{"Effect":"Allow","Action":"kms:ReEncryptFrom","Resource":"\#(old.arn)"}"#,
            #"{"Effect":"Allow","Action":"kms:ReEncryptTo","Resource":"\#(new.arn)"}"#,
        ]
        for (name, part) in [("from", [statements[0]]), ("to", [statements[1]])] {
            let user = try await home.user(name, ([ec2] + part).joined(separator: ","))
            let error = await refusal {
                try await home.volumes.rekeyVolume(volume.id.text, to: .id(new.keyID), caller: user)
            }
            #expect(error?.code == .accessDenied, "\(name)")
        }
        let user = try await home.user("both", ([ec2] + statements).joined(separator: ","))
        _ = try await home.volumes.rekeyVolume(volume.id.text, to: .id(new.keyID), caller: user)
    }
}
