import Foundation
import Glibc
import Testing

@testable import CofferBench

struct PeerTests {
    @Test func `every peer has a name of its own, and a package for each program`() {
        #expect(Set(Peer.all.map(\.name)).count == Peer.all.count)
        // What their files are called by.
        #expect(Set(Peer.all.map { $0.name.filter(\.isLetter) }).count == Peer.all.count)
        for peer in Peer.all {
            #expect(!peer.programs.isEmpty && !peer.cipher.isEmpty)
            #expect(peer.programs.allSatisfy { !$0.name.isEmpty && !$0.package.isEmpty })
        }
        for name in ["qemu", "nbdkit", "gocryptfs", "cryfs", "securefs"] {
            #expect(Peer.all.contains { $0.name.hasPrefix(name) })
        }
    }

    @Test func `what is missing is named once, and nothing else`() {
        let programs = [
            Peer.Program(name: "sh", package: "dash"),
            Peer.Program(name: "coffer-no-such-program", package: "no-such"),
            Peer.Program(name: "coffer-nor-this-one", package: "no-such"),
        ]
        #expect(programs.missingPackages == ["no-such"])
        #expect([programs[0]].missingPackages.isEmpty)
    }

    @Test func `loads have names of their own`() {
        #expect(Set(PeersBench.loadNames).count == PeersBench.loadNames.count)
        #expect(PeersBench.loadNames.contains("randread-4k-d16"))
    }

    @Test func `a passphrase is 64 digits and never the same`() {
        let passphrases = Set((0..<100).map { _ in Passphrase.random() })
        #expect(passphrases.count == 100)
        #expect(passphrases.allSatisfy { $0.count == 64 && $0.allSatisfy(\.isHexDigit) })
    }

    @Test func `a process's family is itself and all below it`() throws {
        let own = try ProcessFigures.family(of: getpid())
        #expect(own.first == getpid())
        #expect(try ProcessFigures.family(of: getppid()).contains(getpid()))
    }
}
