// Gives the disk space in the middle of a file back, by the system call that neither Bun nor Node.js offers. What was
// there reads as zero bytes from then on; the file's size, its other bytes and whoever writes to it are not touched.
import { dlopen, ptr } from "bun:ffi"

type Punch = (file: number, offset: number, length: number) => boolean

/** False when the file system, or this system, cannot do it: then nothing has changed. */
export function punchHole(file: number, { offset, length }: { offset: number; length: number }): boolean {
  known ??= (process.platform === "darwin" ? forMacos() : forLinux()) ?? (() => false)
  return known(file, offset, length)
}

let known: Punch | undefined

/** fallocate(2): FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE. glibc's name, then musl's. */
function forLinux(): Punch | undefined {
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64"
  const symbols = { fallocate: { args: ["i32", "i32", "i64", "i64"], returns: "i32" } } as const
  for (const name of ["libc.so.6", `libc.musl-${arch}.so.1`])
    try {
      const libc = dlopen(name, symbols)
      return (file, offset, length) => libc.symbols.fallocate(file, 3, offset, length) === 0
    } catch {
      // Not that C library.
    }
  return undefined
}

/**
 * fcntl(2) with F_PUNCHHOLE (99) and a struct of two 32-bit and two 64-bit numbers: flags, reserved, offset, length.
 * fcntl takes its third argument as one of "any number more", which Apple's arm64 passes on the stack: behind the eight
 * that registers hold. On x86-64 the third register counts.
 */
function forMacos(): Punch | undefined {
  const args = ["i32", "i32", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr"] as const
  try {
    const libc = dlopen("libSystem.B.dylib", { fcntl: { args, returns: "i32" } })
    return (file, offset, length) => {
      const hole = new BigInt64Array([0n, BigInt(offset), BigInt(length)])
      const at = ptr(hole)
      return libc.symbols.fcntl(file, 99, at, at, at, at, at, at, at) === 0
    }
  } catch {
    return undefined
  }
}
