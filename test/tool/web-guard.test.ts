// Which addresses may be connected to, and how exceptions are written.
import { describe, expect, test } from "bun:test"
import { AddressGuard } from "../../src/tool/web-guard.ts"

function isOpen(address: string, allowed: string[] = [], { host = "some.example", port = 443 } = {}): boolean {
  return new AddressGuard(allowed).check(address, { host, port }) === undefined
}

describe("without exceptions", () => {
  test.each([
    "8.8.8.8",
    "93.184.215.14",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
  ])("%s is public", (address) => expect(isOpen(address)).toBe(true))
  test.each([
    ...["127.0.0.1", "127.255.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "0.0.0.0"],
    ...[
      "169.254.169.254",
      "169.254.0.1",
      "224.0.0.1",
      "240.0.0.1",
      "255.255.255.255",
      "192.0.2.1",
      "198.18.0.1",
      "192.0.0.1",
    ],
    ...[
      "::1",
      "::",
      "fe80::1",
      "fec0::1",
      "fc00::1",
      "fd00:ec2::254",
      "ff02::1",
      "2001:db8::1",
      "2002:a00:1::",
      "2001::1",
    ],
    ...[
      "::ffff:10.0.0.1",
      "::ffff:a9fe:a9fe",
      "::a00:1",
      "64:ff9b::a00:1",
      "64:ff9b:1::808:808",
      "100::1",
      "5f00::1",
      "4000::1",
    ],
    ...["fe80::1%eth0", "not an address", ""],
  ])("%s is not", (address) => expect(isOpen(address)).toBe(false))
})

describe("exceptions", () => {
  test("by address and port hold for that port", () => {
    expect(isOpen("127.0.0.1", ["127.0.0.1:3000"], { port: 3000 })).toBe(true)
    expect(isOpen("127.0.0.1", ["127.0.0.1:3000"], { port: 3001 })).toBe(false)
    expect(isOpen("127.0.0.1", ["127.0.0.1"], { port: 3001 })).toBe(true)
    expect(isOpen("::1", ["[::1]:3000"], { port: 3000 })).toBe(true)
    expect(isOpen("::1", ["[::1]:3000"], { port: 1 })).toBe(false)
    expect(isOpen("::1", ["::1"])).toBe(true)
  })
  test("by network hold for its addresses, also inside of IPv6", () => {
    expect(isOpen("10.1.2.3", ["10.0.0.0/8"])).toBe(true)
    expect(isOpen("::ffff:10.1.2.3", ["10.0.0.0/8"])).toBe(true)
    expect(isOpen("11.0.0.1", ["10.0.0.0/8"])).toBe(true)
    expect(isOpen("192.168.0.1", ["10.0.0.0/8"])).toBe(false)
    expect(isOpen("fd12::1", ["fd00::/8"])).toBe(true)
    expect(isOpen("10.0.0.1", ["10.0.0.0/8:8080"], { port: 8080 })).toBe(true)
    expect(isOpen("10.0.0.1", ["10.0.0.0/8:8080"])).toBe(false)
  })
  test("by name hold for private addresses of that name", () => {
    expect(isOpen("10.0.0.1", ["wiki.corp.example"], { host: "wiki.corp.example" })).toBe(true)
    expect(isOpen("10.0.0.1", ["Wiki.Corp.Example."], { host: "wiki.corp.example." })).toBe(true)
    expect(isOpen("10.0.0.1", ["corp.example"], { host: "wiki.corp.example" })).toBe(false)
    expect(isOpen("10.0.0.1", ["*.corp.example"], { host: "wiki.corp.example" })).toBe(true)
    expect(isOpen("10.0.0.1", ["*.corp.example"], { host: "corp.example" })).toBe(false)
    expect(isOpen("10.0.0.1", ["*.corp.example"], { host: "evilcorp.example" })).toBe(false)
    expect(isOpen("169.254.1.1", ["*.corp.example"], { host: "wiki.corp.example" })).toBe(false)
  })
  test("for the addresses of credentials must name them one by one", () => {
    const host = "x.corp.example"
    for (const allowed of ["*.corp.example", "169.254.0.0/16", "0.0.0.0/0"])
      expect(isOpen("169.254.169.254", [allowed], { host })).toBe(false)
    expect(isOpen("169.254.169.254", ["169.254.169.254"], { host })).toBe(true)
    expect(isOpen("fd00:ec2::254", ["fd00::/8"], { host })).toBe(false)
  })
  test.each([
    "",
    "*",
    "10.0.0",
    "10.*",
    "10.0.0.0/33",
    "*.",
    "a b",
    "http://x",
    "x:0",
    "x:99999",
    "x:y",
    "[::1",
    "a/8",
    "999.1.1.1",
    "::1%eth0",
  ])("%j is not understood", (entry) => expect(() => new AddressGuard([entry])).toThrow("which is not understood"))
})

test("a listed host is known by its name, address and port", () => {
  const guard = new AddressGuard(["localhost:3000", "10.0.0.0/8"])
  expect(guard.lists({ host: "localhost", port: 3000 })).toBe(true)
  expect(guard.lists({ host: "localhost", port: 80 })).toBe(false)
  expect(guard.lists({ host: "10.1.1.1", port: 80 })).toBe(true)
  expect(guard.lists({ host: "public.example", port: 80 })).toBe(false)
})
