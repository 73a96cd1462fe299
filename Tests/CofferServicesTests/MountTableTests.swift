internal import CofferSystem
internal import Testing

@Suite struct MountTableTests {
    @Test func `mount points with spaces, optional fields and sources are read`() {
        let text = """
            25 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
            57 25 0:39 / /run/coffer/a\\040b/exposed rw,nosuid,nodev - fuse.coffer coffer:vol-0123456789abcdef0 rw
            58 25 7:3 / /mnt/back\\134slash rw shared:9 master:2 - ext4 /dev/loop3 rw

            """
        let entries = MountTable.parse(text)
        #expect(entries.map(\.mountPoint) == ["/", "/run/coffer/a b/exposed", "/mnt/back\\slash"])
        #expect(entries[1].filesystemType == "fuse.coffer" && entries[1].deviceMinor == 39)
        #expect(entries[1].source == "coffer:vol-0123456789abcdef0")
        #expect(entries[2].deviceMajor == 7 && entries[2].deviceMinor == 3)
    }

    @Test(arguments: ["", "\n", "1 2 3", "1 2 x:y / / rw - ext4 a rw", " - ", "1 2 0:1 / /a rw -"])
    func `a line that is none is passed over`(_ line: String) {
        #expect(MountTable.parse(line).isEmpty)
    }

    @Test
    func `a mount whose filesystem turned read-only is the same mount, and another filesystem is another`() {
        let line = "58 25 7:3 / /mnt rw shared:9 - ext4 /dev/loop3 rw,errors=remount-ro"
        let later = MountTable.parse(line + ",emergency_ro")
        #expect(MountTable.parse(line) == later && later.count == 1)
        #expect(MountTable.parse("58 25 7:4 / /mnt rw - ext4 /dev/loop4 rw") != later)
    }
}
